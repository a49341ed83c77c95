//! Publishing to a channel (section 10 of the specification).

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::authorization::Question;
use super::channel::ServerChannel;
use super::core::Core;
use super::exchange::Exchange;
use super::hook::{self, Flow, Outcome};
use super::pipeline::Refusal;
use super::session::ServerSession;
use super::timers::now;
use crate::channel::Operation;
use crate::protocol::{
    BayeuxError, ChannelKind, ChannelPattern, FrozenMessage, Message, MetaChannel,
};

impl Core {
    /// A client publishes.
    pub(super) async fn publish_request(
        self: &Arc<Self>,
        session: &ServerSession,
        exchange: &mut Exchange,
    ) -> Result<(), Refusal> {
        let id = ChannelPattern::from(exchange.message.channel());
        let mut route = self.matching(&id);
        let exists = route.last().is_some_and(|channel| *channel.id() == id);
        let publish = Question {
            operation: Operation::Publish,
            channel: &id,
            session,
        };
        if !exists {
            let create = Question {
                operation: Operation::Create,
                ..publish
            };
            self.authorize_on(&route, create, exchange, &mut ())
                .await
                .map_err(|reason| BayeuxError::ChannelCreateDenied { reason })?;
        }
        let kind = id.kind();
        // Made before the next question, so that who is hung on it when it is made is asked, too. A
        // service channel that nobody listens to is not recorded: names are free (CH-16).
        if !exists && kind == ChannelKind::Broadcast {
            route.push(self.create_channel(&id, |_| ()).0);
        }
        self.authorize_on(&route, publish, exchange, &mut ())
            .await
            .map_err(|reason| BayeuxError::PublishDenied { reason })?;
        self.publish(&route, kind, Some(session), exchange).await
    }

    /// Shows a message to the listeners of its channel, then to its subscribers.
    ///
    /// No policy, no authorizers: that is how code of the server publishes, too.
    pub(super) async fn publish(
        self: &Arc<Self>,
        route: &[ServerChannel],
        kind: ChannelKind,
        sender: Option<&ServerSession>,
        exchange: &mut Exchange,
    ) -> Result<(), Refusal> {
        if kind == ChannelKind::Broadcast {
            // PUB-2, PUB-3: what a subscriber gets is the message, not the request.
            exchange.message.id = None;
            exchange.message.subscription = None;
        }
        self.listen(route, sender, exchange).await?;
        self.count_published();
        if kind != ChannelKind::Broadcast {
            return Ok(());
        }
        let mut message = exchange.take_message();
        for extension in self.extensions().iter().rev() {
            match hook::call(|| extension.outgoing(None, &mut message)).await {
                Ok(Flow::Continue) => {}
                Ok(Flow::Stop) => return Err(Refusal::Deleted),
                Err(error) => tracing::error!(%error, "an extension failed on a broadcast"),
            }
        }
        self.broadcast(route, sender, message).await;
        Ok(())
    }

    /// Shows a message to the listeners of these channels (PROC-7).
    pub(super) async fn listen(
        &self,
        route: &[ServerChannel],
        sender: Option<&ServerSession>,
        exchange: &mut Exchange,
    ) -> Result<(), Refusal> {
        let kind = exchange.message.channel().kind();
        for channel in route {
            if channel.with_settings(|settings| settings.listeners.is_empty()) {
                continue;
            }
            for listening in channel.settings().listeners.iter() {
                let listener = &listening.listener;
                let location = listener.location();
                match hook::call(|| listener.on_message(sender, exchange)).await {
                    Ok(Outcome::Continue) => {}
                    Ok(Outcome::Stop) => return Err(Refusal::Deleted),
                    Ok(Outcome::Refuse(error)) => {
                        tracing::debug!(%channel, location, %error, "a handler refused a message");
                        return Err(error.into());
                    }
                    Ok(Outcome::Fail(error)) => {
                        tracing::error!(%channel, location, %error, "a handler failed");
                        fail_closed(kind)?;
                    }
                    Err(error) => {
                        tracing::error!(%channel, location, %error, "a handler failed");
                        fail_closed(kind)?;
                    }
                }
            }
        }
        Ok(())
    }

    /// Serialises a message once and queues it for everyone who subscribed (JSON-7).
    async fn broadcast(
        self: &Arc<Self>,
        route: &[ServerChannel],
        sender: Option<&ServerSession>,
        mut message: Message,
    ) {
        message.lazy |= route.iter().any(ServerChannel::is_lazy);
        let own = route
            .last()
            .filter(|it| it.id().as_str() == message.channel().as_str());
        let lazy_timeout = own.and_then(ServerChannel::lazy_timeout); // LAZY-2
        let frozen = Arc::new(message.freeze());
        let now = now();
        let heard: Vec<&ServerChannel> = route.iter().filter(|it| it.has_subscribers()).collect();
        let mut seen = (heard.len() > 1).then(HashSet::new);
        for channel in heard {
            let to_sender = channel.broadcasts_to_publisher();
            for session in channel.snapshot().values() {
                let own = sender == Some(session);
                if own && !(to_sender && session.broadcast_to_publisher()) {
                    continue; // PUB-5
                }
                if seen.as_mut().is_none_or(|seen| seen.insert(session.id())) {
                    self.hand_over(session, &frozen, lazy_timeout, now).await; // PUB-4
                }
            }
        }
    }

    /// Gives a broadcast to one subscriber.
    async fn hand_over(
        self: &Arc<Self>,
        session: &ServerSession,
        frozen: &Arc<FrozenMessage>,
        lazy_timeout: Option<Duration>,
        now: Instant,
    ) {
        if session.is_hooked() || session.is_local() {
            if let Err(error) = self.deliver_to(session, frozen, lazy_timeout).await {
                tracing::debug!(%session, %error, "a broadcast does not reach a subscriber");
            }
        } else {
            self.enqueue(session, Arc::clone(frozen), lazy_timeout, now);
        }
    }
}

/// What becomes of a message whose handler failed: it does not pass, unless it takes nothing but only
/// keeps a session going or ends what the session has.
const fn fail_closed(kind: ChannelKind) -> Result<(), Refusal> {
    match kind {
        ChannelKind::Meta(
            MetaChannel::Connect | MetaChannel::Unsubscribe | MetaChannel::Disconnect,
        ) => Ok(()),
        ChannelKind::Meta(
            MetaChannel::Handshake | MetaChannel::Subscribe | MetaChannel::Unknown,
        )
        | ChannelKind::Service
        | ChannelKind::Broadcast => Err(Refusal::Error(BayeuxError::HandlerFailed)),
    }
}
