//! Stopping a server.

use std::time::Duration;

use tokio::time::timeout;

use super::BayeuxServer;
use super::core::Core;

/// How a server came to its end.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Stopped {
    /// Everything had been answered and every task had ended.
    Drained,
    /// Time was up before; what was still running has been left behind.
    TimedOut,
}

impl BayeuxServer {
    /// Stops: services are told, the last one first, while clients are served as ever; then nothing new
    /// is let in, held connects are answered with an error, so that clients go elsewhere or come back,
    /// sockets are closed after what is queued for them was written, the sessions of services end, and
    /// so does every task (SES-16). Services are taken off last: as long as a message of a client is
    /// under way, their handlers see it.
    ///
    /// Waits for that, but not longer than `patience`; services stay attached if it takes longer. What a
    /// `#[pre_destroy]` method publishes still reaches everyone who is connected.
    ///
    /// # Cancel safety
    /// The server stops even if this is dropped; services stay attached, and those that had not been told
    /// are not told.
    pub async fn shutdown(&self, patience: Duration) -> Stopped {
        let core = self.core();
        let stopping = Stopping(core);
        let end = async move {
            core.services().tell().await;
            drop(stopping);
            // A task may wait for what only the end of a session brings.
            core.services().leave().await;
            core.tasks().close();
            core.tasks().wait().await;
            // Not before: a message that is under way must not pass a listener which would veto it.
            core.services().take_off().await;
        };
        match timeout(patience, end).await {
            Ok(()) => Stopped::Drained,
            Err(_) => Stopped::TimedOut,
        }
    }

    /// Completes when [`shutdown`](Self::shutdown) has been called.
    ///
    /// # Cancel safety
    /// Safe to drop and call again.
    pub async fn stopped(&self) {
        self.core().stop().cancelled().await;
    }
}

/// Tells all connections and tasks to stop when it is dropped.
struct Stopping<'a>(&'a Core);

impl Drop for Stopping<'_> {
    fn drop(&mut self) {
        self.0.begin_stop();
        for session in self.0.sessions().all() {
            session.change(|state| ((), state.stop()));
        }
    }
}
