//! The subscribers of one channel.

use std::hash::Hash;
use std::sync::Arc;

use indexmap::IndexMap;

/// A set of subscribers that can be walked while others come and go.
///
/// Adding and removing takes constant time. A publish takes a [snapshot](Self::snapshot), which
/// costs one reference count; only a change during the walk copies the set.
#[derive(Debug)]
pub(crate) struct Subscribers<K, S>(Arc<IndexMap<K, S>>);

impl<K: Clone + Eq + Hash, S: Clone> Subscribers<K, S> {
    /// Adds a subscriber; whether it is new.
    pub(crate) fn insert(&mut self, key: K, subscriber: S) -> bool {
        Arc::make_mut(&mut self.0).insert(key, subscriber).is_none()
    }

    /// Removes a subscriber; whether it was there.
    pub(crate) fn remove(&mut self, key: &K) -> bool {
        self.0.contains_key(key) && Arc::make_mut(&mut self.0).swap_remove(key).is_some()
    }

    /// Removes everyone and returns who was there.
    pub(crate) fn take(&mut self) -> Arc<IndexMap<K, S>> {
        std::mem::take(&mut self.0)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Those who are subscribed now.
    pub(crate) fn snapshot(&self) -> Arc<IndexMap<K, S>> {
        Arc::clone(&self.0)
    }
}

impl<K, S> Default for Subscribers<K, S> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_walk_sees_the_subscribers_of_its_start() {
        let mut subscribers = Subscribers::default();
        assert!(subscribers.insert(1, "a"));
        assert!(!subscribers.insert(1, "a"));
        assert!(subscribers.insert(2, "b"));
        let walk = subscribers.snapshot();
        assert!(subscribers.remove(&1));
        assert!(!subscribers.remove(&1));
        assert_eq!(walk.len(), 2);
        assert_eq!(subscribers.snapshot().len(), 1);
    }

    #[test]
    fn a_change_without_a_walk_copies_nothing() {
        let mut subscribers = Subscribers::default();
        subscribers.insert(1, "a");
        let before = Arc::as_ptr(&subscribers.0);
        subscribers.insert(2, "b");
        subscribers.remove(&1);
        assert_eq!(Arc::as_ptr(&subscribers.0), before);
    }
}
