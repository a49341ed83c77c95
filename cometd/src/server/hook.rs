//! How the server calls code that it does not know.

use std::any::Any;
use std::fmt;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::protocol::BayeuxError;

/// The answer of a hook: most have it at once, some have to wait for something.
///
/// A hook that needs no `await` returns [`Now`](Self::Now), or a value with `.into()`, and costs no
/// allocation; others return [`Deferred::later`] with an `async` block.
pub enum Deferred<'a, T> {
    /// Here it is.
    Now(T),
    /// It will be the output of this future.
    Later(Pin<Box<dyn Future<Output = T> + Send + 'a>>),
}

impl<'a, T> Deferred<'a, T> {
    /// Defers to a future.
    pub fn later(future: impl Future<Output = T> + Send + 'a) -> Self {
        Self::Later(Box::pin(future))
    }
}

impl<T> From<T> for Deferred<'_, T> {
    fn from(value: T) -> Self {
        Self::Now(value)
    }
}

impl<T: fmt::Debug> fmt::Debug for Deferred<'_, T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Now(value) => formatter.debug_tuple("Now").field(value).finish(),
            Self::Later(_) => formatter.write_str("Later(..)"),
        }
    }
}

/// Whether a message goes on.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Flow {
    /// It does.
    #[default]
    Continue,
    /// It does not: nobody after this one sees it.
    Stop,
}

impl From<bool> for Flow {
    /// As in CometD, `false` is a veto.
    fn from(go_on: bool) -> Self {
        if go_on { Self::Continue } else { Self::Stop }
    }
}

/// What a listener made of a message.
#[derive(Debug)]
#[non_exhaustive]
pub enum Outcome {
    /// The message goes on.
    Continue,
    /// The message is vetoed: the sender's reply is `404::message_deleted`.
    Stop,
    /// The message is refused with this error.
    Refuse(BayeuxError),
    /// The listener failed: the message is refused, the reason is logged where the listener is.
    Fail(HandlerError),
}

impl From<Flow> for Outcome {
    fn from(flow: Flow) -> Self {
        match flow {
            Flow::Continue => Self::Continue,
            Flow::Stop => Self::Stop,
        }
    }
}

/// Why application code could not handle a message: whatever error it came across.
///
/// Made from any error by `?`. It is logged with the handler's location; the client learns only
/// that the message was refused.
pub struct HandlerError(Box<dyn std::error::Error + Send + Sync>);

impl HandlerError {
    /// An error that is just a text.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into().into())
    }
}

impl<E: std::error::Error + Send + Sync + 'static> From<E> for HandlerError {
    fn from(error: E) -> Self {
        Self(Box::new(error))
    }
}

impl fmt::Debug for HandlerError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, formatter)
    }
}

impl fmt::Display for HandlerError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, formatter)
    }
}

/// A hook panicked; the text is what it said.
#[derive(Debug, thiserror::Error)]
#[error("panicked: {0}")]
pub(crate) struct Panicked(String);

impl Panicked {
    fn new(payload: &(dyn Any + Send)) -> Self {
        let text = payload
            .downcast_ref::<&str>()
            .map(|text| (*text).to_owned())
            .or_else(|| payload.downcast_ref::<String>().cloned());
        Self(text.unwrap_or_else(|| "no text".to_owned()))
    }
}

/// Calls a hook that has nothing to answer, or whose answer comes by what it was given: a panic is
/// logged and ends the call.
pub(crate) fn tell(what: &'static str, hook: impl FnOnce()) {
    if let Err(payload) = catch_unwind(AssertUnwindSafe(hook)) {
        let error = Panicked::new(&*payload);
        tracing::error!(%error, "{what} failed");
    }
}

/// Calls a hook whose answer is mostly there at once; `failed` answers for one that panics.
pub(crate) fn ask<'a, T: 'a>(
    hook: impl FnOnce() -> Deferred<'a, T>,
    failed: impl FnOnce(Panicked) -> T + Send + 'a,
) -> Deferred<'a, T> {
    match catch_unwind(AssertUnwindSafe(hook)) {
        Ok(Deferred::Now(answer)) => Deferred::Now(answer),
        Ok(Deferred::Later(answer)) => Deferred::later(async move {
            let answer = call(|| Deferred::Later(answer)).await;
            answer.unwrap_or_else(failed)
        }),
        Err(payload) => Deferred::Now(failed(Panicked::new(&*payload))),
    }
}

/// Calls a hook and waits for its answer: a panic ends the call, not the server.
pub(crate) const fn call<'a, T, H>(hook: H) -> Calling<'a, T, H>
where
    H: FnOnce() -> Deferred<'a, T> + Unpin,
{
    Calling {
        hook: Some(hook),
        answer: None,
    }
}

/// A call of a hook. Written out, so that the hook and the first look at its answer share one guard against
/// panics.
#[must_use = "a hook is called when this is awaited"]
pub(crate) struct Calling<'a, T, H> {
    hook: Option<H>,
    answer: Option<Pin<Box<dyn Future<Output = T> + Send + 'a>>>,
}

impl<'a, T, H> Future for Calling<'a, T, H>
where
    H: FnOnce() -> Deferred<'a, T> + Unpin,
{
    type Output = Result<T, Panicked>;

    #[inline]
    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { hook, answer } = self.get_mut();
        let polled = catch_unwind(AssertUnwindSafe(|| {
            if let Some(hook) = hook.take() {
                match hook() {
                    Deferred::Now(value) => return Poll::Ready(value),
                    Deferred::Later(future) => *answer = Some(future),
                }
            }
            match answer {
                Some(future) => future.as_mut().poll(context),
                // It has panicked, and nobody asks again.
                None => Poll::Pending,
            }
        }));
        match polled {
            Ok(polled) => polled.map(Ok),
            Err(payload) => Poll::Ready(Err(Panicked::new(&*payload))),
        }
    }
}
