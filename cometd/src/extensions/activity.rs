//! The end of sessions whose users do nothing.

use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use crate::protocol::{ChannelKind, FrozenMessage, MetaChannel, Reply};
use crate::server::timers::now;
use crate::server::{Deferred, Exchange, Extension, Flow, QueueListener, ServerSession};

/// Ends sessions that are alive but idle: a page that was left open connects for ever.
///
/// Whether a session is idle is looked at when its `/meta/connect` arrives; so it may last longer than
/// allowed by as long as a connect is held.
///
/// # The wire
///
/// The client of a session that was idle for too long is told to stop, as by
/// [`ServerSession::disconnect`]:
///
/// ```text
/// > {"channel":"/meta/connect", .. }
/// < {"channel":"/meta/disconnect","successful":true},
///   {"channel":"/meta/connect","successful":false,"error":"402::session_unknown","advice":{"reconnect":"none","interval":0}}
/// ```
///
/// It can also watch single sessions: [`add_extension`](ServerSession::add_extension).
#[derive(Clone, Copy, Debug)]
pub struct Activity {
    kind: ActivityKind,
    max_inactivity: Duration,
}

/// What keeps a session from being idle.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ActivityKind {
    /// Any message of the client but `/meta/connect`.
    Client,
    /// That, what is delivered to the client, and replies but those to `/meta/connect`.
    ClientServer,
}

impl ActivityKind {
    /// The attribute of sessions: what keeps them from being idle for one kind may not for the other.
    const fn attribute(self) -> &'static str {
        match self {
            Self::Client => "cometd.activity.client",
            Self::ClientServer => "cometd.activity.client_server",
        }
    }
}

impl Activity {
    /// Ends sessions that were idle for longer than this.
    #[must_use]
    pub const fn new(kind: ActivityKind, max_inactivity: Duration) -> Self {
        Self {
            kind,
            max_inactivity,
        }
    }

    /// Since when the session has been idle; it is watched from the first call on.
    fn watch(&self, session: &ServerSession) -> Arc<Last> {
        let attribute = self.kind.attribute();
        if let Some(last) = session.attribute::<Arc<Last>>(attribute) {
            return Arc::clone(&last);
        }
        let last = Arc::new(Last(Mutex::new(now())));
        session.set_attribute(attribute, Arc::clone(&last));
        if self.kind == ActivityKind::ClientServer {
            session
                .add_queue_listener(Delivered(Arc::clone(&last)))
                .keep();
        }
        last
    }
}

impl Extension for Activity {
    fn incoming<'a>(
        &'a self,
        session: Option<&'a ServerSession>,
        exchange: &'a mut Exchange,
    ) -> Deferred<'a, Flow> {
        let Some(session) = session.filter(|session| !session.is_local()) else {
            return Flow::Continue.into();
        };
        let last = self.watch(session);
        if exchange.message.channel().kind() != ChannelKind::Meta(MetaChannel::Connect) {
            last.is_now();
            return Flow::Continue.into();
        }
        exchange.reply.notes_mut().insert(Connects);
        if last.elapsed() > self.max_inactivity {
            return Deferred::later(async {
                session.disconnect().await;
                Flow::Continue
            });
        }
        Flow::Continue.into()
    }

    fn reply<'a>(
        &'a self,
        session: Option<&'a ServerSession>,
        reply: &'a mut Reply,
    ) -> Deferred<'a, Flow> {
        if self.kind == ActivityKind::ClientServer
            && reply.notes().get::<Connects>().is_none()
            && let Some(session) = session.filter(|session| !session.is_local())
        {
            self.watch(session).is_now();
        }
        Flow::Continue.into()
    }
}

/// When a session was last active.
#[derive(Debug)]
struct Last(Mutex<Instant>);

impl Last {
    fn is_now(&self) {
        *self.0.lock() = now();
    }

    fn elapsed(&self) -> Duration {
        now().saturating_duration_since(*self.0.lock())
    }
}

/// Notes what is delivered to one session.
struct Delivered(Arc<Last>);

impl QueueListener for Delivered {
    fn queued(&self, _: &ServerSession, _: &Arc<FrozenMessage>) {
        self.0.is_now();
    }
}

/// Notes in a reply that it answers a connect, accepted or refused.
#[derive(Clone, Copy)]
struct Connects;
