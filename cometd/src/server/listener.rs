//! Hooks on channels and sessions.

use std::collections::VecDeque;
use std::sync::Arc;

use super::channel::ServerChannel;
use super::exchange::Exchange;
use super::hook::{Deferred, Flow, Outcome};
use super::session::ServerSession;
use super::settings::ChannelConfig;
use crate::protocol::{ChannelId, FrozenMessage, Message, Reply};

/// Sees the messages that are sent to a channel, before its subscribers do.
///
/// Listeners of wider wildcards come first; what one changes in the message the later ones and all
/// subscribers see (PROC-7).
pub trait MessageListener: Send + Sync + 'static {
    /// A message was sent, by a client or by code of the server, which may have no session.
    ///
    /// What is put into the reply reaches the client even if the message is then refused; the reply
    /// to what code of the server publishes goes nowhere.
    fn on_message<'a>(
        &'a self,
        sender: Option<&'a ServerSession>,
        exchange: &'a mut Exchange,
    ) -> Deferred<'a, Outcome>;

    /// Where the listener is in the source, for the log.
    fn location(&self) -> Option<&str> {
        None
    }
}

/// A closure that decides at once: `|sender, message| Flow::Continue`.
impl<F> MessageListener for F
where
    F: Fn(Option<&ServerSession>, &mut Message) -> Flow + Send + Sync + 'static,
{
    fn on_message<'a>(
        &'a self,
        sender: Option<&'a ServerSession>,
        exchange: &'a mut Exchange,
    ) -> Deferred<'a, Outcome> {
        Outcome::from(self(sender, &mut exchange.message)).into()
    }
}

/// Why a session ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Removal {
    /// Its client said `/meta/disconnect`, or the server ended it.
    Disconnected,
    /// Its client was silent for too long, or its principal has expired.
    TimedOut,
}

/// Sees what happens to the sessions, channels and subscriptions of a server.
///
/// Every method has a default that does nothing.
pub trait ServerListener: Send + Sync + 'static {
    /// A channel is being made; nobody can see it yet.
    fn configure_channel(&self, channel: &mut ChannelConfig) {
        let _ = channel;
    }

    /// A channel was made.
    fn channel_added(&self, channel: &ServerChannel) {
        let _ = channel;
    }

    /// A channel is gone.
    fn channel_removed(&self, channel: &crate::protocol::ChannelPattern) {
        let _ = channel;
    }

    /// A session was accepted; what is delivered to it now is queued for its first response.
    fn session_added<'a>(
        &'a self,
        session: &'a ServerSession,
        exchange: &'a mut Exchange,
    ) -> Deferred<'a, ()> {
        let _ = (session, exchange);
        Deferred::Now(())
    }

    /// A session has ended; it is still subscribed (SES-13).
    fn session_removed(&self, session: &ServerSession, removal: Removal) {
        let _ = (session, removal);
    }

    /// A session subscribed to a channel; by this message, unless code of the server did it.
    fn subscribed(
        &self,
        session: &ServerSession,
        channel: &ServerChannel,
        message: Option<&Message>,
    ) {
        let _ = (session, channel, message);
    }

    /// A session does not subscribe to a channel any more; by this message, unless code of the server
    /// did it or the session has ended.
    fn unsubscribed(
        &self,
        session: &ServerSession,
        channel: &ServerChannel,
        message: Option<&Message>,
    ) {
        let _ = (session, channel, message);
    }
}

/// Sees the queue of one session.
///
/// Methods are called one at a time, in the order of the queue, by whoever queues or delivers: they
/// must be quick, and must not send to this session. Every method has a default that changes nothing.
pub trait QueueListener: Send + Sync + 'static {
    /// A message is to be queued although there are `maxQueue` already. [`Flow::Stop`] drops it.
    ///
    /// Without a listener that says so, `maxQueue` limits nothing (SES-4); what always limits the
    /// queue is `maxQueueBytes`.
    fn queue_maxed(&self, session: &ServerSession, message: &FrozenMessage) -> Flow {
        let _ = (session, message);
        Flow::Continue
    }

    /// A message was queued.
    fn queued(&self, session: &ServerSession, message: &Arc<FrozenMessage>) {
        let _ = (session, message);
    }

    /// Messages and replies are about to leave together, or either of them alone. Both may be changed.
    fn dequeue(
        &self,
        session: &ServerSession,
        messages: &mut VecDeque<Arc<FrozenMessage>>,
        replies: &mut Vec<Reply>,
    ) {
        let _ = (session, messages, replies);
    }
}

/// What a local session does with a message that arrives for it.
pub trait Subscriber: Send + Sync + 'static {
    /// A message arrived on a channel that was subscribed to, or was delivered.
    fn on_message<'a>(&'a self, channel: &'a ChannelId, message: &'a Message) -> Deferred<'a, ()>;
}

impl<F> Subscriber for F
where
    F: Fn(&Message) + Send + Sync + 'static,
{
    fn on_message<'a>(&'a self, _: &'a ChannelId, message: &'a Message) -> Deferred<'a, ()> {
        self(message);
        Deferred::Now(())
    }
}
