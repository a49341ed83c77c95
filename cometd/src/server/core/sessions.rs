//! The sessions of a server, and their end.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use futures_util::FutureExt;

use super::Core;
use crate::protocol::{BayeuxError, ChannelId, ClientId, FrozenMessage, Message, MetaChannel};
use crate::server::admission::Seat;
use crate::server::hook::{self, Deferred, Flow};
use crate::server::listener::Removal;
use crate::server::session::{Farewell, ServerSession};
use crate::server::timers::{Timer, now};
use crate::session::{Phase, Wake};

impl Core {
    /// The session can be found by its id from now on.
    pub(crate) fn add_session(&self, session: &ServerSession) {
        self.sessions.insert(session.id(), session.clone());
    }

    /// A place for a remote session.
    ///
    /// # Errors
    /// The limit that is reached.
    pub(crate) fn take_seat(&self, peer: Option<SocketAddr>) -> Result<Seat<'_>, BayeuxError> {
        let limits = &self.config.server.limits;
        self.admission.take_seat(limits, peer, now())
    }

    /// Something was due at a time.
    pub(crate) fn due(&self, timer: Timer, at: Instant, now: Instant) {
        match timer {
            Timer::Channel(channel) => {
                if let Some(channel) = channel.upgrade() {
                    self.sweep(&channel, now);
                }
            }
            Timer::Session(session) => {
                if let Some(session) = session.upgrade()
                    && session.due(at, now)
                {
                    self.tasks.spawn(self.clean_up(&session, Removal::TimedOut));
                }
            }
        }
    }

    /// Ends a session; `None` if it had ended before.
    pub(crate) fn remove_session(
        &self,
        session: &ServerSession,
        farewell: Option<Arc<FrozenMessage>>,
    ) -> Option<Farewell> {
        let ended = session.change(|state| {
            if state.is_alive() {
                (true, state.end(Phase::Disconnected, farewell))
            } else {
                (false, Wake::Nobody)
            }
        });
        ended.then(|| self.clean_up(session, Removal::Disconnected))
    }

    /// Forgets a session that has just ended: listeners of the server, then its subscriptions, then
    /// its own callbacks, which the returned future runs (SES-13).
    fn clean_up(&self, session: &ServerSession, removal: Removal) -> Farewell {
        self.sessions.remove(session.id());
        if let Some(local) = session.local() {
            local.calls.give_up_all();
        }
        if let Some(taken) = session.seat() {
            self.admission.give_back(taken);
        }
        self.tell(|listener| listener.session_removed(session, removal));
        let subscriptions = session.subscriptions_mut(std::mem::take);
        for channel in subscriptions.into_values() {
            if channel.remove_subscriber(session) {
                self.tell(|listener| listener.unsubscribed(session, &channel, None));
            }
        }
        drop(session.take_route());
        tracing::debug!(%session, ?removal, "session removed");
        let callbacks = session.take_removed();
        let session = session.clone();
        Box::pin(async move {
            for callback in callbacks {
                let session = session.clone();
                if let Err(error) = hook::call(|| Deferred::Later(callback(session, removal))).await
                {
                    tracing::error!(%error, "a callback of a removed session failed");
                }
            }
        })
    }

    /// Ends a session from the side of the server: its client is told (DIS-6).
    pub(crate) fn disconnect(&self, session: &ServerSession) -> Option<Farewell> {
        if !session.is_handshook() {
            return None;
        }
        // Forgotten first: an extension that ends sessions because of what they receive does so once.
        self.sessions.remove(session.id())?;
        let farewell = self.farewell(session);
        self.remove_session(session, farewell)
    }

    /// What the client of a session is told at its end, and what extensions make of it. The end waits
    /// for nobody: an extension that does not answer at once is passed over.
    fn farewell(&self, session: &ServerSession) -> Option<Arc<FrozenMessage>> {
        let mut message = Message::empty(ChannelId::meta(MetaChannel::Disconnect));
        message.set_successful(true);
        let own = session.extensions();
        let all = self.extensions().all().iter().rev().map(|it| &**it);
        for extension in all.chain(own.iter().flat_map(|it| it.iter().rev()).map(|it| &**it)) {
            let outgoing = hook::call(|| extension.outgoing(Some(session), &mut message));
            match outgoing.now_or_never() {
                Some(Ok(Flow::Continue)) | None => {}
                Some(Ok(Flow::Stop)) => return None,
                Some(Err(error)) => tracing::error!(%error, "an extension failed on a farewell"),
            }
        }
        Some(Arc::new(message.freeze()))
    }

    pub(crate) fn session(&self, id: ClientId) -> Option<ServerSession> {
        self.sessions.get(id)
    }
}
