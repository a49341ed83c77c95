//! A channel of the server.

use std::fmt;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use indexmap::IndexMap;
use parking_lot::{Mutex, RwLock};

use super::attachment::Attachment;
use super::authorizer::Authorizer;
use super::core::Core;
use super::listener::MessageListener;
use super::session::ServerSession;
use super::settings::{ChannelConfig, Guard, Settings};
use crate::channel::Subscribers;
use crate::protocol::{ChannelId, ChannelKind, ChannelPattern, ClientId};

/// Those who were subscribed to a channel at one time.
pub(crate) type Snapshot = Arc<IndexMap<ClientId, ServerSession>>;

/// A channel that exists in a server, or a wildcard that has subscribers, listeners or authorizers
/// of its own. A cheap clone of a handle.
#[derive(Clone)]
pub struct ServerChannel(Arc<Inner>);

/// Does not keep the channel alive.
#[derive(Debug)]
pub(crate) struct WeakChannel(Weak<Inner>);

struct Inner {
    id: ChannelPattern,
    server: Weak<Core>,
    /// Each publish reads them, so that readers write nothing that other threads have to see.
    settings: ArcSwap<Settings>,
    subscribers: RwLock<Subscribers<ClientId, ServerSession>>,
    /// Locked while the settings are changed, and before the subscribers wherever both are.
    life: Mutex<Life>,
}

/// The settings of a channel at one moment, uncounted.
pub(crate) type Current = arc_swap::Guard<Arc<Settings>>;

/// Whether the channel is about to be swept.
#[derive(Debug)]
struct Life {
    /// When it was last created, subscribed to or changed.
    touched: Instant,
    /// Whether the timers are going to look at it.
    watched: bool,
    /// It is no longer in the tree: nobody can subscribe to it.
    removed: bool,
}

/// What the sweeper has to do with a channel that nobody needs (CH-14).
#[derive(Debug, Eq, PartialEq)]
pub(crate) enum Sweep {
    /// Somebody needs it.
    Keep,
    /// It was needed in the meantime.
    LookAgain(Instant),
    /// It has been marked as removed.
    Remove,
}

impl ServerChannel {
    pub(crate) fn new(config: ChannelConfig, core: &Arc<Core>, now: Instant) -> Self {
        let (id, settings) = config.into_parts();
        Self(Arc::new(Inner {
            id,
            server: Arc::downgrade(core),
            settings: ArcSwap::from_pointee(settings),
            subscribers: RwLock::default(),
            life: Mutex::new(Life {
                touched: now,
                watched: false,
                removed: false,
            }),
        }))
    }

    /// The name, which may be a wildcard.
    #[must_use]
    pub fn id(&self) -> &ChannelPattern {
        &self.0.id
    }

    /// Whether the channel stays although nobody needs it.
    #[must_use]
    pub fn is_persistent(&self) -> bool {
        self.settings().persistent
    }

    /// Whether messages may wait for company.
    #[must_use]
    pub fn is_lazy(&self) -> bool {
        self.settings().lazy
    }

    /// Whether publishers receive their own messages through a subscription to this channel.
    #[must_use]
    pub fn broadcasts_to_publisher(&self) -> bool {
        self.settings().broadcast_to_publisher
    }

    /// Those who are subscribed now, in no particular order.
    #[must_use]
    pub fn subscribers(&self) -> Vec<ServerSession> {
        self.snapshot().values().cloned().collect()
    }

    /// Changes the settings of the channel, adds listeners or authorizers, unless it has been
    /// removed: then it lets go of them. `change` must not call the server.
    pub fn configure(&self, change: impl FnOnce(&mut ChannelConfig)) {
        self.replace(|settings| {
            let mut config = ChannelConfig::of(self.0.id.clone(), settings);
            change(&mut config);
            config.into_parts().1
        });
        self.changed();
        if self.0.life.lock().removed {
            self.let_go();
        }
    }

    /// Puts a changed copy in the place of what is set.
    fn replace(&self, change: impl FnOnce(Settings) -> Settings) {
        let life = self.0.life.lock();
        let settings = change(Settings::clone(&self.settings()));
        let before = self.0.settings.swap(Arc::new(settings));
        drop(life);
        // Not under the lock: who is dropped with it may take others off.
        drop(before);
    }

    /// Lets go of listeners and authorizers of a removed channel, which sessions may still know from their
    /// last publish. Only once the version has changed: nobody is to find the channel unguarded.
    pub(crate) fn let_go(&self) {
        let settings = self.settings();
        if !settings.listeners.is_empty() || settings.has_authorizers() {
            drop(settings);
            self.replace(Settings::vacated);
        }
    }

    /// Adds a listener that sees messages before subscribers do. It keeps the channel from being swept
    /// until it is taken off.
    pub fn add_listener(&self, listener: impl MessageListener) -> Attachment {
        self.attach_listener(Arc::new(listener))
    }

    pub(crate) fn attach_listener(&self, listener: Arc<dyn MessageListener>) -> Attachment {
        let own = Arc::clone(&listener);
        self.configure(|channel| {
            channel.push_listener(listener, false);
        });
        self.attachment(move |settings| settings.remove_listener(&own))
    }

    /// Adds somebody who votes on what is done with the channel, and with all that it covers if it is a
    /// wildcard. It keeps the channel from being swept until it is taken off.
    #[track_caller]
    pub fn add_authorizer(&self, authorizer: impl Authorizer) -> Attachment {
        let guard = Guard::new(authorizer);
        let own = Arc::clone(&guard.authorizer);
        self.configure(|channel| {
            channel.push_authorizer(guard);
        });
        self.attachment(move |settings| settings.remove_authorizer(&own))
    }

    /// `detach` owns what it takes off, which is dropped with it and not under the lock.
    fn attachment(&self, detach: impl Fn(&mut Settings) + Send + Sync + 'static) -> Attachment {
        let channel = self.downgrade();
        Attachment::new(move || {
            if let Some(channel) = channel.upgrade() {
                channel.replace(|mut settings| {
                    detach(&mut settings);
                    settings
                });
                channel.changed();
            }
        })
    }

    /// What is set now. To be held for no longer than a message takes.
    pub(crate) fn settings(&self) -> Current {
        self.0.settings.load()
    }

    pub(crate) fn snapshot(&self) -> Snapshot {
        self.0.subscribers.read().snapshot()
    }

    /// Whether anybody is subscribed to just this channel or wildcard.
    #[must_use]
    pub fn has_subscribers(&self) -> bool {
        !self.0.subscribers.read().is_empty()
    }

    /// Adds a subscriber; whether it is new, or `None` if the channel has been swept.
    pub(crate) fn add_subscriber(&self, session: &ServerSession, now: Instant) -> Option<bool> {
        let mut life = self.0.life.lock();
        if life.removed {
            return None;
        }
        life.touched = now;
        Some(
            self.0
                .subscribers
                .write()
                .insert(session.id(), session.clone()),
        )
    }

    pub(crate) fn remove_subscriber(&self, session: &ServerSession) -> bool {
        let removed = self.0.subscribers.write().remove(&session.id());
        if removed {
            self.touch();
        }
        removed
    }

    /// Takes all subscribers off, without telling them.
    pub(crate) fn clear(&self) -> Arc<IndexMap<ClientId, ServerSession>> {
        self.0.subscribers.write().take()
    }

    /// What is set has changed: routes that are known do not hold any more.
    fn changed(&self) {
        if let Some(core) = self.0.server.upgrade() {
            core.channels_changed();
            core.watch(self);
        }
    }

    /// Puts off the sweeping, and sees to it that somebody looks at the channel again.
    pub(crate) fn touch(&self) {
        if let Some(core) = self.0.server.upgrade() {
            core.watch(self);
        }
    }

    /// Notes a use; whether the timers have to be told of the channel.
    pub(crate) fn touched(&self, now: Instant) -> bool {
        let mut life = self.0.life.lock();
        life.touched = now;
        self.is_sweepable() && !life.removed && !std::mem::replace(&mut life.watched, true)
    }

    fn is_sweepable(&self) -> bool {
        let settings = self.settings();
        let needed = settings.persistent || settings.has_listeners() || settings.has_authorizers();
        !needed && self.0.subscribers.read().is_empty()
    }

    /// The sweeper's look. Nothing can be added while it lasts.
    pub(crate) fn sweep(&self, patience: Duration, now: Instant) -> Sweep {
        let mut life = self.0.life.lock();
        let at = life.touched + patience;
        if life.removed || !self.is_sweepable() {
            life.watched = false;
            return Sweep::Keep;
        }
        if at > now {
            return Sweep::LookAgain(at);
        }
        life.removed = true;
        Sweep::Remove
    }

    /// Whether this is the channel itself, and not a wildcard that covers it.
    pub(crate) fn is_named(&self, id: &ChannelId) -> bool {
        self.0.id.as_str() == id.as_str()
    }

    pub(crate) fn is_meta(&self) -> bool {
        matches!(self.0.id.kind(), ChannelKind::Meta(_))
    }

    pub(crate) fn mark_removed(&self) {
        self.0.life.lock().removed = true;
    }

    pub(crate) fn server(&self) -> Option<Arc<Core>> {
        self.0.server.upgrade()
    }

    pub(crate) fn downgrade(&self) -> WeakChannel {
        WeakChannel(Arc::downgrade(&self.0))
    }
}

impl WeakChannel {
    pub(crate) fn upgrade(&self) -> Option<ServerChannel> {
        self.0.upgrade().map(ServerChannel)
    }
}

impl fmt::Display for ServerChannel {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0.id, formatter)
    }
}

impl fmt::Debug for ServerChannel {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "ServerChannel({})", self.0.id)
    }
}

impl fmt::Debug for Inner {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.id, formatter)
    }
}

/// Two handles of one channel are equal.
impl PartialEq for ServerChannel {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for ServerChannel {}
