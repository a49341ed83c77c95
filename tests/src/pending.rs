//! Things that are under way while the test goes on.

use std::future::Future;

use tokio_util::task::AbortOnDropHandle;

use crate::clock::ms;

/// Longest virtual time that anything may take; what takes longer is taken to be lost.
const PATIENCE: std::time::Duration = ms(60_000);

/// Something that runs beside the test. Dropping it cuts it off, as a client that goes away would.
#[derive(Debug)]
#[must_use = "dropping it cuts it off"]
pub struct Pending<T>(AbortOnDropHandle<T>);

/// Runs something beside the test.
#[expect(
    clippy::disallowed_methods,
    reason = "the one place that spawns; the task ends with its handle"
)]
pub fn start<T: Send + 'static>(future: impl Future<Output = T> + Send + 'static) -> Pending<T> {
    Pending(AbortOnDropHandle::new(tokio::spawn(future)))
}

impl<T> Pending<T> {
    /// Whether it goes on.
    #[must_use]
    pub fn is_held(&self) -> bool {
        !self.0.is_finished()
    }

    /// Waits for its end.
    ///
    /// # Panics
    /// It panicked, or took longer than a minute.
    pub async fn answer(self) -> T {
        tokio::time::timeout(PATIENCE, self.0)
            .await
            .unwrap_or_else(|_| panic!("no answer within {PATIENCE:?}"))
            .unwrap()
    }

    /// Cuts it off.
    pub async fn cut(self) {
        drop(self);
        crate::settle().await;
    }
}
