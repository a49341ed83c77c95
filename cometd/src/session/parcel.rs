//! What is put into a queue at once.

use std::sync::{Arc, OnceLock};

use smallvec::SmallVec;

use super::queue::Queued;
use crate::protocol::FrozenMessage;

/// A message that waits for a session, or several that do so together.
#[derive(Clone, Debug)]
pub(crate) enum Parcel<M = Arc<FrozenMessage>> {
    One(M),
    Many(Arc<Bundle<M>>),
}

/// Messages that go to the same sessions, none of them lazy: they are counted, queued and written as one thing,
/// and not by each session again.
#[derive(Debug)]
pub(crate) struct Bundle<M = Arc<FrozenMessage>> {
    messages: Messages<M>,
    /// Bytes of all of them, and of the largest.
    size: usize,
    largest: usize,
    /// What is written for them, once somebody has done so.
    written: OnceLock<Vec<u8>>,
}

/// Mostly there is one.
type Messages<M> = SmallVec<[M; 2]>;

impl<M: Queued> Parcel<M> {
    pub(crate) fn new(mut messages: Messages<M>) -> Self {
        match messages.pop() {
            Some(only) if messages.is_empty() => Self::One(only),
            last => {
                messages.extend(last);
                Self::Many(Arc::new(Bundle::new(messages)))
            }
        }
    }

    pub(crate) fn messages(&self) -> &[M] {
        match self {
            Self::One(message) => std::slice::from_ref(message),
            Self::Many(bundle) => &bundle.messages,
        }
    }

    /// How many messages these are.
    pub(crate) fn count(&self) -> usize {
        self.messages().len()
    }

    /// How many of them may not wait for company.
    pub(crate) fn urgent(&self) -> usize {
        match self {
            Self::One(message) => usize::from(!message.is_lazy()),
            Self::Many(bundle) => bundle.messages.len(),
        }
    }

    /// Bytes that they cost.
    pub(crate) fn size(&self) -> usize {
        match self {
            Self::One(message) => message.size(),
            Self::Many(bundle) => bundle.size,
        }
    }
}

impl<M: Queued> Bundle<M> {
    fn new(messages: Messages<M>) -> Self {
        Self {
            size: messages.iter().map(Queued::size).sum(),
            largest: messages.iter().map(Queued::size).max().unwrap_or(0),
            messages,
            written: OnceLock::new(),
        }
    }
}

impl<M> Bundle<M> {
    /// Bytes of all messages.
    pub(crate) const fn size(&self) -> usize {
        self.size
    }

    /// Bytes of the largest message.
    pub(crate) const fn largest(&self) -> usize {
        self.largest
    }

    /// What is written for the messages, which is the same for all sessions: whoever is first writes it.
    pub(crate) fn written(&self, write: impl FnOnce(&[M]) -> Vec<u8>) -> &[u8] {
        self.written.get_or_init(|| write(&self.messages))
    }
}
