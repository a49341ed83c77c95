//! Publishing to a channel (section 10 of the specification).

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::Arc;

use smallvec::SmallVec;

use super::authorization::Question;
use super::core::Core;
use super::exchange::Exchange;
use super::extension;
use super::hook::{self, Flow, Outcome};
use super::pipeline::Refusal;
use super::route::{Route, Stop};
use super::session::ServerSession;
use crate::channel::Operation;
use crate::protocol::{BayeuxError, ChannelId, ChannelKind, ChannelPattern, MetaChannel};
use crate::session::Enqueued;

impl Core {
    /// A client publishes.
    pub(super) async fn publish_request(
        self: &Arc<Self>,
        kind: ChannelKind,
        session: &ServerSession,
        exchange: &mut Exchange,
    ) -> Result<(), Refusal> {
        let mut route = self.route_of(session, exchange.message.channel());
        if route.own(exchange.message.channel()).is_none() {
            self.create_for_publish(&mut route, kind, session, exchange)
                .await?;
        }
        let name = exchange.message.channel();
        let id = match route.own(name) {
            Some(own) => Cow::Borrowed(own.channel.id()),
            None => Cow::Owned(ChannelPattern::from(name)),
        };
        let question = Question {
            operation: Operation::Publish,
            channel: &id,
            session,
        };
        self.authorize_on(&route, question, exchange, &mut ())
            .await
            .map_err(|reason| BayeuxError::PublishDenied { reason })?;
        if route.version() != self.version() {
            // Those who were asked may have hung somebody on the channel.
            route = self.route(exchange.message.channel());
        }
        self.publish(&route, kind, Some(session), exchange).await
    }

    /// The way of what a session publishes: who publishes to a channel does so again.
    fn route_of(&self, session: &ServerSession, name: &ChannelId) -> Route {
        session
            .known_route(name, self.version())
            .unwrap_or_else(|| {
                let route = self.route(name);
                if route.own(name).is_some() {
                    session.keep_route(&route);
                }
                route
            })
    }

    /// Makes the channel that a client publishes to, if the client may; a service channel that nobody
    /// listens to is not recorded: names are free (CH-16).
    async fn create_for_publish(
        self: &Arc<Self>,
        route: &mut Route,
        kind: ChannelKind,
        session: &ServerSession,
        exchange: &mut Exchange,
    ) -> Result<(), Refusal> {
        let id = ChannelPattern::from(exchange.message.channel());
        let question = Question {
            operation: Operation::Create,
            channel: &id,
            session,
        };
        self.authorize_on(route, question, exchange, &mut ())
            .await
            .map_err(|reason| BayeuxError::ChannelCreateDenied { reason })?;
        if kind == ChannelKind::Broadcast {
            // Who is hung on it when it is made is asked next.
            route.push(&self.create_channel(&id, |_| ()).0);
        }
        Ok(())
    }

    /// Shows a message to the listeners of its channel, then to its subscribers.
    ///
    /// No policy, no authorizers: that is how code of the server publishes, too.
    pub(super) async fn publish(
        self: &Arc<Self>,
        route: &Route,
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
        self.counters().count_published();
        if kind != ChannelKind::Broadcast {
            return Ok(());
        }
        let concerned = self.extensions().concerned(kind);
        if extension::outgoing(concerned, None, &mut exchange.message).await == Flow::Stop {
            return Err(Refusal::Deleted);
        }
        self.broadcast(route, sender, exchange).await;
        Ok(())
    }

    /// Shows a message to the listeners of these channels (PROC-7).
    pub(super) async fn listen(
        &self,
        route: &Route,
        sender: Option<&ServerSession>,
        exchange: &mut Exchange,
    ) -> Result<(), Refusal> {
        for Stop { channel, settings } in route.iter() {
            for listening in &settings.listeners {
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
        route: &Route,
        sender: Option<&ServerSession>,
        exchange: &mut Exchange,
    ) {
        let heard = route.iter().map(|it| (it, it.channel.snapshot()));
        let heard: SmallVec<[_; 4]> = heard.filter(|(_, it)| !it.is_empty()).collect();
        if heard.is_empty() {
            return; // Then it need not be written.
        }
        let mut message = exchange.take_message();
        message.lazy |= route.iter().any(|it| it.settings.lazy);
        let own = route.own(message.channel()).filter(|_| message.lazy);
        let lazy_timeout = own.and_then(|it| it.settings.lazy_timeout); // LAZY-2
        let frozen = Arc::new(message.freeze());
        let mut seen = (heard.len() > 1).then(HashSet::new);
        let mut queued = 0;
        for (stop, subscribers) in &heard {
            for session in subscribers.values() {
                if sender == Some(session)
                    && !(stop.settings.broadcast_to_publisher && session.broadcast_to_publisher())
                {
                    continue; // PUB-5
                }
                if !seen.as_mut().is_none_or(|seen| seen.insert(session.id())) {
                    continue; // PUB-4
                }
                let frozen = Arc::clone(&frozen);
                if session.only_queues() {
                    let enqueued = session.queue(frozen, lazy_timeout);
                    queued += u64::from(matches!(enqueued, Enqueued::Queued(_)));
                } else if let Err(error) = session.deliver_frozen(frozen, lazy_timeout).await {
                    tracing::debug!(%session, %error, "a broadcast does not reach a subscriber");
                }
            }
        }
        self.counters().count_delivered(queued);
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
