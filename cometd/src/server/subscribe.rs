//! `/meta/subscribe` and `/meta/unsubscribe` (section 9 of the specification).

use std::sync::Arc;

use bytestring::ByteString;
use serde_json::Value;

use super::core::Core;
use super::exchange::Exchange;
use super::session::ServerSession;
use super::timers::now;
use crate::channel::Operation;
use crate::protocol::{BayeuxError, ChannelKind, ChannelPattern, RawJson};

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
        channel: &ChannelPattern,
        session: &ServerSession,
        exchange: &mut Exchange,
    ) -> Result<(), BayeuxError> {
        if self.channel(channel).is_none() {
            self.authorize(Operation::Create, channel, session, exchange)
                .await
                .map_err(|reason| BayeuxError::CreateDenied { reason })?;
        }
        self.authorize(Operation::Subscribe, channel, session, exchange)
            .await
            .map_err(|reason| BayeuxError::SubscribeDenied { reason })?;
        match channel.kind() {
            ChannelKind::Service => Ok(()), // SUB-7
            ChannelKind::Meta(_) => Err(BayeuxError::SubscribeFailed),
            ChannelKind::Broadcast => self.add_subscription(channel, session),
        }
    }

    /// Records a subscription, without asking anyone.
    pub(crate) fn add_subscription(
        self: &Arc<Self>,
        id: &ChannelPattern,
        session: &ServerSession,
    ) -> Result<(), BayeuxError> {
        let limit = self
            .config()
            .server
            .limits
            .max_subscriptions_per_session
            .unwrap_or(usize::MAX);
        let added = session.subscriptions_mut(|subscriptions| {
            if !session.is_handshook() {
                return Err(BayeuxError::SubscribeFailed); // SUB-11
            }
            if subscriptions.contains_key(id) {
                return Ok(None); // SUB-9
            }
            if subscriptions.len() >= limit {
                return Err(BayeuxError::SubscriptionsExceeded { limit });
            }
            // A channel may be swept between its creation and the subscription: then make it again.
            let channel = loop {
                let (channel, _) = self.create_channel(id, |_| ());
                if channel.add_subscriber(session, now()).is_some() {
                    break channel;
                }
            };
            subscriptions.insert(id.clone(), channel.clone());
            Ok(Some(channel))
        })?;
        if let Some(channel) = added {
            self.listeners()
                .iter()
                .for_each(|listener| listener.subscribed(session, &channel));
        }
        Ok(())
    }

    /// Unsubscribes from every channel that the message names, up to the first that does not exist.
    pub(super) fn unsubscribe(
        &self,
        session: &ServerSession,
        exchange: &Exchange,
    ) -> Result<(), BayeuxError> {
        for id in self.named_channels(exchange.message.subscription())? {
            match id.kind() {
                ChannelKind::Meta(_) => return Err(BayeuxError::UnsubscribeFailed), // UNS-4
                ChannelKind::Service | ChannelKind::Broadcast => {
                    let channel = self.channel(&id).ok_or(BayeuxError::ChannelMissing)?;
                    self.remove_subscription(channel.id(), session);
                }
            }
        }
        Ok(())
    }

    /// Ends a subscription; whether there was one.
    pub(crate) fn remove_subscription(&self, id: &ChannelPattern, session: &ServerSession) -> bool {
        let channel = session.subscriptions_mut(|subscriptions| subscriptions.remove(id));
        let Some(channel) = channel else { return false };
        channel.remove_subscriber(session);
        self.listeners()
            .iter()
            .for_each(|listener| listener.unsubscribed(session, &channel));
        true
    }

    /// The channels of a `subscription`: a string or an array of strings (SUB-2, SUB-3, SUB-8).
    fn named_channels(
        &self,
        subscription: Option<&RawJson>,
    ) -> Result<Vec<ChannelPattern>, BayeuxError> {
        let names: Vec<ByteString> = match subscription.map(RawJson::to::<Value>) {
            None | Some(Ok(Value::Null)) => return Err(BayeuxError::SubscriptionMissing),
            Some(Ok(Value::String(name))) => vec![name.into()],
            Some(Ok(Value::Array(names))) if !names.is_empty() => names
                .into_iter()
                .map(|name| match name {
                    Value::String(name) => Ok(name.into()),
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
