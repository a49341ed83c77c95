//! Publishing to a channel (section 10 of the specification).

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::Arc;

use smallvec::SmallVec;

use super::authorization::Question;
use super::channel::ServerChannel;
use super::core::Core;
use super::delivery::outgoing;
use super::exchange::Exchange;
use super::hook::{self, Flow, Outcome};
use super::pipeline::Refusal;
use super::session::ServerSession;
use super::timers::now;
use crate::channel::Operation;
use crate::protocol::{BayeuxError, ChannelKind, ChannelPattern, MetaChannel};
use crate::session::Enqueued;

impl Core {
    /// A client publishes.
    pub(super) async fn publish_request(
        self: &Arc<Self>,
        kind: ChannelKind,
        session: &ServerSession,
        exchange: &mut Exchange,
    ) -> Result<(), Refusal> {
        let name = exchange.message.channel();
        let mut route = self.route(name);
        let own = route.last().filter(|it| it.is_named(name)).cloned();
        let id = match &own {
            Some(channel) => Cow::Borrowed(channel.id()),
            None => Cow::Owned(ChannelPattern::from(name)),
        };
        let publish = Question {
            operation: Operation::Publish,
            channel: &id,
            session,
        };
        if own.is_none() {
            let create = Question {
                operation: Operation::Create,
                ..publish
            };
            self.authorize_on(&route, create, exchange, &mut ())
                .await
                .map_err(|reason| BayeuxError::ChannelCreateDenied { reason })?;
            // Made before the next question, so that who is hung on it when it is made is asked, too. A
            // service channel that nobody listens to is not recorded: names are free (CH-16).
            if kind == ChannelKind::Broadcast {
                route.push(self.create_channel(&id, |_| ()).0);
            }
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
            exchange.message.set_subscription(None);
        }
        self.listen(route, sender, exchange).await?;
        self.count_published();
        if kind != ChannelKind::Broadcast {
            return Ok(());
        }
        if outgoing(self.extensions(), None, &mut exchange.message).await == Flow::Stop {
            return Err(Refusal::Deleted);
        }
        self.broadcast(route, sender, exchange).await;
        Ok(())
    }

    /// Shows a message to the listeners of these channels (PROC-7).
    pub(super) async fn listen(
        &self,
        route: &[ServerChannel],
        sender: Option<&ServerSession>,
        exchange: &mut Exchange,
    ) -> Result<(), Refusal> {
        for channel in route {
            let listeners = channel.listeners();
            for listening in listeners.iter().flat_map(|it| it.iter()) {
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
                        fail_closed(exchange.message.channel().kind())?;
                    }
                    Err(error) => {
                        tracing::error!(%channel, location, %error, "a handler failed");
                        fail_closed(exchange.message.channel().kind())?;
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
        exchange: &mut Exchange,
    ) {
        let heard = route.iter().map(|it| (it, it.snapshot()));
        let heard: SmallVec<[_; 4]> = heard.filter(|(_, it)| !it.is_empty()).collect();
        if heard.is_empty() {
            return; // Then it need not be written.
        }
        let mut message = exchange.take_message();
        message.lazy |= route.iter().any(ServerChannel::is_lazy);
        let own = route.last().filter(|it| it.is_named(message.channel()));
        let lazy_timeout = own
            .filter(|_| message.lazy)
            .and_then(ServerChannel::lazy_timeout); // LAZY-2
        let frozen = Arc::new(message.freeze());
        let now = now();
        let mut seen = (heard.len() > 1).then(HashSet::new);
        let mut queued = 0;
        for (channel, subscribers) in &heard {
            for session in subscribers.values() {
                if sender == Some(session)
                    && !(channel.broadcasts_to_publisher() && session.broadcast_to_publisher())
                {
                    continue; // PUB-5
                }
                if !seen.as_mut().is_none_or(|seen| seen.insert(session.id())) {
                    continue; // PUB-4
                }
                let frozen = Arc::clone(&frozen);
                if session.only_queues() {
                    let enqueued = self.enqueue(session, frozen, lazy_timeout, now);
                    queued += u64::from(matches!(enqueued, Enqueued::Queued(_)));
                } else if let Err(error) = self.deliver_to(session, frozen, lazy_timeout).await {
                    tracing::debug!(%session, %error, "a broadcast does not reach a subscriber");
                }
            }
        }
        self.count_delivered(queued);
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
