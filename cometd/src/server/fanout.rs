//! Broadcasts on their way into the queues of subscribers.

use std::sync::Arc;

use smallvec::SmallVec;

use super::channel::Snapshot;
use super::core::Core;
use super::session::ServerSession;
use crate::protocol::FrozenMessage;

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
}

/// Most messages that wait for each other.
const MOST_MESSAGES: usize = 64;

/// Most subscribers that are visited in one turn: the lines of the cache that so many need are still there when
/// their sockets write.
const MOST_VISITS: usize = 256;

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
        if !self.is_to(subscribers) || self.messages.len() >= MOST_MESSAGES {
            self.finish(core).await;
            self.subscribers = Some(Arc::clone(subscribers));
        }
        self.messages.push(message);
    }

    /// Queues the messages for those who hear them.
    pub(crate) async fn finish(&mut self, core: &Core) {
        self.visit(core, usize::MAX).await;
    }

    /// The same in turns with other tasks, the first of which are the sockets that write what was queued: many
    /// subscribers are not all visited before the first of them gets anything. Not where a reply may leave
    /// meanwhile.
    pub(super) async fn finish_in_turns(&mut self, core: &Core) {
        self.visit(core, MOST_VISITS).await;
    }

    async fn visit(&mut self, core: &Core, most: usize) {
        let Some(subscribers) = self.subscribers.take() else {
            return;
        };
        let messages = std::mem::take(&mut self.messages);
        let mut queued = 0;
        let mut full = Vec::new();
        for (nth, session) in subscribers.values().enumerate() {
            if nth > 0 && nth.is_multiple_of(most) {
                tokio::task::yield_now().await;
            }
            if session.only_queues() {
                let (count, is_full) = session.queue_all(&messages);
                queued += count;
                full.extend(is_full.then_some(session));
                continue;
            }
            for message in &messages {
                session.show(Arc::clone(message), None).await;
            }
        }
        core.counters().count_delivered(queued);
        // Only now: the application is told of it, and may speak to those who have not heard the messages yet.
        full.into_iter().for_each(ServerSession::end_full);
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;
    use crate::protocol::{ClientId, Message};
    use crate::server::BayeuxServer;
    use crate::server::timers::now;
    use crate::session::Wake;

    /// A broadcast to so many new sessions.
    async fn fanout(core: &Arc<Core>, count: usize) -> (Fanout, Vec<ServerSession>) {
        let session = |nth| {
            let id = ClientId::from_random(nth as u128);
            let session = ServerSession::new(id, "", core, None);
            session.change(|state| (state.handshake(now()), Wake::Nobody));
            session
        };
        let sessions: Vec<_> = (0..count).map(session).collect();
        let subscribers = sessions.iter().map(|it| (it.id(), it.clone()));
        let message = Message::empty("/a".try_into().unwrap()).freeze();
        let mut fanout = Fanout::default();
        let subscribers = Arc::new(subscribers.collect());
        fanout.add(core, &subscribers, Arc::new(message)).await;
        (fanout, sessions)
    }

    fn reached(sessions: &[ServerSession]) -> usize {
        sessions.iter().filter(|it| it.queued() == 1).count()
    }

    #[tokio::test]
    async fn others_have_their_turn_before_many_subscribers_are_visited() {
        let server = BayeuxServer::builder().build().await.unwrap();
        for (count, turns) in [(1, 1), (MOST_VISITS, 1), (2 * MOST_VISITS + 1, 3)] {
            let (mut fanout, sessions) = fanout(server.core(), count).await;
            let mut finishing = Box::pin(fanout.finish_in_turns(server.core()));
            for turn in 1..=turns {
                let is_finished = (&mut finishing).now_or_never().is_some();
                assert_eq!(is_finished, turn == turns);
                assert_eq!(reached(&sessions), count.min(turn * MOST_VISITS));
            }
        }
    }

    #[tokio::test]
    async fn all_subscribers_are_visited_before_a_reply_may_leave() {
        // BAT-2
        let server = BayeuxServer::builder().build().await.unwrap();
        let (mut fanout, sessions) = fanout(server.core(), 2 * MOST_VISITS).await;
        assert!(fanout.finish(server.core()).now_or_never().is_some());
        assert_eq!(reached(&sessions), sessions.len());
    }
}
