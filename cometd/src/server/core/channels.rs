//! The channels of a server, and their sweeping.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::Core;
use crate::protocol::{ChannelId, ChannelPattern};
use crate::server::channel::{ServerChannel, Sweep};
use crate::server::hook;
use crate::server::route::{Route, Version};
use crate::server::settings::ChannelConfig;
use crate::server::timers::{Timer, now};

impl Core {
    pub(crate) fn channel(&self, id: &ChannelPattern) -> Option<ServerChannel> {
        self.channels.read().get(id).cloned()
    }

    pub(crate) fn channel_count(&self) -> usize {
        self.channels.read().len()
    }

    pub(crate) fn channels(&self) -> Vec<ServerChannel> {
        let mut channels = Vec::new();
        self.channels
            .read()
            .for_each(|channel| channels.push(channel.clone()));
        channels
    }

    /// The channels that match this one, the widest first, itself last if it exists.
    pub(crate) fn matching(&self, id: &ChannelPattern) -> Route {
        let mut route = Route::new(self.version());
        self.channels
            .read()
            .matching(id, |channel| route.push(channel));
        route
    }

    /// The same for the channel of a message.
    pub(crate) fn route(&self, id: &ChannelId) -> Route {
        let mut route = Route::new(self.version());
        self.channels
            .read()
            .route(id, |channel| route.push(channel));
        route.ends_at(id)
    }

    /// The version of the channels and their settings. Asked for before a route is looked up, so that
    /// one that is half new counts as old.
    pub(crate) fn version(&self) -> Version {
        Version(self.version.load(Ordering::Acquire))
    }

    /// Channels or their settings have changed: new routes are not what known ones are.
    pub(crate) fn channels_changed(&self) {
        self.version.fetch_add(1, Ordering::Release);
    }

    /// The channel of this name, and whether this call made it.
    ///
    /// `initialize` runs at most once for a channel, before anybody else can see it (CH-12).
    pub(crate) fn create_channel(
        self: &Arc<Self>,
        id: &ChannelPattern,
        initialize: impl FnOnce(&mut ChannelConfig),
    ) -> (ServerChannel, bool) {
        let now = now();
        let mut channels = self.channels.write();
        if let Some(channel) = channels.get(id).cloned() {
            drop(channels);
            self.watch(&channel);
            return (channel, false);
        }
        let mut config = ChannelConfig::new(id.clone());
        hook::tell("an initialiser of a channel", || initialize(&mut config));
        for listener in &self.listeners {
            hook::tell("a listener of the server", || {
                listener.configure_channel(&mut config)
            });
        }
        let channel = ServerChannel::new(config, self, now);
        channels.insert(id, channel.clone());
        self.channels_changed();
        drop(channels);
        self.watch(&channel);
        self.tell(|listener| listener.channel_added(&channel));
        (channel, true)
    }

    /// Notes that a channel is in use, and looks at it again when it may have become idle.
    pub(crate) fn watch(&self, channel: &ServerChannel) {
        let now = now();
        if channel.touched(now) {
            self.timers.schedule(
                now + self.sweep_patience(),
                Timer::Channel(channel.downgrade()),
            );
        }
    }

    /// The third pass of the sweeper removes a channel (CH-14).
    fn sweep_patience(&self) -> Duration {
        self.config.server.sweep_period * 3
    }

    pub(super) fn sweep(&self, channel: &ServerChannel, now: Instant) {
        let mut channels = self.channels.write();
        match channel.sweep(self.sweep_patience(), now) {
            Sweep::Keep => {}
            Sweep::LookAgain(at) => {
                drop(channels);
                self.timers
                    .schedule(at, Timer::Channel(channel.downgrade()));
            }
            Sweep::Remove => {
                channels.remove(channel.id());
                self.channels_changed();
                drop(channels);
                channel.let_go();
                self.tell(|listener| listener.channel_removed(channel.id()));
            }
        }
    }

    /// Removes a channel with its listeners and subscribers; children stay (CH-13, CH-18). The meta
    /// channels stay, too (CH-11), and so does another channel that has taken the name meanwhile.
    pub(crate) fn remove_channel(&self, channel: &ServerChannel) {
        let mut channels = self.channels.write();
        if channels.get(channel.id()) != Some(channel) || channel.is_meta() {
            return;
        }
        channel.mark_removed();
        channels.remove(channel.id());
        self.channels_changed();
        drop(channels);
        for session in channel.clear().values() {
            session.subscriptions_mut(|subscriptions| {
                if subscriptions.get(channel.id()) == Some(channel) {
                    subscriptions.remove(channel.id());
                }
            });
        }
        channel.let_go();
        self.tell(|listener| listener.channel_removed(channel.id()));
    }
}
