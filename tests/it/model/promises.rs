//! What a session has yet to receive.

use std::collections::{BTreeSet, VecDeque};
use std::ops::RangeInclusive;

use tokio::time::Instant;

use super::Who;
use super::connections::Arrived;

/// A message that was queued for a session.
#[derive(Debug)]
struct Promise {
    number: u64,
    /// From when on a message must not wait while somebody listens: later than now if it is lazy.
    urgent: Instant,
    /// The rule by which it may never arrive.
    excuse: Option<&'static str>,
}

/// The messages that were queued for a session, in the order of the queue.
#[derive(Debug)]
pub(super) struct Promises {
    to: Who,
    queue: VecDeque<Promise>,
}

impl Promises {
    pub(super) const fn new(to: Who) -> Self {
        Self {
            to,
            queue: VecDeque::new(),
        }
    }

    pub(super) fn add(&mut self, number: u64, urgent: Instant, excuse: Option<&'static str>) {
        self.queue.push_back(Promise {
            number,
            urgent,
            excuse,
        });
    }

    /// All that has not arrived may be lost by this rule.
    pub(super) fn excuse(&mut self, rule: &'static str) {
        for promise in &mut self.queue {
            promise.excuse = Some(rule);
        }
    }

    /// These arrived at about the same time, one list for each connection.
    ///
    /// Which of several connections is read first is not the server's to say (BAT-10). Apart from that
    /// what arrives is the beginning of the queue.
    pub(super) fn keep(&mut self, arrived: &[Arrived]) {
        let to = self.to;
        let mut places = BTreeSet::new();
        for connection in arrived {
            let mut last = None;
            for number in &connection.numbers {
                let place = self.queue.iter().position(|it| it.number == *number);
                let Some(place) = place.filter(|it| places.insert(*it)) else {
                    panic!("{number} comes to {to:?} twice, late or unasked");
                };
                assert!(
                    last < Some(place),
                    "{number} comes to {to:?} after its successor"
                );
                last = Some(place);
            }
        }
        let Some(end) = places.last() else {
            return;
        };
        for (place, promise) in self.queue.drain(..=*end).enumerate() {
            let is_kept = places.contains(&place) || promise.excuse.is_some();
            assert!(is_kept, "{} is lost to {to:?} or overtaken", promise.number);
        }
    }

    /// Nothing waits that had to be delivered before now.
    pub(super) fn assert_none_urgent(&self, now: Instant, listens: &str) {
        let late = self
            .queue
            .iter()
            .find(|it| it.excuse.is_none() && it.urgent < now);
        assert!(
            late.is_none(),
            "{late:?} waits, although {:?} has {listens}",
            self.to
        );
    }

    /// Whether a timer may be about to make something urgent.
    pub(super) fn is_one_urgent_within(&self, span: &RangeInclusive<Instant>) -> bool {
        self.queue.iter().any(|it| span.contains(&it.urgent))
    }

    /// The numbers of what must still arrive.
    pub(super) fn owed(&self) -> Vec<u64> {
        let owed = self.queue.iter().filter(|it| it.excuse.is_none());
        owed.map(|it| it.number).collect()
    }
}
