//! Return values of `#[remote_call]` methods.

use std::ops::Deref;

use serde::Serialize;

use super::failure::{Answer, IntoFailure};
use crate::protocol::RawJson;
use crate::server::HandlerError;

/// What a method returned, of which is to be found out whether it is a `Result`.
///
/// `Result` serialises, too, so no trait can tell it from other values. Methods can: one of the type itself
/// is found before one of the type that it dereferences to.
#[derive(Debug)]
pub struct Returned<T>(Plain<T>);

impl<T> Returned<T> {
    /// Wraps the value of a method.
    pub const fn new(value: T) -> Self {
        Self(Plain(value))
    }
}

impl<T, E> Returned<Result<T, E>> {
    /// It is a `Result`.
    pub fn returned_kind(self) -> Fallible<T, E> {
        Fallible(self.0.0)
    }
}

/// What a method returned that is no `Result`.
#[derive(Debug)]
pub struct Plain<T>(T);

impl<T> Plain<T> {
    /// It is no `Result`.
    pub const fn returned_kind(&self) -> &Self {
        self
    }
}

impl<T> Deref for Returned<T> {
    type Target = Plain<T>;

    fn deref(&self) -> &Plain<T> {
        &self.0
    }
}

/// The `Result` that a method returned.
#[derive(Debug)]
pub struct Fallible<T, E>(Result<T, E>);

/// What a method returned, as an answer.
pub trait IntoAnswer {
    /// Converts.
    fn into_answer(self) -> Answer;
}

impl<T: AsResult> IntoAnswer for &Plain<T> {
    fn into_answer(self) -> Answer {
        answer(&self.0)
    }
}

impl<T: AsResult, E: IntoFailure> IntoAnswer for Fallible<T, E> {
    fn into_answer(self) -> Answer {
        match self.0 {
            Ok(value) => answer(&value),
            Err(error) => Answer::Failed(error.into_failure()),
        }
    }
}

fn answer(value: &impl AsResult) -> Answer {
    match value.as_result() {
        Ok(data) => Answer::Succeeded(data),
        Err(error) => Answer::Failed(HandlerError::from(error).into_failure()),
    }
}

/// What can be the result of a remote call: anything that serialises, or a [`RawJson`] as it stands.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the result of a remote call",
    label = "does not implement `serde::Serialize`",
    note = "return what implements `serde::Serialize` or is a `RawJson`, or a `Result` of it",
    note = "a method that waits is an `async fn`"
)]
pub trait AsResult {
    /// The value as JSON text.
    ///
    /// # Errors
    /// The value does not serialise.
    fn as_result(&self) -> Result<RawJson, serde_json::Error>;
}

#[diagnostic::do_not_recommend]
impl<T: Serialize> AsResult for T {
    fn as_result(&self) -> Result<RawJson, serde_json::Error> {
        RawJson::of(self)
    }
}

impl AsResult for RawJson {
    fn as_result(&self) -> Result<RawJson, serde_json::Error> {
        Ok(self.clone())
    }
}

/// What a method that has a `Caller` may return.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be returned by a `#[remote_call]` method that has a `Caller`",
    label = "the `Caller` answers",
    note = "return nothing, or a `Result<(), E>` whose error is the failure if the `Caller` has not answered"
)]
pub trait IntoAcceptance {
    /// Converts.
    fn into_acceptance(self) -> Answer;
}

impl IntoAcceptance for () {
    fn into_acceptance(self) -> Answer {
        Answer::ByCaller
    }
}

#[diagnostic::do_not_recommend]
impl<E: IntoFailure> IntoAcceptance for Result<(), E> {
    fn into_acceptance(self) -> Answer {
        match self {
            Ok(()) => Answer::ByCaller,
            Err(error) => Answer::Failed(error.into_failure()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::Failure;

    #[track_caller]
    fn check(answer: Answer, successful: bool, expected: &str) {
        let (data, found) = match answer {
            Answer::Succeeded(data) => (data, true),
            Answer::Failed(failure) => (failure.into_parts().0, false),
            Answer::ByCaller | Answer::NotMeant => panic!("{answer:?}"),
        };
        assert_eq!((data.as_str(), found), (expected, successful));
    }

    #[test]
    fn a_result_is_told_from_values_that_serialise() {
        check(Returned::new(7).returned_kind().into_answer(), true, "7");
        check(
            Returned::new(()).returned_kind().into_answer(),
            true,
            "null",
        );
        check(
            Returned::new(RawJson::NULL).returned_kind().into_answer(),
            true,
            "null",
        );
        check(
            Returned::new(Some(vec!["a"])).returned_kind().into_answer(),
            true,
            r#"["a"]"#,
        );
        type Alias<T> = Result<T, Failure>;
        check(
            Returned::new(Alias::Ok(7)).returned_kind().into_answer(),
            true,
            "7",
        );
        let failed = Alias::<u8>::Err(Failure::new("no"));
        check(
            Returned::new(failed).returned_kind().into_answer(),
            false,
            r#""no""#,
        );
    }

    #[test]
    fn a_result_that_does_not_serialise_is_a_failure() {
        let no_text_keys = std::collections::HashMap::from([((1, 2), 3)]);
        let failure = r#"{"class":"handler_failed","message":null}"#;
        check(
            Returned::new(no_text_keys).returned_kind().into_answer(),
            false,
            failure,
        );
    }
}
