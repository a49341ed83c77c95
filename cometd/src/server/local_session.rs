//! The client's half of a session that lives in this process.

use std::cmp::Reverse;
use std::fmt;
use std::sync::{Arc, Weak};

use super::BayeuxServer;
use super::core::Core;
use super::exchange::Exchange;
use super::hook::{self, Flow};
use super::listener::Subscriber;
use super::pipeline::{Holds, Processed, Sender};
use super::session::{LocalHalf, ServerSession};
use super::spare::Spare;
use crate::protocol::{
    BayeuxError, Breadth, ChannelError, ChannelId, ChannelKind, ChannelPattern, FrozenMessage,
    IntoData, Message, MetaChannel, RawJson, Reply,
};

/// A client inside the server, such as the one that every service has. A cheap clone of a handle.
///
/// What it publishes and subscribes to goes the way of any client's messages: extensions, policy,
/// authorizers and listeners see it. It has no deadline and needs no connects.
#[derive(Clone)]
pub struct LocalSession {
    session: ServerSession,
    server: Weak<Core>,
    /// A mock keeps its server alive; a service's session must not, its server has the service.
    _own_server: Option<Arc<Core>>,
}

/// A request of a [`LocalSession`] failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LocalError {
    /// The server refused it, as it would have refused a remote client.
    #[error("refused: {0}")]
    Refused(#[from] BayeuxError),
    /// An extension dropped the reply.
    #[error("no reply")]
    NoReply,
    /// The server has been dropped.
    #[error("the server is gone")]
    ServerGone,
    /// That is no channel.
    #[error("not a channel")]
    Channel(#[from] ChannelError),
    /// The data does not serialise.
    #[error("the data does not serialise")]
    Data(#[from] serde_json::Error),
}

/// A remote call of a [`LocalSession`] came to nothing.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CallError {
    /// The request did not reach the method.
    #[error(transparent)]
    Request(#[from] LocalError),
    /// The method failed; this is what it has to say.
    #[error("the remote call failed: {0}")]
    Failed(RawJson),
    /// There is no such method.
    #[error("nobody answers this remote call")]
    NoAnswer,
}

impl LocalSession {
    /// Handshakes. The name goes into logs.
    pub(crate) async fn handshake(core: &Arc<Core>, name: &str) -> Result<Self, LocalError> {
        let message = Message::empty(ChannelId::meta(MetaChannel::Handshake));
        let mut exchange = Exchange::of_server(message, core.local_context());
        match core.handshake_locally(name, &mut exchange).await {
            Processed::Handshaken(session, _) => Ok(Self {
                session,
                server: Arc::downgrade(core),
                _own_server: None,
            }),
            Processed::Replied(Flow::Continue) => Err(refused(&exchange.reply)),
            Processed::Replied(Flow::Stop) | Processed::Connecting(_) => Err(LocalError::NoReply),
        }
    }

    /// The server's half: the sender of what this session publishes.
    #[must_use]
    pub const fn server_session(&self) -> &ServerSession {
        &self.session
    }

    /// Keeps the server alive as long as this handle.
    #[cfg(feature = "testing")]
    pub(crate) fn owning(self, server: Arc<Core>) -> Self {
        Self {
            _own_server: Some(server),
            ..self
        }
    }

    /// The server that the session is in, unless it has been dropped.
    #[must_use]
    pub fn server(&self) -> Option<BayeuxServer> {
        self.server.upgrade().map(BayeuxServer::of)
    }

    /// Publishes to a channel, as a remote client would.
    ///
    /// # Errors
    /// [`LocalError::Refused`] with what a remote client would have been answered, and errors of
    /// the arguments.
    ///
    /// # Cancel safety
    /// Dropped before its end, some subscribers may have the message and others not.
    pub async fn publish<C>(&self, channel: C, data: impl IntoData) -> Result<(), LocalError>
    where
        C: TryInto<ChannelId>,
        ChannelError: From<C::Error>,
    {
        let channel = channel.try_into().map_err(ChannelError::from)?;
        self.send(Message::of(channel, data)?).await
    }

    /// Publishes several messages, strictly one after the other, as a remote client does with a batch
    /// (BAT-2). One that is refused does not keep the others from being sent; what became of each is
    /// returned in the same order.
    ///
    /// # Cancel safety
    /// Dropped before its end, some messages may be published and others not.
    pub async fn batch(
        &self,
        messages: impl IntoIterator<Item = Message>,
    ) -> Vec<Result<(), LocalError>> {
        let mut outcomes = Vec::new();
        for message in messages {
            outcomes.push(self.send(message).await);
        }
        outcomes
    }

    /// Calls a `#[remote_call]` method of another service by its target, such as `rooms/1/history`, as a
    /// remote client would. A service does not hear its own calls.
    ///
    /// # Errors
    /// [`CallError::Failed`] with what the method has to say, [`CallError::NoAnswer`] if there is no such
    /// method, [`CallError::Request`] as [`publish`](Self::publish).
    ///
    /// # Cancel safety
    /// Dropped before its end, the method may or may not be called; its answer is ignored.
    pub async fn remote_call(
        &self,
        target: &str,
        data: impl IntoData,
    ) -> Result<RawJson, CallError> {
        let target = target.strip_prefix('/').unwrap_or(target);
        let channel = ChannelId::parse(format!("/service/{target}")).map_err(LocalError::from)?;
        let data = data.into_data().map_err(LocalError::from)?;
        let local = self.session.local().ok_or(CallError::NoAnswer)?;
        let call = local.calls.open();
        let mut message = Message::empty(channel);
        message.id = Some(call.id().clone());
        message.data = Some(data);
        self.request(message).await?;
        match call.answer().await {
            Some(Ok(result)) => Ok(result),
            Some(Err(failure)) => Err(CallError::Failed(failure)),
            None => Err(CallError::NoAnswer),
        }
    }

    /// Subscribes to a channel or wildcard; the subscriber sees what arrives there from now on,
    /// one message after the other.
    ///
    /// # Errors
    /// As [`publish`](Self::publish).
    ///
    /// # Cancel safety
    /// Dropped before its end, the subscription may or may not be made.
    pub async fn subscribe<C>(
        &self,
        channel: C,
        subscriber: impl Subscriber,
    ) -> Result<(), LocalError>
    where
        C: TryInto<ChannelPattern>,
        ChannelError: From<C::Error>,
    {
        let channel = channel.try_into().map_err(ChannelError::from)?;
        self.share_subscription(channel, Arc::new(subscriber)).await
    }

    /// As [`subscribe`](Self::subscribe); a subscriber to several channels sees a message once.
    pub(crate) async fn share_subscription(
        &self,
        channel: ChannelPattern,
        subscriber: Arc<dyn Subscriber>,
    ) -> Result<(), LocalError> {
        self.subscription(MetaChannel::Subscribe, &channel).await?;
        if let Some(local) = self.session.local() {
            local.subscribe(channel, subscriber);
        }
        Ok(())
    }

    /// Ends all subscriptions of this session to a channel or wildcard.
    ///
    /// # Errors
    /// As [`publish`](Self::publish).
    ///
    /// # Cancel safety
    /// Dropped before its end, the subscriptions may or may not be ended.
    pub async fn unsubscribe<C>(&self, channel: C) -> Result<(), LocalError>
    where
        C: TryInto<ChannelPattern>,
        ChannelError: From<C::Error>,
    {
        let channel = channel.try_into().map_err(ChannelError::from)?;
        if let Some(local) = self.session.local() {
            local.subscribers.write().retain(|(it, _)| *it != channel);
        }
        self.subscription(MetaChannel::Unsubscribe, &channel).await
    }

    /// Ends the session.
    ///
    /// # Cancel safety
    /// As [`ServerSession::disconnect`].
    pub async fn disconnect(&self) {
        self.session.disconnect().await;
    }

    async fn send(&self, message: Message) -> Result<(), LocalError> {
        if matches!(message.channel().kind(), ChannelKind::Meta(_)) {
            return Err(BayeuxError::ChannelInvalid.into());
        }
        self.request(message).await
    }

    async fn subscription(
        &self,
        channel: MetaChannel,
        name: &ChannelPattern,
    ) -> Result<(), LocalError> {
        let mut message = Message::empty(ChannelId::meta(channel));
        message.set_subscription(Some(RawJson::of(name.as_str())?));
        self.request(message).await
    }

    async fn request(&self, message: Message) -> Result<(), LocalError> {
        let core = self.server.upgrade().ok_or(LocalError::ServerGone)?;
        let mut spare = Spare::default();
        let mut sender = Sender {
            context: core.local_context(),
            session: Some(&self.session),
            holds: Holds::Alone,
            spare: &mut spare,
        };
        let mut exchange = Exchange::of_server(message, core.local_context());
        let id = Some(self.session.id());
        let processed = core.process(&mut sender, id, &mut exchange).await;
        spare.give_up(&core, Some(&self.session)).await;
        match processed {
            Processed::Replied(Flow::Continue) if exchange.reply.successful() == Some(true) => {
                Ok(())
            }
            Processed::Replied(Flow::Continue) => Err(refused(&exchange.reply)),
            Processed::Replied(Flow::Stop)
            | Processed::Handshaken(..)
            | Processed::Connecting(_) => Err(LocalError::NoReply),
        }
    }
}

fn refused(reply: &Reply) -> LocalError {
    match reply.error() {
        Some(error) => LocalError::Refused(error.clone()),
        None => LocalError::NoReply,
    }
}

impl LocalHalf {
    /// Adds a subscriber after those to narrower and equal names: a client shows a message first to who
    /// asked for it most precisely (`services.md` 2.8.43).
    fn subscribe(&self, channel: ChannelPattern, subscriber: Arc<dyn Subscriber>) {
        let mut subscribers = self.subscribers.write();
        let width = width(&channel);
        let position = subscribers.partition_point(|(it, _)| self::width(it) <= width);
        subscribers.insert(position, (channel, subscriber));
    }

    /// Hands a message to the call that it answers, or to those who subscribed to its channel.
    pub(super) async fn receive(&self, message: &FrozenMessage) {
        if self.calls.take(message) {
            return;
        }
        for subscriber in self.concerned(message.channel()) {
            if let Err(error) =
                hook::call(|| subscriber.on_message(message.channel(), message)).await
            {
                tracing::error!(%error, channel = %message.channel(), "a subscriber failed");
            }
        }
    }

    /// Who subscribed to a channel, each once.
    fn concerned(&self, channel: &ChannelId) -> Vec<Arc<dyn Subscriber>> {
        let mut concerned: Vec<Arc<dyn Subscriber>> = Vec::new();
        for (pattern, subscriber) in self.subscribers.read().iter() {
            let known = concerned.iter().any(|it| Arc::ptr_eq(it, subscriber));
            if !known && pattern.matches(channel) {
                concerned.push(Arc::clone(subscriber));
            }
        }
        concerned
    }
}

/// Of two names that stand for one channel the narrower is less.
fn width(channel: &ChannelPattern) -> (Reverse<usize>, bool) {
    let literals = channel.literal_segments().count();
    (Reverse(literals), channel.breadth() == Breadth::Descendants)
}

impl fmt::Debug for LocalSession {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "LocalSession({})", self.session)
    }
}

impl fmt::Display for LocalSession {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.session, formatter)
    }
}
