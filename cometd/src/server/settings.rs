//! What a channel is made with.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::authorizer::Authorizer;
use super::filter::{DataFilter, Filtered};
use super::listener::MessageListener;
use super::location::Location;
use crate::protocol::{ChannelKind, ChannelPattern};

/// The settings of a channel. What is changed is a copy: who uses them sees all of a change or none.
#[derive(Clone)]
pub(crate) struct Settings {
    pub(crate) persistent: bool,
    pub(crate) lazy: bool,
    pub(crate) lazy_timeout: Option<Duration>,
    pub(crate) broadcast_to_publisher: bool,
    pub(crate) listeners: Vec<Listening>,
    pub(crate) authorizers: Vec<Guard>,
}

/// An authorizer, and where it was put up.
#[derive(Clone)]
pub(crate) struct Guard {
    pub(crate) authorizer: Arc<dyn Authorizer>,
    pub(crate) location: Location,
}

impl Guard {
    #[track_caller]
    pub(crate) fn new(authorizer: impl Authorizer) -> Self {
        Self {
            authorizer: Arc::new(authorizer),
            location: Location::here(),
        }
    }
}

/// The name of the authorizer, and the place in the source.
impl fmt::Display for Guard {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} at {}", self.authorizer.name(), self.location)
    }
}

/// A listener, and whether it keeps its channel from being swept.
#[derive(Clone)]
pub(crate) struct Listening {
    pub(crate) listener: Arc<dyn MessageListener>,
    weak: bool,
}

impl Settings {
    fn new(kind: ChannelKind) -> Self {
        Self {
            persistent: kind != ChannelKind::Broadcast,
            lazy: false,
            lazy_timeout: None,
            broadcast_to_publisher: true,
            listeners: Vec::new(),
            authorizers: Vec::new(),
        }
    }

    pub(crate) fn has_listeners(&self) -> bool {
        self.listeners.iter().any(|it| !it.weak)
    }

    pub(crate) fn remove_listener(&mut self, listener: &Arc<dyn MessageListener>) {
        self.listeners
            .retain(|it| !Arc::ptr_eq(&it.listener, listener));
    }

    pub(crate) fn remove_authorizer(&mut self, authorizer: &Arc<dyn Authorizer>) {
        self.authorizers
            .retain(|it| !Arc::ptr_eq(&it.authorizer, authorizer));
    }

    /// The same without listeners and authorizers.
    pub(crate) fn vacated(self) -> Self {
        Self {
            listeners: Vec::new(),
            authorizers: Vec::new(),
            ..self
        }
    }

    pub(crate) fn has_authorizers(&self) -> bool {
        !self.authorizers.is_empty()
    }
}

/// A channel while it is being made or changed: nobody else can see it yet.
///
/// This is what a `#[configure]` method gets.
pub struct ChannelConfig {
    id: ChannelPattern,
    settings: Settings,
}

impl ChannelConfig {
    pub(crate) fn new(id: ChannelPattern) -> Self {
        let settings = Settings::new(id.kind());
        Self { id, settings }
    }

    pub(crate) const fn of(id: ChannelPattern, settings: Settings) -> Self {
        Self { id, settings }
    }

    pub(crate) fn into_parts(self) -> (ChannelPattern, Settings) {
        (self.id, self.settings)
    }

    /// The name, which may be a wildcard.
    #[must_use]
    pub const fn id(&self) -> &ChannelPattern {
        &self.id
    }

    /// Adds somebody who votes on what is done with the channel, and with all that it covers if it
    /// is a wildcard. A channel with authorizers is not swept.
    #[track_caller]
    pub fn authorizer(&mut self, authorizer: impl Authorizer) -> &mut Self {
        self.push_authorizer(Guard::new(authorizer))
    }

    pub(crate) fn push_authorizer(&mut self, guard: Guard) -> &mut Self {
        self.settings.authorizers.push(guard);
        self
    }

    /// Adds a listener that sees messages before subscribers do. It keeps the channel from being
    /// swept.
    pub fn listener(&mut self, listener: impl MessageListener) -> &mut Self {
        self.push_listener(Arc::new(listener), false)
    }

    /// Adds a listener that does not keep the channel from being swept.
    pub fn weak_listener(&mut self, listener: impl MessageListener) -> &mut Self {
        self.push_listener(Arc::new(listener), true)
    }

    pub(crate) fn push_listener(
        &mut self,
        listener: Arc<dyn MessageListener>,
        weak: bool,
    ) -> &mut Self {
        self.settings.listeners.push(Listening { listener, weak });
        self
    }

    /// Changes or refuses the data of what is published.
    pub fn filter(&mut self, filter: impl DataFilter) -> &mut Self {
        self.listener(Filtered::new(filter))
    }

    /// Whether the channel stays although nobody needs it. Meta and service channels do by default,
    /// others are swept about three sweep periods after their last use.
    pub const fn persistent(&mut self, persistent: bool) -> &mut Self {
        self.settings.persistent = persistent;
        self
    }

    /// Whether messages may wait for company (section 13 of the specification). Default: no.
    pub const fn lazy(&mut self, lazy: bool) -> &mut Self {
        self.settings.lazy = lazy;
        if !lazy {
            self.settings.lazy_timeout = None;
        }
        self
    }

    /// How long messages may wait, instead of the server's `maxLazyTimeout`; makes the channel lazy.
    pub const fn lazy_timeout(&mut self, timeout: Duration) -> &mut Self {
        self.settings.lazy = true;
        self.settings.lazy_timeout = Some(timeout);
        self
    }

    /// Whether publishers receive their own messages through a subscription to this channel.
    /// Default: yes.
    pub const fn broadcast_to_publisher(&mut self, broadcast: bool) -> &mut Self {
        self.settings.broadcast_to_publisher = broadcast;
        self
    }
}

impl fmt::Debug for ChannelConfig {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("ChannelConfig")
            .field("id", &self.id)
            .field("settings", &self.settings)
            .finish()
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Settings")
            .field("persistent", &self.persistent)
            .field("lazy", &self.lazy)
            .field("lazy_timeout", &self.lazy_timeout)
            .field("broadcast_to_publisher", &self.broadcast_to_publisher)
            .field("listeners", &self.listeners.len())
            .field("authorizers", &self.authorizers.len())
            .finish()
    }
}
