//! The state of a session with those who have to be told when it changes.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use parking_lot::MutexGuard;

use super::bell::{Bell, Ring};
use super::queue::Numbering;
use super::{Inner, ServerSession};
use crate::protocol::FrozenMessage;
use crate::server::timers::{Timer, now};
use crate::session::{ConnectToken, Due, Hold, Pacing, Resume, State, Wake};

/// The state with those who have to be told when it changes. In memory in this order, as the session.
#[repr(C)]
pub(super) struct Shell {
    /// Whether somebody may want to see what the queue does.
    pub(super) has_listeners: bool,
    /// Why the last connect that was held is to be answered, once it is.
    resume: Option<Resume>,
    connection: Option<Arc<Bell>>,
    pub(super) state: State<Arc<FrozenMessage>>,
    /// Who writes the numbers of batches into replies, if what leaves is kept.
    pub(super) numbering: Option<Arc<dyn Numbering>>,
    /// Who holds a connect, which may be another connection.
    held: Option<Arc<Bell>>,
    /// The earliest deadline that the timers know.
    scheduled: Option<Instant>,
}

/// What to do once the lock is released.
#[must_use]
pub(super) struct Effects {
    resume: Option<Arc<Bell>>,
    push: Option<Arc<Bell>>,
    schedule: Option<Instant>,
}

impl ServerSession {
    /// Changes the state and tells those concerned, after the lock.
    pub(crate) fn change<T>(
        &self,
        change: impl FnOnce(&mut State<Arc<FrozenMessage>>) -> (T, Wake),
    ) -> T {
        let mut shell = self.0.shell.lock();
        let (result, wake) = change(&mut shell.state);
        self.note(&shell.state);
        let effects = shell.effects(wake);
        drop(shell);
        self.perform(effects);
        result
    }

    /// Notes what those want to know who do not lock.
    fn note(&self, state: &State<Arc<FrozenMessage>>) {
        let Inner {
            alive,
            counts_silence,
            ..
        } = &*self.0;
        counts_silence.store(state.counts_silence(), Ordering::Release);
        alive.store(state.is_alive(), Ordering::Release);
    }

    /// A message that is no connect has arrived; whether the session is alive. Deadlines only move away,
    /// which nobody has to be told.
    pub(crate) fn hear(&self) -> bool {
        if self.0.counts_silence.load(Ordering::Acquire) {
            self.0.shell.lock().state.hear(now());
        }
        self.is_handshook()
    }

    /// Whether messages travel with connect replies only.
    pub(crate) fn connect_only(&self) -> bool {
        self.0.shell.lock().state.connect_only()
    }

    /// Whether a session batch keeps messages back.
    pub(crate) fn is_in_batch(&self) -> bool {
        self.0.shell.lock().state.is_in_batch()
    }

    /// Whether there is something to deliver at once.
    pub(crate) fn has_urgent(&self) -> bool {
        self.0.shell.lock().state.has_urgent()
    }

    /// The session belongs to the browser with this cookie (LP-24).
    pub(crate) fn bind_to(&self, browser: &str) {
        // A session handshakes once, so it is bound once.
        let _ = self.0.browser.set(browser.into());
    }

    pub(crate) fn is_bound_to(&self, browser: &str) -> bool {
        self.0.browser.get().is_some_and(|it| **it == *browser)
    }

    /// A connect arrived; the guard starts the expiry once it is dropped (SES-6, SES-18). `None` if
    /// the session has ended.
    pub(crate) fn connect(&self, pacing: Pacing, now: Instant) -> Option<(Connecting, bool)> {
        self.change(|state| {
            let Some((token, before, wake)) = state.connect(pacing, now) else {
                return (None, Wake::Nobody);
            };
            let session = self.clone();
            (Some((Connecting { session, token }, before)), wake)
        })
    }

    /// Messages go to this connection from now on, if the session is alive, and wake nobody until the batch
    /// ends.
    pub(crate) fn attach(
        &self,
        connection: u64,
        connect_only: bool,
        bell: &Arc<Bell>,
    ) -> Option<Batch<'_>> {
        let mut shell = self.0.shell.lock();
        if !shell.state.is_alive() {
            return None;
        }
        shell.state.start_batch();
        let batch = Some(Batch(Some(self)));
        let known = shell.connection.as_ref();
        let is_known = known.is_some_and(|it| Arc::ptr_eq(it, bell));
        let wake = shell.state.attach(connection, connect_only);
        if is_known && wake == Wake::Nobody {
            return batch; // As with each frame but the first.
        }
        shell.connection = Some(Arc::clone(bell));
        let effects = shell.effects(wake);
        drop(shell);
        self.perform(effects);
        batch
    }

    /// Messages do not go to this connection any more, and its bell is let go: whoever listened to it is kept
    /// in memory with it.
    pub(crate) fn detach(&self, connection: u64, bell: &Arc<Bell>) {
        let mut shell = self.0.shell.lock();
        shell.state.close(connection);
        shell.connection.take_if(|it| Arc::ptr_eq(it, bell));
    }

    /// Postpones wake-ups until the guard is dropped.
    pub(crate) fn start_batch(&self) -> Batch<'_> {
        self.0.shell.lock().state.start_batch();
        Batch(Some(self))
    }

    /// Whether this is the deadline that the session waits for.
    pub(crate) fn is_scheduled(&self, at: Instant) -> bool {
        self.0.shell.lock().scheduled == Some(at)
    }

    /// A deadline has passed. Returns whether the session has ended by that.
    pub(crate) fn due(&self, at: Instant, now: Instant) -> bool {
        let mut shell = self.0.shell.lock();
        if shell.scheduled != Some(at) {
            return false; // An earlier deadline was found in the meantime, and took this one's place.
        }
        shell.scheduled = None;
        let (expired, wake) = match shell.state.due(now) {
            Due::Wake(wake) => (false, wake),
            Due::Expired(wake) => (true, wake),
        };
        self.note(&shell.state);
        let effects = shell.effects(wake);
        drop(shell);
        self.perform(effects);
        expired
    }

    fn end_batch(&self, mut shell: MutexGuard<'_, Shell>) {
        let wake = shell.state.end_batch();
        if wake == Wake::Nobody {
            return; // Mostly what came in the meantime has left already.
        }
        let effects = shell.effects_of_wake(wake);
        drop(shell);
        self.perform(effects);
    }

    pub(super) fn perform(&self, effects: Effects) {
        if let Some(held) = effects.resume {
            held.ring(Ring::Resume);
        }
        if let Some(push) = effects.push {
            push.ring(Ring::Push);
        }
        if let Some(at) = effects.schedule
            && let Some(core) = self.server()
        {
            core.timers().schedule(at, Timer::Session(self.downgrade()));
        }
    }
}

impl Shell {
    pub(super) const fn new(state: State<Arc<FrozenMessage>>) -> Self {
        Self {
            state,
            numbering: None,
            has_listeners: false,
            resume: None,
            held: None,
            connection: None,
            scheduled: None,
        }
    }

    /// Whom to tell of a change that may have brought a deadline nearer.
    pub(super) fn effects(&mut self, wake: Wake) -> Effects {
        let mut effects = self.told(wake);
        effects.schedule = self.nearer_deadline();
        self.scheduled = effects.schedule.or(self.scheduled);
        effects
    }

    /// Whom to tell of a change that brings no deadline nearer: they are not looked at, because they lie in other
    /// lines of memory.
    pub(super) fn effects_of_wake(&mut self, wake: Wake) -> Effects {
        debug_assert_eq!(self.nearer_deadline(), None, "nobody would look at it");
        self.told(wake)
    }

    /// The earliest deadline, if the timers do not know it.
    fn nearer_deadline(&self) -> Option<Instant> {
        let is_nearer = |at: &Instant| self.scheduled.is_none_or(|scheduled| *at < scheduled);
        self.state.deadline().filter(is_nearer)
    }

    fn told(&mut self, wake: Wake) -> Effects {
        let mut effects = Effects {
            resume: None,
            push: None,
            schedule: None,
        };
        match wake {
            Wake::Nobody => {}
            Wake::Held(resume) => {
                self.resume = Some(resume);
                effects.resume = self.held.take();
            }
            Wake::Pushed => effects.push.clone_from(&self.connection),
        }
        effects
    }
}

/// A connect from its arrival until its reply is on its way.
///
/// Dropping it starts the expiry of the session, whatever became of the connect.
#[derive(Debug)]
pub(crate) struct Connecting {
    session: ServerSession,
    token: ConnectToken,
}

impl Connecting {
    pub(crate) const fn session(&self) -> &ServerSession {
        &self.session
    }

    /// The number of the connect among those of its session.
    pub(crate) const fn number(&self) -> u64 {
        self.token.number()
    }

    /// Holds the connect, unless there is something to deliver at once; the bell is rung when there is
    /// something to answer. Returns whether it is held.
    pub(crate) fn hold(&self, hold: Hold, until: Instant, bell: &Arc<Bell>) -> bool {
        let mut shell = self.session.0.shell.lock();
        if !shell.state.hold(self.token, hold, until) {
            return false;
        }
        shell.resume = None;
        shell.held = Some(Arc::clone(bell));
        let effects = shell.effects(Wake::Nobody);
        drop(shell);
        self.session.perform(effects);
        true
    }

    /// Why the connect that was held is to be answered, if it is.
    pub(crate) fn resumed(&self) -> Option<Resume> {
        let shell = self.session.0.shell.lock();
        if !shell.state.is_current(self.token) {
            // What is said there is said of the connect that came after it.
            return Some(Resume::Replaced);
        }
        shell.resume
    }
}

impl Drop for Connecting {
    fn drop(&mut self) {
        let mut shell = self.session.0.shell.lock();
        let is_over = shell.state.connected(self.token, now());
        let bell = if is_over { shell.held.take() } else { None };
        self.session.note(&shell.state);
        let effects = shell.effects(Wake::Nobody);
        drop(shell);
        // Whoever listened to it may be dropped with it.
        drop(bell);
        self.session.perform(effects);
    }
}

/// A session batch, which is open until it is dropped or ended.
#[derive(Debug)]
pub(crate) struct Batch<'a>(Option<&'a ServerSession>);

impl Batch<'_> {
    /// Ends the batch under the lock of its session.
    pub(super) fn end(mut self, shell: MutexGuard<'_, Shell>) {
        if let Some(session) = self.0.take() {
            session.end_batch(shell);
        }
    }
}

impl Drop for Batch<'_> {
    fn drop(&mut self) {
        if let Some(session) = self.0 {
            session.end_batch(session.0.shell.lock());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::BayeuxServer;
    use crate::protocol::ClientId;

    /// A session that has handshaken, and its server.
    async fn session() -> (ServerSession, BayeuxServer) {
        let server = BayeuxServer::builder().build().await.unwrap();
        let session = ServerSession::new(ClientId::from_random(1), "", server.core(), None);
        session.change(|state| (state.handshake(now()), Wake::Nobody));
        (session, server)
    }

    fn held(session: &ServerSession, bell: &Arc<Bell>) -> Connecting {
        let pacing = session.0.shell.lock().state.pace.transport;
        let (connect, _) = session.connect(pacing, now()).unwrap();
        assert!(connect.hold(Hold::ForTime, now() + Duration::from_secs(20), bell));
        connect
    }

    #[tokio::test]
    async fn a_late_resume_of_an_overtaken_connect_resumes_no_other() {
        // CN-17
        let (session, _server) = session().await;
        let bell = Arc::default();
        let first = held(&session, &bell);
        assert_eq!((bell.take(Ring::Resume), first.resumed()), (false, None));
        let second = held(&session, &bell);
        assert!(bell.take(Ring::Resume));
        let replaced = Some(Resume::Replaced);
        assert_eq!((first.resumed(), second.resumed()), (replaced, None));

        session.change(|state| ((), state.stop()));
        assert!(bell.take(Ring::Resume));
        let stopped = Some(Resume::Stopped);
        assert_eq!((first.resumed(), second.resumed()), (replaced, stopped));
    }

    #[tokio::test]
    async fn who_holds_a_connect_is_told_and_not_who_speaks_for_the_session_now() {
        // WS-13
        let (session, _server) = session().await;
        let (holder, attached) = (Arc::default(), Arc::default());
        let connect = held(&session, &holder);
        drop(session.attach(1, false, &attached));
        assert!(holder.take(Ring::Resume) && !attached.take(Ring::Resume));
        assert_eq!(connect.resumed(), Some(Resume::Replaced));
    }

    #[tokio::test]
    async fn who_has_gone_is_not_kept() {
        let (session, _server) = session().await;
        let bell = Arc::default();
        drop(session.attach(1, false, &bell));
        session.detach(1, &bell);
        assert_eq!(Arc::strong_count(&bell), 1);

        drop(session.attach(2, false, &bell));
        let other = Arc::default();
        drop(session.attach(3, false, &other));
        session.detach(2, &bell);
        assert_eq!(
            (Arc::strong_count(&bell), Arc::strong_count(&other)),
            (1, 2)
        );

        drop(held(&session, &bell));
        assert_eq!(Arc::strong_count(&bell), 1);
        let first = held(&session, &bell);
        let second = held(&session, &other);
        drop(first);
        assert_eq!(
            (Arc::strong_count(&bell), Arc::strong_count(&other)),
            (1, 3)
        );
        drop(second);
        assert_eq!(Arc::strong_count(&other), 2);
    }
}
