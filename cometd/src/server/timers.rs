//! The one place where time is waited for.

use std::sync::{Arc, Weak};
use std::time::Instant;

use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::channel::WeakChannel;
use super::core::Core;
use super::hook;
use super::session::WeakSession;
use crate::session::Deadlines;

/// What a deadline is about.
#[derive(Debug)]
pub(crate) enum Timer {
    Session(WeakSession),
    Channel(WeakChannel),
}

impl Timer {
    /// Whether something may still come of a deadline.
    fn matters(&self, at: Instant) -> bool {
        match self {
            Self::Session(session) => session.upgrade().is_some_and(|it| it.is_scheduled(at)),
            Self::Channel(channel) => channel.upgrade().is_some(),
        }
    }
}

/// The deadlines of a server.
#[derive(Debug, Default)]
pub(crate) struct Timers {
    due: Mutex<DueTimes>,
    /// The next deadline is earlier than the one that is waited for.
    earlier: Notify,
}

#[derive(Debug, Default)]
struct DueTimes {
    deadlines: Deadlines<Timer>,
    /// How many there were after the last look at all of them.
    kept: usize,
}

/// So few deadlines are not worth a look at all of them.
const FEW: usize = 1024;

impl Timers {
    pub(crate) fn schedule(&self, at: Instant, timer: Timer) {
        let mut due = self.due.lock();
        let is_next = due.deadlines.push(at, timer);
        if due.deadlines.len() > FEW.max(due.kept * 2) {
            // Times that have been moved forward, and sessions that have ended, leave deadlines
            // behind. Looking at all when they have doubled costs each deadline a constant.
            due.deadlines.retain(|at, timer| timer.matters(at));
            due.kept = due.deadlines.len();
        }
        drop(due);
        if is_next {
            self.earlier.notify_one();
        }
    }

    fn next(&self) -> Option<Instant> {
        self.due.lock().deadlines.next()
    }

    fn pop(&self, now: Instant) -> Option<(Instant, Timer)> {
        self.due.lock().deadlines.pop(now)
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
        let mut count = 0;
        while let Some((at, timer)) = timers.pop(now) {
            hook::tell("a deadline", || core.due(timer, at, now));
            count += 1;
            if count % AT_ONCE == 0 {
                // Thousands of sessions may expire together: others need not wait for them.
                tokio::task::yield_now().await;
            }
        }
    }
}

/// Deadlines that are acted on before other tasks have their turn.
const AT_ONCE: u32 = 32;
