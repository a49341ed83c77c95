//! What the compiler says to users of the attributes. What it accepts is the target `ui_pass`.

/// Every file in `ui/fail` is one mistake, and the `.stderr` beside it what the user reads.
#[test]
fn mistakes_are_explained_where_they_are() {
    trybuild::TestCases::new().compile_fail("ui/fail/*.rs");
}
