//! Messages that are sent until they are acknowledged.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use crate::protocol::{ChannelKind, FrozenMessage, IntoData, Message, MetaChannel, RawJson, Reply};
use crate::server::hook;
use crate::server::{Deferred, Exchange, Extension, Flow, Numbering, ServerSession};

/// Sends what a client did not receive again, and everything in one order.
///
/// Without it, a message that has left is forgotten: a response that breaks off, or a socket that is
/// cut, takes along what was on its way. With it, a session keeps what has left until its client has
/// acknowledged it. A client whose application handles the messages of a response together with its
/// number, as the official ones do, sees each message exactly once.
///
/// # The wire
///
/// A client asks for it in its handshake, and only then:
///
/// ```text
/// > {"channel":"/meta/handshake", .. ,"ext":{"ack":true}}
/// < {"channel":"/meta/handshake","successful":true, .. ,"ext":{"ack":true}}
/// > {"channel":"/meta/connect", .. ,"ext":{"ack":0}}
/// < {"channel":"/meta/connect","successful":true,"ext":{"ack":1}}
/// > {"channel":"/meta/connect", .. ,"ext":{"ack":1}}
/// < {"channel":"/news","data":"a"}, {"channel":"/meta/connect","successful":true,"ext":{"ack":2}}
/// ```
///
/// Messages leave with connect replies only, over a WebSocket, too: each reply closes a batch, and says
/// its number. Each connect says up to which number the client has everything. If the last reply above
/// is lost, the client says `1` again; then that connect is not held, and its reply has the batch number
/// 3, the message, and all that is new behind it. A client that asks for a `timeout` of its own is held
/// for so long nevertheless, and lazy messages that have not left yet hasten nothing.
///
/// With `allowMessageDeliveryDuringHandshake`, messages may leave with the reply to the handshake, which
/// is then a batch of its own: `"ext":{"ack":{"enabled":true,"batch":1}}`.
///
/// # Limits
///
/// What has left and is not acknowledged counts as queued: both together are bounded by
/// `maxQueueBytes`, and what does not fit meets the queue's [overflow policy](crate::QueueOverflow). By
/// default the session ends, because a client that has not acknowledged 16 MiB is not coming back, and
/// dropping anything would break the promise. `dropOldest` drops what is not acknowledged first.
///
/// Messages live as long as their session: what is not acknowledged is lost when the session expires,
/// disconnects or handshakes anew. What clients publish is not covered.
#[derive(Clone, Default)]
pub struct Acknowledge {
    listeners: Arc<[Arc<dyn BatchListener>]>,
}

/// Sees which batches leave, and which arrive.
///
/// Methods must be quick, and must not send to the session: it waits for them. One that panics counts
/// as called. Every method has a default that does nothing.
pub trait BatchListener: Send + Sync + 'static {
    /// These messages leave as this batch: what is new, behind what left before and is not acknowledged.
    ///
    /// Called one at a time for a session, in the order of its batches.
    fn sent(&self, session: &ServerSession, batch: u64, messages: &VecDeque<Arc<FrozenMessage>>) {
        let _ = (session, batch, messages);
    }

    /// The client has everything up to this batch, so it says.
    ///
    /// Two connects of a session may say so at once, and while a batch leaves.
    fn acknowledged(&self, session: &ServerSession, batch: u64) {
        let _ = (session, batch);
    }
}

impl Acknowledge {
    /// Adds a listener.
    #[must_use]
    pub fn listener(self, listener: impl BatchListener) -> Self {
        let listener: Arc<dyn BatchListener> = Arc::new(listener);
        let listeners = self.listeners.iter().cloned().chain([listener]);
        Self {
            listeners: listeners.collect(),
        }
    }

    /// A connect says up to which batch its client has everything.
    fn acknowledged(&self, session: &ServerSession, message: &mut Message) {
        // Negative numbers are legal, and acknowledge nothing.
        let batch = message.ext_field(ACK).and_then(|it| it.to::<i64>().ok());
        let Some(batch) = batch.filter(|_| session.is_acknowledged()) else {
            return;
        };
        let batch = u64::try_from(batch).unwrap_or(0);
        for listener in &*self.listeners {
            hook::tell(LISTENER, || listener.acknowledged(session, batch));
        }
        if session.acknowledge(batch) {
            // What is missing is not kept waiting.
            message.advice_mut().timeout.get_or_insert(Duration::ZERO);
        }
    }
}

impl Extension for Acknowledge {
    fn is_meta_only(&self) -> bool {
        true
    }

    fn incoming<'a>(
        &'a self,
        session: Option<&'a ServerSession>,
        exchange: &'a mut Exchange,
    ) -> Deferred<'a, Flow> {
        if exchange.message.ext().is_none() {
            return Flow::Continue.into(); // Says nothing, as most messages.
        }
        match (exchange.message.channel().kind(), session) {
            (ChannelKind::Meta(MetaChannel::Handshake), Some(session)) => {
                let asked = exchange.message.ext_field(ACK);
                if asked.is_some_and(|asked| asked.as_str() == "true") && !session.is_local() {
                    session.keep_until_acknowledged(Arc::new(self.clone()));
                    exchange.reply.notes_mut().insert(Accepted);
                }
            }
            (ChannelKind::Meta(MetaChannel::Connect), Some(session)) => {
                self.acknowledged(session, &mut exchange.message);
            }
            (ChannelKind::Meta(_) | ChannelKind::Service | ChannelKind::Broadcast, _) => {}
        }
        Flow::Continue.into()
    }

    fn reply<'a>(
        &'a self,
        _: Option<&'a ServerSession>,
        reply: &'a mut Reply,
    ) -> Deferred<'a, Flow> {
        if reply.notes().get::<Accepted>().is_some() {
            reply.set_ext_field(ACK, RawJson::of(&true).ok().as_ref());
        }
        Flow::Continue.into()
    }
}

impl Numbering for Acknowledge {
    fn number(
        &self,
        session: &ServerSession,
        batch: u64,
        messages: &dyn Fn() -> VecDeque<Arc<FrozenMessage>>,
        reply: &mut Reply,
    ) {
        if !self.listeners.is_empty() {
            let messages = messages();
            for listener in &*self.listeners {
                hook::tell(LISTENER, || listener.sent(session, batch, &messages));
            }
        }
        let number = if reply.is_handshaken() {
            json!({"enabled": true, "batch": batch}).into_data()
        } else {
            batch.into_data()
        };
        reply.set_ext_field(ACK, number.ok().as_ref());
    }
}

impl fmt::Debug for Acknowledge {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Acknowledge")
            .field("listeners", &self.listeners.len())
            .finish()
    }
}

/// Notes in the reply to a handshake that its client asked for acknowledgement.
#[derive(Clone, Copy)]
struct Accepted;

/// Who failed, for the log.
const LISTENER: &str = "a listener of batches";

/// The field of `ext`.
const ACK: &str = "ack";
