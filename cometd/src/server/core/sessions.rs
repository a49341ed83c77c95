//! The sessions of a server, and their end.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use super::Core;
use crate::protocol::{ChannelId, ClientId, FrozenMessage, Message, MetaChannel};
use crate::server::hook::{self, Deferred};
use crate::server::listener::Removal;
use crate::server::session::{Farewell, ServerSession};
use crate::server::timers::Timer;
use crate::session::{Phase, Wake};

impl Core {
    /// The session can be found by its id from now on.
    pub(crate) fn add_session(&self, session: &ServerSession) {
        self.sessions.insert(session.id(), session.clone());
    }

    /// A place for a session, unless there are as many remote ones as there may be.
    pub(crate) fn take_seat(&self, session: &ServerSession) -> Option<Seat<'_>> {
        if session.is_local() {
            return Some(Seat(None));
        }
        let limit = self.config.server.limits.max_sessions.unwrap_or(usize::MAX);
        let taken = self
            .remote
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |taken| {
                (taken < limit).then(|| taken + 1)
            });
        taken.is_ok().then(|| Seat(Some(&self.remote)))
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
        let remote = usize::from(!session.is_local());
        self.remote.fetch_sub(remote, Ordering::Relaxed);
        self.tell(|listener| listener.session_removed(session, removal));
        let subscriptions = session.subscriptions_mut(std::mem::take);
        for channel in subscriptions.into_values() {
            if channel.remove_subscriber(session) {
                self.tell(|listener| listener.unsubscribed(session, &channel, None));
            }
        }
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
        let mut message = Message::empty(ChannelId::meta(MetaChannel::Disconnect));
        message.successful = Some(true);
        self.remove_session(session, Some(Arc::new(message.freeze())))
    }

    pub(crate) fn session(&self, id: ClientId) -> Option<ServerSession> {
        self.sessions.get(id)
    }

    pub(crate) fn count_published(&self) {
        self.counters.published.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn count_delivered(&self, count: u64) {
        self.counters.delivered.fetch_add(count, Ordering::Relaxed);
    }
}

/// A place among the remote sessions; it is given back when the handshake comes to nothing.
#[derive(Debug)]
#[must_use = "dropping it gives the place back"]
pub(crate) struct Seat<'a>(Option<&'a AtomicUsize>);

impl Seat<'_> {
    /// The session has it now, until it is removed.
    pub(crate) fn keep(mut self) {
        self.0 = None;
    }
}

impl Drop for Seat<'_> {
    fn drop(&mut self) {
        if let Some(taken) = self.0 {
            taken.fetch_sub(1, Ordering::Relaxed);
        }
    }
}
