//! One call of a handler.

use std::sync::Arc;

use bytestring::ByteString;

use super::extract::{FromParameter, Rejection};
use crate::protocol::{Message, Parameters};
use crate::server::{BayeuxServer, Context, LocalSession, Provisions, ServerSession};

/// What a handler's arguments are taken from.
#[derive(Debug)]
pub struct Call<'a> {
    pub(super) environment: &'a Environment,
    pub(super) sender: Option<&'a ServerSession>,
    pub(super) context: &'a Context,
    pub(super) parameters: Parameters,
    pub(super) message: &'a mut Message,
}

/// What all calls of a service share.
#[derive(Debug)]
pub(super) struct Environment {
    pub(super) session: LocalSession,
    pub(super) provisions: Arc<Provisions>,
}

impl<'a> Call<'a> {
    /// The message.
    #[must_use]
    pub const fn message(&self) -> &Message {
        self.message
    }

    /// The message, to be changed: later listeners and all subscribers see the change.
    pub const fn message_mut(&mut self) -> &mut Message {
        self.message
    }

    /// Who sent the message; nobody if code of the server published it without a session.
    #[must_use]
    pub const fn sender(&self) -> Option<&'a ServerSession> {
        self.sender
    }

    /// The request that carried the message: its headers, cookies and peer.
    #[must_use]
    pub const fn context(&self) -> &'a Context {
        self.context
    }

    /// The service's own session.
    #[must_use]
    pub const fn session(&self) -> &'a LocalSession {
        &self.environment.session
    }

    /// The server; `None` if it was dropped while the handler ran.
    #[must_use]
    pub fn server(&self) -> Option<BayeuxServer> {
        self.environment.session.server()
    }

    /// What was given to [`provide`](crate::Builder::provide) for this type.
    #[must_use]
    pub fn provided<T: Clone + Send + Sync + 'static>(&self) -> Option<T> {
        self.environment.provisions.get()
    }

    /// The text that the channel has for a variable of the handler's template.
    ///
    /// # Errors
    /// The template has no such variable.
    pub fn parameter(&self, name: &str) -> Result<ByteString, Rejection> {
        self.parameters.get(name).cloned().ok_or(Rejection::Skip)
    }

    /// The same as a value of a type; a text that does not parse means that the handler is not
    /// meant.
    ///
    /// # Errors
    /// The template has no such variable, or its text does not parse.
    pub fn parse_parameter<T: FromParameter>(&self, name: &str) -> Result<T, Rejection> {
        T::from_parameter(&self.parameter(name)?).ok_or(Rejection::Skip)
    }
}
