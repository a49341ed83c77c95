//! What ends a connection from outside: the server, and time.

use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use tokio::time::{Instant, Sleep};
use tokio_util::sync::WaitForCancellationFuture;

use crate::server::Core;

pub(super) enum Alarm {
    /// It is as late as was said.
    Late,
    /// The server stops.
    Stop,
}

/// Waits for the stop of the server and for a time, across all events of a connection.
///
/// To ask either costs locks that all connections share, so that both are asked only if they have an
/// answer, or would wake somebody else.
pub(super) struct Alarms<'a, 'core> {
    core: &'core Core,
    stop: Pin<&'a mut WaitForCancellationFuture<'core>>,
    late: Pin<&'a mut Sleep>,
    /// Whom both wake.
    waker: Option<Waker>,
}

impl<'a, 'core> Alarms<'a, 'core> {
    pub(super) const fn new(
        core: &'core Core,
        stop: Pin<&'a mut WaitForCancellationFuture<'core>>,
        late: Pin<&'a mut Sleep>,
    ) -> Self {
        Self {
            core,
            stop,
            late,
            waker: None,
        }
    }

    pub(super) fn poll(&mut self, context: &mut Context<'_>) -> Poll<Alarm> {
        let waker = self.waker.as_ref();
        let is_set = waker.is_some_and(|it| it.will_wake(context.waker()));
        if is_set && !self.core.is_stopping() && !self.late.is_elapsed() {
            return Poll::Pending;
        }
        self.waker = Some(context.waker().clone());
        if self.stop.as_mut().poll(context).is_ready() {
            return Poll::Ready(Alarm::Stop);
        }
        self.late.as_mut().poll(context).map(|()| Alarm::Late)
    }

    /// Waits for another time.
    pub(super) fn set(&mut self, late: Instant) {
        self.late.as_mut().reset(late);
        self.waker = None;
    }
}
