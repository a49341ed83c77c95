//! Random lives of a session against a simple model: nothing is lost, doubled or reordered, nobody
//! waits for a wake-up that does not come, and no session is without a deadline.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::pacing::Pacing;
use super::parcel::Parcel;
use super::queue::{QueueOverflow, Queued};
use super::state::{Carrier, ConnectToken, Due, Enqueued, Hold, Phase, Resume, State, Wake};

/// A message with its number.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Numbered {
    number: usize,
    lazy: bool,
}

impl Queued for Numbered {
    fn is_lazy(&self) -> bool {
        self.lazy
    }

    fn size(&self) -> usize {
        1
    }
}

/// Something that happens to a session.
#[derive(Clone, Copy, Debug)]
enum Event {
    Connect {
        hold: Option<Hold>,
    },
    /// A connect, this many back, is answered or its client is gone.
    Connected {
        back: usize,
    },
    Hear,
    Enqueue {
        lazy: bool,
    },
    /// As many at once.
    EnqueueTogether {
        count: usize,
    },
    Drain,
    StartBatch,
    EndBatch,
    Attach {
        connection: u64,
        connect_only: bool,
    },
    Close {
        connection: u64,
    },
    Detach,
    Wait {
        seconds: u64,
    },
    End,
}

fn event() -> impl Strategy<Value = Event> {
    let hold = prop::option::of(prop::sample::select(vec![Hold::ForMessages, Hold::ForTime]));
    prop_oneof![
        3 => hold.prop_map(|hold| Event::Connect { hold }),
        3 => (0..3_usize).prop_map(|back| Event::Connected { back }),
        1 => Just(Event::Hear),
        8 => any::<bool>().prop_map(|lazy| Event::Enqueue { lazy }),
        3 => (1..4_usize).prop_map(|count| Event::EnqueueTogether { count }),
        3 => Just(Event::Drain),
        1 => Just(Event::StartBatch),
        2 => Just(Event::EndBatch),
        2 => (0..3_u64, any::<bool>())
            .prop_map(|(connection, connect_only)| Event::Attach { connection, connect_only }),
        1 => (0..3_u64).prop_map(|connection| Event::Close { connection }),
        1 => Just(Event::Detach),
        3 => (0..12_u64).prop_map(|seconds| Event::Wait { seconds }),
        1 => Just(Event::End),
    ]
}

/// What must be true of a session whatever happens.
#[derive(Debug)]
struct Model {
    state: State<Numbered>,
    now: Instant,
    connects: Vec<ConnectToken>,
    /// The hold that is on, as its holder knows.
    held: Option<Hold>,
    /// To whom messages are pushed at any time.
    pushed_to: Option<u64>,
    /// Whether that connection has been woken since it last drained.
    woken: bool,
    batches: usize,
    accepted: Vec<Numbered>,
    delivered: Vec<Numbered>,
    /// Whether a message waits that must not.
    urgent: bool,
}

impl Model {
    #[expect(clippy::disallowed_methods, reason = "any instant will do")]
    fn new() -> Self {
        let now = Instant::now();
        let mut state = State::new(pacing(), usize::MAX, QueueOverflow::Disconnect, now);
        state.handshake(now);
        Self {
            state,
            now,
            connects: Vec::new(),
            held: None,
            pushed_to: None,
            woken: false,
            batches: 0,
            accepted: Vec::new(),
            delivered: Vec::new(),
            urgent: false,
        }
    }

    fn woke(&mut self, wake: Wake) {
        match wake {
            Wake::Nobody => {}
            Wake::Held(resume) => {
                assert!(self.held.take().is_some(), "nobody holds");
                // The response to the connect takes the queue along.
                self.woken |= resume == Resume::Messages;
            }
            Wake::Pushed => self.woken = true,
        }
    }

    fn apply(&mut self, event: Event) {
        match event {
            Event::Connect { hold } => self.connect(hold),
            Event::Connected { back } => {
                let token = self
                    .connects
                    .len()
                    .checked_sub(back + 1)
                    .map(|it| self.connects[it]);
                if let Some(token) = token {
                    self.state.connected(token, self.now);
                    self.held = self.held.filter(|_| back > 0);
                }
            }
            Event::Hear => self.state.hear(self.now),
            Event::Enqueue { lazy } => self.enqueue(lazy),
            Event::EnqueueTogether { count } => self.enqueue_together(count),
            Event::Drain => {
                let mut departed = VecDeque::new();
                self.state.depart(Carrier::Other, &mut departed);
                let departed = departed.iter().flat_map(Parcel::messages);
                self.delivered.extend(departed);
                (self.woken, self.urgent) = (false, false);
            }
            Event::StartBatch => {
                self.state.start_batch();
                self.batches += 1;
            }
            Event::EndBatch if self.batches > 0 => {
                self.batches -= 1;
                let wake = self.state.end_batch();
                self.woke(wake);
            }
            Event::EndBatch => {}
            Event::Attach {
                connection,
                connect_only,
            } => {
                let wake = self.state.attach(connection, connect_only);
                self.woke(wake);
                // A frame has arrived there: its response drains the queue.
                self.pushed_to = (!connect_only).then_some(connection);
                self.apply(Event::Drain);
            }
            Event::Close { connection } => {
                self.state.close(connection);
                self.pushed_to = self.pushed_to.filter(|it| *it != connection);
            }
            Event::Detach => {
                self.state.detach();
                self.pushed_to = None;
            }
            Event::Wait { seconds } => self.wait(Duration::from_secs(seconds)),
            Event::End => {
                let wake = self.state.end(Phase::Disconnected, None);
                self.woke(wake);
            }
        }
    }

    fn connect(&mut self, hold: Option<Hold>) {
        let Some((token, _, wake)) = self.state.connect(pacing(), self.now) else {
            assert!(!self.state.is_alive());
            return;
        };
        self.woke(wake);
        assert_eq!(self.held, None, "an older connect is still held");
        self.connects.push(token);
        if let Some(hold) = hold
            && self
                .state
                .hold(token, hold, self.now + Duration::from_secs(20))
        {
            self.held = Some(hold);
        }
    }

    fn enqueue(&mut self, lazy: bool) {
        let message = Numbered {
            number: self.accepted.len(),
            lazy,
        };
        let alive = self.state.is_alive();
        match self.state.enqueue(message, None, || self.now) {
            Enqueued::Queued(wake) => {
                assert!(alive);
                self.accepted.push(message);
                self.urgent |= !lazy;
                self.woke(wake);
            }
            Enqueued::Gone(_) => assert!(!alive),
            Enqueued::Dropped(_) | Enqueued::Overflow(_) => panic!("there is room"),
        }
    }

    fn enqueue_together(&mut self, count: usize) {
        let first = self.accepted.len();
        let message = |number| Numbered {
            number,
            lazy: false,
        };
        let parcel = Parcel::new((first..first + count).map(message).collect());
        let wake = self.state.enqueue_together(&parcel);
        assert_eq!(wake.is_some(), self.state.is_alive());
        if let Some(wake) = wake {
            self.accepted.extend(parcel.messages());
            self.urgent = true;
            self.woke(wake);
        }
    }

    fn wait(&mut self, time: Duration) {
        self.now += time;
        // Several may have passed at once; each is done with when it has been seen.
        for seen in 0.. {
            if self.state.deadline().is_none_or(|at| at > self.now) {
                return;
            }
            assert!(seen < 4, "a deadline comes back");
            let lazies = self.accepted.len() > self.delivered.len();
            match self.state.due(self.now) {
                Due::Wake(wake) => {
                    self.urgent |= lazies && self.state.has_urgent();
                    self.woke(wake);
                }
                Due::Expired(wake) => self.woke(wake),
            }
        }
    }

    fn check(&self) {
        assert_eq!(
            self.delivered,
            self.accepted[..self.delivered.len()],
            "order or number"
        );
        if !self.state.is_alive() {
            assert_eq!(self.held, None, "an ended session holds a connect");
            return;
        }
        let waiting = self.accepted.len() - self.delivered.len();
        assert_eq!(self.state.queued(), waiting, "lost or doubled");
        let urgent = self.urgent && self.batches == 0;
        assert!(
            !urgent || self.held != Some(Hold::ForMessages),
            "a connect waits for what is there"
        );
        assert!(
            !urgent || self.pushed_to.is_none() || self.woken,
            "nobody pushes"
        );
        let connecting = self.state.is_connecting();
        assert!(
            connecting || self.state.deadline().is_some(),
            "a session for ever"
        );
    }
}

fn pacing() -> Pacing {
    Pacing {
        timeout: Duration::from_secs(20),
        interval: Duration::ZERO,
        max_interval: Duration::from_secs(10),
        max_processing: None,
        max_lazy: Some(Duration::from_secs(5)),
        max_queue: None,
        advise_max_interval: false,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn no_life_of_a_session_breaks_its_promises(events in prop::collection::vec(event(), 1..60)) {
        let mut model = Model::new();
        for event in events {
            model.apply(event);
            model.check();
        }
    }
}
