//! Publishing to a channel (section 10 of the specification).

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::Arc;

use smallvec::SmallVec;

use super::authorization::Question;
use super::channel::ServerChannel;
use super::core::Core;
use super::exchange::Exchange;
use super::extension;
use super::fanout::Fanout;
use super::hook::{self, Deferred, Flow, Outcome};
use super::pipeline::Refusal;
use super::route::{KnownRoute, Route};
use super::session::ServerSession;
use super::spare::Spare;
use crate::channel::Operation;
use crate::protocol::{BayeuxError, ChannelId, ChannelKind, ChannelPattern, MetaChannel};
use crate::session::Enqueued;

impl Core {
    /// A client publishes.
    pub(super) async fn publish_request(
        self: &Arc<Self>,
        session: &ServerSession,
        exchange: &mut Exchange,
        spare: &mut Spare,
    ) -> Result<(), Refusal> {
        let mut route = self.route_of(session, exchange.message.channel(), spare);
        let fanout = &mut spare.fanout;
        if !fanout.is_empty() && !self.asks_nobody(&route) {
            fanout.finish(self).await;
            self.renew(&mut route, exchange.message.channel());
        }
        let id = match route.own() {
            Some(own) => Cow::Borrowed(own.id()),
            None => {
                let id = ChannelPattern::from(exchange.message.channel());
                let created = self.create_for_publish(&route, &id, session, exchange);
                if let Some(channel) = created.await? {
                    // Who is hung on it when it is made is asked next.
                    route.push_own(&channel);
                }
                Cow::Owned(id)
            }
        };
        let question = Question {
            operation: Operation::Publish,
            channel: &id,
            session,
        };
        let authorized = if route.is_guarded() {
            self.authorize_on(&route, question, exchange, &mut ()).await
        } else {
            match self.authorize_unguarded(question, exchange) {
                Deferred::Now(authorized) => authorized,
                Deferred::Later(authorizing) => authorizing.await,
            }
        };
        authorized.map_err(|reason| BayeuxError::PublishDenied { reason })?;
        // Those who were asked may have hung somebody on the channel.
        let renewed = self.renew(&mut route, exchange.message.channel());
        if renewed && !fanout.is_empty() && !self.asks_nobody(&route) {
            fanout.finish(self).await;
        }
        let kind = exchange.message.channel().kind();
        let published = self
            .publish(&route, kind, Some(session), exchange, Some(fanout))
            .await;
        // Who publishes to a channel does so again.
        spare.keep_route(route);
        published
    }

    /// The way of what a session publishes.
    fn route_of(&self, session: &ServerSession, name: &ChannelId, spare: &mut Spare) -> Box<Route> {
        let left = spare.take_route();
        let known = left.or_else(|| session.take_route().map(KnownRoute::into_route));
        let Some(mut route) = known else {
            return Box::new(self.route(name));
        };
        // Compared after the settings were looked up: a removed channel has lost them only if the version has
        // changed before.
        if route.version() != self.version() || !route.leads_to(name) {
            *route = self.route(name);
        }
        route
    }

    /// Looks a way up again if something has changed since; whether it has.
    fn renew(&self, route: &mut Route, name: &ChannelId) -> bool {
        let is_old = route.version() != self.version();
        if is_old {
            *route = self.route(name);
        }
        is_old
    }

    /// Makes the channel that a client publishes to, if the client may; a service channel that nobody
    /// listens to is not recorded: names are free (CH-16).
    async fn create_for_publish(
        self: &Arc<Self>,
        route: &Route,
        id: &ChannelPattern,
        session: &ServerSession,
        exchange: &mut Exchange,
    ) -> Result<Option<ServerChannel>, Refusal> {
        let question = Question {
            operation: Operation::Create,
            channel: id,
            session,
        };
        self.authorize_on(route, question, exchange, &mut ())
            .await
            .map_err(|reason| BayeuxError::ChannelCreateDenied { reason })?;
        let is_recorded = id.kind() == ChannelKind::Broadcast;
        Ok(is_recorded.then(|| self.create_channel(id, |_| ()).0))
    }

    /// Shows a message to the listeners of its channel, then to its subscribers.
    ///
    /// No policy, no authorizers: that is how code of the server publishes, too. The message may wait for others
    /// if there is something for it to wait in.
    pub(super) async fn publish(
        self: &Arc<Self>,
        route: &Route,
        kind: ChannelKind,
        sender: Option<&ServerSession>,
        exchange: &mut Exchange,
        fanout: Option<&mut Fanout>,
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
        self.broadcast(route, sender, exchange, fanout).await;
        Ok(())
    }

    /// Shows a message to the listeners of these channels (PROC-7).
    pub(super) async fn listen(
        &self,
        route: &Route,
        sender: Option<&ServerSession>,
        exchange: &mut Exchange,
    ) -> Result<(), Refusal> {
        for (channel, settings) in route.stops() {
            for listening in &settings.listeners {
                let listener = &listening.listener;
                match hook::call(|| listener.on_message(sender, exchange)).await {
                    Ok(Outcome::Continue) => {}
                    Ok(Outcome::Stop) => return Err(Refusal::Deleted),
                    Ok(Outcome::Refuse(error)) => {
                        tracing::debug!(%channel, location = listener.location(), %error, "a handler refused a message");
                        return Err(error.into());
                    }
                    Ok(Outcome::Fail(error)) => {
                        tracing::error!(%channel, location = listener.location(), %error, "a handler failed");
                        fail_closed(exchange.message.channel().kind())?;
                    }
                    Err(error) => {
                        tracing::error!(%channel, location = listener.location(), %error, "a handler failed");
                        fail_closed(exchange.message.channel().kind())?;
                    }
                }
            }
        }
        Ok(())
    }

    /// Whether nobody but the server itself decides about a publish and sees it.
    fn asks_nobody(&self, route: &Route) -> bool {
        let nobody_hears = || route.stops().all(|(_, it)| it.listeners.is_empty());
        !self.has_own_policy() && route.own().is_some() && !route.is_guarded() && nobody_hears()
    }

    /// Serialises a message once and queues it for everyone who subscribed (JSON-7).
    async fn broadcast(
        &self,
        route: &Route,
        sender: Option<&ServerSession>,
        exchange: &mut Exchange,
        fanout: Option<&mut Fanout>,
    ) {
        let stops = route.stops();
        let heard = stops.map(|(channel, settings)| (settings, channel.snapshot()));
        let heard: SmallVec<[_; 4]> = heard.filter(|(_, it)| !it.is_empty()).collect();
        if heard.is_empty() {
            return; // Then it need not be written.
        }
        let mut message = exchange.take_message();
        message.lazy |= route.stops().any(|(_, settings)| settings.lazy);
        let lazy = message.lazy.then(|| route.own_settings(message.channel()));
        let lazy_timeout = lazy.flatten().and_then(|it| it.lazy_timeout); // LAZY-2
        let is_lazy = message.lazy;
        let frozen = Arc::new(message.freeze());
        if let Some(fanout) = fanout {
            if let ([(_, subscribers)], Some(sender)) = (heard.as_slice(), sender)
                && !is_lazy
                && fanout.is_for(sender, subscribers)
            {
                return fanout.add(self, subscribers, frozen).await;
            }
            fanout.finish(self).await;
        }
        let mut seen = (heard.len() > 1).then(HashSet::new);
        let mut queued = 0;
        for (settings, subscribers) in &heard {
            for session in subscribers.values() {
                if sender == Some(session)
                    && !(settings.broadcast_to_publisher && session.broadcast_to_publisher())
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
                } else {
                    session.show(frozen, lazy_timeout).await;
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
