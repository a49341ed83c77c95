//! A clock finer than the millisecond of the runtime's timers, for publishing at a fixed rate.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

/// Ticks until it is dropped.
pub(crate) struct Pacer {
    tick: Arc<Notify>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Pacer {
    pub(crate) fn start() -> Self {
        let (tick, stop) = (Arc::new(Notify::new()), Arc::new(AtomicBool::new(false)));
        let thread = {
            let (tick, stop) = (Arc::clone(&tick), Arc::clone(&stop));
            thread::spawn(move || {
                let mut next = Instant::now();
                while !stop.load(Ordering::Relaxed) {
                    tick.notify_one();
                    next += PERIOD;
                    // Wakes early at most, which does no harm.
                    thread::park_timeout(next.saturating_duration_since(Instant::now()));
                }
            })
        };
        Self {
            tick,
            stop,
            thread: Some(thread),
        }
    }

    pub(crate) async fn tick(&self) {
        self.tick.notified().await;
    }
}

/// What a message may be late by; more often costs the generator more than it is worth.
const PERIOD: Duration = Duration::from_micros(200);

impl Drop for Pacer {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            // It does nothing that could panic.
            let _ = thread.join();
        }
    }
}
