//! The rows of a service's table of methods.

use std::fmt;

use super::call::Call;
use super::extract::{FromRejection, Rejection};
use super::failure::Answer;
use crate::server::{ChannelConfig, Deferred, HandlerError, Location, Outcome, Row};

/// What to do if a channel that is to be configured exists already.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum IfExists {
    /// It is a mistake: the server does not start.
    #[default]
    Error,
    /// Leave it as it is.
    Skip,
    /// Configure it all the same.
    Run,
}

/// Whether a listener is called for what its own service publishes.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum OwnPublishes {
    /// It is not: a listener that publishes does not call itself.
    #[default]
    Ignore,
    /// It is.
    Receive,
}

/// What became of a method that answers nobody.
pub type Completion = Result<(), HandlerError>;

/// What a `#[configure]`, `#[subscription]`, `#[post_construct]` or `#[pre_destroy]` method may return.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be returned by this method",
    label = "nobody receives what it returns",
    note = "return nothing, or a `Result<(), E>` whose `E` is a `HandlerError` or a `std::error::Error`"
)]
pub trait IntoCompletion {
    /// Converts.
    ///
    /// # Errors
    /// What the method failed with.
    fn into_completion(self) -> Completion;
}

impl IntoCompletion for () {
    fn into_completion(self) -> Completion {
        Ok(())
    }
}

#[diagnostic::do_not_recommend]
impl<E: Into<HandlerError>> IntoCompletion for Result<(), E> {
    fn into_completion(self) -> Completion {
        self.map_err(Into::into)
    }
}

impl FromRejection for Completion {
    fn from_rejection(rejection: Rejection) -> Self {
        match rejection {
            Rejection::Skip => Ok(()),
            Rejection::Refuse(error) => Err(error.into()),
        }
    }
}

/// How a `#[configure]` method is called.
pub(super) type Configure<S> = for<'a> fn(&'a S, &'a mut ChannelConfig) -> Completion;
/// How a method is called for a message.
pub(super) type Handle<S, T> = for<'a> fn(&'a S, Call<'a>) -> Deferred<'a, T>;
/// How a method is called at the start or the end of its service.
pub(super) type Step<S> = for<'a> fn(&'a S) -> Deferred<'a, Completion>;

/// An annotated method.
pub struct Method<S: 'static> {
    pub(super) row: Row,
    pub(super) kind: Kind<S>,
}

/// What the annotation asks for.
pub(super) enum Kind<S: 'static> {
    Configure(IfExists, Configure<S>),
    Listener(OwnPublishes, Handle<S, Outcome>),
    PostConstruct(Step<S>),
    PreDestroy(Step<S>),
    RemoteCall(Handle<S, Answer>),
    Subscription(Handle<S, Completion>),
}

impl<S> Method<S> {
    /// A `#[configure]` method.
    #[must_use]
    pub const fn configure(
        name: &'static str,
        channels: &'static [&'static str],
        if_exists: IfExists,
        location: Location,
        call: Configure<S>,
    ) -> Self {
        let kind = Kind::Configure(if_exists, call);
        Self::new("configure", name, channels, location, kind)
    }

    /// A `#[listener]` method.
    #[must_use]
    pub const fn listener(
        name: &'static str,
        channels: &'static [&'static str],
        own: OwnPublishes,
        location: Location,
        call: Handle<S, Outcome>,
    ) -> Self {
        let kind = Kind::Listener(own, call);
        Self::new("listener", name, channels, location, kind)
    }

    /// A `#[subscription]` method.
    #[must_use]
    pub const fn subscription(
        name: &'static str,
        channels: &'static [&'static str],
        location: Location,
        call: Handle<S, Completion>,
    ) -> Self {
        let kind = Kind::Subscription(call);
        Self::new("subscription", name, channels, location, kind)
    }

    /// A `#[remote_call]` method.
    #[must_use]
    pub const fn remote_call(
        name: &'static str,
        targets: &'static [&'static str],
        location: Location,
        call: Handle<S, Answer>,
    ) -> Self {
        let kind = Kind::RemoteCall(call);
        Self::new(REMOTE_CALL, name, targets, location, kind)
    }

    /// A `#[post_construct]` method.
    #[must_use]
    pub const fn post_construct(name: &'static str, location: Location, call: Step<S>) -> Self {
        Self::new(
            "post_construct",
            name,
            &[],
            location,
            Kind::PostConstruct(call),
        )
    }

    /// A `#[pre_destroy]` method.
    #[must_use]
    pub const fn pre_destroy(name: &'static str, location: Location, call: Step<S>) -> Self {
        Self::new("pre_destroy", name, &[], location, Kind::PreDestroy(call))
    }

    const fn new(
        kind: &'static str,
        name: &'static str,
        channels: &'static [&'static str],
        location: Location,
        what: Kind<S>,
    ) -> Self {
        let row = Row {
            kind,
            name,
            channels,
            location,
        };
        Self { row, kind: what }
    }
}

/// How the attribute of remote calls is called.
pub(super) const REMOTE_CALL: &str = "remote_call";

impl<S> fmt::Debug for Method<S> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.row, formatter)
    }
}
