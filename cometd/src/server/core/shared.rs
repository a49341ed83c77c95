//! What sessions have of their server.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use crossbeam_utils::CachePadded;

use crate::protocol::ChannelKind;
use crate::server::extension::Extension;

/// What a message passes on its way to a session. Sessions have it without asking for the core, which
/// they do not keep alive, and which all threads would count their references to.
pub(crate) struct Shared {
    pub(crate) extensions: Extensions,
    pub(crate) counters: Counters,
}

/// The extensions of a server, in the order in which they were added.
pub(crate) struct Extensions {
    all: Vec<Arc<dyn Extension>>,
    /// Those that have to do with more than meta messages.
    beyond_meta: Vec<Arc<dyn Extension>>,
}

impl Extensions {
    pub(crate) fn new(all: Vec<Arc<dyn Extension>>) -> Self {
        let beyond_meta = all.iter().filter(|it| !it.is_meta_only());
        Self {
            beyond_meta: beyond_meta.cloned().collect(),
            all,
        }
    }

    pub(crate) fn all(&self) -> &[Arc<dyn Extension>] {
        &self.all
    }

    /// Those that see messages of this kind, and replies to them.
    pub(crate) fn concerned(&self, kind: ChannelKind) -> &[Arc<dyn Extension>] {
        match kind {
            ChannelKind::Meta(_) => &self.all,
            ChannelKind::Service | ChannelKind::Broadcast => &self.beyond_meta,
        }
    }
}

/// How much a server has done since it started.
///
/// Each thread counts for itself, so that they do not wait for each other's caches.
#[derive(Debug, Default)]
pub(crate) struct Counters([CachePadded<Counts>; SHARDS]);

#[derive(Debug, Default)]
struct Counts {
    published: AtomicU64,
    delivered: AtomicU64,
}

/// The first threads that count have counters of their own, all others share the last ones.
const SHARDS: usize = 16;

const LAST: usize = SHARDS - 1;

thread_local! {
    /// Which counters are this thread's.
    static SHARD: usize = {
        static THREADS: AtomicUsize = AtomicUsize::new(0);
        THREADS.fetch_add(1, Ordering::Relaxed).min(LAST)
    };
}

impl Counters {
    pub(crate) fn count_published(&self) {
        self.count(1, |counts| &counts.published);
    }

    pub(crate) fn count_delivered(&self, count: u64) {
        self.count(count, |counts| &counts.delivered);
    }

    fn count(&self, count: u64, which: impl FnOnce(&Counts) -> &AtomicU64) {
        let shard = SHARD.with(|shard| *shard);
        let Some(counter) = self.0.get(shard).map(|counts| which(counts)) else {
            return;
        };
        if shard == LAST {
            counter.fetch_add(count, Ordering::Relaxed);
        } else {
            // Nobody else writes it, and this costs a tenth.
            let before = counter.load(Ordering::Relaxed);
            counter.store(before.wrapping_add(count), Ordering::Relaxed);
        }
    }

    pub(crate) fn published(&self) -> u64 {
        let counts = self.0.iter().map(|it| it.published.load(Ordering::Relaxed));
        counts.sum()
    }

    pub(crate) fn delivered(&self) -> u64 {
        let counts = self.0.iter().map(|it| it.delivered.load(Ordering::Relaxed));
        counts.sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_all_threads_have_done_is_counted() {
        let counters = Counters::default();
        std::thread::scope(|scope| {
            for _ in 0..2 * SHARDS {
                scope.spawn(|| {
                    for _ in 0..1000 {
                        counters.count_published();
                        counters.count_delivered(3);
                    }
                });
            }
        });
        let published = 2 * SHARDS as u64 * 1000;
        assert_eq!(counters.published(), published);
        assert_eq!(counters.delivered(), 3 * published);
    }
}
