//! Broadcasts on their way into the queues of subscribers.

use std::sync::Arc;

use smallvec::SmallVec;

use super::channel::Snapshot;
use super::core::Core;
use super::session::ServerSession;
use crate::protocol::FrozenMessage;
use crate::session::Parcel;

/// Broadcasts of one sender that go to the same subscribers, with nothing between them that anybody could see.
/// The queue of each subscriber is visited once for all of them: to find it in memory costs more than to add
/// to it.
///
/// Who has one [finishes](Self::finish) it before anything is waited for, anybody is asked, and any reply
/// leaves (BAT-2, BAT-11).
#[derive(Debug, Default)]
pub(crate) struct Fanout {
    /// Who hears the messages, if there are any.
    subscribers: Option<Snapshot>,
    messages: SmallVec<[Arc<FrozenMessage>; 2]>,
    /// Bytes of them.
    size: usize,
}

/// Most messages that wait for each other.
const MOST_MESSAGES: usize = 64;

/// Most bytes of messages that do, unless there is only one: they are put into the output of a socket in one
/// piece.
const MOST_BYTES: usize = 64 * 1024;

impl Fanout {
    pub(crate) const fn is_empty(&self) -> bool {
        self.subscribers.is_none()
    }

    /// Whether what this sender publishes to these subscribers may wait: nobody but them hears it, and none of
    /// them is, or has, code of this process, which acts on a message before the next one is published.
    pub(super) fn is_for(&self, sender: &ServerSession, subscribers: &Snapshot) -> bool {
        let is_known = || self.is_to(subscribers);
        let hears_itself = || subscribers.contains_key(&sender.id()); // PUB-12
        let unseen = || subscribers.values().all(ServerSession::queues_unseen);
        is_known() || !hears_itself() && sender.queues_unseen() && unseen()
    }

    /// Whether messages to these subscribers are here already.
    fn is_to(&self, subscribers: &Snapshot) -> bool {
        let mine = self.subscribers.as_ref();
        mine.is_some_and(|mine| Arc::ptr_eq(mine, subscribers))
    }

    /// Adds a message; those that it cannot join go first.
    pub(super) async fn add(
        &mut self,
        core: &Core,
        subscribers: &Snapshot,
        message: Arc<FrozenMessage>,
    ) {
        let is_full =
            self.messages.len() >= MOST_MESSAGES || self.size + message.size() > MOST_BYTES;
        if is_full || !self.is_to(subscribers) {
            self.finish(core).await;
            self.subscribers = Some(Arc::clone(subscribers));
        }
        self.size += message.size();
        self.messages.push(message);
    }

    /// Queues the messages for those who hear them.
    pub(crate) async fn finish(&mut self, core: &Core) {
        let Some(subscribers) = self.subscribers.take() else {
            return;
        };
        self.size = 0;
        let parcel = Parcel::new(std::mem::take(&mut self.messages));
        let mut queued = 0;
        let mut full = Vec::new();
        for session in subscribers.values() {
            if session.only_queues() {
                let (count, is_full) = session.queue_all(&parcel);
                queued += count;
                full.extend(is_full.then_some(session));
                continue;
            }
            for message in parcel.messages() {
                session.show(Arc::clone(message), None).await;
            }
        }
        core.counters().count_delivered(queued);
        // Only now: the application is told of it, and may speak to those who have not heard the messages yet.
        full.into_iter().for_each(ServerSession::end_full);
    }
}
