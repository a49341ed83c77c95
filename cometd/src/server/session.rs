//! The server's half of a session.

use std::any::Any;
use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use std::time::{Duration, Instant};

use parking_lot::{Mutex, RwLock};
use tokio::sync::{Notify, oneshot};

use super::channel::ServerChannel;
use super::core::Core;
use super::extension::Extension;
use super::listener::{Removal, Subscriber};
use super::timers::{Timer, now};
use crate::protocol::{ChannelPattern, ClientId, FrozenMessage};
use crate::session::{ConnectToken, Due, Enqueued, Hold, Pacing, Phase, Resume, State, Wake};

/// One client as the server sees it. A cheap clone of a handle.
#[derive(Clone)]
pub struct ServerSession(Arc<Inner>);

/// Does not keep the session alive.
#[derive(Clone, Debug)]
pub(crate) struct WeakSession(Weak<Inner>);

struct Inner {
    id: ClientId,
    /// What the session is called in logs, if it belongs to a service.
    name: Box<str>,
    server: Weak<Core>,
    shell: Mutex<Shell>,
    /// Whether somebody wants to see each message that goes to this session.
    hooked: AtomicBool,
    broadcast_to_publisher: AtomicBool,
    extensions: RwLock<Option<Extensions>>,
    subscriptions: Mutex<HashMap<ChannelPattern, ServerChannel>>,
    removed: Mutex<Vec<RemovedCallback>>,
    attributes: Mutex<HashMap<Box<str>, Arc<dyn Any + Send + Sync>>>,
    /// The client's half, if it is in this process.
    local: Option<LocalHalf>,
    /// The cookie of the browser that the session handshook from.
    browser: OnceLock<Box<str>>,
}

/// The extensions of one session, in the order in which they were added.
type Extensions = Arc<[Arc<dyn Extension>]>;

/// Runs what was to be called back at the end of a session.
pub(crate) type Farewell = Pin<Box<dyn Future<Output = ()> + Send>>;
type RemovedCallback = Box<dyn FnOnce(ServerSession, Removal) -> Farewell + Send>;

/// Who receives what arrives at a local session.
#[derive(Default)]
pub(crate) struct LocalHalf {
    pub(crate) subscribers: RwLock<Vec<(ChannelPattern, Arc<dyn Subscriber>)>>,
}

/// The state with those who have to be told when it changes.
struct Shell {
    state: State<Arc<FrozenMessage>>,
    held: Option<oneshot::Sender<Resume>>,
    connection: Option<Arc<Notify>>,
    /// The earliest deadline that the timers know.
    scheduled: Option<Instant>,
}

/// What to do once the lock is released.
#[must_use]
struct Effects {
    resume: Option<(oneshot::Sender<Resume>, Resume)>,
    push: Option<Arc<Notify>>,
    schedule: Option<Instant>,
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
            shell: Mutex::new(Shell {
                state,
                held: None,
                connection: None,
                scheduled: None,
            }),
            hooked: AtomicBool::new(false),
            broadcast_to_publisher: AtomicBool::new(core.broadcast_to_publisher()),
            extensions: RwLock::default(),
            subscriptions: Mutex::default(),
            removed: Mutex::default(),
            attributes: Mutex::default(),
            local,
            browser: OnceLock::new(),
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
        self.0.shell.lock().state.is_alive()
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

    /// Whether messages travel with connect replies only, which gives one strict order.
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

    /// Postpones wake-ups until the guard is dropped.
    pub(crate) fn start_batch(&self) -> Batch {
        self.0.shell.lock().state.start_batch();
        Batch(self.clone())
    }

    /// Calls back once when the session has ended, after its subscriptions did (SES-13).
    pub fn on_removed<F, R>(&self, callback: F)
    where
        F: FnOnce(Self, Removal) -> R + Send + 'static,
        R: Future<Output = ()> + Send + 'static,
    {
        let boxed: RemovedCallback =
            Box::new(move |session, removal| Box::pin(callback(session, removal)));
        self.0.removed.lock().push(boxed);
    }

    /// Keeps a value with the session, under a name; returns whether one was replaced.
    pub fn set_attribute<T: Any + Send + Sync>(&self, name: &str, value: T) -> bool {
        self.0
            .attributes
            .lock()
            .insert(name.into(), Arc::new(value))
            .is_some()
    }

    /// The value under a name, if it is of this type.
    #[must_use]
    pub fn attribute<T: Any + Send + Sync>(&self, name: &str) -> Option<Arc<T>> {
        let value = self.0.attributes.lock().get(name).cloned()?;
        value.downcast().ok()
    }

    /// Takes the value under a name away.
    pub fn remove_attribute(&self, name: &str) {
        self.0.attributes.lock().remove(name);
    }

    /// Adds an extension that sees the messages of this session.
    pub fn add_extension(&self, extension: impl Extension) {
        let mut extensions = self.0.extensions.write();
        let present = extensions.iter().flat_map(|it| it.iter()).cloned();
        *extensions = Some(present.chain([Arc::new(extension) as _]).collect());
        self.0.hooked.store(true, Ordering::Release);
    }

    /// The extensions of this session; `None` is the common case.
    pub(crate) fn extensions(&self) -> Option<Extensions> {
        if !self.is_hooked() {
            return None;
        }
        self.0.extensions.read().clone()
    }

    /// Whether messages to this session cannot just be queued.
    pub(crate) fn is_hooked(&self) -> bool {
        self.0.hooked.load(Ordering::Acquire)
    }

    pub(crate) fn local(&self) -> Option<&LocalHalf> {
        self.0.local.as_ref()
    }

    pub(crate) fn server(&self) -> Option<Arc<Core>> {
        self.0.server.upgrade()
    }

    pub(crate) fn subscriptions_mut<T>(
        &self,
        change: impl FnOnce(&mut HashMap<ChannelPattern, ServerChannel>) -> T,
    ) -> T {
        change(&mut self.0.subscriptions.lock())
    }

    pub(crate) fn take_removed(&self) -> Vec<RemovedCallback> {
        std::mem::take(&mut *self.0.removed.lock())
    }

    pub(crate) fn downgrade(&self) -> WeakSession {
        WeakSession(Arc::downgrade(&self.0))
    }
}

/// What transports and the pipeline do with the state.
impl ServerSession {
    /// Changes the state and tells those concerned, after the lock.
    pub(crate) fn change<T>(
        &self,
        change: impl FnOnce(&mut State<Arc<FrozenMessage>>) -> (T, Wake),
    ) -> T {
        let mut shell = self.0.shell.lock();
        let (result, wake) = change(&mut shell.state);
        let effects = shell.effects(wake);
        drop(shell);
        self.perform(effects);
        result
    }

    /// Whether messages travel with connect replies only.
    pub(crate) fn connect_only(&self) -> bool {
        self.0.shell.lock().state.connect_only()
    }

    /// Whether there is something to deliver at once.
    pub(crate) fn has_urgent(&self) -> bool {
        self.0.shell.lock().state.has_urgent()
    }

    /// The session belongs to the browser with this cookie (LP-24).
    pub(crate) fn bind_to(&self, browser: &str) {
        // A session handshakes once, so it is bound once.
        let _ = self.0.browser.set(browser.into());
    }

    pub(crate) fn is_bound_to(&self, browser: &str) -> bool {
        self.0.browser.get().is_some_and(|it| **it == *browser)
    }

    pub(crate) fn enqueue(
        &self,
        message: Arc<FrozenMessage>,
        patience: Option<Duration>,
        now: Instant,
    ) -> Enqueued {
        self.change(|state| {
            let enqueued = state.enqueue(message, patience, now);
            match enqueued {
                Enqueued::Queued(wake) => (enqueued, wake),
                Enqueued::Dropped | Enqueued::Gone | Enqueued::Overflow => (enqueued, Wake::Nobody),
            }
        })
    }

    pub(crate) fn drain(&self) -> VecDeque<Arc<FrozenMessage>> {
        self.0.shell.lock().state.drain()
    }

    /// A connect arrived; the guard starts the expiry once it is dropped (SES-6, SES-18).
    pub(crate) fn connect(&self, pacing: Pacing, now: Instant) -> (Connecting, bool) {
        self.change(|state| {
            let (token, before, wake) = state.connect(pacing, now);
            (
                (
                    Connecting {
                        session: self.clone(),
                        token,
                    },
                    before,
                ),
                wake,
            )
        })
    }

    /// Messages go to this connection from now on.
    pub(crate) fn attach(&self, connection: u64, notify: &Arc<Notify>) {
        let mut shell = self.0.shell.lock();
        let wake = shell.state.attach(connection);
        shell.connection = Some(Arc::clone(notify));
        let effects = shell.effects(wake);
        drop(shell);
        self.perform(effects);
    }

    /// A deadline has passed. Returns whether the session has to be removed.
    pub(crate) fn due(&self, at: Instant, now: Instant) -> bool {
        let mut shell = self.0.shell.lock();
        if shell.scheduled != Some(at) {
            return false; // An earlier deadline was found in the meantime, and took this one's place.
        }
        shell.scheduled = None;
        let (expired, wake) = match shell.state.due(now) {
            Due::Wake(wake) => (false, wake),
            Due::Expired(resume) => (true, resume.map_or(Wake::Nobody, Wake::Held)),
        };
        let effects = shell.effects(wake);
        drop(shell);
        self.perform(effects);
        expired
    }

    fn perform(&self, effects: Effects) {
        if let Some((held, resume)) = effects.resume {
            // Whoever held the connect may be gone: then there is nobody to answer.
            let _ = held.send(resume);
        }
        if let Some(push) = effects.push {
            push.notify_one();
        }
        if let Some(at) = effects.schedule
            && let Some(core) = self.server()
        {
            core.timers().schedule(at, Timer::Session(self.downgrade()));
        }
    }
}

impl Shell {
    fn effects(&mut self, wake: Wake) -> Effects {
        let mut effects = Effects {
            resume: None,
            push: None,
            schedule: None,
        };
        match wake {
            Wake::Nobody => {}
            Wake::Held(resume) => effects.resume = self.held.take().map(|held| (held, resume)),
            Wake::Pushed => effects.push.clone_from(&self.connection),
        }
        let deadline = self.state.deadline();
        if deadline.is_some_and(|at| self.scheduled.is_none_or(|scheduled| at < scheduled)) {
            self.scheduled = deadline;
            effects.schedule = deadline;
        }
        effects
    }
}

/// A connect from its arrival until its reply is on its way.
///
/// Dropping it starts the expiry of the session, whatever became of the connect.
#[derive(Debug)]
pub(crate) struct Connecting {
    session: ServerSession,
    token: ConnectToken,
}

impl Connecting {
    pub(crate) const fn session(&self) -> &ServerSession {
        &self.session
    }

    /// Holds the connect, unless there is something to deliver at once.
    pub(crate) fn hold(&self, hold: Hold, until: Instant) -> Option<oneshot::Receiver<Resume>> {
        let (sender, receiver) = oneshot::channel();
        let mut shell = self.session.0.shell.lock();
        if !shell.state.hold(self.token, hold, until) {
            return None;
        }
        shell.held = Some(sender);
        let effects = shell.effects(Wake::Nobody);
        drop(shell);
        self.session.perform(effects);
        Some(receiver)
    }
}

impl Drop for Connecting {
    fn drop(&mut self) {
        self.session
            .change(|state| (state.connected(self.token, now()), Wake::Nobody));
    }
}

/// An open session batch.
#[derive(Debug)]
pub(crate) struct Batch(ServerSession);

impl Drop for Batch {
    fn drop(&mut self) {
        self.0.change(|state| ((), state.end_batch()));
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
