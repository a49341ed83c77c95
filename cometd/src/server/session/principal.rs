//! Who a session belongs to.

use std::sync::Arc;

use super::ServerSession;
use crate::channel::Operation;
use crate::protocol::{BayeuxError, ChannelPattern, ClientId, Message, RawJson};
use crate::server::authorization::Question;
use crate::server::core::Core;
use crate::server::exchange::Exchange;
use crate::server::principal::Principal;
use crate::session::Wake;

tokio::task_local! {
    /// The sessions about whose subscriptions this task asks at the moment.
    static ASKING: Vec<ClientId>;
}

/// Whom a session belongs to, and how often that has been said.
#[derive(Debug, Default)]
pub(super) struct Authentication {
    principal: Option<Principal>,
    count: u32,
}

impl ServerSession {
    /// Whom the session belongs to, if somebody has said so with [`authenticate`](Self::authenticate).
    #[must_use]
    pub fn principal(&self) -> Option<Principal> {
        self.0.authentication.lock().principal.clone()
    }

    /// Says whom the session belongs to from now on; `None` takes the principal away.
    ///
    /// A [policy](crate::SecurityPolicy::can_handshake) does so when a handshake brings credentials. On
    /// a live session, whose client has sent new ones, policy and authorizers are asked about all its
    /// subscriptions again, with a `/meta/subscribe` message that has come with no request. Those that
    /// they deny end: they are returned, and for each the client receives the `/meta/unsubscribe` that
    /// it has not asked for, with the reason as its `error`:
    ///
    /// ```json
    /// {"channel":"/meta/unsubscribe","subscription":"/staff","successful":true,
    ///  "error":"403:denied_by_not_granting:subscribe_denied"}
    /// ```
    ///
    /// When the principal expires, the session ends, and its client is advised to handshake again.
    ///
    /// It is not meant for those who are asked about subscriptions. An authorizer that calls it for a new
    /// one is asked again, because its answer was for somebody else; the third time the subscription is
    /// refused. One that calls it while existing ones are asked about again changes the principal, and
    /// those that have been asked about by then are left as they are.
    ///
    /// # Cancel safety
    /// Dropped before its end, the principal is there, but subscriptions may be left that it has no
    /// right to.
    pub async fn authenticate(
        &self,
        principal: impl Into<Option<Principal>>,
    ) -> Vec<ChannelPattern> {
        let principal = principal.into();
        let expiry = principal.as_ref().and_then(Principal::expires);
        {
            let mut authentication = self.0.authentication.lock();
            authentication.principal = principal;
            authentication.count = authentication.count.wrapping_add(1);
            // Under the lock, so that the limit is that of the principal who is there in the end.
            self.change(|state| (state.set_limit(expiry), Wake::Nobody));
        }
        let asking = ASKING.try_with(Vec::clone).unwrap_or_default();
        match self.server() {
            Some(core) if !asking.contains(&self.id()) => {
                let asking = asking.into_iter().chain([self.id()]).collect();
                ASKING.scope(asking, core.reconsider(self)).await
            }
            _ => Vec::new(),
        }
    }

    /// Changes whenever the session is given a principal.
    pub(crate) fn authentications(&self) -> u32 {
        self.0.authentication.lock().count
    }
}

impl Core {
    /// Ends the subscriptions that the session has no right to any more.
    async fn reconsider(&self, session: &ServerSession) -> Vec<ChannelPattern> {
        let mut revoked = Vec::new();
        for channel in session.subscriptions() {
            let question = Question {
                operation: Operation::Subscribe,
                channel: &channel,
                session,
            };
            let message = Message::subscribe(channel.as_str());
            let mut exchange = Exchange::of_server(message, self.local_context());
            let Err(reason) = self.authorize(question, &mut exchange).await else {
                continue;
            };
            if self.remove_subscription(&channel, session, None) {
                let error = BayeuxError::SubscribeDenied { reason };
                self.tell_revoked(session, &channel, &error).await;
                revoked.push(channel);
            }
        }
        revoked
    }

    async fn tell_revoked(
        &self,
        session: &ServerSession,
        channel: &ChannelPattern,
        error: &BayeuxError,
    ) {
        tracing::debug!(%session, %channel, %error, "a subscription is revoked");
        let mut message = Message::unsubscribe(channel.as_str());
        message.set_successful(true);
        if let Ok(error) = RawJson::of(&error.to_string()) {
            message.set_field("error", error);
        }
        let told = session.deliver_frozen(Arc::new(message.freeze()), None);
        if let Err(error) = told.await {
            tracing::debug!(%session, %error, "a revocation does not reach its session");
        }
    }
}
