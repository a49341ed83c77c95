//! The way of a message through the channels.

use smallvec::SmallVec;

use super::channel::{Current, ServerChannel};
use super::settings::Settings;
use crate::protocol::ChannelId;

/// The channels that see a message, the widest first, its own last if that exists, with what was set for
/// them when the message came.
#[derive(Debug)]
pub(crate) struct Route {
    /// Few have more than their own and a wildcard.
    channels: SmallVec<[ServerChannel; 2]>,
    /// Those of each channel.
    settings: SmallVec<[Current; 2]>,
    version: Version,
    /// Whether the last of the channels is the message's own.
    has_own: bool,
    /// Whether there are authorizers on the way.
    is_guarded: bool,
}

/// A route to be gone again. It does not hold what is set for its channels: what is taken off one is let
/// go of.
#[derive(Debug)]
pub(crate) struct KnownRoute(Box<Route>);

/// Counts the changes of channels and their settings: a route holds as long as its version does.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Version(pub(crate) u64);

impl Route {
    pub(crate) const fn new(version: Version) -> Self {
        Self {
            channels: SmallVec::new_const(),
            settings: SmallVec::new_const(),
            version,
            has_own: false,
            is_guarded: false,
        }
    }

    pub(crate) fn push(&mut self, channel: &ServerChannel) {
        let settings = channel.settings();
        self.is_guarded |= settings.has_authorizers();
        self.settings.push(settings);
        self.channels.push(channel.clone());
    }

    /// Adds the channel of the message itself.
    pub(crate) fn push_own(&mut self, channel: &ServerChannel) {
        self.push(channel);
        self.has_own = true;
    }

    /// This is all; the message is sent to the channel of this name.
    pub(crate) fn ends_at(mut self, name: &ChannelId) -> Self {
        self.has_own = self.last().is_some_and(|it| it.is_named(name));
        self
    }

    pub(crate) const fn version(&self) -> Version {
        self.version
    }

    /// The channels with their settings.
    #[inline]
    pub(crate) fn stops(&self) -> impl Iterator<Item = (&ServerChannel, &Settings)> {
        let settings = self.settings.iter().map(|it| &***it);
        self.channels.iter().zip(settings)
    }

    /// The narrowest of the channels.
    pub(crate) fn last(&self) -> Option<&ServerChannel> {
        self.channels.last()
    }

    /// The channel of the message itself, if it exists.
    pub(crate) fn own(&self) -> Option<&ServerChannel> {
        self.last().filter(|_| self.has_own)
    }

    /// Whether this is the way to the channel of this name, and that exists.
    pub(crate) fn leads_to(&self, name: &ChannelId) -> bool {
        self.own().is_some_and(|it| it.is_named(name))
    }

    /// What is set for the channel of this name.
    pub(crate) fn own_settings(&self, name: &ChannelId) -> Option<&Settings> {
        let settings = self.settings.last().filter(|_| self.leads_to(name))?;
        Some(settings)
    }

    /// Whether there are authorizers on the way.
    pub(crate) const fn is_guarded(&self) -> bool {
        self.is_guarded
    }

    /// To be kept for the next message.
    pub(crate) fn into_known(mut self: Box<Self>) -> KnownRoute {
        self.settings.clear();
        KnownRoute(self)
    }
}

impl KnownRoute {
    /// The route with what is set for its channels now.
    pub(crate) fn into_route(self) -> Box<Route> {
        let mut route = self.0;
        route.is_guarded = false;
        for channel in &route.channels {
            let settings = channel.settings();
            route.is_guarded |= settings.has_authorizers();
            route.settings.push(settings);
        }
        route
    }
}
