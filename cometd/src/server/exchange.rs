//! One request message and the reply that it is going to get.

use std::sync::Arc;

use super::context::Context;
use super::pipeline::Refusal;
use crate::protocol::codec::Echo;
use crate::protocol::{BayeuxError, Message, Reply};

/// A request message with its reply and the request that carried it.
///
/// Extensions and policies may change the message and fill the reply; what they put into the reply
/// reaches the client even if the message is then refused (AUTH-5).
#[derive(Debug)]
#[non_exhaustive]
pub struct Exchange {
    /// What the client sent.
    pub message: Message,
    /// What it is going to be told.
    pub reply: Reply,
    /// The request that carried the message.
    pub context: Arc<Context>,
    handled: bool,
}

impl Exchange {
    pub(crate) fn new(message: Message, echo: Echo, context: Arc<Context>) -> Self {
        Self {
            message,
            reply: Reply::to(echo),
            context,
            handled: false,
        }
    }

    /// What code of the server publishes: nobody waits for the reply.
    pub(crate) fn of_server(message: Message, context: &Arc<Context>) -> Self {
        Self::new(message, Echo::default(), Arc::clone(context))
    }

    /// Takes the message away; what is left of it is its channel.
    pub(crate) fn take_message(&mut self) -> Message {
        let empty = Message::empty(self.message.channel().clone());
        std::mem::replace(&mut self.message, empty)
    }

    /// Takes the reply away, to be sent later.
    pub(crate) fn take_reply(&mut self) -> Reply {
        std::mem::replace(&mut self.reply, Reply::to(Echo::default()))
    }

    /// The reply is complete as it stands: a veto sends it as it is and not as
    /// `404::message_deleted` (PROC-7).
    pub const fn handle(&mut self) {
        self.handled = true;
    }

    /// Completes the reply with what became of the message.
    pub(super) fn complete(&mut self, outcome: Result<(), Refusal>) {
        match outcome {
            Ok(()) => self.reply.succeed(),
            Err(Refusal::Deleted) => self.delete(),
            Err(Refusal::Error(error)) => self.reply.fail(error),
        }
    }

    /// Somebody vetoed the message.
    fn delete(&mut self) {
        if !self.handled {
            self.reply.fail(BayeuxError::MessageDeleted);
        }
    }
}
