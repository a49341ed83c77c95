//! What a server consists of.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use parking_lot::RwLock;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::channel::{ServerChannel, Sweep};
use super::config::{ResolvedConfig, TransportConfig};
use super::extension::Extension;
use super::hook::{self, Deferred};
use super::listener::{Removal, ServerListener};
use super::policy::SecurityPolicy;
use super::session::{Farewell, ServerSession};
use super::settings::ChannelConfig;
use super::timers::{Timer, Timers, now};
use crate::channel::Tree;
use crate::protocol::codec::Limits;
use crate::protocol::{
    ChannelId, ChannelPattern, ClientId, FrozenMessage, Message, MetaChannel, Transport,
};
use crate::session::{Pacing, QueueOverflow, Registry, Wake};

/// The server behind its handles.
pub(crate) struct Core {
    config: ResolvedConfig,
    limits: Limits,
    policy: Box<dyn SecurityPolicy>,
    extensions: Vec<Box<dyn Extension>>,
    listeners: Vec<Box<dyn ServerListener>>,
    sessions: Registry<ServerSession>,
    channels: RwLock<Tree<ServerChannel>>,
    timers: Arc<Timers>,
    tasks: TaskTracker,
    stop: CancellationToken,
    remote: AtomicUsize,
    counters: Counters,
}

/// What a core is made of; the rest follows.
pub(crate) struct Parts {
    pub(crate) config: ResolvedConfig,
    pub(crate) policy: Box<dyn SecurityPolicy>,
    pub(crate) extensions: Vec<Box<dyn Extension>>,
    pub(crate) listeners: Vec<Box<dyn ServerListener>>,
}

/// How much a server has done since it started.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) published: AtomicU64,
    pub(crate) delivered: AtomicU64,
}

impl Core {
    pub(crate) fn new(parts: Parts) -> Arc<Self> {
        let limits = parts.config.decode_limits();
        let core = Arc::new(Self {
            config: parts.config,
            limits,
            policy: parts.policy,
            extensions: parts.extensions,
            listeners: parts.listeners,
            sessions: Registry::default(),
            channels: RwLock::default(),
            timers: Arc::default(),
            tasks: TaskTracker::new(),
            stop: CancellationToken::new(),
            remote: AtomicUsize::new(0),
            counters: Counters::default(),
        });
        for channel in MetaChannel::KNOWN {
            core.create_channel(&ChannelId::meta(channel).into(), |_| ());
        }
        core
    }

    pub(crate) const fn config(&self) -> &ResolvedConfig {
        &self.config
    }

    pub(crate) const fn limits(&self) -> &Limits {
        &self.limits
    }

    pub(crate) fn policy(&self) -> &dyn SecurityPolicy {
        &*self.policy
    }

    pub(crate) fn extensions(&self) -> &[Box<dyn Extension>] {
        &self.extensions
    }

    pub(crate) fn listeners(&self) -> &[Box<dyn ServerListener>] {
        &self.listeners
    }

    pub(crate) const fn sessions(&self) -> &Registry<ServerSession> {
        &self.sessions
    }

    pub(crate) fn timers(&self) -> &Arc<Timers> {
        &self.timers
    }

    pub(crate) const fn tasks(&self) -> &TaskTracker {
        &self.tasks
    }

    pub(crate) const fn stop(&self) -> &CancellationToken {
        &self.stop
    }

    pub(crate) const fn counters(&self) -> &Counters {
        &self.counters
    }

    pub(crate) const fn broadcast_to_publisher(&self) -> bool {
        self.config.server.broadcast_to_publisher
    }

    /// How much may wait for one session, and what happens beyond.
    pub(crate) fn queue_bounds(&self) -> (usize, QueueOverflow) {
        let limits = &self.config.server.limits;
        (
            limits.max_queue_bytes.unwrap_or(usize::MAX),
            limits.queue_overflow,
        )
    }

    /// The settings of a transport; those of long polling where there is none.
    pub(crate) fn transport(&self, transport: Option<Transport>) -> &TransportConfig {
        self.config
            .transport(transport.unwrap_or(Transport::LongPolling))
    }

    pub(crate) fn pacing(&self, transport: Option<Transport>) -> Pacing {
        let config = self.transport(transport);
        Pacing {
            timeout: config.timeout,
            interval: config.interval,
            max_interval: config.max_interval,
            max_processing: config.max_processing,
            advise_max_interval: config.handshake_reconnect,
        }
    }

    /// How long a lazy message to this channel may wait; `None` means not at all.
    pub(crate) fn patience(&self, channel: Option<Duration>) -> Option<Duration> {
        channel.or(self.transport(None).max_lazy_timeout)
    }
}

/// Channels.
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
    pub(crate) fn matching(&self, id: &ChannelPattern) -> Vec<ServerChannel> {
        let mut channels = Vec::new();
        self.channels
            .read()
            .matching(id, |channel| channels.push(channel.clone()));
        channels
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
        initialize(&mut config);
        self.listeners
            .iter()
            .for_each(|listener| listener.configure_channel(&mut config));
        let channel = ServerChannel::new(config, self, now);
        channels.insert(id, channel.clone());
        drop(channels);
        self.watch(&channel);
        self.listeners
            .iter()
            .for_each(|listener| listener.channel_added(&channel));
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

    fn sweep(&self, channel: &ServerChannel, now: Instant) {
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
                drop(channels);
                self.listeners
                    .iter()
                    .for_each(|listener| listener.channel_removed(channel.id()));
            }
        }
    }

    /// Removes a channel with its listeners and subscribers; children stay (CH-13, CH-18).
    pub(crate) fn remove_channel(&self, channel: &ServerChannel) {
        channel.mark_removed();
        let removed = self.channels.write().remove(channel.id());
        for session in channel.clear().values() {
            session.subscriptions_mut(|subscriptions| subscriptions.remove(channel.id()));
        }
        if removed.is_some() {
            self.listeners
                .iter()
                .for_each(|listener| listener.channel_removed(channel.id()));
        }
    }
}

/// Sessions.
impl Core {
    /// The session can be found by its id from now on.
    pub(crate) fn add_session(&self, session: &ServerSession) {
        self.sessions.insert(session.id(), session.clone());
        let remote = usize::from(!session.is_local());
        self.remote.fetch_add(remote, Ordering::Relaxed);
    }

    /// How many sessions have their client elsewhere.
    pub(crate) fn remote_sessions(&self) -> usize {
        self.remote.load(Ordering::Relaxed)
    }

    /// Something was due at a time.
    pub(crate) fn due(&self, timer: Timer, at: Instant, now: Instant) {
        match timer {
            Timer::Channel(channel) => {
                if let Some(channel) = channel.upgrade() {
                    self.sweep(&channel, now);
                }
            }
            Timer::Session(session) => {
                if let Some(session) = session.upgrade()
                    && session.due(at, now)
                    && let Some(farewell) = self.remove_session(&session, Removal::TimedOut, None)
                {
                    self.tasks.spawn(farewell);
                }
            }
        }
    }

    /// Ends a session: listeners of the server, then its subscriptions, then its own callbacks,
    /// which the returned future runs (SES-13).
    pub(crate) fn remove_session(
        &self,
        session: &ServerSession,
        removal: Removal,
        farewell: Option<Arc<FrozenMessage>>,
    ) -> Option<Farewell> {
        use crate::session::Phase;
        let phase = match removal {
            Removal::Disconnected => Phase::Disconnected,
            Removal::TimedOut => Phase::Expired,
        };
        let ended = session.change(|state| {
            if state.is_alive() {
                (true, state.end(phase, farewell))
            } else {
                (false, Wake::Nobody)
            }
        });
        if !ended {
            return None;
        }
        self.sessions.remove(session.id());
        let remote = usize::from(!session.is_local());
        self.remote.fetch_sub(remote, Ordering::Relaxed);
        self.listeners
            .iter()
            .for_each(|listener| listener.session_removed(session, removal));
        let subscriptions = session.subscriptions_mut(std::mem::take);
        for channel in subscriptions.into_values() {
            if channel.remove_subscriber(session) {
                self.listeners
                    .iter()
                    .for_each(|listener| listener.unsubscribed(session, &channel));
            }
        }
        tracing::info!(%session, ?removal, "session removed");
        let callbacks = session.take_removed();
        let session = session.clone();
        Some(Box::pin(async move {
            for callback in callbacks {
                let session = session.clone();
                if let Err(error) = hook::call(|| Deferred::Later(callback(session, removal))).await
                {
                    tracing::error!(%error, "a callback of a removed session failed");
                }
            }
        }))
    }

    /// Ends a session from the side of the server: its client is told (DIS-6).
    pub(crate) fn disconnect(&self, session: &ServerSession) -> Option<Farewell> {
        let mut message = Message::empty(ChannelId::meta(MetaChannel::Disconnect));
        message.successful = Some(true);
        self.remove_session(
            session,
            Removal::Disconnected,
            Some(Arc::new(message.freeze())),
        )
    }

    pub(crate) fn session(&self, id: ClientId) -> Option<ServerSession> {
        self.sessions.get(id)
    }

    pub(crate) fn count_published(&self) {
        self.counters.published.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn count_delivered(&self, count: u64) {
        self.counters.delivered.fetch_add(count, Ordering::Relaxed);
    }
}

impl Drop for Core {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl fmt::Debug for Core {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Core")
            .field("sessions", &self.sessions.len())
            .field("channels", &self.channel_count())
            .finish_non_exhaustive()
    }
}
