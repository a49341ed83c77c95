//! The state of one session.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::pacing::{Pace, Pacing};
use super::queue::{Admission, Queue, QueueOverflow, Queued};

/// Where a session is in its life (SES-1).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Phase {
    /// Made, not yet accepted.
    New,
    /// Accepted; may subscribe and publish.
    Handshaken,
    /// Has connected at least once.
    Connected,
    /// Ended by its client or by the server.
    Disconnected,
    /// Ended because its client was silent for too long.
    Expired,
}

/// Why a held connect is answered.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Resume {
    /// There is something to deliver.
    Messages,
    /// `T` is over (CN-11).
    Lapsed,
    /// The session was disconnected (CN-16).
    Disconnected,
    /// Another connect took its place (CN-17).
    Replaced,
    /// `maxProcessing` is over (SES-10).
    Overdue,
    /// The server stops (SES-16).
    Stopped,
}

/// Whom to wake after a change.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Wake {
    Nobody,
    /// Whoever holds the connect.
    Held(Resume),
    /// The connection that messages are pushed to.
    Pushed,
}

/// What became of a message for the session.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Enqueued {
    Queued(Wake),
    /// Not queued: no room, and the policy is to drop.
    Dropped,
    /// Not queued: the session has ended.
    Gone,
    /// Not queued: no room, and the policy is to end the session.
    Overflow,
}

/// Names one connect, so that a late one does not act for its successor.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct ConnectToken(u64);

/// What a held connect waits for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Hold {
    /// The next message: HTTP, or a WebSocket with connect-only delivery.
    ForMessages,
    /// `T` only: messages are pushed on their own (CN-14).
    ForTime,
}

/// What passing time has done.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Due {
    Wake(Wake),
    /// The session has to be removed; its connect, if one is held, ends with this.
    Expired(Option<Resume>),
}

/// How a session's messages reach their destination.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Route {
    /// By responses: HTTP, or a WebSocket that has not spoken yet.
    Response,
    /// Through the connection of this number, at any time.
    Push(u64),
}

/// The state of one session: every change is a function of input and time.
#[derive(Debug)]
pub(crate) struct State<M> {
    phase: Phase,
    queue: Queue<M>,
    /// Bytes that may be queued.
    capacity: usize,
    overflow: QueueOverflow,
    /// Open session batches: no wake-ups until the last one ends (BAT-8).
    batches: u32,
    route: Route,
    /// A wake-up is under way, another one would be for nothing.
    waking: bool,
    connect_only: bool,
    tokens: u64,
    /// The connect that is processed or held now.
    connect: Option<ConnectToken>,
    held: Option<(Hold, Instant)>,
    expiry: Option<Instant>,
    lazy: Option<Instant>,
    /// When a message of the client last arrived.
    heard: Instant,
    pub(crate) pace: Pace,
}

impl<M: Queued> State<M> {
    pub(crate) fn new(
        pacing: Pacing,
        capacity: usize,
        overflow: QueueOverflow,
        now: Instant,
    ) -> Self {
        Self {
            phase: Phase::New,
            queue: Queue::default(),
            capacity,
            overflow,
            batches: 0,
            route: Route::Response,
            waking: false,
            connect_only: false,
            tokens: 0,
            connect: None,
            held: None,
            expiry: None,
            lazy: None,
            heard: now,
            pace: Pace::new(pacing),
        }
    }

    pub(crate) const fn phase(&self) -> Phase {
        self.phase
    }

    pub(crate) const fn is_alive(&self) -> bool {
        matches!(self.phase, Phase::Handshaken | Phase::Connected)
    }

    pub(crate) const fn connect_only(&self) -> bool {
        self.connect_only
    }

    pub(crate) const fn set_connect_only(&mut self, connect_only: bool) {
        self.connect_only = connect_only;
    }

    pub(crate) fn queued(&self) -> usize {
        self.queue.len()
    }

    /// The handshake was accepted.
    pub(crate) fn handshake(&mut self, now: Instant) {
        self.phase = Phase::Handshaken;
        self.heard = now;
        self.expiry = Some(now + self.pace.grace());
    }

    /// The handshake of a local session was accepted: it has no deadline (SES-14).
    pub(crate) const fn handshake_local(&mut self) {
        self.phase = Phase::Connected;
    }

    /// A connect arrived: the deadline is off (SES-8), a held one gives way (CN-17). Returns
    /// whether an earlier connect had been accepted.
    pub(crate) fn connect(&mut self, pacing: Pacing, now: Instant) -> (ConnectToken, bool, Wake) {
        let before = self.phase == Phase::Connected;
        self.phase = Phase::Connected;
        self.heard = now;
        self.expiry = None;
        self.pace.transport = pacing;
        self.tokens += 1;
        let token = ConnectToken(self.tokens);
        self.connect = Some(token);
        (token, before, self.release(Resume::Replaced))
    }

    /// The connect was answered, or there is nobody left to answer: the deadline is set (SES-6).
    pub(crate) fn connected(&mut self, token: ConnectToken, now: Instant) {
        if self.connect == Some(token) {
            self.connect = None;
            self.held = None;
            self.expiry = Some(now + self.pace.grace());
        }
    }

    /// Any other message arrived: the deadline moves, never to an earlier time (SES-9).
    pub(crate) fn hear(&mut self, now: Instant) {
        self.heard = now;
        let least = now + self.pace.max_interval();
        self.expiry = self.expiry.map(|expiry| expiry.max(least));
    }

    /// Holds the connect, unless there is something to deliver at once (CN-3, CN-6, CN-7).
    pub(crate) fn hold(&mut self, token: ConnectToken, hold: Hold, until: Instant) -> bool {
        let waiting = hold == Hold::ForMessages && self.has_urgent();
        let may = self.is_alive() && self.connect == Some(token) && !waiting;
        if may {
            self.held = Some((hold, until));
        }
        may
    }

    /// Whether there is something that a response should take along at once (CN-3).
    pub(crate) const fn has_urgent(&self) -> bool {
        self.batches == 0 && self.queue.is_urgent()
    }

    /// Queues a message. A lazy one waits for at most `patience`.
    pub(crate) fn enqueue(
        &mut self,
        message: M,
        patience: Option<Duration>,
        now: Instant,
    ) -> Enqueued {
        if !self.is_alive() {
            return Enqueued::Gone;
        }
        let lazy = message.is_lazy();
        match self.queue.push(message, self.capacity, self.overflow) {
            Admission::Dropped => return Enqueued::Dropped,
            Admission::Overflow => return Enqueued::Overflow,
            Admission::Queued => {}
        }
        match patience {
            Some(patience) if lazy => {
                let at = now + patience;
                self.lazy = Some(self.lazy.map_or(at, |lazy| lazy.min(at)));
                Enqueued::Queued(Wake::Nobody)
            }
            _ => {
                self.queue.hasten();
                Enqueued::Queued(self.wake())
            }
        }
    }

    fn wake(&mut self) -> Wake {
        if self.batches > 0 || !self.queue.is_urgent() {
            return Wake::Nobody;
        }
        if let Some((Hold::ForMessages, _)) = self.held {
            return self.release(Resume::Messages);
        }
        let pushes = matches!(self.route, Route::Push(_)) && !self.connect_only;
        if pushes && !std::mem::replace(&mut self.waking, true) {
            Wake::Pushed
        } else {
            Wake::Nobody
        }
    }

    /// Ends the hold, if there is one.
    fn release(&mut self, resume: Resume) -> Wake {
        self.held
            .take()
            .map_or(Wake::Nobody, |_| Wake::Held(resume))
    }

    /// Takes the whole queue (SES-3).
    pub(crate) fn drain(&mut self) -> VecDeque<M> {
        self.waking = false;
        self.lazy = None;
        self.queue.take()
    }

    pub(crate) const fn start_batch(&mut self) {
        self.batches += 1;
    }

    /// Ends a batch; what was queued meanwhile wakes now (BAT-8, BAT-12).
    pub(crate) fn end_batch(&mut self) -> Wake {
        self.batches = self.batches.saturating_sub(1);
        self.wake()
    }

    /// Messages go to this connection from now on; a connect held elsewhere gives way (WS-13).
    pub(crate) fn attach(&mut self, connection: u64) -> Wake {
        if self.route == Route::Push(connection) {
            return Wake::Nobody;
        }
        self.route = Route::Push(connection);
        self.waking = false;
        self.release(Resume::Replaced)
    }

    /// Messages go into responses from now on.
    pub(crate) fn detach(&mut self) {
        if matches!(self.route, Route::Push(_)) {
            self.route = Route::Response;
            self.waking = false;
        }
    }

    /// The connection is closed: what is queued stays for the next one (WS-18).
    pub(crate) fn close(&mut self, connection: u64) {
        if self.route == Route::Push(connection) {
            self.detach();
        }
    }

    /// Ends the session; whoever can still take the farewell is woken, batch or not.
    pub(crate) fn end(&mut self, phase: Phase, farewell: Option<M>) -> Wake {
        self.phase = phase;
        (self.expiry, self.lazy) = (None, None);
        let pushes = matches!(self.route, Route::Push(_)) && farewell.is_some();
        if let Some(farewell) = farewell {
            self.queue.append(farewell);
        }
        match self.release(Resume::Disconnected) {
            Wake::Nobody if pushes => Wake::Pushed,
            wake => wake,
        }
    }

    /// The server stops: a held connect is given up.
    pub(crate) fn stop(&mut self) -> Wake {
        self.release(Resume::Stopped)
    }

    /// When time alone will change something.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        if !self.is_alive() {
            return None;
        }
        let held = self.held.map(|(_, until)| until);
        [held, self.expiry, self.lazy, self.overdue()]
            .into_iter()
            .flatten()
            .min()
    }

    /// When `maxProcessing` is over (SES-10).
    fn overdue(&self) -> Option<Instant> {
        self.connect
            .and(self.pace.transport.max_processing)
            .map(|limit| self.heard + limit)
    }

    /// Time has passed.
    pub(crate) fn due(&mut self, now: Instant) -> Due {
        let passed = |at: Option<Instant>| at.is_some_and(|at| at <= now);
        if !self.is_alive() {
            return Due::Wake(Wake::Nobody);
        }
        if passed(self.expiry) || passed(self.overdue()) {
            return Due::Expired(self.held.take().map(|_| Resume::Overdue));
        }
        if passed(self.held.map(|(_, until)| until)) {
            return Due::Wake(self.release(Resume::Lapsed));
        }
        if passed(self.lazy) {
            self.lazy = None;
            self.queue.hasten();
            return Due::Wake(self.wake());
        }
        Due::Wake(Wake::Nobody)
    }
}
