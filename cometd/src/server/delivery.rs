//! Delivering a message to one session.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use super::extension::{self, Extension};
use super::hook::{Deferred, Flow};
use super::local_session::LocalSession;
use super::session::ServerSession;
use crate::protocol::codec;
use crate::protocol::{
    ChannelError, ChannelId, ChannelKind, FrozenMessage, IntoData, Message, RawJson,
};
use crate::session::{Enqueued, Parcel};

/// Who sends what code of the server publishes or delivers: a session, or nobody.
#[derive(Clone, Copy, Debug, Default)]
pub struct Origin<'a>(pub(crate) Option<&'a ServerSession>);

impl<'a> From<&'a ServerSession> for Origin<'a> {
    fn from(session: &'a ServerSession) -> Self {
        Self(Some(session))
    }
}

impl<'a> From<&'a LocalSession> for Origin<'a> {
    fn from(session: &'a LocalSession) -> Self {
        Self(Some(session.server_session()))
    }
}

impl<'a> From<Option<&'a ServerSession>> for Origin<'a> {
    fn from(session: Option<&'a ServerSession>) -> Self {
        Self(session)
    }
}

/// A message could not be sent; it is returned where there is one.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SendError {
    /// The session has ended.
    #[error("the session has ended")]
    Gone(Box<Message>),
    /// The session's queue has no room, and its policy is to drop.
    #[error("the queue of the session is full")]
    Full(Box<Message>),
    /// An extension or a listener objected.
    #[error("the message was vetoed")]
    Vetoed,
    /// The server has been dropped.
    #[error("the server is gone")]
    ServerGone,
    /// That is no channel to send to.
    #[error("not a channel that can be published to")]
    Channel(#[from] ChannelError),
    /// The data does not serialise.
    #[error("the data does not serialise")]
    Data(#[from] serde_json::Error),
}

impl ServerSession {
    /// Delivers data to this session only, on any channel, subscribed to or not.
    ///
    /// Neither the policy nor authorizers nor listeners of the channel are asked; extensions are.
    /// The message is in the queue when this returns.
    ///
    /// # Errors
    /// [`SendError::Gone`] if the session has ended, [`SendError::Full`] if it has no room,
    /// [`SendError::Vetoed`] by an extension, and errors of the arguments.
    ///
    /// # Cancel safety
    /// Dropped before its end, the message may or may not be queued; never half of it.
    pub async fn deliver<'a, C>(
        &self,
        from: impl Into<Origin<'a>>,
        channel: C,
        data: impl IntoData,
    ) -> Result<(), SendError>
    where
        C: TryInto<ChannelId>,
        ChannelError: From<C::Error>,
    {
        match self.send_data(from.into(), channel, data)? {
            Deferred::Now(sent) => sent,
            Deferred::Later(sending) => sending.await,
        }
    }

    /// Delivers a message to this session only; its `id` and `ext` are kept (SVC-3).
    ///
    /// # Errors
    /// As [`deliver`](Self::deliver).
    ///
    /// # Cancel safety
    /// As [`deliver`](Self::deliver).
    pub fn deliver_message<'a>(
        &self,
        from: impl Into<Origin<'a>>,
        message: Message,
    ) -> impl Future<Output = Result<(), SendError>> {
        let Origin(sender) = from.into();
        // No `async fn`: that has room for its arguments twice, and moves them.
        async move {
            match self.send(sender, message) {
                Deferred::Now(sent) => sent,
                Deferred::Later(sending) => sending.await,
            }
        }
    }

    /// Queues data at once, if it need not be shown to anybody before. No part of the future that waits otherwise,
    /// so that nothing of it is kept there.
    fn send_data<'s, C>(
        &'s self,
        Origin(sender): Origin<'s>,
        channel: C,
        data: impl IntoData,
    ) -> Result<Deferred<'s, Result<(), SendError>>, SendError>
    where
        C: TryInto<ChannelId>,
        ChannelError: From<C::Error>,
    {
        let channel = channel.try_into().map_err(ChannelError::from)?;
        if let Some(json) = data.as_json()
            && let Some(sent) = self.send_json(sender, &channel, json)
        {
            return Ok(sent.into());
        }
        Ok(self.send(sender, Message::of(channel, data)?))
    }

    /// The same for data that is text already, of which no message need be made; nothing if it is to be shown.
    fn send_json(
        &self,
        sender: Option<&Self>,
        channel: &ChannelId,
        data: &RawJson,
    ) -> Option<Result<(), SendError>> {
        let kind = channel.kind();
        if !self.shared()?.extensions.concerned(kind).is_empty() || !self.only_queues() {
            return None;
        }
        if !self.is_meant(sender, kind) {
            return Some(Ok(()));
        }
        let frozen = codec::freeze_plain(channel, data, false)?;
        Some(self.queue_and_count(Arc::new(frozen), None))
    }

    /// Queues a message at once, if it need not be shown to anybody before.
    fn send<'s>(
        &'s self,
        sender: Option<&'s Self>,
        message: Message,
    ) -> Deferred<'s, Result<(), SendError>> {
        let Some(shared) = self.shared() else {
            return Err(SendError::ServerGone).into();
        };
        let concerned = shared.extensions.concerned(message.channel().kind());
        if !concerned.is_empty() || !self.only_queues() {
            return Deferred::later(self.show_and_send(concerned, sender, message));
        }
        if !self.is_meant(sender, message.channel().kind()) {
            return Ok(()).into();
        }
        let lazy_timeout = self.lazy_timeout(&message);
        self.queue_and_count(Arc::new(message.freeze()), lazy_timeout)
            .into()
    }

    async fn show_and_send(
        &self,
        extensions: &[Arc<dyn Extension>],
        sender: Option<&Self>,
        mut message: Message,
    ) -> Result<(), SendError> {
        if extension::outgoing(extensions, Some(self), &mut message).await == Flow::Stop {
            return Err(SendError::Vetoed);
        }
        if !self.is_meant(sender, message.channel().kind()) {
            return Ok(());
        }
        let lazy_timeout = self.lazy_timeout(&message);
        self.show_and_deliver(Arc::new(message.freeze()), lazy_timeout)
            .await
    }

    /// SVC-5: a broadcast is meant for its sender only if publishers hear themselves.
    fn is_meant(&self, sender: Option<&Self>, kind: ChannelKind) -> bool {
        kind != ChannelKind::Broadcast || sender != Some(self) || self.broadcast_to_publisher()
    }

    /// LAZY-8: a delivery is not lazy because of its channel, but waits as long as that says.
    fn lazy_timeout(&self, message: &Message) -> Option<Duration> {
        if !message.is_lazy() {
            return None;
        }
        let channel = self.server()?.channel(&message.channel().into())?;
        channel.settings().lazy_timeout
    }

    /// Ends the session: its client is told with its next response.
    ///
    /// # Cancel safety
    /// Dropped before its end, the session is ended, but callbacks of its removal may not have run.
    pub async fn disconnect(&self) {
        if let Some(farewell) = self.server().and_then(|core| core.disconnect(self)) {
            farewell.await;
        }
    }
}

/// Messages that have been shown to the extensions of the server.
impl ServerSession {
    /// Shows a message to the extensions of the session, then queues it.
    pub(super) fn deliver_frozen(
        &self,
        frozen: Arc<FrozenMessage>,
        lazy_timeout: Option<Duration>,
    ) -> Pin<Box<impl Future<Output = Result<(), SendError>>>> {
        // Boxed, because it is rare and large: most sessions have nobody to show a message to.
        Box::pin(self.show_and_deliver(frozen, lazy_timeout))
    }

    async fn show_and_deliver(
        &self,
        mut frozen: Arc<FrozenMessage>,
        lazy_timeout: Option<Duration>,
    ) -> Result<(), SendError> {
        if let Some(extensions) = self.extensions() {
            let mut message = frozen.message().clone();
            if extension::outgoing(&extensions, Some(self), &mut message).await == Flow::Stop {
                return Err(SendError::Vetoed);
            }
            if message != *frozen.message() {
                frozen = Arc::new(message.freeze());
            }
        }
        let Some(local) = self.local() else {
            return self.queue_and_count(frozen, lazy_timeout);
        };
        if !self.is_handshook() {
            return Err(SendError::Gone(Box::new(frozen.message().clone())));
        }
        self.count_delivered();
        local.receive(&frozen).await;
        Ok(())
    }

    fn queue_and_count(
        &self,
        frozen: Arc<FrozenMessage>,
        lazy_timeout: Option<Duration>,
    ) -> Result<(), SendError> {
        let thaw = |it: Arc<FrozenMessage>| Box::new(it.message().clone());
        match self.queue(frozen, lazy_timeout) {
            Enqueued::Queued(_) => {
                self.count_delivered();
                Ok(())
            }
            Enqueued::Gone(it) => Err(SendError::Gone(thaw(it))),
            Enqueued::Dropped(it) | Enqueued::Overflow(it) => Err(SendError::Full(thaw(it))),
        }
    }

    fn count_delivered(&self) {
        if let Some(shared) = self.shared() {
            shared.counters.count_delivered(1);
        }
    }

    /// Shows a broadcast to those who want to see it, then queues it.
    pub(super) async fn show(&self, frozen: Arc<FrozenMessage>, lazy_timeout: Option<Duration>) {
        if let Err(error) = self.deliver_frozen(frozen, lazy_timeout).await {
            tracing::debug!(session = %self, %error, "a broadcast does not reach a subscriber");
        }
    }

    /// Queues messages for a remote client, none of them lazy; returns how many, for the caller to count, and
    /// whether the session [is to be ended](Self::end_full).
    pub(super) fn queue_all(&self, parcel: &Parcel) -> (u64, bool) {
        if self.enqueue_together(parcel) {
            return (parcel.count() as u64, false);
        }
        let mut queued = 0;
        for message in parcel.messages() {
            match self.enqueue(Arc::clone(message), None) {
                Enqueued::Queued(_) => queued += 1,
                Enqueued::Overflow(_) => return (queued, true),
                Enqueued::Dropped(_) => self.log_drop(),
                Enqueued::Gone(_) => {}
            }
        }
        (queued, false)
    }

    /// Queues a message for a remote client; the caller counts it.
    pub(super) fn queue(
        &self,
        frozen: Arc<FrozenMessage>,
        lazy_timeout: Option<Duration>,
    ) -> Enqueued<Arc<FrozenMessage>> {
        let enqueued = self.enqueue(frozen, lazy_timeout);
        match enqueued {
            Enqueued::Queued(_) | Enqueued::Gone(_) => {}
            Enqueued::Dropped(_) => self.log_drop(),
            Enqueued::Overflow(_) => self.end_full(),
        }
        enqueued
    }

    fn log_drop(&self) {
        tracing::debug!(session = %self, "queue full: message dropped");
    }

    /// Ends the session, because its queue has no room and its policy is that; the application is told.
    pub(super) fn end_full(&self) {
        tracing::warn!(session = %self, "queue full: session ended");
        if let Some(core) = self.server()
            && let Some(farewell) = core.disconnect(self)
        {
            core.tasks().spawn(farewell);
        }
    }
}
