//! The way of a message through the channels.

use std::ops::Deref;
use std::sync::{Arc, Weak};

use smallvec::SmallVec;

use super::channel::{ServerChannel, WeakChannel};
use super::settings::Settings;
use crate::protocol::ChannelId;

/// The channels that see a message, the widest first, its own last if that exists.
#[derive(Debug)]
pub(crate) struct Route {
    /// Few have more than their own and a wildcard.
    stops: SmallVec<[Stop; 2]>,
    version: Version,
}

/// A channel with what is set for it.
#[derive(Debug)]
pub(crate) struct Stop {
    pub(crate) channel: ServerChannel,
    pub(crate) settings: Arc<Settings>,
}

/// A route to be gone again. It keeps nothing alive: what is taken off a channel is let go of.
#[derive(Debug)]
pub(crate) struct KnownRoute {
    stops: SmallVec<[(WeakChannel, Weak<Settings>); 2]>,
    version: Version,
}

/// Counts the changes of channels and their settings: a route holds as long as its version does.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Version(pub(crate) u64);

impl Route {
    pub(crate) const fn new(version: Version) -> Self {
        Self {
            stops: SmallVec::new_const(),
            version,
        }
    }

    pub(crate) fn push(&mut self, channel: &ServerChannel) {
        self.stops.push(Stop {
            channel: channel.clone(),
            settings: channel.settings(),
        });
    }

    pub(crate) const fn version(&self) -> Version {
        self.version
    }

    pub(crate) fn downgrade(&self) -> KnownRoute {
        let stops = self.stops.iter();
        let stops = stops.map(|it| (it.channel.downgrade(), Arc::downgrade(&it.settings)));
        KnownRoute {
            stops: stops.collect(),
            version: self.version,
        }
    }

    /// The channel of this name, if it exists.
    pub(crate) fn own(&self, name: &ChannelId) -> Option<&Stop> {
        self.stops.last().filter(|it| it.channel.is_named(name))
    }
}

impl KnownRoute {
    /// The route, if it still holds.
    pub(crate) fn upgrade(&self, version: Version) -> Option<Route> {
        if self.version != version {
            return None;
        }
        let mut stops = SmallVec::new();
        for (channel, settings) in &self.stops {
            stops.push(Stop {
                channel: channel.upgrade()?,
                settings: settings.upgrade()?,
            });
        }
        Some(Route { stops, version })
    }
}

impl Deref for Route {
    type Target = [Stop];

    fn deref(&self) -> &[Stop] {
        &self.stops
    }
}
