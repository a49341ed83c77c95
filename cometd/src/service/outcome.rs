//! Return values of handlers.

use super::extract::{FromRejection, Rejection};
use crate::server::{Flow, HandlerError, Outcome};

/// What a `#[listener]` method may return.
///
/// | returned | meaning |
/// | --- | --- |
/// | `()`, `true`, `Flow::Continue` | the message goes on |
/// | `false`, `Flow::Stop` | the message is vetoed; its sender is told `404::message_deleted` |
/// | `Err(_)` | nothing is published; the error is logged, the sender is told `500::handler_failed` |
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be returned by a `#[listener]` method",
    label = "not what the server can use",
    note = "return nothing, a `bool`, a `Flow`, or a `Result` of one of these whose error is a `HandlerError` or a `std::error::Error`",
    note = "a method that waits is an `async fn`"
)]
pub trait IntoOutcome {
    /// Converts.
    fn into_outcome(self) -> Outcome;
}

impl IntoOutcome for () {
    fn into_outcome(self) -> Outcome {
        Outcome::Continue
    }
}

impl IntoOutcome for bool {
    fn into_outcome(self) -> Outcome {
        Flow::from(self).into()
    }
}

impl IntoOutcome for Flow {
    fn into_outcome(self) -> Outcome {
        self.into()
    }
}

#[diagnostic::do_not_recommend]
impl<T: IntoOutcome, E: Into<HandlerError>> IntoOutcome for Result<T, E> {
    fn into_outcome(self) -> Outcome {
        match self {
            Ok(value) => value.into_outcome(),
            Err(error) => Outcome::Fail(error.into()),
        }
    }
}

impl FromRejection for Outcome {
    fn from_rejection(rejection: Rejection) -> Self {
        match rejection {
            Rejection::Skip => Self::Continue,
            Rejection::Refuse(error) => Self::Refuse(error),
        }
    }
}
