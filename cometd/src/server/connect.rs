//! `/meta/connect` (section 6 of the specification).

use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use super::core::Core;
use super::exchange::Exchange;
use super::hook::Flow;
use super::pipeline::{Processed, unknown_session};
use super::session::{Bell, Connecting, Ring, ServerSession};
use super::timers::now;
use crate::protocol::{Advice, BayeuxError, ChannelKind, MetaChannel, Reconnect, Reply, Transport};
use crate::session::{Hold, Phase, Resume, Wake};

/// A connect that has been accepted and not yet answered.
///
/// As long as it exists its session does not expire; from its drop on it does (CN-9, SES-6).
#[derive(Debug)]
pub(crate) struct Connect {
    guard: Connecting,
    /// What is going to be sent; taken when it is.
    reply: Option<Reply>,
    /// Whether the client asked for advice by sending some (ADV-3).
    wants_advice: bool,
    transport: Transport,
    /// `T`.
    timeout: Duration,
    /// Whether the session had connected before: the first connect is answered at once (CN-4).
    again: bool,
}

impl Connect {
    pub(crate) const fn session(&self) -> &ServerSession {
        self.guard.session()
    }

    /// Whether the connect would be held if only there is nothing to deliver (CN-3).
    pub(crate) const fn may_wait(&self) -> bool {
        self.again && !self.timeout.is_zero()
    }

    /// Holds the connect, unless it has to be answered at once; the bell is rung when it is to be answered.
    /// Returns whether it is held.
    pub(crate) fn hold(&self, hold: Hold, bell: &Arc<Bell>) -> bool {
        self.may_wait() && self.guard.hold(hold, now() + self.timeout, bell)
    }

    /// Why the held connect is to be answered, if it is. The session is only asked if the bell was rung,
    /// which may have been for a connect that was held before.
    pub(crate) fn resumed(&self, bell: &Bell) -> Option<Resume> {
        if bell.take(Ring::Resume) {
            self.guard.resumed()
        } else {
            None
        }
    }

    /// The same, for one who has nothing else to wait for at that bell.
    pub(crate) fn poll_resumed(&self, bell: &Bell, context: &Context<'_>) -> Poll<Resume> {
        bell.listen(context);
        self.resumed(bell).map_or(Poll::Pending, Poll::Ready)
    }
}

impl Core {
    /// Accepts a connect: the deadline of the session is off, an older connect gives way.
    pub(super) async fn connect(
        self: &Arc<Self>,
        session: &ServerSession,
        exchange: &mut Exchange,
    ) -> Processed {
        let transport = exchange
            .context
            .transport()
            .unwrap_or(Transport::LongPolling);
        let asked = exchange.message.advice();
        let connected = session.connect(self.pacing(Some(transport)), now());
        let Some((guard, again)) = connected else {
            let ended = session.phase() == Phase::Disconnected;
            exchange.reply.set_advice(Some(unknown_session(ended)));
            let refusal = Err(BayeuxError::SessionUnknown.into());
            return Processed::Replied(self.conclude(Some(session), exchange, refusal).await);
        };
        let timeout = session.change(|state| {
            if transport != Transport::WebSocket {
                state.detach();
            }
            state.pace.ask_interval(asked.interval);
            (state.pace.hold(asked.timeout), Wake::Nobody)
        });
        let route = self.route(exchange.message.channel());
        match self.listen(&route, Some(session), exchange).await {
            Err(refusal) => {
                Processed::Replied(self.conclude(Some(session), exchange, Err(refusal)).await)
            }
            Ok(()) => Processed::Connecting(Box::new(Connect {
                guard,
                reply: Some(exchange.take_reply()),
                wants_advice: asked.present,
                transport,
                timeout,
                again,
            })),
        }
    }

    /// Answers a connect: at once, or after it was held and resumed.
    ///
    /// There is no reply if an extension drops it.
    pub(crate) async fn finish_connect(
        &self,
        connect: &mut Connect,
        resume: Option<Resume>,
    ) -> Option<Reply> {
        let mut reply = connect.reply.take()?;
        reply.set_connect(connect.guard.number());
        let session = connect.session().clone();
        if session.is_handshook() {
            let advice = session.change(|state| {
                (
                    state.pace.advise(connect.transport, connect.wants_advice),
                    Wake::Nobody,
                )
            });
            reply.add_advice(advice);
            reply.succeed();
        } else if resume.is_some() && session.phase() == Phase::Disconnected {
            // CN-16: a held connect ends well, and is the last one.
            reply.set_advice(Some(Advice::reconnect(Reconnect::None)));
            reply.succeed();
        } else {
            // CN-22: the session ended while the connect was processed.
            let ended = session.phase() == Phase::Disconnected;
            reply.set_advice(Some(unknown_session(ended)));
            reply.fail(BayeuxError::SessionUnknown);
        }
        let flow = self
            .replied(
                ChannelKind::Meta(MetaChannel::Connect),
                Some(&session),
                &mut reply,
            )
            .await;
        (flow == Flow::Continue).then_some(reply)
    }
}
