//! What was published, who has it, and how long that took.

use std::fmt;
use std::ops::Range;
use std::rc::Rc;
use std::time::Duration;

use hdrhistogram::Histogram;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::order::{Arrival, Order};
use super::token::Token;

/// The messages of one run. Times are nanoseconds since it was made.
pub(crate) struct Ledger {
    start: Instant,
    pace: Pace,
    streams: Vec<Stream>,
    publishing: Publishing,
    /// What counts: deliveries in this time, and latencies of messages that were due in it.
    measured: Range<u64>,
    /// Deliveries that have not happened yet.
    outstanding: u64,
    tally: Tally,
}

/// When the next message is due.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Pace {
    /// As soon as fewer than this many of a stream are on their way to any of their receivers.
    Closed { window: u32 },
    /// At a fixed rate of all streams together, in messages per second, whatever becomes of them.
    Open { rate: f64 },
}

/// What one session publishes to one channel.
struct Stream {
    /// How many sessions receive each message.
    receivers: u32,
    sent: Vec<Sent>,
    /// How many messages all receivers have.
    complete: u32,
    /// Wakes the publisher: something may be due.
    turn: Rc<Notify>,
}

struct Sent {
    /// When it was due.
    due: u64,
    /// The receivers that do not have it yet.
    missing: u32,
}

#[derive(Clone, Copy)]
enum Publishing {
    No,
    Since(u64),
}

/// What a run has come to.
#[derive(Clone, Debug)]
pub(crate) struct Tally {
    /// Deliveries in the measured time.
    pub(crate) delivered: u64,
    /// Nanoseconds from when a message was due to its arrival at one receiver.
    pub(crate) latency: Histogram<u64>,
    /// Nanoseconds from when a message was due to when it was written: the generator's own part.
    pub(crate) lag: Histogram<u64>,
    pub(crate) faults: Faults,
}

/// What must not happen. A run with any of these has no result.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Faults {
    pub(crate) lost: u64,
    pub(crate) duplicated: u64,
    pub(crate) reordered: u64,
    /// For others, or not as it was published.
    pub(crate) foreign: u64,
    /// Replies that are not successful.
    pub(crate) refused: u64,
}

impl fmt::Display for Faults {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            lost,
            duplicated,
            reordered,
            foreign,
            refused,
        } = self;
        write!(
            formatter,
            "{lost} lost, {duplicated} duplicated, {reordered} reordered, {foreign} foreign, {refused} refused"
        )
    }
}

impl Ledger {
    /// A run of streams with these numbers of receivers.
    pub(crate) fn new(pace: Pace, receivers: impl IntoIterator<Item = u32>) -> Self {
        let stream = |receivers| Stream {
            receivers,
            sent: Vec::new(),
            complete: 0,
            turn: Rc::default(),
        };
        Self {
            start: Instant::now(),
            pace,
            streams: receivers.into_iter().map(stream).collect(),
            publishing: Publishing::No,
            measured: 0..0,
            outstanding: 0,
            tally: Tally::default(),
        }
    }

    pub(crate) fn now(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    pub(crate) fn turn(&self, stream: usize) -> Rc<Notify> {
        let stream = self.streams.get(stream);
        stream.map(|it| Rc::clone(&it.turn)).unwrap_or_default()
    }

    /// Lets all streams publish.
    pub(crate) fn begin(&mut self) {
        self.publishing = Publishing::Since(self.now());
        self.wake();
    }

    /// From now on for this long, what happens counts.
    pub(crate) fn measure(&mut self, duration: Duration) {
        let from = self.now();
        self.measured = from..from + nanoseconds(duration);
    }

    /// Nothing further is due.
    pub(crate) fn end(&mut self) {
        self.publishing = Publishing::No;
    }

    /// Wakes every publisher.
    pub(crate) fn wake(&self) {
        self.streams.iter().for_each(|it| it.turn.notify_one());
    }

    /// The numbers of the messages of a stream that are due; they count as published.
    pub(crate) fn take_due(&mut self, stream: usize) -> Range<u32> {
        let now = self.now();
        let streams = self.streams.len();
        let (Publishing::Since(begin), Some(it)) = (self.publishing, self.streams.get_mut(stream))
        else {
            return 0..0;
        };
        let first = it.sent.len();
        let mut publish = |due: u64| {
            self.outstanding += u64::from(it.receivers);
            it.sent.push(Sent {
                due,
                missing: it.receivers,
            });
            if self.measured.contains(&due) {
                self.tally.lag.saturating_record(now.saturating_sub(due));
            }
        };
        match self.pace {
            Pace::Closed { window } => {
                let under_way = number(first) - it.complete;
                (under_way..window).for_each(|_| publish(now));
            }
            Pace::Open { rate } => {
                let due = |nth: usize| begin + intended(rate, streams, stream, nth);
                (first..)
                    .map(due)
                    .take_while(|due| *due <= now)
                    .for_each(&mut publish);
            }
        }
        number(first)..number(it.sent.len())
    }

    /// A session has received a message at this time.
    pub(crate) fn deliver(&mut self, order: &mut Order, token: Token, now: u64) {
        let faults = &mut self.tally.faults;
        match order.receive(token) {
            Arrival::InOrder => {}
            Arrival::Late => faults.reordered += 1,
            Arrival::Again => {
                faults.duplicated += 1;
                return;
            }
            Arrival::Foreign => {
                faults.foreign += 1;
                return;
            }
        }
        let stream = self.streams.get_mut(token.stream);
        let Some(due) = stream.and_then(|it| it.receive(token.number)) else {
            faults.foreign += 1;
            return;
        };
        self.outstanding = self.outstanding.saturating_sub(1);
        if self.measured.contains(&now) {
            self.tally.delivered += 1;
        }
        if self.measured.contains(&due) {
            let latency = now.saturating_sub(due);
            self.tally.latency.saturating_record(latency);
        }
    }

    /// A session has received something that is no message of this run.
    pub(crate) const fn receive_foreign(&mut self) {
        self.tally.faults.foreign += 1;
    }

    /// A reply was not successful.
    pub(crate) const fn refuse(&mut self) {
        self.tally.faults.refused += 1;
    }

    pub(crate) const fn outstanding(&self) -> u64 {
        self.outstanding
    }

    /// What the run has come to, with everything lost that is outstanding.
    pub(crate) fn tally(&self) -> Tally {
        let mut tally = self.tally.clone();
        tally.faults.lost = self.outstanding;
        tally
    }
}

impl Tally {
    /// Something that is no message has happened, and has taken so long.
    pub(crate) fn count(&mut self, latency: Duration) {
        self.delivered += 1;
        self.latency.saturating_record(nanoseconds(latency));
    }
}

impl Stream {
    /// One more receiver has a message; when that was due, if it was ever published.
    fn receive(&mut self, number: u32) -> Option<u64> {
        let sent = self.sent.get_mut(number as usize)?;
        sent.missing = sent.missing.saturating_sub(1);
        if sent.missing == 0 {
            self.complete += 1;
            self.turn.notify_one();
        }
        Some(sent.due)
    }
}

impl Default for Tally {
    fn default() -> Self {
        Self {
            delivered: 0,
            latency: histogram(),
            lag: histogram(),
            faults: Faults::default(),
        }
    }
}

/// When the nth message of one of several streams is to be sent, in nanoseconds from the beginning:
/// the streams take turns.
fn intended(rate: f64, streams: usize, stream: usize, nth: usize) -> u64 {
    let turn = nth as f64 * streams as f64 + stream as f64;
    (turn / rate * 1e9) as u64
}

/// Up to a minute, in thousandths of the value.
fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, nanoseconds(Duration::from_secs(60)), 3)
        .expect("these bounds are allowed")
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// A stream is over long before it has this many messages.
fn number(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const WINDOW: Pace = Pace::Closed { window: 2 };

    fn token(stream: usize, number: u32) -> Token {
        Token { stream, number }
    }

    fn begun(pace: Pace, receivers: &[u32]) -> Ledger {
        let mut ledger = Ledger::new(pace, receivers.iter().copied());
        ledger.begin();
        ledger.measure(Duration::from_secs(1));
        ledger
    }

    #[tokio::test(start_paused = true)]
    async fn a_window_opens_when_all_receivers_have_a_message() {
        let mut ledger = begun(WINDOW, &[2]);
        let mut orders = [Order::new(0, 1), Order::new(0, 1)];
        assert_eq!(ledger.take_due(0), 0..2);
        ledger.deliver(&mut orders[0], token(0, 0), 0);
        assert_eq!(ledger.take_due(0), 2..2);
        ledger.deliver(&mut orders[1], token(0, 0), 0);
        assert_eq!(ledger.take_due(0), 2..3);
    }

    #[tokio::test(start_paused = true)]
    async fn an_open_loop_publishes_what_was_due_while_nobody_looked() {
        let mut ledger = begun(Pace::Open { rate: 10.0 }, &[1, 1]);
        tokio::time::advance(Duration::from_millis(450)).await;
        // Turns at 0, 100, 200, 300, 400 ms.
        assert_eq!((ledger.take_due(0), ledger.take_due(1)), (0..3, 0..2));
        let now = ledger.now();
        ledger.deliver(&mut Order::new(0, 1), token(0, 0), now);
        let tally = ledger.tally();
        // From when it was due, not from when it was sent.
        assert_eq!(tally.latency.max() / 1_000_000, 450);
        assert_eq!(tally.lag.max() / 1_000_000, 450);
    }

    #[tokio::test(start_paused = true)]
    async fn only_the_measured_time_counts() {
        let mut ledger = begun(WINDOW, &[1]);
        let mut order = Order::new(0, 1);
        assert_eq!(ledger.take_due(0), 0..2);
        ledger.deliver(&mut order, token(0, 0), 1);
        tokio::time::advance(Duration::from_secs(2)).await;
        let now = ledger.now();
        ledger.deliver(&mut order, token(0, 1), now);
        assert_eq!(ledger.take_due(0), 2..4);
        ledger.deliver(&mut order, token(0, 2), now);
        let tally = ledger.tally();
        // The second arrived too late to count, but was due in time; the third neither.
        assert_eq!((tally.delivered, tally.latency.len()), (1, 2));
    }

    #[tokio::test(start_paused = true)]
    async fn every_fault_is_counted() {
        let mut ledger = begun(Pace::Closed { window: 4 }, &[1]);
        let mut order = Order::new(0, 1);
        assert_eq!(ledger.take_due(0), 0..4);
        for number in [1, 0, 0, 7] {
            ledger.deliver(&mut order, token(0, number), 0);
        }
        ledger.deliver(&mut order, token(1, 0), 0);
        ledger.refuse();
        let expected = Faults {
            lost: 2,
            duplicated: 1,
            reordered: 1,
            foreign: 2,
            refused: 1,
        };
        assert_eq!(ledger.tally().faults, expected);
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_is_due_before_the_beginning_and_after_the_end() {
        let mut ledger = Ledger::new(WINDOW, [1]);
        assert_eq!(ledger.take_due(0), 0..0);
        ledger.begin();
        ledger.end();
        assert_eq!(ledger.take_due(0), 0..0);
    }
}
