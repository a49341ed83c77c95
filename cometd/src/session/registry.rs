//! All sessions by id.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};

use parking_lot::RwLock;

use crate::protocol::ClientId;

/// Finds a session by its id.
///
/// Split into shards, so that requests of different sessions rarely meet at one lock.
#[derive(Debug)]
pub(crate) struct Registry<S> {
    shards: Box<[RwLock<HashMap<ClientId, S>>]>,
    hasher: RandomState,
}

/// Number of shards; a power of two well above the number of cores.
const SHARDS: usize = 32;

impl<S: Clone> Registry<S> {
    pub(crate) fn get(&self, id: ClientId) -> Option<S> {
        self.shard(id)?.read().get(&id).cloned()
    }

    pub(crate) fn insert(&self, id: ClientId, session: S) {
        if let Some(shard) = self.shard(id) {
            shard.write().insert(id, session);
        }
    }

    pub(crate) fn remove(&self, id: ClientId) -> Option<S> {
        self.shard(id)?.write().remove(&id)
    }

    pub(crate) fn len(&self) -> usize {
        self.shards.iter().map(|shard| shard.read().len()).sum()
    }

    /// All sessions of this moment, in no particular order.
    pub(crate) fn all(&self) -> Vec<S> {
        self.shards
            .iter()
            .flat_map(|shard| shard.read().values().cloned().collect::<Vec<_>>())
            .collect()
    }

    fn shard(&self, id: ClientId) -> Option<&RwLock<HashMap<ClientId, S>>> {
        let hash = self.hasher.hash_one(id);
        self.shards
            .get(usize::try_from(hash % SHARDS as u64).unwrap_or_default())
    }
}

impl<S> Default for Registry<S> {
    fn default() -> Self {
        let shards = (0..SHARDS).map(|_| RwLock::default()).collect();
        Self {
            shards,
            hasher: RandomState::new(),
        }
    }
}
