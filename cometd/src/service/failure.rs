//! What the caller of a remote call is told when it fails.

use serde_json::json;

use super::extract::{FromRejection, Rejection};
use crate::protocol::{BayeuxError, IntoData, RawJson};
use crate::server::HandlerError;

/// What the caller of a remote call that failed gets as `data`, beside `"successful": false`.
#[derive(Debug)]
pub struct Failure {
    data: RawJson,
    /// What is logged and not told.
    reason: Option<HandlerError>,
}

impl Failure {
    /// Tells the caller this. Data that does not serialise is logged, and the caller learns only that the
    /// call failed.
    #[must_use]
    pub fn new(data: impl IntoData) -> Self {
        match data.into_data() {
            Ok(data) => Self { data, reason: None },
            Err(error) => HandlerError::from(error).into_failure(),
        }
    }

    /// The shape that CometD gives to failures of its own (`services.md` 2.6.33).
    pub(super) fn of_class(class: &str, message: Option<&str>) -> Self {
        Self::new(json!({"class": class, "message": message}))
    }

    /// Why the handler was not called, in words that Bayeux has for it: `400:text:class`.
    pub(super) fn refused(error: &BayeuxError) -> Self {
        let text = error.to_string();
        let mut parts = text.splitn(3, ':').skip(1);
        let message = parts.next().filter(|it| !it.is_empty());
        Self::of_class(parts.next().unwrap_or(&text), message)
    }

    pub(super) fn into_parts(self) -> (RawJson, Option<HandlerError>) {
        (self.data, self.reason)
    }
}

/// An error type of `#[remote_call]` methods, which chooses what the caller sees.
///
/// ```
/// use cometd::{Failure, IntoFailure};
/// use serde_json::json;
///
/// enum HistoryError {
///     NoSuchRoom,
///     TooLong { limit: u32 },
/// }
///
/// impl IntoFailure for HistoryError {
///     fn into_failure(self) -> Failure {
///         match self {
///             Self::NoSuchRoom => Failure::new(json!({"reason": "no such room"})),
///             Self::TooLong { limit } => Failure::new(json!({"reason": "too long", "limit": limit})),
///         }
///     }
/// }
/// ```
///
/// A [`HandlerError`], into which `?` converts every other error, tells the caller nothing but
/// `{"class": "handler_failed", "message": null}`, and is logged with the place of the method.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not say what the caller of a remote call sees",
    label = "the error type does not implement `IntoFailure`",
    note = "implement `cometd::IntoFailure` for it, or return a `Result<_, HandlerError>`, into which `?` converts any error"
)]
pub trait IntoFailure {
    /// What the caller sees.
    fn into_failure(self) -> Failure;
}

impl IntoFailure for Failure {
    fn into_failure(self) -> Failure {
        self
    }
}

impl IntoFailure for HandlerError {
    fn into_failure(self) -> Failure {
        Failure {
            reason: Some(self),
            ..Failure::of_class("handler_failed", None)
        }
    }
}

/// What became of a remote call when its method has returned.
#[derive(Debug)]
#[non_exhaustive]
pub enum Answer {
    /// This is the result.
    Succeeded(RawJson),
    /// This is the failure.
    Failed(Failure),
    /// Whoever has the `Caller` answers.
    ByCaller,
    /// The method was not meant.
    NotMeant,
}

impl FromRejection for Answer {
    fn from_rejection(rejection: Rejection) -> Self {
        match rejection {
            Rejection::Skip => Self::NotMeant,
            Rejection::Refuse(error) => Self::Failed(Failure::refused(&error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(failure: Failure, expected: &str) {
        assert_eq!(failure.into_parts().0.as_str(), expected);
    }

    #[test]
    fn a_refusal_is_told_in_the_shape_of_a_failure() {
        // services.md 2.6.33
        let detail = "user is missing".to_owned();
        check(
            Failure::refused(&BayeuxError::DataInvalid { detail }),
            r#"{"class":"data_invalid","message":"user is missing"}"#,
        );
        check(
            Failure::refused(&BayeuxError::HandlerFailed),
            r#"{"class":"handler_failed","message":null}"#,
        );
    }

    #[test]
    fn an_error_of_the_application_leaks_nothing() {
        let failure = HandlerError::new("the password is wrong").into_failure();
        check(failure, r#"{"class":"handler_failed","message":null}"#);
    }

    #[test]
    fn a_failure_that_does_not_serialise_is_still_a_failure() {
        let no_text_keys = std::collections::HashMap::from([((1, 2), 3)]);
        let (data, reason) = Failure::new(no_text_keys).into_parts();
        assert_eq!(
            data.as_str(),
            r#"{"class":"handler_failed","message":null}"#
        );
        assert!(reason.is_some());
    }
}
