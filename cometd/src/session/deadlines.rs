//! What is due when.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;
use std::time::Instant;

/// Keys in the order of their deadlines: the one structure behind all timers of a server.
#[derive(Debug)]
pub(crate) struct Deadlines<K> {
    heap: BinaryHeap<Reverse<Entry<K>>>,
    /// Keeps entries of one instant in the order in which they came.
    count: u64,
}

#[derive(Debug)]
struct Entry<K> {
    at: Instant,
    count: u64,
    key: K,
}

impl<K> Deadlines<K> {
    /// Adds a deadline; whether it is now the next one.
    pub(crate) fn push(&mut self, at: Instant, key: K) -> bool {
        let earlier = self.next().is_none_or(|next| at < next);
        self.count += 1;
        self.heap.push(Reverse(Entry {
            at,
            count: self.count,
            key,
        }));
        earlier
    }

    /// How many deadlines there are.
    pub(crate) fn len(&self) -> usize {
        self.heap.len()
    }

    /// Drops the deadlines that do not matter any more.
    pub(crate) fn retain(&mut self, mut matters: impl FnMut(Instant, &K) -> bool) {
        self.heap
            .retain(|Reverse(entry)| matters(entry.at, &entry.key));
    }

    /// The next deadline.
    pub(crate) fn next(&self) -> Option<Instant> {
        self.heap.peek().map(|Reverse(entry)| entry.at)
    }

    /// Takes one key whose deadline has passed, with that deadline.
    pub(crate) fn pop(&mut self, now: Instant) -> Option<(Instant, K)> {
        if self.next()? > now {
            return None;
        }
        self.heap.pop().map(|Reverse(entry)| (entry.at, entry.key))
    }
}

impl<K> Default for Deadlines<K> {
    fn default() -> Self {
        Self {
            heap: BinaryHeap::new(),
            count: 0,
        }
    }
}

impl<K> Ord for Entry<K> {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.at, self.count).cmp(&(other.at, other.count))
    }
}

impl<K> PartialOrd for Entry<K> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<K> Eq for Entry<K> {}

impl<K> PartialEq for Entry<K> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    #[expect(clippy::disallowed_methods, reason = "any instant will do")]
    fn keys_come_out_when_they_are_due_and_in_order() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut deadlines = Deadlines::default();
        assert!(deadlines.push(at(5), "five"));
        assert!(!deadlines.push(at(7), "seven"));
        assert!(deadlines.push(at(3), "three"));
        assert!(!deadlines.push(at(3), "three too"));
        assert_eq!(deadlines.pop(at(2)), None);
        assert_eq!(deadlines.pop(at(6)), Some((at(3), "three")));
        assert_eq!(deadlines.pop(at(6)), Some((at(3), "three too")));
        assert_eq!(deadlines.pop(at(6)), Some((at(5), "five")));
        assert_eq!(deadlines.pop(at(6)), None);
        assert_eq!(deadlines.next(), Some(at(7)));
    }
}
