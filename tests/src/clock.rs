//! Time that is moved by hand.

use std::time::Duration;

use tokio::time::Instant;

/// So many milliseconds.
#[must_use]
pub const fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

/// Moves the clock on, deadline by deadline: it only goes on when no task can run.
#[expect(
    clippy::disallowed_methods,
    reason = "the one place where a test lets time pass, and the clock is paused"
)]
pub async fn advance(duration: Duration) {
    tokio::time::sleep(duration).await;
}

/// Lets every task run until all of them wait. Costs one millisecond of virtual time.
pub async fn settle() {
    advance(ms(1)).await;
}

/// Measures virtual time.
#[derive(Clone, Copy, Debug)]
pub struct Stopwatch(Instant);

impl Stopwatch {
    /// Starts now.
    #[must_use]
    pub fn start() -> Self {
        Self(Instant::now())
    }

    /// Virtual time since the start.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
}
