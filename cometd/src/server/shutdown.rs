//! Stopping a server.

use std::time::Duration;

use super::BayeuxServer;

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
    /// Stops: held connects are answered with an error, so that clients go elsewhere or come back,
    /// sockets are closed after what is queued for them was written, and every task ends (SES-16).
    ///
    /// Waits for that, but not longer than `patience`.
    ///
    /// # Cancel safety
    /// The server stops even if this is dropped.
    pub async fn shutdown(&self, patience: Duration) -> Stopped {
        let core = self.core();
        self.stop();
        for session in core.sessions().all() {
            session.change(|state| ((), state.stop()));
        }
        core.tasks().close();
        match tokio::time::timeout(patience, core.tasks().wait()).await {
            Ok(()) => Stopped::Drained,
            Err(_) => Stopped::TimedOut,
        }
    }

    /// Tells everything to stop, and waits for nothing.
    pub(crate) fn stop(&self) {
        self.core().stop().cancel();
    }

    /// Completes when [`shutdown`](Self::shutdown) has been called.
    ///
    /// # Cancel safety
    /// Safe to drop and call again.
    pub async fn stopped(&self) {
        self.core().stop().cancelled().await;
    }
}
