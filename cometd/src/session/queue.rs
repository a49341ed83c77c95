//! The messages that wait for a session.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::protocol::FrozenMessage;

/// What a queue asks of a message.
pub(crate) trait Queued {
    /// Whether it may wait for company (section 13).
    fn is_lazy(&self) -> bool;
    /// Bytes that it costs.
    fn size(&self) -> usize;
}

impl Queued for Arc<FrozenMessage> {
    fn is_lazy(&self) -> bool {
        self.message().is_lazy()
    }

    fn size(&self) -> usize {
        FrozenMessage::size(self)
    }
}

/// What happens to a message that a session's queue has no room for.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum QueueOverflow {
    /// The session is ended: its client is told to stop, or learns on its return that it has to
    /// handshake. The one policy that hides no loss.
    #[default]
    Disconnect,
    /// The oldest messages make room.
    DropOldest,
    /// The message is not queued.
    DropNewest,
}

/// What became of a message.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Admission {
    Queued,
    Dropped,
    /// The session has to be ended.
    Overflow,
}

/// A queue in the order of arrival, bounded in bytes.
#[derive(Debug)]
pub(crate) struct Queue<M> {
    messages: VecDeque<M>,
    bytes: usize,
    /// How many of the messages may not wait.
    urgent: usize,
}

impl<M: Queued> Queue<M> {
    pub(crate) fn push(&mut self, message: M, limit: usize, overflow: QueueOverflow) -> Admission {
        if self.bytes + message.size() > limit {
            match overflow {
                // What fits into no queue must not empty this one.
                QueueOverflow::DropOldest if message.size() > limit => return Admission::Dropped,
                QueueOverflow::Disconnect => return Admission::Overflow,
                QueueOverflow::DropNewest => return Admission::Dropped,
                QueueOverflow::DropOldest => self.make_room(message.size(), limit),
            }
        }
        self.append(message);
        Admission::Queued
    }

    /// Adds a message whatever the limit.
    pub(crate) fn append(&mut self, message: M) {
        self.bytes += message.size();
        self.urgent += usize::from(!message.is_lazy());
        self.messages.push_back(message);
    }

    fn make_room(&mut self, size: usize, limit: usize) {
        while self.bytes + size > limit {
            let Some(oldest) = self.messages.pop_front() else {
                return;
            };
            self.bytes -= oldest.size();
            self.urgent = self.urgent.saturating_sub(usize::from(!oldest.is_lazy()));
            self.urgent = self.urgent.min(self.messages.len());
        }
    }

    /// Nothing in the queue may wait any longer.
    pub(crate) fn hasten(&mut self) {
        self.urgent = self.messages.len();
    }

    /// Whether there is a message that may not wait.
    pub(crate) const fn is_urgent(&self) -> bool {
        self.urgent > 0
    }

    pub(crate) fn len(&self) -> usize {
        self.messages.len()
    }

    /// Takes everything at once (SES-3).
    pub(crate) fn take(&mut self) -> VecDeque<M> {
        (self.bytes, self.urgent) = (0, 0);
        std::mem::take(&mut self.messages)
    }
}

impl<M> Default for Queue<M> {
    fn default() -> Self {
        Self {
            messages: VecDeque::new(),
            bytes: 0,
            urgent: 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq)]
    struct Sized(usize);

    impl Queued for Sized {
        fn is_lazy(&self) -> bool {
            self.0.is_multiple_of(2)
        }

        fn size(&self) -> usize {
            self.0
        }
    }

    #[track_caller]
    fn check(overflow: QueueOverflow, expected: Admission, left: &[usize]) {
        let mut queue = Queue::default();
        for size in [3, 4, 3] {
            assert_eq!(queue.push(Sized(size), 10, overflow), Admission::Queued);
        }
        assert_eq!(queue.push(Sized(1), 10, overflow), expected);
        assert_eq!(queue.bytes, left.iter().sum::<usize>());
        assert_eq!(queue.urgent, left.iter().filter(|it| *it % 2 == 1).count());
        assert_eq!(
            queue.take().into_iter().map(|it| it.0).collect::<Vec<_>>(),
            left
        );
        assert_eq!((queue.bytes, queue.urgent), (0, 0));
    }

    #[test]
    fn the_byte_that_is_too_many_meets_the_policy() {
        check(QueueOverflow::Disconnect, Admission::Overflow, &[3, 4, 3]);
        check(QueueOverflow::DropNewest, Admission::Dropped, &[3, 4, 3]);
        check(QueueOverflow::DropOldest, Admission::Queued, &[4, 3, 1]);
    }
}
