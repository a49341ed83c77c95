//! Somebody who has proved who they are.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use http::Extensions;

use super::timers::now;

/// Somebody to whom sessions belong: a name, whatever else the application knows of them, and the
/// time until which that holds. A cheap clone of a handle.
///
/// A [`SecurityPolicy`](crate::SecurityPolicy) makes it from the credentials of a handshake and gives it
/// to the session with [`authenticate`](crate::ServerSession::authenticate). Handlers take it as an
/// argument, authorizers find it with [`ServerSession::principal`](crate::ServerSession::principal).
///
/// ```
/// use std::time::Duration;
///
/// use cometd::Principal;
///
/// #[derive(Clone, Debug, PartialEq)]
/// struct Team(&'static str);
///
/// let alice = Principal::new("alice")
///     .with(Team("red"))
///     .expires_in(Duration::from_secs(3600));
/// assert_eq!(alice.name(), "alice");
/// assert_eq!(alice.attribute(), Some(&Team("red")));
/// ```
#[derive(Clone)]
pub struct Principal(Arc<Inner>);

#[derive(Clone)]
struct Inner {
    name: Box<str>,
    attributes: Extensions,
    expires: Option<Instant>,
}

/// Longest time until an expiry: times are added to the clock, which has an end.
const LONGEST: Duration = Duration::from_secs(10 * 365 * 24 * 60 * 60);

impl Principal {
    /// Somebody of this name, for as long as the session lasts.
    #[must_use]
    pub fn new(name: impl Into<Box<str>>) -> Self {
        Self(Arc::new(Inner {
            name: name.into(),
            attributes: Extensions::new(),
            expires: None,
        }))
    }

    /// Also keeps a value: one of each type.
    #[must_use]
    pub fn with<T: Clone + Send + Sync + 'static>(mut self, attribute: T) -> Self {
        Arc::make_mut(&mut self.0).attributes.insert(attribute);
        self
    }

    /// Holds for this long from now on, at most ten years: then the session ends, and its client is
    /// advised to handshake again.
    #[must_use]
    pub fn expires_in(mut self, time: Duration) -> Self {
        Arc::make_mut(&mut self.0).expires = Some(now() + time.min(LONGEST));
        self
    }

    /// The name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// The value of a type, if there is one.
    #[must_use]
    pub fn attribute<T: Send + Sync + 'static>(&self) -> Option<&T> {
        self.0.attributes.get()
    }

    /// How much longer it holds; zero once it has expired, `None` if it never does.
    #[must_use]
    pub fn remaining(&self) -> Option<Duration> {
        let expires = self.0.expires?;
        Some(expires.saturating_duration_since(now()))
    }

    pub(super) fn expires(&self) -> Option<Instant> {
        self.0.expires
    }
}

/// The name alone: attributes may be secrets.
impl fmt::Debug for Principal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_tuple("Principal")
            .field(&self.name())
            .finish()
    }
}

impl fmt::Display for Principal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}
