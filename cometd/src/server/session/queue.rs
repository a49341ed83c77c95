//! What waits for a session, and how it leaves.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::MutexGuard;

use super::ServerSession;
use super::shell::{Batch, Shell};
use crate::protocol::{FrozenMessage, Reply};
use crate::server::hook::{self, Flow};
use crate::server::timers::now;
use crate::session::{Carrier, Enqueued, Parcel, State, Wake};

/// Writes into a reply how its client acknowledges the messages that leave with it.
pub(crate) trait Numbering: Send + Sync {
    /// These messages leave with this reply, which closes this batch; they are unpacked for whoever looks at them.
    /// Called one at a time for a session, in the order of the batches.
    fn number(
        &self,
        session: &ServerSession,
        batch: u64,
        messages: &dyn Fn() -> VecDeque<Arc<FrozenMessage>>,
        reply: &mut Reply,
    );
}

impl ServerSession {
    /// Messages leave with connect replies only from now on, and are kept until the client has
    /// acknowledged them: what has not arrived leaves again, in its old place.
    ///
    /// What is kept counts as queued, for the bound and its policy.
    pub(crate) fn keep_until_acknowledged(&self, numbering: Arc<dyn Numbering>) {
        let mut shell = self.0.shell.lock();
        shell.state.keep();
        shell.numbering = Some(numbering);
    }

    /// Whether messages are kept until they are acknowledged.
    pub(crate) fn is_acknowledged(&self) -> bool {
        self.0.shell.lock().numbering.is_some()
    }

    /// The client has everything up to this batch; whether something else has left and is missing.
    pub(crate) fn acknowledge(&self, batch: u64) -> bool {
        self.change(|state| (state.acknowledge(batch), Wake::Nobody))
    }

    /// Queues a message, if those who see the queue let it.
    pub(crate) fn enqueue(
        &self,
        message: Arc<FrozenMessage>,
        lazy_timeout: Option<Duration>,
    ) -> Enqueued<Arc<FrozenMessage>> {
        let shell = self.0.shell.lock();
        if !shell.has_listeners {
            return self.add_to_queue(shell, message, lazy_timeout);
        }
        drop(shell);
        // Held until they have seen the message: they see messages in the order of the queue, and
        // none leaves before.
        let listeners = self.0.queue_listeners.lock();
        if self.is_queue_maxed() {
            let mut flow = Flow::Continue;
            for listener in listeners.iter() {
                hook::tell(QUEUE, || match listener.queue_maxed(self, &message) {
                    Flow::Continue => {}
                    Flow::Stop => flow = Flow::Stop,
                });
            }
            if flow == Flow::Stop {
                return Enqueued::Dropped(message);
            }
        }
        let shell = self.0.shell.lock();
        let enqueued = self.add_to_queue(shell, Arc::clone(&message), lazy_timeout);
        if matches!(enqueued, Enqueued::Queued(_)) {
            for listener in listeners.iter() {
                hook::tell(QUEUE, || listener.queued(self, &message));
            }
        }
        enqueued
    }

    /// Queues messages together that may not wait, whether that was possible: nobody sees the queue, the session
    /// is alive, and there is room for all of them.
    pub(crate) fn enqueue_together(&self, parcel: &Parcel) -> bool {
        let mut shell = self.0.shell.lock();
        if shell.has_listeners {
            return false;
        }
        let Some(wake) = shell.state.enqueue_together(parcel) else {
            return false;
        };
        if wake != Wake::Nobody {
            let effects = shell.effects_of_wake(wake);
            drop(shell);
            self.perform(effects);
        }
        true
    }

    fn add_to_queue(
        &self,
        mut shell: MutexGuard<'_, Shell>,
        message: Arc<FrozenMessage>,
        lazy_timeout: Option<Duration>,
    ) -> Enqueued<Arc<FrozenMessage>> {
        let lazy = message.is_lazy();
        let enqueued = shell.state.enqueue(message, lazy_timeout, now);
        let wake = match enqueued {
            Enqueued::Queued(wake) => wake,
            Enqueued::Dropped(_) | Enqueued::Gone(_) | Enqueued::Overflow(_) => Wake::Nobody,
        };
        // Most messages join others for which somebody has been woken.
        if lazy || wake != Wake::Nobody {
            // Only lazy ones have a deadline.
            let effects = if lazy {
                shell.effects(wake)
            } else {
                shell.effects_of_wake(wake)
            };
            drop(shell);
            self.perform(effects);
        }
        enqueued
    }

    /// Whether as many messages wait as call for those who see the queue (SES-4).
    fn is_queue_maxed(&self) -> bool {
        let state = &self.0.shell.lock().state;
        let max_queue = state.pace.transport.max_queue;
        max_queue.is_some_and(|max| state.queued() >= max)
    }

    /// Takes the whole queue, to leave together with these replies (SES-3, SES-5).
    pub(crate) fn take_queue(&self, replies: &mut Vec<Reply>) -> VecDeque<Parcel> {
        let mut parcels = VecDeque::new();
        self.depart(|_| true, replies, &mut parcels, None);
        parcels
    }

    /// Takes the queue for a connection, if it is the one that messages go to (WS-13), into `parcels`,
    /// which are empty; the next ones use the memory that these leave.
    pub(crate) fn take_queue_for(
        &self,
        connection: u64,
        replies: &mut Vec<Reply>,
        parcels: &mut VecDeque<Parcel>,
    ) {
        self.depart(
            |state| state.is_attached_to(connection),
            replies,
            parcels,
            None,
        );
    }

    /// The same, unless messages leave with connect replies only. Ends a batch of the session.
    pub(crate) fn take_pushed(
        &self,
        connection: u64,
        replies: &mut Vec<Reply>,
        parcels: &mut VecDeque<Parcel>,
        batch: Option<Batch<'_>>,
    ) {
        self.depart(
            |state| state.is_attached_to(connection) && !state.connect_only(),
            replies,
            parcels,
            batch,
        );
    }

    fn depart(
        &self,
        may: impl Fn(&State<Arc<FrozenMessage>>) -> bool,
        replies: &mut Vec<Reply>,
        parcels: &mut VecDeque<Parcel>,
        batch: Option<Batch<'_>>,
    ) {
        let carrier = replies.iter().enumerate().rev().find_map(|(at, reply)| {
            let connect = reply.connect().map(Carrier::Connect);
            let handshake = reply.is_handshaken().then_some(Carrier::Handshake);
            Some((at, connect.or(handshake)?))
        });
        let mut shell = self.0.shell.lock();
        if !shell.has_listeners && shell.numbering.is_none() {
            if may(&shell.state) {
                let carrier = carrier.map_or(Carrier::Other, |(_, carrier)| carrier);
                shell.state.depart(carrier, parcels);
            }
            if let Some(batch) = batch {
                batch.end(shell);
            }
            return;
        }
        drop(shell);
        let listeners = self.0.queue_listeners.lock();
        let (at, carrier) = carrier.unwrap_or_else(|| (0, self.without_number()));
        let mut shell = self.0.shell.lock();
        if !may(&shell.state) {
            return;
        }
        let numbering = shell.numbering.clone();
        let batch = shell.state.depart(carrier, parcels);
        drop(shell);
        if let (Some(batch), Some(numbering)) = (batch, numbering)
            && let Some(reply) = replies.get_mut(at)
        {
            let messages = || Parcel::unpacked(parcels);
            hook::tell(QUEUE, || numbering.number(self, batch, &messages, reply));
        }
        if listeners.is_empty() {
            return;
        }
        let mut messages = Parcel::unpacked(parcels);
        for listener in listeners.iter() {
            hook::tell(QUEUE, || listener.dequeue(self, &mut messages, replies));
        }
        parcels.clear();
        parcels.extend(messages.into_iter().map(Parcel::One));
    }

    /// What leaves now leaves without a number.
    fn without_number(&self) -> Carrier {
        let is_stopping = || self.server().is_none_or(|it| it.is_stopping());
        if self.is_acknowledged() && is_stopping() {
            Carrier::Last
        } else {
            Carrier::Other
        }
    }
}

/// Who failed, for the log.
const QUEUE: &str = "a listener of a queue";
