//! The one place where time is waited for.

use std::sync::{Arc, Weak};
use std::time::Instant;

use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::channel::WeakChannel;
use super::core::Core;
use super::session::WeakSession;
use crate::session::Deadlines;

/// What a deadline is about.
#[derive(Debug)]
pub(crate) enum Timer {
    Session(WeakSession),
    Channel(WeakChannel),
}

/// The deadlines of a server.
#[derive(Debug, Default)]
pub(crate) struct Timers {
    deadlines: Mutex<Deadlines<Timer>>,
    /// The next deadline is earlier than the one that is waited for.
    earlier: Notify,
}

impl Timers {
    pub(crate) fn schedule(&self, at: Instant, timer: Timer) {
        let is_next = self.deadlines.lock().push(at, timer);
        if is_next {
            self.earlier.notify_one();
        }
    }

    fn next(&self) -> Option<Instant> {
        self.deadlines.lock().next()
    }

    fn pop(&self, now: Instant) -> Option<(Instant, Timer)> {
        self.deadlines.lock().pop(now)
    }
}

/// The time now, by the clock that a test can stop.
pub(crate) fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}

/// Acts on deadlines until the server stops or is dropped.
pub(crate) async fn run(timers: Arc<Timers>, core: Weak<Core>, stop: CancellationToken) {
    loop {
        let next = timers.next();
        let due = async {
            match next {
                Some(at) => tokio::time::sleep_until(at.into()).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = stop.cancelled() => return,
            () = timers.earlier.notified() => continue,
            () = due => {}
        }
        let Some(core) = core.upgrade() else { return };
        let now = now();
        while let Some((at, timer)) = timers.pop(now) {
            core.due(timer, at, now);
        }
    }
}
