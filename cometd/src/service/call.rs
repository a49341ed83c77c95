//! One call of a handler.

use std::sync::Arc;

use smol_str::SmolStr;

use super::caller::{Caller, PendingCall};
use super::extract::{FromParameter, Rejection};
use crate::protocol::{BayeuxError, Message, Parameters};
use crate::server::{BayeuxServer, Context, LocalSession, Provisions, ServerSession};

/// What a handler's arguments are taken from.
#[derive(Debug)]
pub struct Call<'a> {
    pub(super) environment: &'a Environment,
    pub(super) sender: Option<&'a ServerSession>,
    pub(super) context: &'a Context,
    pub(super) parameters: Parameters,
    pub(super) message: Subject<'a>,
    pub(super) pending: Option<&'a Arc<PendingCall>>,
}

/// The message that a call is about.
#[derive(Debug)]
pub(super) enum Subject<'a> {
    /// The server's.
    Lent(&'a mut Message),
    /// A copy of what others see, too.
    Own(Box<Message>),
}

/// What all calls of a service share.
#[derive(Debug)]
pub(super) struct Environment {
    pub(super) session: LocalSession,
    pub(super) provisions: Arc<Provisions>,
    /// The context of what arrives at the service's session.
    pub(super) context: Arc<Context>,
}

impl<'a> Call<'a> {
    /// The message.
    #[must_use]
    pub const fn message(&self) -> &Message {
        match &self.message {
            Subject::Lent(message) => message,
            Subject::Own(message) => message,
        }
    }

    /// The message, to be changed: later listeners and all subscribers see the change, unless this is a
    /// call of a subscription.
    pub const fn message_mut(&mut self) -> &mut Message {
        match &mut self.message {
            Subject::Lent(message) => message,
            Subject::Own(message) => message,
        }
    }

    /// Who waits for the answer of a remote call.
    ///
    /// # Errors
    /// This is no remote call: the message is refused.
    pub fn caller(&self) -> Result<Caller, Rejection> {
        let pending = self.pending.map(Arc::clone);
        pending
            .map(Caller::new)
            .ok_or(Rejection::Refuse(BayeuxError::HandlerFailed))
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
    pub fn parameter(&self, name: &str) -> Result<SmolStr, Rejection> {
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
