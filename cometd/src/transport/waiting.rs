//! Requests that wait.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Tells whoever runs a connection that its request has been read to the end and waits for what may take
/// long: nothing is needed meanwhile but what wakes it. Looked for among the extensions of the request.
#[derive(Clone, Debug, Default)]
pub(crate) struct Waiting(Arc<AtomicBool>);

/// A request waits until this is dropped.
#[derive(Debug)]
pub(crate) struct Wait(Arc<AtomicBool>);

impl Waiting {
    pub(crate) fn start(self) -> Wait {
        self.0.store(true, Ordering::Relaxed);
        Wait(self.0)
    }

    #[cfg(any(test, feature = "serve"))]
    pub(crate) fn is_on(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

impl Drop for Wait {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Relaxed);
    }
}
