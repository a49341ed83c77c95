//! `/meta/handshake` and `/meta/disconnect`, and meta channels that mean nothing.

use std::sync::Arc;
use std::time::Duration;

use super::admission::Seat;
use super::authorization::Question;
use super::core::Core;
use super::exchange::Exchange;
use super::hook::{self, Flow};
use super::pipeline::{Processed, Refusal};
use super::policy::Decision;
use super::session::{Farewell, LocalHalf, ServerSession};
use super::timers::now;
use crate::channel::Operation;
use crate::protocol::{
    Advice, BayeuxError, ChannelKind, ClientId, Handshaken, MetaChannel, Reconnect, Transport,
};
use crate::session::Wake;

/// When a client should try again that is one too many.
const FULL_INTERVAL: Duration = Duration::from_secs(5);

impl Core {
    /// Makes a session, unless an extension, a listener or the policy objects.
    pub(super) async fn handshake(self: &Arc<Self>, exchange: &mut Exchange) -> Processed {
        let session = ServerSession::new(random_id(), "", self, None);
        self.handshake_of(session, exchange).await
    }

    /// Makes the server's half of a local session, and lets it handshake like any other.
    pub(super) async fn handshake_locally(
        self: &Arc<Self>,
        name: &str,
        exchange: &mut Exchange,
    ) -> Processed {
        let name = if name.is_empty() {
            String::new()
        } else {
            format!("{name}_")
        };
        let session = ServerSession::new(random_id(), &name, self, Some(LocalHalf::default()));
        self.handshake_of(session, exchange).await
    }

    async fn handshake_of(
        self: &Arc<Self>,
        session: ServerSession,
        exchange: &mut Exchange,
    ) -> Processed {
        match self.accept(&session, exchange).await {
            Ok(()) => {
                let flow = self
                    .replied(
                        ChannelKind::Meta(MetaChannel::Handshake),
                        Some(&session),
                        &mut exchange.reply,
                    )
                    .await;
                Processed::Handshaken(session, flow)
            }
            Err(refusal) => {
                Processed::Replied(self.conclude(Some(&session), exchange, Err(refusal)).await)
            }
        }
    }

    async fn accept(
        self: &Arc<Self>,
        session: &ServerSession,
        exchange: &mut Exchange,
    ) -> Result<(), Refusal> {
        if self.incoming(Some(session), exchange).await == Flow::Stop {
            return Err(Refusal::Deleted);
        }
        let route = self.route(exchange.message.channel());
        self.listen(&route, Some(session), exchange).await?;
        // Taken before the policy is asked, which may take its time: others come meanwhile.
        let seat = match session.is_local() {
            true => None,
            false => Some(self.seat(exchange)?),
        };
        let decision = hook::call(|| self.policy().can_handshake(session, exchange)).await;
        let granted = decision.unwrap_or_else(|error| {
            tracing::error!(%error, "the security policy failed: the handshake is denied");
            Decision::deny()
        });
        // A principal that does not hold any more would end the session at once.
        let expired = session
            .principal()
            .is_some_and(|it| it.remaining() == Some(Duration::ZERO));
        if granted != Decision::Grant || expired {
            exchange
                .reply
                .add_advice(Some(Advice::reconnect(Reconnect::None)));
            return Err(BayeuxError::HandshakeDenied.into());
        }
        session.set_seat(seat.and_then(Seat::keep));
        self.register(session, exchange);
        for listener in self.listeners() {
            if let Err(error) = hook::call(|| listener.session_added(session, exchange)).await {
                tracing::error!(%error, "a listener failed on a new session");
            }
        }
        Ok(())
    }

    /// A place for the session of a handshake; without one, its client should try again later.
    fn seat(&self, exchange: &mut Exchange) -> Result<Seat<'_>, Refusal> {
        let peer = exchange.context.peer();
        self.take_seat(peer).map_err(|error| {
            tracing::debug!(?peer, %error, "a handshake is refused");
            exchange.reply.add_advice(Some(Advice {
                interval: Some(FULL_INTERVAL),
                ..Advice::reconnect(Reconnect::Handshake)
            }));
            error.into()
        })
    }

    /// From here on the session can be found by its id.
    fn register(&self, session: &ServerSession, exchange: &mut Exchange) {
        let transport = exchange.context.transport();
        let pacing = self.pacing(transport);
        // First, so that a deadline which passes at once finds it.
        self.add_session(session);
        let advice = session.change(|state| {
            if session.is_local() {
                state.handshake_local();
                return (None, Wake::Nobody);
            }
            state.pace.transport = pacing;
            state.handshake(now());
            (
                transport.and_then(|transport| state.pace.advise(transport, true)),
                Wake::Nobody,
            )
        });
        exchange.reply.add_advice(advice);
        exchange.reply.handshaken(Handshaken {
            client_id: session.id(),
            connection_types: self.connection_types(),
            messages: 0,
        });
        tracing::debug!(%session, ?transport, "session added");
    }

    /// The transports that a client can choose from (HS-3).
    fn connection_types(&self) -> Vec<Transport> {
        self.config().server.allowed_transports.clone()
    }

    pub(super) fn remove_session_of_client(&self, session: &ServerSession) -> Option<Farewell> {
        self.remove_session(session, None)
    }

    /// A meta channel that means nothing is refused like any channel that must not be made (PROC-5).
    pub(super) async fn meta_unknown(
        &self,
        session: &ServerSession,
        exchange: &mut Exchange,
    ) -> Result<(), Refusal> {
        let channel = exchange.message.channel().into();
        let question = Question {
            operation: Operation::Create,
            channel: &channel,
            session,
        };
        self.authorize(question, exchange)
            .await
            .map_err(|reason| BayeuxError::ChannelCreateDenied { reason })?;
        Ok(())
    }
}

#[cfg(feature = "testing")]
impl Core {
    /// A session that has handshaken and that no client will ever ask for.
    pub(crate) fn add_session_without_client(self: &Arc<Self>) -> ServerSession {
        let session = ServerSession::new(random_id(), "mock_", self, None);
        session.change(|state| (state.handshake(now()), Wake::Nobody));
        session.set_seat(self.take_seat(None).ok().and_then(Seat::keep));
        self.add_session(&session);
        session
    }
}

/// 128 bits that nobody can guess (HS-4).
fn random_id() -> ClientId {
    let mut bits = [0_u8; 16];
    // Without random bits there must be no sessions at all.
    #[expect(
        clippy::expect_used,
        reason = "an operating system without random bits cannot run a server"
    )]
    getrandom::fill(&mut bits).expect("the operating system gives random bits");
    ClientId::from_random(u128::from_ne_bytes(bits))
}
