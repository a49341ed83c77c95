//! The state of one session.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::pacing::{Pace, Pacing};
use super::parcel::Parcel;
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

/// What became of a message for the session; one that is not queued is given back.
#[derive(Debug, Eq, PartialEq)]
pub(crate) enum Enqueued<M> {
    Queued(Wake),
    /// Not queued: no room, and the policy is to drop.
    Dropped(M),
    /// Not queued: the session has ended.
    Gone(M),
    /// Not queued: no room, and the policy is to end the session.
    Overflow(M),
}

/// Names one connect, so that a late one does not act for its successor.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct ConnectToken(u64);

impl ConnectToken {
    /// The number of the connect among those of its session.
    pub(crate) const fn number(self) -> u64 {
        self.0
    }
}

/// The reply with which messages leave.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Carrier {
    /// That to the connect of this number.
    Connect(u64),
    Handshake,
    /// None of these: other replies, or nothing.
    Other,
    /// None of these either, and the server stops: it is the last chance to leave.
    Last,
}

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
    /// The session has ended, and has to be removed.
    Expired(Wake),
}

/// How a session's messages reach their destination.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Route {
    /// By responses: HTTP, or a WebSocket that has not spoken yet.
    Response,
    /// Through the connection of this number, at any time.
    Push(u64),
    /// Through the connection of this number, with connect replies only.
    PushWithConnects(u64),
}

/// The state of one session: every change is a function of input and time. In memory in this order:
/// what a message looks at comes first.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct State<M> {
    phase: Phase,
    overflow: QueueOverflow,
    /// A wake-up is under way, another one would be for nothing.
    waking: bool,
    connect_only: bool,
    /// Open session batches: no wake-ups until the last one ends (BAT-8).
    batches: u32,
    queue: Queue<M>,
    /// Bytes that may be queued.
    capacity: usize,
    route: Route,
    held: Option<(Hold, Instant)>,
    tokens: u64,
    /// The connect that is processed or held now.
    connect: Option<ConnectToken>,
    expiry: Option<Instant>,
    lazy: Option<Instant>,
    /// When the session ends, however lively it is.
    limit: Option<Instant>,
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
            limit: None,
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

    /// Whether a connect is processed or held.
    #[cfg(test)]
    pub(super) const fn is_connecting(&self) -> bool {
        self.connect.is_some()
    }

    /// Whether this is the connect that is processed or held now: not once it is answered, or another has come.
    pub(crate) fn is_current(&self, token: ConnectToken) -> bool {
        self.connect == Some(token)
    }

    /// Whether messages leave with connect replies only: so it was set, or they are acknowledged there.
    pub(crate) const fn connect_only(&self) -> bool {
        self.connect_only || self.queue.keeps()
    }

    pub(crate) const fn set_connect_only(&mut self, connect_only: bool) {
        self.connect_only = connect_only;
    }

    pub(crate) fn queued(&self) -> usize {
        self.queue.len()
    }

    /// Keeps what leaves from now on until the client has acknowledged it.
    pub(crate) fn keep(&mut self) {
        self.queue.keep();
    }

    /// The client has everything up to this batch; whether something else has left and is missing.
    pub(crate) fn acknowledge(&mut self, batch: u64) -> bool {
        self.queue.acknowledge(batch)
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
    /// whether an earlier connect had been accepted; `None` if the session has ended.
    pub(crate) fn connect(
        &mut self,
        pacing: Pacing,
        now: Instant,
    ) -> Option<(ConnectToken, bool, Wake)> {
        if !self.is_alive() {
            return None;
        }
        let before = self.phase == Phase::Connected;
        self.phase = Phase::Connected;
        self.heard = now;
        self.expiry = None;
        self.pace.transport = pacing;
        self.tokens += 1;
        let token = ConnectToken(self.tokens);
        self.connect = Some(token);
        Some((token, before, self.release(Resume::Replaced)))
    }

    /// The connect was answered, or there is nobody left to answer: the deadline is set (SES-6), unless another
    /// has come. Whether it is.
    pub(crate) fn connected(&mut self, token: ConnectToken, now: Instant) -> bool {
        let is_current = self.is_current(token);
        if is_current {
            self.connect = None;
            self.held = None;
            self.expiry = self.is_alive().then(|| now + self.pace.grace());
        }
        is_current
    }

    /// The application keeps the session for longer or shorter; a deadline that is set moves along.
    pub(crate) fn set_max_interval(&mut self, interval: Option<Duration>) {
        let before = self.pace.grace();
        self.pace.set_max_interval(interval);
        let after = self.pace.grace();
        self.expiry = self.expiry.map(|expiry| expiry + after - before);
    }

    /// The session ends at this time, however lively it is.
    pub(crate) const fn set_limit(&mut self, limit: Option<Instant>) {
        self.limit = limit;
    }

    /// Whether it matters when other messages arrive: mostly not, while a connect is held.
    pub(crate) fn counts_silence(&self) -> bool {
        self.expiry.is_some() || self.overdue().is_some()
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
        let may = self.is_alive() && self.is_current(token) && !waiting;
        if may {
            self.held = Some((hold, until));
        }
        may
    }

    /// Whether there is something that a response should take along at once (CN-3).
    pub(crate) const fn has_urgent(&self) -> bool {
        self.batches == 0 && self.queue.is_urgent()
    }

    /// Queues a message. A lazy one waits for at most the timeout of its channel, or the transport's; for
    /// others it does not matter what time it is.
    pub(crate) fn enqueue(
        &mut self,
        message: M,
        lazy_timeout: Option<Duration>,
        now: impl FnOnce() -> Instant,
    ) -> Enqueued<M> {
        if !self.is_alive() {
            return Enqueued::Gone(message);
        }
        let lazy = message.is_lazy();
        match self.queue.push(message, self.capacity, self.overflow) {
            Admission::Dropped(message) => return Enqueued::Dropped(message),
            Admission::Overflow(message) => return Enqueued::Overflow(message),
            Admission::Queued => {}
        }
        if lazy {
            if let Some(patience) = lazy_timeout.or(self.pace.transport.max_lazy) {
                let at = now() + patience;
                self.lazy = Some(self.lazy.map_or(at, |lazy| lazy.min(at)));
                return Enqueued::Queued(Wake::Nobody);
            }
            self.queue.hasten();
        }
        Enqueued::Queued(self.wake())
    }

    /// Queues messages that may not wait, if there is room for all of them; whom to wake. Otherwise they are to
    /// be queued one by one.
    pub(crate) fn enqueue_together(&mut self, parcel: &Parcel<M>) -> Option<Wake> {
        let has_room = self.queue.has_room(parcel.size(), self.capacity);
        if !self.is_alive() || !has_room {
            return None;
        }
        self.queue.append(parcel.clone());
        Some(self.wake())
    }

    fn wake(&mut self) -> Wake {
        if !self.has_urgent() {
            return Wake::Nobody;
        }
        if let Some((Hold::ForMessages, _)) = self.held {
            return self.release(Resume::Messages);
        }
        let pushes = matches!(self.route, Route::Push(_)) && !self.connect_only();
        if !pushes || self.waking {
            return Wake::Nobody;
        }
        self.waking = true;
        Wake::Pushed
    }

    /// Ends the hold, if there is one.
    fn release(&mut self, resume: Resume) -> Wake {
        self.held
            .take()
            .map_or(Wake::Nobody, |_| Wake::Held(resume))
    }

    /// Moves the whole queue into `parcels`, which are empty, to leave with this reply (SES-3). Returns the
    /// number under which the client acknowledges them, if they are kept until then.
    ///
    /// Nothing leaves with the reply to a connect that has a successor: its client may have given it up.
    /// What is kept leaves with replies that can say under which number.
    pub(crate) fn depart(
        &mut self,
        carrier: Carrier,
        parcels: &mut VecDeque<Parcel<M>>,
    ) -> Option<u64> {
        debug_assert!(parcels.is_empty(), "they would be queued again");
        self.waking = false;
        let numbered = match carrier {
            Carrier::Connect(number) if !self.is_current(ConnectToken(number)) => return None,
            Carrier::Connect(_) | Carrier::Handshake => true,
            Carrier::Other | Carrier::Last => false,
        };
        if self.queue.keeps() && self.is_alive() && carrier != Carrier::Last {
            if !numbered {
                return None;
            }
            self.lazy = None;
            return self.queue.take_batch(parcels);
        }
        self.lazy = None;
        // Of an ended session nothing is acknowledged any more.
        if numbered {
            self.queue.take_with_kept(parcels);
        } else {
            self.queue.take(parcels);
        }
        None
    }

    /// Whether a session batch keeps messages back.
    pub(crate) const fn is_in_batch(&self) -> bool {
        self.batches > 0
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
    pub(crate) fn attach(&mut self, connection: u64, connect_only: bool) -> Wake {
        let route = if connect_only {
            Route::PushWithConnects(connection)
        } else {
            Route::Push(connection)
        };
        if self.route == route {
            return Wake::Nobody;
        }
        self.route = route;
        self.waking = false;
        self.release(Resume::Replaced)
    }

    /// Messages go into responses from now on.
    pub(crate) const fn detach(&mut self) {
        self.route = Route::Response;
        self.waking = false;
    }

    /// Whether messages go to this connection.
    pub(crate) const fn is_attached_to(&self, connection: u64) -> bool {
        match self.route {
            Route::Response => false,
            Route::Push(it) | Route::PushWithConnects(it) => it == connection,
        }
    }

    /// The connection is closed: what is queued stays for the next one (WS-18).
    pub(crate) fn close(&mut self, connection: u64) {
        if self.is_attached_to(connection) {
            self.detach();
        }
    }

    /// Ends the session; whoever can still take the farewell is woken, batch or not.
    pub(crate) fn end(&mut self, phase: Phase, farewell: Option<M>) -> Wake {
        self.phase = phase;
        (self.expiry, self.lazy) = (None, None);
        let pushes = self.route != Route::Response && farewell.is_some();
        if phase == Phase::Expired {
            self.queue.take_with_kept(&mut VecDeque::new()); // SES-12
        }
        if self.connect.is_none() {
            self.queue.forget(); // Nothing is going to ask for it again.
        }
        if let Some(farewell) = farewell {
            self.queue.append(Parcel::One(farewell));
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
        [held, self.expiry, self.lazy, self.limit, self.overdue()]
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
            let wake = self.release(Resume::Overdue);
            self.end(Phase::Expired, None);
            return Due::Expired(wake);
        }
        if passed(self.limit) {
            // A held connect is answered, and its reply says what to do.
            let wake = self.release(Resume::Lapsed);
            self.end(Phase::Expired, None);
            return Due::Expired(wake);
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

#[cfg(test)]
mod tests {
    use super::*;

    /// A message of one byte; capitals may wait.
    impl Queued for char {
        fn is_lazy(&self) -> bool {
            self.is_uppercase()
        }

        fn size(&self) -> usize {
            1
        }
    }

    /// The number and the messages.
    fn departed(state: &mut State<char>, carrier: Carrier) -> (Option<u64>, Vec<char>) {
        let mut messages = VecDeque::new();
        let number = state.depart(carrier, &mut messages);
        let messages = messages.iter().flat_map(Parcel::messages);
        (number, messages.copied().collect())
    }

    const SECOND: Duration = Duration::from_secs(1);

    /// `T` 20 s, `M` 10 s, room for four messages, handshaken.
    fn handshaken() -> (State<char>, Instant) {
        #[expect(clippy::disallowed_methods, reason = "any instant will do")]
        let now = Instant::now();
        let mut state = State::new(pacing(), 4, QueueOverflow::Disconnect, now);
        state.handshake(now);
        (state, now)
    }

    fn pacing() -> Pacing {
        Pacing {
            timeout: 20 * SECOND,
            interval: Duration::ZERO,
            max_interval: 10 * SECOND,
            max_processing: None,
            max_lazy: Some(5 * SECOND),
            max_queue: None,
            advise_max_interval: false,
        }
    }

    /// Connected once, with a connect held for `hold`.
    fn holding(hold: Hold) -> (State<char>, Instant, ConnectToken) {
        let (mut state, now) = handshaken();
        let (first, before, _) = state.connect(pacing(), now).unwrap();
        assert!(!before);
        state.connected(first, now);
        let (token, before, _) = state.connect(pacing(), now).unwrap();
        assert!(before && state.hold(token, hold, now + 20 * SECOND));
        (state, now, token)
    }

    fn queued(wake: Wake) -> Enqueued<char> {
        Enqueued::Queued(wake)
    }

    #[test]
    fn a_message_resumes_a_held_connect_once() {
        // CN-10, CN-13
        let (mut state, now, _) = holding(Hold::ForMessages);
        let wake = Wake::Held(Resume::Messages);
        assert_eq!(state.enqueue('a', None, || now), queued(wake));
        assert_eq!(state.enqueue('b', None, || now), queued(Wake::Nobody));
        assert_eq!(departed(&mut state, Carrier::Other).1, ['a', 'b']);
    }

    #[test]
    fn a_waiting_message_keeps_a_connect_from_being_held() {
        // CN-3, CN-6, LAZY-6
        let (mut state, now) = handshaken();
        state.enqueue('A', Some(5 * SECOND), || now);
        let (token, ..) = state.connect(pacing(), now).unwrap();
        assert!(state.hold(token, Hold::ForMessages, now + SECOND));
        let (token, ..) = state.connect(pacing(), now).unwrap();
        state.enqueue('b', None, || now);
        assert!(!state.hold(token, Hold::ForMessages, now + SECOND));
        assert!(state.hold(token, Hold::ForTime, now + SECOND));
    }

    #[test]
    fn a_second_connect_replaces_the_first() {
        // CN-17, CN-20
        let (mut state, now, first) = holding(Hold::ForMessages);
        let (second, _, wake) = state.connect(pacing(), now).unwrap();
        assert_eq!(wake, Wake::Held(Resume::Replaced));
        assert!(state.hold(second, Hold::ForMessages, now + 20 * SECOND));
        // The late end of the first one starts no expiry and ends no hold.
        state.connected(first, now);
        assert_eq!(state.deadline(), Some(now + 20 * SECOND));
    }

    #[test]
    fn expiry_starts_with_the_reply_and_moves_with_messages() {
        // SES-6, SES-8, SES-9, CN-9
        let (mut state, now, token) = holding(Hold::ForMessages);
        assert_eq!(
            state.due(now + 20 * SECOND),
            Due::Wake(Wake::Held(Resume::Lapsed))
        );
        assert_eq!(state.deadline(), None);
        state.connected(token, now + 20 * SECOND);
        assert_eq!(state.deadline(), Some(now + 30 * SECOND));
        state.hear(now + 15 * SECOND);
        assert_eq!(state.deadline(), Some(now + 30 * SECOND));
        state.hear(now + 25 * SECOND);
        assert_eq!(state.due(now + 34 * SECOND), Due::Wake(Wake::Nobody));
        assert_eq!(state.due(now + 35 * SECOND), Due::Expired(Wake::Nobody));
    }

    #[test]
    fn a_connect_that_takes_too_long_ends_the_session() {
        // SES-10
        let (mut state, now, _) = holding(Hold::ForMessages);
        state.pace.transport.max_processing = Some(2 * SECOND);
        assert_eq!(state.due(now + SECOND), Due::Wake(Wake::Nobody));
        assert_eq!(
            state.due(now + 2 * SECOND),
            Due::Expired(Wake::Held(Resume::Overdue))
        );
    }

    #[test]
    fn a_batch_postpones_the_wake_up() {
        // BAT-8, BAT-12
        let (mut state, now, _) = holding(Hold::ForMessages);
        state.start_batch();
        state.start_batch();
        assert_eq!(state.enqueue('a', None, || now), queued(Wake::Nobody));
        assert_eq!(state.end_batch(), Wake::Nobody);
        assert_eq!(state.end_batch(), Wake::Held(Resume::Messages));
    }

    #[test]
    fn the_shortest_lazy_timeout_flushes_everything() {
        // LAZY-2, LAZY-3, LAZY-4
        let (mut state, now, _) = holding(Hold::ForMessages);
        state.enqueue('A', Some(5 * SECOND), || now);
        state.enqueue('B', Some(SECOND), || now);
        state.enqueue('C', Some(9 * SECOND), || now);
        assert_eq!(state.deadline(), Some(now + SECOND));
        assert_eq!(
            state.due(now + SECOND),
            Due::Wake(Wake::Held(Resume::Messages))
        );
        assert_eq!(departed(&mut state, Carrier::Other).1, ['A', 'B', 'C']);
        // LAZY-3: the next lazy message arms the timer anew.
        state.enqueue('D', Some(SECOND), || now);
        assert_eq!(state.due(now + SECOND), Due::Wake(Wake::Nobody));
        assert!(state.has_urgent());
    }

    #[test]
    fn one_wake_up_is_under_way_at_most() {
        // WS-12, WS-13
        let (mut state, now, _) = holding(Hold::ForTime);
        assert_eq!(state.attach(1, false), Wake::Held(Resume::Replaced));
        assert_eq!(state.attach(1, false), Wake::Nobody);
        assert_eq!(state.enqueue('a', None, || now), queued(Wake::Pushed));
        assert_eq!(state.enqueue('b', None, || now), queued(Wake::Nobody));
        departed(&mut state, Carrier::Other);
        assert_eq!(state.enqueue('c', None, || now), queued(Wake::Pushed));
    }

    #[test]
    fn a_closed_socket_leaves_its_messages_to_the_next() {
        // WS-18
        let (mut state, now) = handshaken();
        state.attach(1, false);
        state.close(1);
        assert_eq!(state.enqueue('a', None, || now), queued(Wake::Nobody));
        state.attach(2, false);
        state.close(1);
        assert_eq!(state.enqueue('b', None, || now), queued(Wake::Pushed));
        assert_eq!(departed(&mut state, Carrier::Other).1, ['a', 'b']);
    }

    #[test]
    fn the_farewell_is_the_last_message() {
        // DIS-6, DIS-7, SES-12
        let (mut state, now, _) = holding(Hold::ForMessages);
        state.start_batch();
        state.enqueue('a', None, || now);
        let wake = state.end(Phase::Disconnected, Some('z'));
        assert_eq!(wake, Wake::Held(Resume::Disconnected));
        assert_eq!(state.enqueue('b', None, || now), Enqueued::Gone('b'));
        assert_eq!(departed(&mut state, Carrier::Other).1, ['a', 'z']);
        assert_eq!(state.deadline(), None);
    }

    #[test]
    fn a_full_queue_ends_the_session() {
        let (mut state, now) = handshaken();
        for message in ['a', 'b', 'c', 'd'] {
            assert_eq!(state.enqueue(message, None, || now), queued(Wake::Nobody));
        }
        assert_eq!(state.enqueue('e', None, || now), Enqueued::Overflow('e'));
    }

    #[test]
    fn messages_are_queued_together_if_that_is_the_same_as_one_by_one() {
        let (mut state, now) = handshaken();
        state.attach(1, false);
        let three = Parcel::new(['a', 'b', 'c'].into_iter().collect());
        assert_eq!(state.enqueue_together(&three), Some(Wake::Pushed));
        assert_eq!(state.queued(), 3);
        assert_eq!(
            state.enqueue_together(&three),
            None,
            "there is room for one"
        );
        assert_eq!(state.enqueue('d', None, || now), queued(Wake::Nobody));
        assert_eq!(departed(&mut state, Carrier::Other).1, ['a', 'b', 'c', 'd']);

        state.end(Phase::Disconnected, None);
        assert_eq!(state.enqueue_together(&three), None, "nobody is there");
    }

    #[test]
    fn what_made_room_hastens_nobody() {
        // LAZY-6
        let (mut state, now) = handshaken();
        state.overflow = QueueOverflow::DropOldest;
        for message in ['A', 'b', 'C', 'D', 'E', 'F'] {
            state.enqueue(message, None, || now);
        }
        assert!(!state.has_urgent(), "C to F are left");
    }

    #[test]
    fn nothing_revives_a_session_that_has_ended() {
        // SES-12, CN-22
        let (mut state, now, token) = holding(Hold::ForMessages);
        state.end(Phase::Disconnected, None);
        assert!(state.connect(pacing(), now).is_none());
        state.connected(token, now);
        state.hear(now);
        assert!(!state.hold(token, Hold::ForMessages, now + SECOND));
        assert_eq!(
            (state.phase(), state.deadline()),
            (Phase::Disconnected, None)
        );
        assert_eq!(state.due(now + 100 * SECOND), Due::Wake(Wake::Nobody));
    }

    #[test]
    fn a_connect_only_socket_is_not_pushed_to() {
        // CN-15, CFG-15
        let (mut state, now) = handshaken();
        state.attach(1, true);
        assert_eq!(state.enqueue('a', None, || now), queued(Wake::Nobody));
        assert!(state.is_attached_to(1) && !state.is_attached_to(2));
    }

    #[test]
    fn nothing_leaves_with_the_reply_to_a_connect_that_was_overtaken() {
        // extensions 2.13
        let (mut state, now) = handshaken();
        let (slow, ..) = state.connect(pacing(), now).unwrap();
        let (next, ..) = state.connect(pacing(), now).unwrap();
        state.enqueue('a', None, || now);
        let late = departed(&mut state, Carrier::Connect(slow.number()));
        assert_eq!(late, (None, vec![]));
        let reply = departed(&mut state, Carrier::Connect(next.number()));
        assert_eq!(reply, (None, vec!['a']));
    }

    #[test]
    fn what_is_acknowledged_leaves_under_a_number_only() {
        // extensions 2.2, 2.7: pushed to nobody, and not taken along by other replies
        let (mut state, now) = handshaken();
        state.keep();
        state.attach(1, false);
        let (connect, ..) = state.connect(pacing(), now).unwrap();
        assert!(state.hold(connect, Hold::ForMessages, now + 20 * SECOND));
        let wake = Wake::Held(Resume::Messages);
        assert_eq!(state.enqueue('a', None, || now), queued(wake));
        assert!(departed(&mut state, Carrier::Other).1.is_empty());
        let reply = departed(&mut state, Carrier::Connect(connect.number()));
        assert_eq!(reply, (Some(1), vec!['a']));
        assert!(state.acknowledge(0));
        assert!(!state.has_urgent());
        state.enqueue('b', None, || now);
        state.end(Phase::Disconnected, Some('z'));
        assert_eq!(departed(&mut state, Carrier::Other).1, ['b', 'z']);
    }

    #[test]
    fn what_was_never_sent_leaves_without_a_number_when_the_server_stops() {
        // SES-16, extensions 2.14
        let (mut state, now) = handshaken();
        state.keep();
        let (connect, ..) = state.connect(pacing(), now).unwrap();
        state.enqueue('a', None, || now);
        departed(&mut state, Carrier::Connect(connect.number()));
        state.enqueue('b', None, || now);
        assert_eq!(departed(&mut state, Carrier::Last).1, ['b']);
    }

    #[test]
    fn an_expired_session_keeps_no_messages() {
        // SES-12
        let (mut state, now) = handshaken();
        state.enqueue('a', None, || now);
        assert_eq!(state.due(now + 10 * SECOND), Due::Expired(Wake::Nobody));
        assert!(departed(&mut state, Carrier::Other).1.is_empty());
    }
}
