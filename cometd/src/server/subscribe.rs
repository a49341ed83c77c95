//! `/meta/subscribe` and `/meta/unsubscribe` (section 9 of the specification).

use std::sync::Arc;

use serde_json::Value;

use super::authorization::Question;
use super::channel::ServerChannel;
use super::core::Core;
use super::exchange::Exchange;
use super::session::ServerSession;
use super::timers::now;
use crate::channel::Operation;
use crate::protocol::{BayeuxError, ChannelKind, ChannelPattern, Message, RawJson};

impl Core {
    /// Subscribes to every channel that the message names, up to the first that is refused (SUB-4).
    pub(super) async fn subscribe(
        self: &Arc<Self>,
        session: &ServerSession,
        exchange: &mut Exchange,
    ) -> Result<(), BayeuxError> {
        for channel in self.named_channels(exchange.message.subscription())? {
            self.subscribe_to(&channel, session, exchange).await?;
        }
        Ok(())
    }

    async fn subscribe_to(
        self: &Arc<Self>,
        id: &ChannelPattern,
        session: &ServerSession,
        exchange: &mut Exchange,
    ) -> Result<(), BayeuxError> {
        let kind = id.kind();
        self.check_room(id, session)?;
        let subscribe = Question {
            operation: Operation::Subscribe,
            channel: id,
            session,
        };
        if self.channel(id).is_none() {
            let create = Question {
                operation: Operation::Create,
                ..subscribe
            };
            self.authorize(create, exchange)
                .await
                .map_err(|reason| BayeuxError::CreateDenied { reason })?;
            // Made before the next question, so that who is hung on it when it is made is asked, too.
            if kind == ChannelKind::Broadcast {
                self.create_channel(id, |_| ());
            }
        }
        for _ in 0..MOST_ROUNDS {
            let asked = session.authentications();
            self.authorize(subscribe, exchange)
                .await
                .map_err(|reason| BayeuxError::SubscribeDenied { reason })?;
            match kind {
                ChannelKind::Service => return Ok(()), // SUB-7
                ChannelKind::Meta(_) => return Err(BayeuxError::SubscribeFailed),
                ChannelKind::Broadcast => {}
            }
            let message = Some(&exchange.message);
            if self.add_authorized(id, session, message, Some(asked))? {
                return Ok(());
            }
            // The session belongs to somebody else now: the answer was for another question.
        }
        tracing::warn!(%session, channel = %id, "whoever is asked about a subscription authenticates its session");
        Err(BayeuxError::SubscribeFailed)
    }

    /// Records a subscription, without asking anyone.
    pub(crate) fn add_subscription(
        self: &Arc<Self>,
        id: &ChannelPattern,
        session: &ServerSession,
        message: Option<&Message>,
    ) -> Result<(), BayeuxError> {
        self.add_authorized(id, session, message, None).map(|_| ())
    }

    /// Records a subscription, unless the session was authenticated anew since `asked`.
    fn add_authorized(
        self: &Arc<Self>,
        id: &ChannelPattern,
        session: &ServerSession,
        message: Option<&Message>,
        asked: Option<u32>,
    ) -> Result<bool, BayeuxError> {
        // A channel may be swept between its creation and the subscription: then make it again.
        loop {
            let (channel, _) = self.create_channel(id, |_| ());
            match self.add_subscriber(&channel, session, asked)? {
                Added::Swept => {}
                Added::Stale => return Ok(false),
                Added::Already => return Ok(true), // SUB-9
                Added::New => {
                    self.tell(|listener| listener.subscribed(session, &channel, message));
                    return Ok(true);
                }
            }
        }
    }

    /// Whether the session may have one more subscription.
    fn check_room(&self, id: &ChannelPattern, session: &ServerSession) -> Result<(), BayeuxError> {
        let limit = self.config().server.limits.max_subscriptions_per_session;
        let limit = limit.unwrap_or(usize::MAX);
        session.subscriptions_mut(|subscriptions| {
            if subscriptions.len() >= limit && !subscriptions.contains_key(id) {
                return Err(BayeuxError::SubscriptionsExceeded { limit });
            }
            Ok(())
        })
    }

    fn add_subscriber(
        &self,
        channel: &ServerChannel,
        session: &ServerSession,
        asked: Option<u32>,
    ) -> Result<Added, BayeuxError> {
        self.check_room(channel.id(), session)?;
        session.subscriptions_mut(|subscriptions| {
            if !session.is_handshook() {
                return Err(BayeuxError::SubscribeFailed); // SUB-11
            }
            // Looked at under the lock: what is added now is seen by those who ask again.
            if asked.is_some_and(|asked| asked != session.authentications()) {
                return Ok(Added::Stale);
            }
            if subscriptions.get(channel.id()) == Some(channel) {
                return Ok(Added::Already);
            }
            if channel.add_subscriber(session, now()).is_none() {
                return Ok(Added::Swept);
            }
            subscriptions.insert(channel.id().clone(), channel.clone());
            Ok(Added::New)
        })
    }

    /// Unsubscribes from every channel that the message names, up to the first that does not exist.
    pub(super) fn unsubscribe(
        &self,
        session: &ServerSession,
        exchange: &Exchange,
    ) -> Result<(), BayeuxError> {
        for id in self.named_channels(exchange.message.subscription())? {
            match id.kind() {
                ChannelKind::Meta(_) if self.channel(&id).is_some() => {
                    return Err(BayeuxError::UnsubscribeFailed); // UNS-4
                }
                ChannelKind::Meta(_) => return Err(BayeuxError::ChannelMissing), // UNS-2
                ChannelKind::Service | ChannelKind::Broadcast => {
                    let channel = self.channel(&id).ok_or(BayeuxError::ChannelMissing)?;
                    self.remove_subscription(channel.id(), session, Some(&exchange.message));
                }
            }
        }
        Ok(())
    }

    /// Ends a subscription; whether there was one.
    pub(crate) fn remove_subscription(
        &self,
        id: &ChannelPattern,
        session: &ServerSession,
        message: Option<&Message>,
    ) -> bool {
        // Both under the lock, as they are added: otherwise a subscription that begins meanwhile is left
        // with one of them.
        let channel = session.subscriptions_mut(|subscriptions| {
            let channel = subscriptions.remove(id)?;
            channel.remove_subscriber(session);
            Some(channel)
        });
        let Some(channel) = channel else { return false };
        self.tell(|listener| listener.unsubscribed(session, &channel, message));
        true
    }

    /// The channels of a `subscription`: a string or an array of strings (SUB-2, SUB-3, SUB-8).
    fn named_channels(
        &self,
        subscription: Option<&RawJson>,
    ) -> Result<Vec<ChannelPattern>, BayeuxError> {
        let names: Vec<String> = match subscription.map(RawJson::to::<Value>) {
            None | Some(Ok(Value::Null)) => return Err(BayeuxError::SubscriptionMissing),
            Some(Ok(Value::String(name))) => vec![name],
            Some(Ok(Value::Array(names))) if names.len() > self.limits().batch => {
                return Err(BayeuxError::SubscriptionsExceeded {
                    limit: self.limits().batch,
                });
            }
            Some(Ok(Value::Array(names))) if !names.is_empty() => names
                .into_iter()
                .map(|name| match name {
                    Value::String(name) => Ok(name),
                    _ => Err(BayeuxError::SubscriptionInvalid),
                })
                .collect::<Result<_, _>>()?,
            Some(_) => return Err(BayeuxError::SubscriptionInvalid),
        };
        names
            .iter()
            .map(|name| ChannelPattern::parse_by(name, &self.limits().grammar))
            .map(|name| name.ok().filter(|it| !it.mixes_template_and_wildcard()))
            .map(|name| name.ok_or(BayeuxError::SubscriptionInvalid))
            .collect()
    }
}

/// How often a subscription is asked for while its session is authenticated anew.
const MOST_ROUNDS: u32 = 3;

/// What became of a subscription.
enum Added {
    New,
    Already,
    /// The channel is gone.
    Swept,
    /// Somebody else was asked for.
    Stale,
}
