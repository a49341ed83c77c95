//! The rows of a service's table of methods.

use std::fmt;

use super::call::Call;
use crate::server::{ChannelConfig, Deferred, HandlerError, Location, Outcome};

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

/// What became of a configuration.
pub type Configured = Result<(), HandlerError>;

/// What a `#[configure]` method may return.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be returned by a `#[configure]` method",
    label = "not what the server can use",
    note = "return nothing, or a `Result<(), E>` whose `E` is a `HandlerError` or a `std::error::Error`"
)]
pub trait IntoConfigured {
    /// Converts.
    ///
    /// # Errors
    /// What the configuration failed with.
    fn into_configured(self) -> Configured;
}

impl IntoConfigured for () {
    fn into_configured(self) -> Configured {
        Ok(())
    }
}

#[diagnostic::do_not_recommend]
impl<E: Into<HandlerError>> IntoConfigured for Result<(), E> {
    fn into_configured(self) -> Configured {
        self.map_err(Into::into)
    }
}

/// How a configuration is called.
pub(super) type Configure<S> = for<'a> fn(&'a S, &'a mut ChannelConfig) -> Configured;
/// How a listener is called.
pub(super) type Listen<S> = for<'a> fn(&'a S, Call<'a>) -> Deferred<'a, Outcome>;

/// An annotated method.
pub struct Method<S: 'static> {
    pub(super) name: &'static str,
    pub(super) channels: &'static [&'static str],
    pub(super) location: Location,
    pub(super) kind: Kind<S>,
}

/// What the annotation asks for.
pub(super) enum Kind<S: 'static> {
    Configure {
        if_exists: IfExists,
        call: Configure<S>,
    },
    Listener {
        own: OwnPublishes,
        call: Listen<S>,
    },
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
        Self {
            name,
            channels,
            location,
            kind: Kind::Configure { if_exists, call },
        }
    }

    /// A `#[listener]` method.
    #[must_use]
    pub const fn listener(
        name: &'static str,
        channels: &'static [&'static str],
        own: OwnPublishes,
        location: Location,
        call: Listen<S>,
    ) -> Self {
        Self {
            name,
            channels,
            location,
            kind: Kind::Listener { own, call },
        }
    }
}

impl<S> fmt::Debug for Method<S> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Method({} on {:?})", self.name, self.channels)
    }
}
