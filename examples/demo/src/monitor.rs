//! What happens on this server, for everybody to see.
//!
//! The [`Observer`] sees what happens, and the [`Reporter`] tells those who watch. Between them is a
//! short queue, so that a crowd of clients does not wait until it has been reported.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use cometd::prelude::*;
use cometd::{Deferred, Exchange, ServerChannel, ServerListener, Transport};
use serde::Serialize;
use tokio::sync::mpsc;

use crate::reporter::{EVENTS, Reporter, STATS};

/// How many events may wait to be reported; what is more is not reported at all.
const MOST_EVENTS: usize = 64;

#[service("monitor")]
#[derive(Default)]
struct Monitor;

#[handlers]
impl Monitor {
    /// Clients watch; only the server reports.
    #[configure("/monitor/**")]
    fn read_only(channel: &mut ChannelConfig) {
        channel.authorizer(Grant::CREATE_SUBSCRIBE);
    }
}

/// Sees what happens to the sessions of clients, as a listener of the server.
#[derive(Debug)]
pub(crate) struct Observer {
    events: mpsc::Sender<Event>,
    watchers: Watchers,
}

/// How many subscriptions there are through which the reports are received.
pub(crate) type Watchers = Arc<AtomicUsize>;

/// What happened to one session.
#[derive(Debug, Serialize)]
pub(crate) struct Event {
    kind: &'static str,
    session: String,
    detail: Option<String>,
}

/// The two, connected.
pub(crate) fn observe() -> (Observer, Reporter) {
    let (events, receiver) = mpsc::channel(MOST_EVENTS);
    let watchers = Watchers::default();
    let reporter = Reporter::new(receiver, Arc::clone(&watchers));
    (Observer { events, watchers }, reporter)
}

impl Observer {
    fn note(&self, kind: &'static str, session: &ServerSession, detail: Option<&str>) {
        if session.is_local() || self.watchers.load(Ordering::Relaxed) == 0 {
            return;
        }
        let event = Event {
            kind,
            session: session.to_string(),
            detail: detail.map(str::to_owned),
        };
        if self.events.try_send(event).is_err() {
            tracing::debug!(kind, "more happens than can be reported");
        }
    }
}

impl ServerListener for Observer {
    fn session_added<'a>(
        &'a self,
        session: &'a ServerSession,
        exchange: &'a mut Exchange,
    ) -> Deferred<'a, ()> {
        let transport = exchange.context.transport().map(Transport::name);
        self.note("handshake", session, transport);
        Deferred::Now(())
    }

    fn session_removed(&self, session: &ServerSession, removal: Removal) {
        let kind = match removal {
            Removal::TimedOut => "timeout",
            _ => "disconnect",
        };
        self.note(kind, session, None);
    }

    fn subscribed(&self, session: &ServerSession, channel: &ServerChannel, _: Option<&Message>) {
        if is_watched_through(channel) {
            self.watchers.fetch_add(1, Ordering::Relaxed);
        }
        self.note("subscribe", session, Some(channel.id().as_str()));
    }

    fn unsubscribed(&self, session: &ServerSession, channel: &ServerChannel, _: Option<&Message>) {
        if is_watched_through(channel) {
            self.watchers.fetch_sub(1, Ordering::Relaxed);
        }
        // The subscriptions of a session end with it, which has been noted.
        if session.is_handshook() {
            self.note("unsubscribe", session, Some(channel.id().as_str()));
        }
    }
}

/// Whether a subscription to this channel or wildcard receives reports.
fn is_watched_through(channel: &ServerChannel) -> bool {
    let name = channel.id().as_str();
    matches!(name, STATS | EVENTS | "/monitor/*" | "/monitor/**" | "/**")
}
