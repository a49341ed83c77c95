//! What is put into a queue at once.

use std::collections::VecDeque;
use std::sync::Arc;

use smallvec::SmallVec;

use super::queue::Queued;
use crate::protocol::FrozenMessage;

/// A message that waits for a session, or several that do so together.
#[derive(Clone, Debug)]
pub(crate) enum Parcel<M = Arc<FrozenMessage>> {
    One(M),
    Many(Arc<Bundle<M>>),
}

/// Messages that go to the same sessions, none of them lazy: they are counted and queued as one thing, and not
/// by each session again.
#[derive(Debug)]
pub(crate) struct Bundle<M = Arc<FrozenMessage>> {
    messages: Vec<M>,
    /// Bytes of all of them, and of the largest.
    size: usize,
    largest: usize,
}

impl<M: Queued> Parcel<M> {
    pub(crate) fn new(mut messages: SmallVec<[M; 2]>) -> Self {
        debug_assert!(!messages.is_empty(), "nothing to queue");
        if messages.len() == 1
            && let Some(only) = messages.pop()
        {
            return Self::One(only);
        }
        Self::Many(Arc::new(Bundle::new(messages.into_vec())))
    }

    /// The messages of these parcels.
    pub(crate) fn unpacked(parcels: &VecDeque<Self>) -> VecDeque<M> {
        parcels.iter().flat_map(Self::messages).cloned().collect()
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

    /// Whether they may wait for company.
    pub(crate) fn is_lazy(&self) -> bool {
        match self {
            Self::One(message) => message.is_lazy(),
            Self::Many(_) => false,
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
    fn new(messages: Vec<M>) -> Self {
        debug_assert!(
            !messages.iter().any(Queued::is_lazy),
            "what may wait is queued alone"
        );
        Self {
            size: messages.iter().map(Queued::size).sum(),
            largest: messages.iter().map(Queued::size).max().unwrap_or(0),
            messages,
        }
    }
}

impl<M> Bundle<M> {
    pub(crate) fn messages(&self) -> &[M] {
        &self.messages
    }

    /// Bytes of all messages.
    pub(crate) const fn size(&self) -> usize {
        self.size
    }

    /// Bytes of the largest message.
    pub(crate) const fn largest(&self) -> usize {
        self.largest
    }
}
