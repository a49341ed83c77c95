//! The server: what happens to messages between the transports and the services.

use std::sync::Arc;

mod admission;
mod attachment;
mod authorization;
mod authorizer;
mod builder;
mod calls;
mod channel;
pub mod config;
mod connect;
mod context;
pub(crate) mod core;
mod delivery;
mod dump;
mod exchange;
mod explain;
mod extension;
mod fanout;
mod filter;
pub(crate) mod hook;
mod installation;
mod listener;
mod local_session;
mod location;
mod meta;
pub(crate) mod pipeline;
mod policy;
mod principal;
mod provisions;
mod publish;
mod report;
mod route;
pub(crate) mod session;
pub(crate) mod settings;
mod shutdown;
mod spare;
mod subscribe;
pub(crate) mod timers;

pub use self::attachment::Attachment;
pub use self::authorizer::{Authorizer, Intent, Vote};
pub use self::builder::{BuildError, Builder, Problem};
pub use self::channel::ServerChannel;
pub use self::config::ServerConfig;
pub(crate) use self::connect::Connect;
pub use self::context::Context;
pub(crate) use self::core::Core;
pub use self::delivery::{Origin, SendError};
pub use self::dump::Dump;
pub use self::exchange::Exchange;
pub use self::explain::{Explanation, Finding, Rule};
pub use self::extension::Extension;
pub use self::filter::{DataFilter, NoMarkup};
pub use self::hook::{Deferred, Flow, HandlerError, Outcome};
pub(crate) use self::installation::{Installation, Installed, Row, Running};
pub use self::listener::{MessageListener, QueueListener, Removal, ServerListener, Subscriber};
pub use self::local_session::{CallError, LocalError, LocalSession};
pub use self::location::Location;
pub use self::policy::{Decision, DefaultSecurityPolicy, SecurityPolicy};
pub use self::principal::Principal;
pub use self::provisions::Provisions;
pub use self::session::ServerSession;
pub(crate) use self::session::{Batch, Bell, Numbering, Ring};
pub use self::settings::ChannelConfig;
pub use self::shutdown::Stopped;
pub(crate) use self::spare::Spare;
use crate::protocol::{ChannelError, ChannelId, ChannelPattern, IntoData, Message};

/// A Bayeux server. A cheap clone of a handle; the server ends with its last handle or with
/// [`shutdown`](Self::shutdown).
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use cometd::BayeuxServer;
///
/// let server = BayeuxServer::builder().build().await?;
/// let clock = server.local_session("clock").await?;
/// clock.publish("/time", "noon").await?;
/// assert!(server.channel("/time").is_some());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct BayeuxServer {
    core: Arc<Core>,
}

/// How much a server holds, and has done since it started.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Statistics {
    /// Sessions, local ones included.
    pub sessions: usize,
    /// Channels, wildcards included.
    pub channels: usize,
    /// Messages that were published.
    pub published: u64,
    /// Messages that were queued for sessions.
    pub delivered: u64,
}

impl BayeuxServer {
    /// Starts to describe a server.
    pub fn builder() -> Builder {
        Builder::default()
    }

    pub(crate) const fn of(core: Arc<Core>) -> Self {
        Self { core }
    }

    pub(crate) const fn core(&self) -> &Arc<Core> {
        &self.core
    }

    /// The channel or wildcard of this name, if it exists.
    #[must_use]
    pub fn channel(&self, name: &str) -> Option<ServerChannel> {
        self.core.channel(&ChannelPattern::parse(name).ok()?)
    }

    /// All channels and wildcards, in no particular order.
    #[must_use]
    pub fn channels(&self) -> Vec<ServerChannel> {
        self.core.channels()
    }

    /// The channel or wildcard of this name, and whether this call made it.
    ///
    /// `initialize` runs if it did, before anybody else can see the channel; it must not call the
    /// server. Neither policy nor authorizers are asked.
    ///
    /// # Errors
    /// The name is no channel name.
    pub fn create_channel_if_absent<C>(
        &self,
        name: C,
        initialize: impl FnOnce(&mut ChannelConfig),
    ) -> Result<(ServerChannel, bool), ChannelError>
    where
        C: TryInto<ChannelPattern>,
        ChannelError: From<C::Error>,
    {
        let id = name.try_into().map_err(ChannelError::from)?;
        Ok(self.core.create_channel(&id, initialize))
    }

    /// All sessions, in no particular order.
    #[must_use]
    pub fn sessions(&self) -> Vec<ServerSession> {
        self.core.sessions().all()
    }

    /// Makes a client in this process. The name goes into logs.
    ///
    /// # Errors
    /// The security policy or an extension refused its handshake.
    ///
    /// # Cancel safety
    /// Dropped before its end, the session may or may not exist.
    pub async fn local_session(&self, name: &str) -> Result<LocalSession, LocalError> {
        LocalSession::handshake(&self.core, name).await
    }

    /// Publishes to a channel for code of the server: neither policy nor authorizers are asked.
    ///
    /// # Errors
    /// [`SendError::Vetoed`] by a listener or an extension, and errors of the arguments.
    ///
    /// # Cancel safety
    /// Dropped before its end, some subscribers may have the message and others not.
    pub async fn publish<'a, C>(
        &self,
        from: impl Into<Origin<'a>>,
        channel: C,
        data: impl IntoData,
    ) -> Result<(), SendError>
    where
        C: TryInto<ChannelId>,
        ChannelError: From<C::Error>,
    {
        let channel = channel.try_into().map_err(ChannelError::from)?;
        let message = Message::of(channel, data)?;
        let route = self.core.route(message.channel());
        let (kind, Origin(sender)) = (message.channel().kind(), from.into());
        let mut exchange = Exchange::of_server(message, self.core.local_context());
        self.core
            .publish(&route, kind, sender, &mut exchange, None)
            .await
            .map_err(|_| SendError::Vetoed)
    }

    /// Runs a task of a service: it is dropped at its next `await` when the server
    /// [stops](Self::shutdown), which waits for that.
    pub fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let stop = self.core.stop().clone();
        self.core.tasks().spawn(async move {
            tokio::select! {
                () = stop.cancelled() => {}
                () = task => {}
            }
        });
    }

    /// How much the server holds and has done.
    #[must_use]
    pub fn statistics(&self) -> Statistics {
        let counters = self.core.counters();
        Statistics {
            sessions: self.core.sessions().len(),
            channels: self.core.channel_count(),
            published: counters.published(),
            delivered: counters.delivered(),
        }
    }
}

impl ServerChannel {
    /// Publishes to this channel for code of the server: neither policy nor authorizers are asked.
    ///
    /// # Errors
    /// [`SendError::Channel`] if this is a wildcard, [`SendError::Vetoed`] by a listener or an
    /// extension.
    ///
    /// # Cancel safety
    /// Dropped before its end, some subscribers may have the message and others not.
    pub async fn publish<'a>(
        &self,
        from: impl Into<Origin<'a>>,
        data: impl IntoData,
    ) -> Result<(), SendError> {
        let channel = self.id().to_channel().ok_or(ChannelError::Wildcard)?;
        let core = self.server().ok_or(SendError::ServerGone)?;
        BayeuxServer::of(core).publish(from, &channel, data).await
    }

    /// Subscribes a session, without asking policy or authorizers.
    ///
    /// Subscribing to a service channel does nothing, as it does for clients.
    ///
    /// # Errors
    /// The session has ended, has too many subscriptions, or this is a meta channel.
    pub fn subscribe(&self, session: &ServerSession) -> Result<(), crate::protocol::BayeuxError> {
        use crate::protocol::{BayeuxError, ChannelKind};
        match self.id().kind() {
            ChannelKind::Service => Ok(()),
            ChannelKind::Meta(_) => Err(BayeuxError::SubscribeFailed),
            ChannelKind::Broadcast => {
                let core = self.server().ok_or(BayeuxError::SubscribeFailed)?;
                core.add_subscription(self.id(), session, None)
            }
        }
    }

    /// Ends a session's subscription; whether there was one.
    #[must_use = "whether there was a subscription"]
    pub fn unsubscribe(&self, session: &ServerSession) -> bool {
        self.server()
            .is_some_and(|core| core.remove_subscription(self.id(), session, None))
    }

    /// Removes the channel with its listeners and subscribers; children stay.
    pub fn remove(&self) {
        if let Some(core) = self.server() {
            core.remove_channel(self);
        }
    }
}
