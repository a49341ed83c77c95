//! What a server consists of.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use parking_lot::RwLock;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::admission::Admission;
use super::channel::ServerChannel;
use super::config::{ResolvedConfig, TransportConfig};
use super::context::Context;
use super::extension::Extension;
use super::hook;
use super::installation::Services;
use super::listener::ServerListener;
use super::policy::{DefaultSecurityPolicy, SecurityPolicy};
use super::session::ServerSession;
use super::timers::Timers;
use crate::channel::Tree;
use crate::protocol::codec::Limits;
use crate::protocol::{ChannelId, MetaChannel, Transport};
use crate::session::{Pacing, QueueOverflow, Registry};

mod channels;
mod sessions;
mod shared;

pub(crate) use self::shared::Shared;
use self::shared::{Counters, Extensions};

/// The server behind its handles.
pub(crate) struct Core {
    config: ResolvedConfig,
    limits: Limits,
    policy: Option<Box<dyn SecurityPolicy>>,
    shared: Arc<Shared>,
    listeners: Vec<Box<dyn ServerListener>>,
    sessions: Registry<ServerSession>,
    channels: RwLock<Tree<ServerChannel>>,
    /// Counts changes of the channels and their settings.
    version: AtomicU64,
    timers: Arc<Timers>,
    tasks: TaskTracker,
    stop: CancellationToken,
    /// Whether that has been cancelled, without its lock.
    is_stopping: AtomicBool,
    admission: Admission,
    services: Services,
    /// The context of everything that code of the server sends.
    local_context: Arc<Context>,
}

/// What a core is made of; the rest follows.
pub(crate) struct Parts {
    pub(crate) config: ResolvedConfig,
    pub(crate) policy: Option<Box<dyn SecurityPolicy>>,
    pub(crate) extensions: Vec<Arc<dyn Extension>>,
    pub(crate) listeners: Vec<Box<dyn ServerListener>>,
}

impl Core {
    pub(crate) fn new(parts: Parts) -> Arc<Self> {
        let limits = parts.config.decode_limits();
        let core = Arc::new(Self {
            config: parts.config,
            limits,
            policy: parts.policy,
            shared: Arc::new(Shared {
                extensions: Extensions::new(parts.extensions),
                counters: Counters::default(),
            }),
            listeners: parts.listeners,
            sessions: Registry::default(),
            channels: RwLock::default(),
            version: AtomicU64::default(),
            timers: Arc::default(),
            tasks: TaskTracker::new(),
            stop: CancellationToken::new(),
            is_stopping: AtomicBool::new(false),
            admission: Admission::default(),
            services: Services::default(),
            local_context: Arc::new(Context::local()),
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
        self.policy.as_deref().unwrap_or(&DefaultSecurityPolicy)
    }

    /// Whether the application has brought a policy.
    pub(crate) const fn has_own_policy(&self) -> bool {
        self.policy.is_some()
    }

    pub(crate) const fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    pub(crate) fn extensions(&self) -> &Extensions {
        &self.shared.extensions
    }

    /// Tells everyone who listens to the server; a listener that panics does not keep others from
    /// hearing.
    pub(crate) fn tell(&self, event: impl Fn(&dyn ServerListener)) {
        for listener in &self.listeners {
            hook::tell("a listener of the server", || event(&**listener));
        }
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

    /// Is cancelled when the server [stops](Self::begin_stop).
    pub(crate) const fn stop(&self) -> &CancellationToken {
        &self.stop
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.is_stopping.load(Ordering::Acquire)
    }

    /// Tells all connections and tasks that they should end.
    pub(crate) fn begin_stop(&self) {
        self.is_stopping.store(true, Ordering::Release);
        self.stop.cancel();
    }

    pub(crate) const fn local_context(&self) -> &Arc<Context> {
        &self.local_context
    }

    pub(crate) const fn services(&self) -> &Services {
        &self.services
    }

    pub(crate) fn counters(&self) -> &Counters {
        &self.shared.counters
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
            max_lazy: config.max_lazy_timeout,
            max_queue: config.max_queue,
            advise_max_interval: config.handshake_reconnect,
        }
    }
}

impl Drop for Core {
    fn drop(&mut self) {
        self.begin_stop();
        // Sessions and channels know each other, and so may listeners and sessions.
        for channel in self.channels() {
            channel.clear();
            channel.let_go();
        }
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
