//! What the compiler says to users of the attributes.

/// Every file in `ui/fail` is one mistake, and the `.stderr` beside it what the user reads.
#[test]
fn mistakes_are_explained_where_they_are() {
    let cases = trybuild::TestCases::new();
    cases.pass("ui/pass/*.rs");
    cases.compile_fail("ui/fail/*.rs");
}
