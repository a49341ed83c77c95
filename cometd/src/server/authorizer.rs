//! Who may do what with one channel or family of channels.

use bytestring::ByteString;

use super::exchange::Exchange;
use super::hook::Deferred;
use super::session::ServerSession;
use crate::channel::{Grant, Operation};
use crate::protocol::ChannelPattern;

/// The vote of an [`Authorizer`].
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Vote {
    /// Yes, unless somebody denies.
    Grant,
    /// No opinion. If all ignore, the operation is denied.
    Ignore,
    /// No, whatever the others say; the reason goes into the error of the reply.
    Deny(ByteString),
}

/// What somebody wants to do with a channel.
#[derive(Debug)]
#[non_exhaustive]
pub struct Intent<'a> {
    /// What is to be done.
    pub operation: Operation,
    /// The channel: not necessarily the one of the message, which for a subscription is
    /// `/meta/subscribe`.
    pub channel: &'a ChannelPattern,
    /// Who wants it.
    pub session: &'a ServerSession,
    /// The message that says so, and the reply to it.
    pub exchange: &'a mut Exchange,
}

/// Votes on what is done with the channels that it is hung on.
///
/// All authorizers of the channel and of the wildcards above it are asked, the widest first: one
/// denial denies; else one grant is needed. A channel without any is open (AUTH-2, AUTH-3).
pub trait Authorizer: Send + Sync + 'static {
    /// Votes on one operation. A panic denies.
    fn authorize<'a>(&'a self, intent: Intent<'a>) -> Deferred<'a, Vote>;
}

impl Authorizer for Grant {
    fn authorize<'a>(&'a self, intent: Intent<'a>) -> Deferred<'a, Vote> {
        let vote = if self.grants(intent.operation) {
            Vote::Grant
        } else {
            Vote::Ignore
        };
        vote.into()
    }
}

/// A closure that has its vote at once.
impl<F> Authorizer for F
where
    F: Fn(&Intent<'_>) -> Vote + Send + Sync + 'static,
{
    fn authorize<'a>(&'a self, intent: Intent<'a>) -> Deferred<'a, Vote> {
        self(&intent).into()
    }
}
