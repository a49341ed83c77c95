//! The way of a message through the channels.

use std::ops::Deref;
use std::sync::Arc;

use smallvec::SmallVec;

use super::channel::ServerChannel;
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

    /// The channel of this name, if it exists.
    pub(crate) fn own(&self, name: &ChannelId) -> Option<&Stop> {
        self.stops.last().filter(|it| it.channel.is_named(name))
    }
}

impl Deref for Route {
    type Target = [Stop];

    fn deref(&self) -> &[Stop] {
        &self.stops
    }
}
