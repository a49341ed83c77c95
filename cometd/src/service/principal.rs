//! The principal of the sender as an argument.

use super::call::Call;
use super::extract::{FromCall, Rejection};
use crate::protocol::BayeuxError;
use crate::server::Principal;

/// Whom the sender's session belongs to. A message of a session without a principal is refused with
/// `401::authentication_missing`, and the handler is not called; a handler that serves both takes
/// `&ServerSession` and looks at its [`principal`](crate::ServerSession::principal).
impl FromCall<'_> for Principal {
    fn from_call(call: &Call<'_>) -> Result<Self, Rejection> {
        let principal = call.sender().ok_or(Rejection::Skip)?.principal();
        principal.ok_or(Rejection::Refuse(BayeuxError::AuthenticationMissing))
    }
}
