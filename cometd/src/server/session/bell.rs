//! How a connection learns that something waits for its session.

use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use futures_util::task::AtomicWaker;

/// Rung by whoever queues something, heard by the one connection that it is for.
#[derive(Debug, Default)]
pub(crate) struct Bell {
    is_rung: AtomicBool,
    listener: AtomicWaker,
}

impl Bell {
    pub(crate) fn ring(&self) {
        self.is_rung.store(true, Ordering::Release);
        self.listener.wake();
    }

    /// Whether the bell was rung since this was last ready.
    pub(crate) fn poll_rung(&self, context: &Context<'_>) -> Poll<()> {
        if self.take() {
            return Poll::Ready(());
        }
        self.listener.register(context.waker());
        // It may have been rung in between.
        if self.take() {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    }

    /// Whether the bell was rung since it was last asked.
    pub(crate) fn take(&self) -> bool {
        self.is_rung.load(Ordering::Relaxed) && self.is_rung.swap(false, Ordering::Acquire)
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use futures_util::FutureExt;

    use super::*;

    #[test]
    fn a_bell_that_was_rung_is_heard_once() {
        let bell = Bell::default();
        let heard = || poll_fn(|context| bell.poll_rung(context)).now_or_never();
        assert_eq!(heard(), None);
        bell.ring();
        bell.ring();
        assert_eq!((heard(), heard()), (Some(()), None));
    }

    #[tokio::test]
    async fn who_waits_is_woken() {
        let bell = Bell::default();
        let listening = poll_fn(|context| bell.poll_rung(context));
        let ringing = async {
            tokio::task::yield_now().await;
            bell.ring();
        };
        tokio::join!(listening, ringing);
    }
}
