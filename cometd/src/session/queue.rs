//! The messages that wait for a session.

use std::collections::VecDeque;
use std::sync::Arc;

use super::parcel::Parcel;
use crate::protocol::FrozenMessage;

/// What a queue asks of a message.
pub(crate) trait Queued: Clone {
    /// Whether it may wait for company (section 13).
    fn is_lazy(&self) -> bool;
    /// Bytes that it costs.
    fn size(&self) -> usize;
}

impl Queued for Arc<FrozenMessage> {
    fn is_lazy(&self) -> bool {
        FrozenMessage::is_lazy(self)
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

/// What became of a message; one that is not queued is given back.
#[derive(Debug, Eq, PartialEq)]
pub(crate) enum Admission<M> {
    Queued,
    Dropped(M),
    /// The session has to be ended.
    Overflow(M),
}

/// A queue in the order of arrival, bounded in bytes.
///
/// It may [keep](Self::keep) what has left until it is acknowledged; that counts, too.
#[derive(Debug)]
pub(crate) struct Queue<M> {
    /// What has left and is kept, then what waits.
    parcels: VecDeque<Parcel<M>>,
    bytes: usize,
    /// How many messages wait.
    waiting: usize,
    /// How many of them may not: the oldest ones, because the last that may not takes all before it along.
    urgent: usize,
    kept: Option<Box<Kept>>,
}

/// Which parcels have left, and are not known to have arrived.
#[derive(Debug, Default)]
struct Kept {
    /// The number of the last batch.
    batch: u64,
    /// The numbers of batches and how many parcels each has; none is empty.
    batches: VecDeque<(u64, usize)>,
    /// How many parcels that is.
    parcels: usize,
}

impl<M: Queued> Queue<M> {
    pub(crate) fn push(
        &mut self,
        message: M,
        limit: usize,
        overflow: QueueOverflow,
    ) -> Admission<M> {
        if !self.has_room(message.size(), limit) {
            match overflow {
                // What fits into no queue must not empty this one.
                QueueOverflow::DropOldest if message.size() > limit => {
                    return Admission::Dropped(message);
                }
                QueueOverflow::Disconnect => return Admission::Overflow(message),
                QueueOverflow::DropNewest => return Admission::Dropped(message),
                QueueOverflow::DropOldest => self.make_room(message.size(), limit),
            }
        }
        self.append(Parcel::One(message));
        Admission::Queued
    }

    /// Whether so many more bytes are within the limit.
    pub(crate) const fn has_room(&self, size: usize, limit: usize) -> bool {
        self.bytes + size <= limit
    }

    /// Adds what there is whatever the limit.
    pub(crate) fn append(&mut self, parcel: Parcel<M>) {
        self.bytes += parcel.size();
        self.waiting += parcel.count();
        if !parcel.is_lazy() {
            self.hasten(); // What has waited leaves with it.
        }
        self.parcels.push_back(parcel);
    }

    fn make_room(&mut self, size: usize, limit: usize) {
        while !self.has_room(size, limit) {
            let oldest = match self.parcels.pop_front() {
                Some(Parcel::One(oldest)) => oldest,
                Some(Parcel::Many(bundle)) => {
                    self.unpack(bundle.messages());
                    continue;
                }
                None => return,
            };
            self.bytes -= oldest.size();
            if !self.kept.as_mut().is_some_and(|kept| kept.lose_oldest()) {
                self.waiting -= 1;
                self.urgent = self.urgent.saturating_sub(1);
            }
        }
    }

    /// Puts the messages of the oldest parcel in its place.
    fn unpack(&mut self, messages: &[M]) {
        for message in messages.iter().rev() {
            self.parcels.push_front(Parcel::One(message.clone()));
        }
        if let Some(kept) = &mut self.kept {
            kept.unpack_oldest(messages.len());
        }
    }

    /// Nothing in the queue may wait any longer.
    pub(crate) fn hasten(&mut self) {
        self.urgent = self.waiting;
    }

    /// Whether there is a message that may not wait.
    pub(crate) const fn is_urgent(&self) -> bool {
        self.urgent > 0
    }

    /// How many messages wait.
    pub(crate) const fn len(&self) -> usize {
        self.waiting
    }

    /// Moves everything that waits into `parcels`, which are empty (SES-3); what was kept is kept no longer.
    pub(crate) fn take(&mut self, parcels: &mut VecDeque<Parcel<M>>) {
        let departed = self.kept.as_ref().map_or(0, |kept| kept.parcels);
        self.take_with_kept(parcels);
        if departed > 0 {
            parcels.drain(..departed);
        }
    }

    /// Moves everything into `parcels`, which are empty: what was kept and what waits. The next ones use
    /// the memory that these leave.
    pub(crate) fn take_with_kept(&mut self, parcels: &mut VecDeque<Parcel<M>>) {
        (self.bytes, self.waiting, self.urgent) = (0, 0, 0);
        if let Some(kept) = &mut self.kept {
            kept.batches.clear();
            kept.parcels = 0;
        }
        std::mem::swap(&mut self.parcels, parcels);
    }

    /// Does not keep what has left any longer.
    pub(crate) fn forget(&mut self) {
        self.acknowledge(u64::MAX);
    }

    /// Keeps what leaves from now on, until it is acknowledged.
    pub(crate) fn keep(&mut self) {
        self.kept.get_or_insert_default();
    }

    pub(crate) const fn keeps(&self) -> bool {
        self.kept.is_some()
    }

    /// Lets what waits leave as a batch with the next number, and everything again that left before and
    /// is not acknowledged, as copies in `parcels`; `None` if this queue keeps nothing.
    pub(crate) fn take_batch(&mut self, parcels: &mut VecDeque<Parcel<M>>) -> Option<u64> {
        let kept = self.kept.as_mut()?;
        kept.batch += 1;
        let new = self.parcels.len() - kept.parcels;
        if new > 0 {
            kept.batches.push_back((kept.batch, new));
            kept.parcels += new;
        }
        (self.waiting, self.urgent) = (0, 0);
        parcels.clone_from(&self.parcels);
        Some(kept.batch)
    }

    /// Everything up to this batch has arrived; whether something else has left and is missing.
    pub(crate) fn acknowledge(&mut self, batch: u64) -> bool {
        let Some(kept) = &mut self.kept else {
            return false;
        };
        while let Some((number, count)) = kept.batches.front().copied()
            && number <= batch
        {
            kept.batches.pop_front();
            kept.parcels -= count;
            let arrived = self.parcels.drain(..count);
            self.bytes -= arrived.map(|parcel| parcel.size()).sum::<usize>();
        }
        kept.parcels > 0
    }
}

impl Kept {
    /// The oldest parcel has become so many. If it has not left, that is none of ours.
    fn unpack_oldest(&mut self, parcels: usize) {
        if let Some((_, count)) = self.batches.front_mut() {
            *count = *count + parcels - 1;
            self.parcels = self.parcels + parcels - 1;
        }
    }

    /// The oldest parcel is dropped for want of room; whether it was one that has left.
    fn lose_oldest(&mut self) -> bool {
        let Some((_, count)) = self.batches.front_mut() else {
            return false;
        };
        *count -= 1;
        self.parcels -= 1;
        if *count == 0 {
            self.batches.pop_front();
        }
        true
    }
}

impl<M> Default for Queue<M> {
    fn default() -> Self {
        Self {
            parcels: VecDeque::new(),
            bytes: 0,
            waiting: 0,
            urgent: 0,
            kept: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Debug;

    use proptest::prelude::*;

    use super::*;

    #[derive(Clone, Debug, PartialEq)]
    struct Sized(usize);

    impl Queued for Sized {
        fn is_lazy(&self) -> bool {
            self.0.is_multiple_of(2)
        }

        fn size(&self) -> usize {
            self.0
        }
    }

    fn sizes(parcels: &VecDeque<Parcel<Sized>>) -> Vec<usize> {
        let messages = parcels.iter().flat_map(Parcel::messages);
        messages.map(|it| it.0).collect()
    }

    /// Messages of these sizes.
    fn parcel(sizes: &[usize]) -> Parcel<Sized> {
        Parcel::new(sizes.iter().copied().map(Sized).collect())
    }

    #[track_caller]
    fn check(overflow: QueueOverflow, expected: &Admission<Sized>, left: &[usize]) {
        let mut queue = Queue::default();
        for size in [3, 4, 3] {
            assert_eq!(queue.push(Sized(size), 10, overflow), Admission::Queued);
        }
        assert_eq!(queue.push(Sized(1), 10, overflow), *expected);
        assert_eq!(queue.bytes, left.iter().sum::<usize>());
        assert_eq!(queue.urgent, left.len(), "the last may not wait");
        assert_eq!(queue.len(), left.len());
        let mut taken = VecDeque::new();
        queue.take(&mut taken);
        assert_eq!(sizes(&taken), left);
        assert_eq!((queue.bytes, queue.len(), queue.urgent), (0, 0, 0));
    }

    #[test]
    fn the_byte_that_is_too_many_meets_the_policy() {
        check(
            QueueOverflow::Disconnect,
            &Admission::Overflow(Sized(1)),
            &[3, 4, 3],
        );
        check(
            QueueOverflow::DropNewest,
            &Admission::Dropped(Sized(1)),
            &[3, 4, 3],
        );
        check(QueueOverflow::DropOldest, &Admission::Queued, &[4, 3, 1]);
    }

    /// Keeps messages of 3 and 4 bytes, which have left as batches 1 and 2, and of 3 bytes, which waits.
    fn keeping() -> Queue<Sized> {
        let mut queue = Queue::default();
        queue.keep();
        queue.append(parcel(&[3]));
        batch(&mut queue);
        queue.append(parcel(&[4]));
        batch(&mut queue);
        queue.append(parcel(&[3]));
        queue
    }

    fn batch(queue: &mut Queue<Sized>) -> (u64, Vec<usize>) {
        let mut messages = VecDeque::new();
        let number = queue.take_batch(&mut messages).unwrap();
        (number, sizes(&messages))
    }

    #[test]
    fn what_has_left_leaves_again_until_it_is_acknowledged() {
        // extensions 2.5, 2.7, 2.9
        let mut queue = keeping();
        assert_eq!((queue.len(), queue.is_urgent()), (1, true));
        assert_eq!(batch(&mut queue), (3, vec![3, 4, 3]));
        assert_eq!((queue.len(), queue.is_urgent()), (0, false));
        assert!(queue.acknowledge(0));
        assert!(queue.acknowledge(1));
        assert_eq!(batch(&mut queue), (4, vec![4, 3]));
        assert!(queue.acknowledge(2));
        assert!(!queue.acknowledge(3));
        assert_eq!((batch(&mut queue), queue.bytes), ((5, vec![]), 0));
        assert!(!queue.acknowledge(u64::MAX));
    }

    #[test]
    fn what_is_kept_takes_up_room() {
        let mut queue = keeping();
        let full = queue.push(Sized(1), 10, QueueOverflow::Disconnect);
        assert_eq!(full, Admission::Overflow(Sized(1)));
        let room = queue.push(Sized(5), 10, QueueOverflow::DropOldest);
        assert_eq!((room, queue.len()), (Admission::Queued, 2));
        assert_eq!(batch(&mut queue), (3, vec![3, 5]));
        assert!(queue.acknowledge(2), "both left with batch 3");
        assert!(!queue.acknowledge(3));
    }

    #[test]
    fn what_ends_takes_along_what_has_not_left() {
        let (mut queue, mut taken) = (keeping(), VecDeque::new());
        queue.take(&mut taken);
        assert_eq!(sizes(&taken), [3]);
        assert_eq!((queue.bytes, queue.len()), (0, 0));
        keeping().take_with_kept(&mut taken);
        assert_eq!(taken.len(), 3);
    }

    /// What may happen to a queue.
    #[derive(Clone, Debug)]
    enum Event {
        Together(Vec<usize>),
        Push(usize),
        Take { with_kept: bool },
        TakeBatch,
        Acknowledge(u64),
        Hasten,
    }

    fn event() -> impl Strategy<Value = Event> {
        // Even sizes may wait, and do not come together.
        let odd = prop::sample::select(vec![1, 3, 5]);
        prop_oneof![
            4 => prop::collection::vec(odd, 1..5).prop_map(Event::Together),
            4 => (1..9_usize).prop_map(Event::Push),
            1 => any::<bool>().prop_map(|with_kept| Event::Take { with_kept }),
            2 => Just(Event::TakeBatch),
            2 => (0..9_u64).prop_map(Event::Acknowledge),
            1 => Just(Event::Hasten),
        ]
    }

    /// What leaves, and what can be told.
    fn after(
        event: &Event,
        queue: &mut Queue<Sized>,
        together: bool,
    ) -> impl Debug + PartialEq + use<> {
        let (mut number, mut taken, mut is_missing) = (None, VecDeque::new(), false);
        match event {
            Event::Together(sizes) if together => queue.append(parcel(sizes)),
            Event::Together(sizes) => sizes.iter().for_each(|it| queue.append(parcel(&[*it]))),
            Event::Push(size) => drop(queue.push(Sized(*size), 20, QueueOverflow::DropOldest)),
            Event::Take { with_kept: true } => queue.take_with_kept(&mut taken),
            Event::Take { with_kept: false } => queue.take(&mut taken),
            Event::TakeBatch => number = queue.take_batch(&mut taken),
            Event::Acknowledge(batch) => is_missing = queue.acknowledge(*batch),
            Event::Hasten => queue.hasten(),
        }
        let counts = (queue.len(), queue.bytes, queue.urgent);
        (number, sizes(&taken), is_missing, counts)
    }

    proptest! {
        #[test]
        fn what_comes_together_is_as_good_as_one_by_one(
            events in prop::collection::vec(event(), 1..60),
            keeps: bool,
        ) {
            let (mut together, mut singly) = (Queue::default(), Queue::default());
            // Which messages that wait may not.
            let mut urgent = VecDeque::new();
            if keeps {
                together.keep();
                singly.keep();
            }
            for event in events {
                let of_both = (
                    after(&event, &mut together, true),
                    after(&event, &mut singly, false),
                );
                prop_assert_eq!(of_both.0, of_both.1, "{:?}", event);
                match event {
                    Event::Together(sizes) => {
                        urgent.extend(sizes);
                        urgent.iter_mut().for_each(|it| *it = 1);
                    }
                    Event::Push(size) => {
                        urgent.push_back(size);
                        while urgent.len() > singly.len() {
                            urgent.pop_front(); // To make room.
                        }
                        if size % 2 == 1 {
                            urgent.iter_mut().for_each(|it| *it = 1);
                        }
                    }
                    Event::Hasten => urgent.iter_mut().for_each(|it| *it = 1),
                    Event::Take { .. } => urgent.clear(),
                    Event::TakeBatch if keeps => urgent.clear(),
                    Event::TakeBatch | Event::Acknowledge(_) => {}
                }
                let count = urgent.iter().filter(|it| *it % 2 == 1).count();
                prop_assert_eq!(singly.urgent, count);
            }
        }
    }
}
