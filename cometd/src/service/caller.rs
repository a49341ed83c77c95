//! Who waits for the answer of a remote call.

use std::fmt;
use std::sync::Arc;

use parking_lot::Mutex;
use smol_str::SmolStr;
use tokio::runtime::Handle;

use super::failure::{Answer, Failure, IntoFailure};
use crate::protocol::{ChannelId, IntoData, Message, RawJson};
use crate::server::{HandlerError, SendError, ServerSession};

/// Whoever made a remote call: takes the one answer to it, at once or later and from any task.
///
/// A `#[remote_call]` method that has one as an argument answers through it instead of returning the
/// result:
///
/// ```
/// use cometd::Caller;
/// use cometd::prelude::*;
///
/// #[service("reports")]
/// struct Reports;
///
/// #[handlers]
/// impl Reports {
///     #[remote_call("reports/{year}")]
///     fn report(&self, caller: Caller, year: u16, server: BayeuxServer) {
///         server.spawn(async move {
///             let report = write_report(year).await;
///             let _ = caller.result(report).await;
///         });
///     }
/// }
/// # async fn write_report(year: u16) -> String { year.to_string() }
/// ```
///
/// Nobody who waits is forgotten: if it is dropped without an answer, that is logged with the place of
/// the method, and the caller gets the failure `{"class": "not_answered", "message": null}`.
#[must_use = "somebody waits for the answer"]
pub struct Caller(Arc<PendingCall>);

/// One remote call that has to be answered once.
pub(super) struct PendingCall {
    pub(super) sender: ServerSession,
    /// Where the answer goes, which is where the request came (`services.md` 2.6.36).
    pub(super) channel: ChannelId,
    /// The id of the request, which the answer keeps.
    pub(super) id: Option<SmolStr>,
    /// The place of the method.
    pub(super) location: Arc<str>,
    pub(super) state: Mutex<State>,
}

/// Who is going to answer.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) enum State {
    /// The method runs.
    #[default]
    Running,
    /// The method runs, and the `Caller` has been dropped.
    Dropped,
    /// The method has returned: the `Caller` answers.
    ByCaller,
    /// The answer is on its way or has been sent.
    Answered,
}

impl Caller {
    pub(super) const fn new(pending: Arc<PendingCall>) -> Self {
        Self(pending)
    }

    /// The session that called.
    #[must_use]
    pub fn session(&self) -> &ServerSession {
        &self.0.sender
    }

    /// Answers with a result; `null` is one, too.
    ///
    /// If the method has returned an error meanwhile, the caller has that as the answer, and this does
    /// nothing.
    ///
    /// # Errors
    /// As [`ServerSession::deliver`]. If the result does not serialise, the caller is told that the call
    /// failed.
    ///
    /// # Cancel safety
    /// Dropped before its end, the answer may or may not be sent.
    pub async fn result(self, result: impl IntoData) -> Result<(), SendError> {
        if !self.0.claim() {
            return Ok(());
        }
        match self.0.send(true, result).await {
            Err(SendError::Data(error)) => {
                let (data, _) = HandlerError::new("no result").into_failure().into_parts();
                self.0.send(false, data).await?;
                Err(error.into())
            }
            sent => sent,
        }
    }

    /// Answers with a failure: a [`Failure`], or an error type that [says](IntoFailure) what the caller
    /// sees.
    ///
    /// # Errors
    /// As [`ServerSession::deliver`].
    ///
    /// # Cancel safety
    /// Dropped before its end, the answer may or may not be sent.
    pub async fn failure(self, failure: impl IntoFailure) -> Result<(), SendError> {
        if !self.0.claim() {
            return Ok(());
        }
        let data = self.0.log(failure.into_failure());
        self.0.send(false, data).await
    }
}

impl Drop for Caller {
    fn drop(&mut self) {
        let mut state = self.0.state.lock();
        match *state {
            State::Running => *state = State::Dropped,
            State::Dropped | State::Answered => {}
            State::ByCaller => {
                *state = State::Answered;
                drop(state);
                PendingCall::forgotten(&self.0);
            }
        }
    }
}

impl PendingCall {
    /// The right to answer; whoever asks first has it.
    fn claim(&self) -> bool {
        let before = std::mem::replace(&mut *self.state.lock(), State::Answered);
        before != State::Answered
    }

    /// The method has returned, or has not been called.
    pub(super) async fn settle(&self, answer: Answer) {
        let sent = match answer {
            Answer::NotMeant => return,
            Answer::ByCaller => match self.leave_to_caller() {
                State::Dropped => self.send(false, self.not_answered()).await,
                State::Running | State::ByCaller | State::Answered => return,
            },
            Answer::Succeeded(data) if self.claim() => self.send(true, data).await,
            Answer::Failed(failure) if self.claim() => {
                let data = self.log(failure);
                self.send(false, data).await
            }
            Answer::Succeeded(_) | Answer::Failed(_) => return,
        };
        if let Err(error) = sent {
            tracing::debug!(session = %self.sender, %error, "an answer does not reach its caller");
        }
    }

    /// Lets go of the call; returns the state in which it was.
    fn leave_to_caller(&self) -> State {
        let mut state = self.state.lock();
        let before = *state;
        match before {
            State::Running => {
                self.promise();
                *state = State::ByCaller;
            }
            State::Dropped => *state = State::Answered,
            // The answer may still be on its way.
            State::ByCaller | State::Answered => self.promise(),
        }
        before
    }

    /// A local session that called waits although its request has been acknowledged.
    fn promise(&self) {
        if let (Some(local), Some(id)) = (self.sender.local(), self.id.as_deref()) {
            local.calls.promise(id);
        }
    }

    /// A local session that called does not wait any more.
    fn give_up(&self) {
        if let (Some(local), Some(id)) = (self.sender.local(), self.id.as_deref()) {
            local.calls.give_up(id);
        }
    }

    /// The last one who could have answered has not.
    fn forgotten(pending: &Arc<Self>) {
        let data = pending.not_answered();
        let (Some(server), Ok(runtime)) = (pending.sender.server(), Handle::try_current()) else {
            pending.give_up();
            return;
        };
        let pending = Arc::clone(pending);
        let send = async move {
            if let Err(error) = pending.send(false, data).await {
                tracing::debug!(session = %pending.sender, %error, "a caller is gone");
            }
        };
        server.tasks().spawn_on(send, &runtime);
    }

    fn not_answered(&self) -> RawJson {
        let channel = &self.channel;
        tracing::warn!(%channel, location = %self.location, "a caller was dropped without an answer");
        Failure::of_class("not_answered", None).into_parts().0
    }

    /// What the caller is told; what it is not told is logged.
    fn log(&self, failure: Failure) -> RawJson {
        let (data, reason) = failure.into_parts();
        let channel = &self.channel;
        if let Some(error) = reason {
            tracing::error!(%channel, location = %self.location, %error, "a remote call failed");
        }
        data
    }

    /// Sends the answer as a delivered message that keeps the id of the request (`services.md` 2.6.36);
    /// there is always a `data` field (2.6.37).
    async fn send(&self, successful: bool, data: impl IntoData) -> Result<(), SendError> {
        let mut message = Message::empty(self.channel.clone());
        message.id.clone_from(&self.id);
        message.set_successful(successful);
        message.set_data(data)?;
        let _last = LastChance(self);
        self.sender.deliver_message(None, message).await
    }
}

/// An answer on its way: however that ends, there will be no other, so nobody waits for one.
struct LastChance<'a>(&'a PendingCall);

impl Drop for LastChance<'_> {
    fn drop(&mut self) {
        self.0.give_up();
    }
}

impl fmt::Debug for Caller {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Caller({})", self.0.sender)
    }
}

impl fmt::Debug for PendingCall {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "PendingCall({})", self.channel)
    }
}
