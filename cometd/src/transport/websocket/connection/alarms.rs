//! What ends a connection from outside: the server, and time.

use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use tokio::time::{Instant, Sleep, sleep_until};
use tokio_util::sync::WaitForCancellationFuture;

use crate::boxed::boxed;
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
/// answer, or would wake somebody else. In boxes: of both only a flag is read for an event, and the rest would
/// lie between what else is read.
pub(super) struct Alarms<'core> {
    core: &'core Core,
    stop: Pin<Box<WaitForCancellationFuture<'core>>>,
    late: Pin<Box<Sleep>>,
    /// Whom both wake.
    waker: Option<Waker>,
}

impl<'core> Alarms<'core> {
    pub(super) fn new(core: &'core Core, late: Instant) -> Self {
        Self {
            core,
            stop: boxed(|| core.stop().cancelled()),
            late: boxed(|| sleep_until(late)),
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
