//! The server's half of a session.

use std::collections::HashMap;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

use crossbeam_utils::atomic::AtomicCell;
use parking_lot::{Mutex, RwLock};

use super::admission::Taken;
use super::attachment::Attachment;
use super::calls::Calls;
use super::channel::ServerChannel;
use super::core::{Core, Shared};
use super::extension::Extension;
use super::listener::{QueueListener, Removal, Subscriber};
use super::route::KnownRoute;
use super::timers::now;
use crate::protocol::{ChannelPattern, ClientId};
use crate::session::{Phase, State, Wake};

mod attributes;
mod bell;
mod principal;
mod queue;
mod shell;

use self::attributes::Attributes;
pub(crate) use self::bell::{Bell, Ring};
use self::principal::Authentication;
pub(crate) use self::queue::Numbering;
use self::shell::Shell;
pub(crate) use self::shell::{Batch, Connecting};

/// One client as the server sees it. A cheap clone of a handle.
#[derive(Clone)]
pub struct ServerSession(Arc<Inner>);

/// Does not keep the session alive.
#[derive(Clone, Debug)]
pub(crate) struct WeakSession(Weak<Inner>);

/// In memory in this order: what a broadcast looks at for each subscriber comes first, in as few lines of
/// the cache as it can be.
#[repr(C)]
struct Inner {
    /// Whether messages to this session cannot just be queued: somebody wants to see each of them, or the
    /// client is in this process.
    attended: AtomicBool,
    /// Whether somebody has ever wanted to see what the queue does.
    is_watched: AtomicBool,
    broadcast_to_publisher: AtomicBool,
    /// Whether the state is alive, and whether it counts silence: written under the lock of the shell, read
    /// by all who need no more.
    alive: AtomicBool,
    counts_silence: AtomicBool,
    shell: Mutex<Shell>,
    id: ClientId,
    /// What the session is called in logs, if it belongs to a service.
    name: Box<str>,
    server: Weak<Core>,
    shared: Arc<Shared>,
    extensions: RwLock<Option<Extensions>>,
    queue_listeners: Mutex<Vec<Arc<dyn QueueListener>>>,
    subscriptions: Mutex<HashMap<ChannelPattern, ServerChannel>>,
    /// Who is called back at the end; `None` once that has come.
    removed: Mutex<Option<Vec<RemovedCallback>>>,
    attributes: Mutex<Attributes>,
    /// The client's half, if it is in this process.
    local: Option<LocalHalf>,
    /// The cookie of the browser that the session handshook from.
    browser: OnceLock<Box<str>>,
    authentication: Mutex<Authentication>,
    /// The place of a remote session among those that the server lets in.
    seat: OnceLock<Taken>,
    /// The way that its last publish took, unless another is on it.
    route: AtomicCell<Option<KnownRoute>>,
}

/// The extensions of one session, in the order in which they were added.
type Extensions = Arc<[Arc<dyn Extension>]>;

/// Runs what was to be called back at the end of a session.
pub(crate) type Farewell = Pin<Box<dyn Future<Output = ()> + Send>>;
type RemovedCallback = Box<dyn FnOnce(ServerSession, Removal) -> Farewell + Send>;

/// Who receives what arrives at a local session.
#[derive(Default)]
pub(crate) struct LocalHalf {
    /// Who subscribed to what, the narrowest first.
    pub(crate) subscribers: RwLock<Vec<(ChannelPattern, Arc<dyn Subscriber>)>>,
    pub(crate) calls: Calls,
}

impl ServerSession {
    pub(crate) fn new(
        id: ClientId,
        name: &str,
        core: &Arc<Core>,
        local: Option<LocalHalf>,
    ) -> Self {
        let (capacity, overflow) = core.queue_bounds();
        let state = State::new(core.pacing(None), capacity, overflow, now());
        Self(Arc::new(Inner {
            id,
            name: name.into(),
            server: Arc::downgrade(core),
            shared: Arc::clone(core.shared()),
            attended: AtomicBool::new(local.is_some()),
            is_watched: AtomicBool::new(false),
            broadcast_to_publisher: AtomicBool::new(core.broadcast_to_publisher()),
            alive: AtomicBool::new(state.is_alive()),
            counts_silence: AtomicBool::new(state.counts_silence()),
            shell: Mutex::new(Shell::new(state)),
            extensions: RwLock::default(),
            queue_listeners: Mutex::default(),
            subscriptions: Mutex::default(),
            removed: Mutex::new(Some(Vec::new())),
            attributes: Mutex::default(),
            local,
            browser: OnceLock::new(),
            authentication: Mutex::default(),
            seat: OnceLock::new(),
            route: AtomicCell::default(),
        }))
    }

    /// The id, which is a credential: it has no text form outside of the protocol.
    #[must_use]
    pub fn id(&self) -> ClientId {
        self.0.id
    }

    /// Where the session is in its life.
    #[must_use]
    pub fn phase(&self) -> Phase {
        self.0.shell.lock().state.phase()
    }

    /// Whether the session is handshaken or connected and has not ended.
    #[must_use]
    pub fn is_handshook(&self) -> bool {
        self.0.alive.load(Ordering::Acquire)
    }

    /// Whether the client is in this process: a [`LocalSession`](crate::LocalSession).
    #[must_use]
    pub fn is_local(&self) -> bool {
        self.0.local.is_some()
    }

    /// How many messages wait to be delivered.
    #[must_use]
    pub fn queued(&self) -> usize {
        self.0.shell.lock().state.queued()
    }

    /// The channels that the session subscribes to, in no particular order.
    #[must_use]
    pub fn subscriptions(&self) -> Vec<ChannelPattern> {
        self.0.subscriptions.lock().keys().cloned().collect()
    }

    /// How long connects are held, instead of what the transport says; the client is told with its
    /// next connect reply (SES-19).
    pub fn set_timeout(&self, timeout: Option<Duration>) {
        self.0.shell.lock().state.pace.set_timeout(timeout);
    }

    /// How long the client pauses between connects, instead of what the transport says.
    pub fn set_interval(&self, interval: Option<Duration>) {
        self.0.shell.lock().state.pace.set_interval(interval);
    }

    /// How long the session is kept while its client is silent, instead of what the transport says.
    pub fn set_max_interval(&self, interval: Option<Duration>) {
        self.change(|state| (state.set_max_interval(interval), Wake::Nobody));
    }

    /// Whether messages travel with connect replies only, which gives one strict order. What the
    /// transport is configured to do holds besides.
    pub fn set_meta_connect_delivery_only(&self, only: bool) {
        self.0.shell.lock().state.set_connect_only(only);
    }

    /// Whether the session receives what it publishes itself.
    pub fn set_broadcast_to_publisher(&self, broadcast: bool) {
        self.0
            .broadcast_to_publisher
            .store(broadcast, Ordering::Relaxed);
    }

    pub(crate) fn broadcast_to_publisher(&self) -> bool {
        self.0.broadcast_to_publisher.load(Ordering::Relaxed)
    }

    /// Runs `batch` and delivers what it queued for this session in one go (BAT-12).
    pub async fn batch<T>(&self, batch: impl Future<Output = T>) -> T {
        let _open = self.start_batch();
        batch.await
    }

    /// Calls back once when the session has ended, after its subscriptions did (SES-13); at once if
    /// it has ended already.
    pub fn on_removed<F, R>(&self, callback: F)
    where
        F: FnOnce(Self, Removal) -> R + Send + 'static,
        R: Future<Output = ()> + Send + 'static,
    {
        if let Some(callbacks) = &mut *self.0.removed.lock() {
            callbacks.push(Box::new(move |session, removal| {
                Box::pin(callback(session, removal))
            }));
            return;
        }
        let removal = match self.phase() {
            Phase::Expired => Removal::TimedOut,
            Phase::New | Phase::Handshaken | Phase::Connected | Phase::Disconnected => {
                Removal::Disconnected
            }
        };
        if let Some(core) = self.server() {
            core.tasks().spawn(callback(self.clone(), removal));
        }
    }

    /// Adds an extension that sees the messages of this session.
    pub fn add_extension(&self, extension: impl Extension) -> Attachment {
        let extension: Arc<dyn Extension> = Arc::new(extension);
        let own = Arc::clone(&extension);
        self.change_extensions(|extensions| extensions.push(extension));
        self.attachment(move |session| {
            session.change_extensions(|extensions| extensions.retain(|it| !Arc::ptr_eq(it, &own)));
        })
    }

    fn change_extensions(&self, change: impl FnOnce(&mut Vec<Arc<dyn Extension>>)) {
        let mut present = self.0.extensions.write();
        let mut extensions = present.iter().flat_map(|it| it.iter()).cloned().collect();
        change(&mut extensions);
        *present = (!extensions.is_empty()).then(|| extensions.into());
        let attended = present.is_some() || self.is_local();
        self.0.attended.store(attended, Ordering::Release);
    }

    /// Adds a listener to the queue of this session.
    pub fn add_queue_listener(&self, listener: impl QueueListener) -> Attachment {
        let listener: Arc<dyn QueueListener> = Arc::new(listener);
        let own = Arc::clone(&listener);
        self.0.queue_listeners.lock().push(listener);
        self.0.shell.lock().has_listeners = true;
        self.0.is_watched.store(true, Ordering::Release);
        self.attachment(move |session| {
            let mut listeners = session.0.queue_listeners.lock();
            listeners.retain(|it| !Arc::ptr_eq(it, &own));
        })
    }

    fn attachment(&self, detach: impl FnOnce(&Self) + Send + Sync + 'static) -> Attachment {
        let session = self.downgrade();
        Attachment::new(move || {
            if let Some(session) = session.upgrade() {
                detach(&session);
            }
        })
    }

    /// The extensions of this session; `None` is the common case.
    pub(crate) fn extensions(&self) -> Option<Extensions> {
        if self.only_queues() {
            return None;
        }
        self.0.extensions.read().clone()
    }

    /// Whether what is delivered to this session has to be queued, and nothing else.
    pub(crate) fn only_queues(&self) -> bool {
        !self.0.attended.load(Ordering::Acquire)
    }

    /// Whether, besides, no code of the application learns of it before the connection does.
    pub(super) fn queues_unseen(&self) -> bool {
        self.only_queues() && !self.0.is_watched.load(Ordering::Acquire)
    }

    pub(crate) fn local(&self) -> Option<&LocalHalf> {
        self.0.local.as_ref()
    }

    pub(crate) fn server(&self) -> Option<Arc<Core>> {
        self.0.server.upgrade()
    }

    /// What the session has of its server; nothing if that has been dropped.
    pub(crate) fn shared(&self) -> Option<&Shared> {
        (self.0.server.strong_count() > 0).then_some(&*self.0.shared)
    }

    pub(crate) fn subscriptions_mut<T>(
        &self,
        change: impl FnOnce(&mut HashMap<ChannelPattern, ServerChannel>) -> T,
    ) -> T {
        change(&mut self.0.subscriptions.lock())
    }

    /// Takes the way of the last publish.
    pub(crate) fn take_route(&self) -> Option<KnownRoute> {
        self.0.route.take()
    }

    /// Keeps the way of a publish for the next one.
    pub(crate) fn keep_route(&self, route: KnownRoute) {
        self.0.route.store(Some(route));
    }

    pub(crate) fn set_seat(&self, seat: Option<Taken>) {
        if let Some(seat) = seat {
            // A session handshakes once.
            let _ = self.0.seat.set(seat);
        }
    }

    pub(crate) fn seat(&self) -> Option<Taken> {
        self.0.seat.get().copied()
    }

    pub(crate) fn take_removed(&self) -> Vec<RemovedCallback> {
        self.0.removed.lock().take().unwrap_or_default()
    }

    pub(crate) fn downgrade(&self) -> WeakSession {
        WeakSession(Arc::downgrade(&self.0))
    }
}

impl WeakSession {
    pub(crate) fn upgrade(&self) -> Option<ServerSession> {
        self.0.upgrade().map(ServerSession)
    }
}

/// The name and the first letters of the id.
impl fmt::Display for ServerSession {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}{}", self.0.name, self.0.id.prefix())
    }
}

impl fmt::Debug for ServerSession {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "ServerSession({self})")
    }
}

impl fmt::Debug for Inner {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:?}", self.id)
    }
}

/// Two handles of one session are equal.
impl PartialEq for ServerSession {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for ServerSession {}
