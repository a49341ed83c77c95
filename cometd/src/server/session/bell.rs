//! How a connection learns that its session wants something.

use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Context;

use futures_util::task::AtomicWaker;

/// Rung by whoever changes a session, heard by the one connection that it is for.
///
/// It only says that there is something to look at: what it is stays with the session.
#[derive(Debug, Default)]
pub(crate) struct Bell {
    push: AtomicBool,
    resume: AtomicBool,
    listener: AtomicWaker,
}

/// What a bell is rung for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Ring {
    /// Something waits to be pushed.
    Push,
    /// A held connect may have to be answered.
    Resume,
}

impl Bell {
    pub(crate) fn ring(&self, ring: Ring) {
        self.flag(ring).store(true, Ordering::Release);
        self.listener.wake();
    }

    /// Wakes this task when the bell is rung from now on. What it was rung for before is still to be asked.
    pub(crate) fn listen(&self, context: &Context<'_>) {
        self.listener.register(context.waker());
    }

    /// Whether the bell was rung for this since it was last asked.
    pub(crate) fn take(&self, ring: Ring) -> bool {
        let flag = self.flag(ring);
        flag.load(Ordering::Relaxed) && flag.swap(false, Ordering::Acquire)
    }

    const fn flag(&self, ring: Ring) -> &AtomicBool {
        match ring {
            Ring::Push => &self.push,
            Ring::Resume => &self.resume,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::task::Poll;

    use super::*;

    #[test]
    fn a_bell_that_was_rung_is_heard_once() {
        let bell = Bell::default();
        assert!(!bell.take(Ring::Push));
        bell.ring(Ring::Push);
        bell.ring(Ring::Push);
        assert!(bell.take(Ring::Push));
        assert!(!bell.take(Ring::Push));
    }

    #[test]
    fn what_it_is_rung_for_does_not_mix() {
        let bell = Bell::default();
        bell.ring(Ring::Push);
        assert!(!bell.take(Ring::Resume));
        bell.ring(Ring::Resume);
        assert!(bell.take(Ring::Resume));
        assert!(bell.take(Ring::Push));
    }

    #[tokio::test]
    async fn who_waits_is_woken() {
        for ring in [Ring::Push, Ring::Resume] {
            let bell = Bell::default();
            let listening = poll_fn(|context| {
                bell.listen(context);
                if bell.take(ring) {
                    Poll::Ready(())
                } else {
                    Poll::Pending
                }
            });
            let ringing = async {
                tokio::task::yield_now().await;
                bell.ring(ring);
            };
            tokio::join!(listening, ringing);
        }
    }
}
