//! Arguments of handlers.

use std::ops::{Deref, DerefMut};
use std::str::FromStr;
use std::sync::Arc;

use serde::Deserialize;

use super::call::Call;
use super::payload;
use crate::protocol::BayeuxError;
use crate::server::{BayeuxServer, Context, LocalSession, ServerSession};

/// Why a handler is not called.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Rejection {
    /// The handler is not meant: the message goes on as if there were no such handler.
    Skip,
    /// The message is refused with this error.
    Refuse(BayeuxError),
}

impl From<BayeuxError> for Rejection {
    fn from(error: BayeuxError) -> Self {
        Self::Refuse(error)
    }
}

/// What a row has for a message: what the method made of it, or why it was not called.
pub trait FromRejection {
    /// Converts.
    fn from_rejection(rejection: Rejection) -> Self;
}

/// An argument that a handler takes by value; implement it for your own.
///
/// ```
/// use cometd::{Call, FromCall, Rejection};
///
/// /// The number of bytes of the payload.
/// struct Size(usize);
///
/// impl<'c> FromCall<'c> for Size {
///     fn from_call(call: &'c Call<'_>) -> Result<Self, Rejection> {
///         Ok(Self(call.message().data().as_str().len()))
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an argument that a handler can take",
    label = "not taken from a call",
    note = "handlers take `&ServerSession`, `&LocalSession`, `&Context`, `&Message`, `&mut Message`, `Data<T>`, `State<T>`, `Attribute<T>`, `ServerSession`, `BayeuxServer`, an `Option` of these, template parameters by name, and what implements `FromCall`"
)]
pub trait FromCall<'c>: Sized {
    /// Takes the argument from the call, borrowing from it where it can.
    ///
    /// # Errors
    /// The handler is not meant, or the message has to be refused.
    fn from_call(call: &'c Call<'_>) -> Result<Self, Rejection>;
}

/// An argument that a handler takes by reference.
#[diagnostic::on_unimplemented(
    message = "`&{Self}` is not an argument that a handler can take",
    label = "not taken from a call",
    note = "by reference, handlers take `&ServerSession`, `&LocalSession`, `&Context`, `&Message`, `&mut Message` and `&str` template parameters"
)]
pub trait Lend {
    /// Lends the argument.
    ///
    /// # Errors
    /// The handler is not meant: there is no such thing in this call.
    fn lend<'a>(call: &Call<'a>) -> Result<&'a Self, Rejection>;
}

/// An argument that is made of the text which a channel has for a variable of the handler's template:
/// everything that implements [`FromStr`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be made of a template parameter",
    label = "does not implement `FromStr`",
    note = "implement `std::str::FromStr` for it, or take `&str`"
)]
pub trait FromParameter: Sized {
    /// The value of a text, if it has one.
    fn from_parameter(text: &str) -> Option<Self>;
}

#[diagnostic::do_not_recommend]
impl<T: FromStr> FromParameter for T {
    fn from_parameter(text: &str) -> Option<Self> {
        text.parse().ok()
    }
}

/// The sender. A handler that takes it is not called for what server code publishes without one;
/// take an `Option<ServerSession>` to see that, too.
impl Lend for ServerSession {
    fn lend<'a>(call: &Call<'a>) -> Result<&'a Self, Rejection> {
        call.sender().ok_or(Rejection::Skip)
    }
}

impl Lend for LocalSession {
    fn lend<'a>(call: &Call<'a>) -> Result<&'a Self, Rejection> {
        Ok(call.session())
    }
}

/// The request that carried the message; for what code of the server publishes, one without headers.
impl Lend for Context {
    fn lend<'a>(call: &Call<'a>) -> Result<&'a Self, Rejection> {
        Ok(call.context())
    }
}

impl FromCall<'_> for BayeuxServer {
    fn from_call(call: &Call<'_>) -> Result<Self, Rejection> {
        call.server()
            .ok_or(Rejection::Refuse(BayeuxError::HandlerFailed))
    }
}

/// The sender, as [`&ServerSession`](#impl-Lend-for-ServerSession), but to keep.
impl FromCall<'_> for ServerSession {
    fn from_call(call: &Call<'_>) -> Result<Self, Rejection> {
        Self::lend(call).cloned()
    }
}

/// `None` where the handler would not be called without this argument.
#[diagnostic::do_not_recommend]
impl<'c, T: FromCall<'c>> FromCall<'c> for Option<T> {
    fn from_call(call: &'c Call<'_>) -> Result<Self, Rejection> {
        match T::from_call(call) {
            Ok(value) => Ok(Some(value)),
            Err(Rejection::Skip) => Ok(None),
            Err(Rejection::Refuse(error)) => Err(Rejection::Refuse(error)),
        }
    }
}

/// The payload of the message as a `T`, which may borrow from the message.
///
/// A payload that does not fit is answered `400:<what is wrong>:data_invalid`, and the handler is
/// not called.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Data<T>(pub T);

impl<'c, T: Deserialize<'c>> FromCall<'c> for Data<T> {
    fn from_call(call: &'c Call<'_>) -> Result<Self, Rejection> {
        let data = call.message().data();
        data.to().map(Self).map_err(|_| {
            // Only now that it is wrong somebody wants to know where.
            let detail = payload::explain::<T>(data.as_str());
            Rejection::Refuse(BayeuxError::DataInvalid { detail })
        })
    }
}

impl<T> Deref for Data<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> DerefMut for Data<T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.0
    }
}

/// What was given to [`provide`](crate::Builder::provide) for the type `T`.
///
/// A handler whose state nobody has provided refuses every message; prefer a field with `#[inject]`,
/// which is checked at start-up.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct State<T>(pub T);

impl<T: Clone + Send + Sync + 'static> FromCall<'_> for State<T> {
    fn from_call(call: &Call<'_>) -> Result<Self, Rejection> {
        call.provided().map(Self).ok_or_else(|| {
            tracing::error!(
                state = std::any::type_name::<T>(),
                "nothing is provided for this type"
            );
            Rejection::Refuse(BayeuxError::HandlerFailed)
        })
    }
}

impl<T> Deref for State<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

/// The value of type `T` that the sender [has with it](ServerSession::insert).
///
/// A handler that takes it is not called for senders without one; take an `Option<Attribute<T>>` to see
/// them, too.
#[derive(Debug)]
pub struct Attribute<T>(Arc<T>);

impl<T: Send + Sync + 'static> FromCall<'_> for Attribute<T> {
    fn from_call(call: &Call<'_>) -> Result<Self, Rejection> {
        let value = call.sender().and_then(ServerSession::get);
        value.map(Self).ok_or(Rejection::Skip)
    }
}

impl<T> Deref for Attribute<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}
