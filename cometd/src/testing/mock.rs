//! Sessions that have no client.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;

use super::inbox::{Delivered, Inbox};
use crate::protocol::ChannelPattern;
use crate::server::core::{Core, Parts};
use crate::server::{LocalSession, ServerConfig, ServerSession};
use crate::session::Parcel;

/// A session without a client: what is delivered to it can be looked at.
///
/// It derefs to a [`ServerSession`], so it is passed to handlers as one. Everything behind it is
/// the real thing, only nobody reads its queue but the test.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// use cometd::testing::MockSession;
/// use cometd::{LocalSession, RawJson};
///
/// let session = MockSession::new();
/// session.deliver(&LocalSession::mock(), "/news", "hello").await.unwrap();
/// session.expect_delivered("/news").data("hello");
/// session.expect_nothing();
/// # }
/// ```
pub struct MockSession {
    session: ServerSession,
    inbox: Inbox,
    /// Keeps the server alive.
    _core: Arc<Core>,
}

impl MockSession {
    /// A session of a server of its own.
    #[must_use]
    #[expect(clippy::new_without_default, reason = "every mock is another session")]
    pub fn new() -> Self {
        Self::in_core(server())
    }

    /// A session of the server that a local session is in, to receive what that publishes.
    ///
    /// # Panics
    /// The server of the local session has been dropped.
    #[must_use]
    #[expect(clippy::expect_used, reason = "documented: an expectation of a test")]
    pub fn beside(local: &LocalSession) -> Self {
        let server = local
            .server()
            .expect("the server of the local session exists");
        Self::in_core(Arc::clone(server.core()))
    }

    fn in_core(core: Arc<Core>) -> Self {
        let session = core.add_session_without_client();
        // On a server with a clock it would expire: nobody connects for it.
        session.set_max_interval(Some(FOR_EVER));
        Self {
            session,
            inbox: Inbox::default(),
            _core: core,
        }
    }

    /// Subscribes to a channel or wildcard, asking nobody.
    ///
    /// # Panics
    /// The channel is none that can be subscribed to.
    #[must_use]
    #[track_caller]
    #[expect(clippy::expect_used, reason = "documented: an expectation of a test")]
    pub fn subscribed(self, channel: &str) -> Self {
        let channel = ChannelPattern::parse(channel).expect("a channel name");
        self._core
            .add_subscription(&channel, &self.session, None)
            .expect("a channel to subscribe to");
        self
    }

    /// Takes the first message on a channel that has been delivered and not been taken yet.
    ///
    /// # Panics
    /// There is none; says what there is.
    #[track_caller]
    #[must_use = "say what the message should be"]
    pub fn expect_delivered(&self, channel: &str) -> Delivered {
        self.collect();
        self.inbox.expect(channel)
    }

    /// Checks that everything that was delivered has been taken.
    ///
    /// # Panics
    /// Something is left; says what.
    #[track_caller]
    pub fn expect_nothing(&self) {
        self.collect();
        self.inbox.expect_nothing();
    }

    /// Takes the queue, as a connection would.
    #[expect(clippy::expect_used, reason = "the server has serialised it itself")]
    fn collect(&self) {
        let queued = self.session.take_queue(&mut Vec::new());
        for message in queued.iter().flat_map(Parcel::messages) {
            let message = serde_json::from_str(message.as_str());
            self.inbox.push(message.expect("a message"));
        }
    }
}

/// Longer than any test.
const FOR_EVER: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);

impl Deref for MockSession {
    type Target = ServerSession;

    fn deref(&self) -> &ServerSession {
        &self.session
    }
}

impl fmt::Debug for MockSession {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "MockSession({})", self.session)
    }
}

impl LocalSession {
    /// A local session of a server of its own, for handlers that are called by hand.
    ///
    /// # Panics
    /// Never: nobody objects to the handshake.
    #[must_use]
    #[expect(
        clippy::expect_used,
        reason = "nobody objects, so nothing has to be waited for"
    )]
    pub fn mock() -> Self {
        let core = server();
        let handshake = Self::handshake(&core, "mock").now_or_never();
        let session = handshake.expect("no hook waits").expect("no hook objects");
        session.owning(core)
    }
}

/// A server without tasks.
#[expect(clippy::expect_used, reason = "a test of the configuration proves it")]
fn server() -> Arc<Core> {
    Core::new(Parts {
        config: ServerConfig::default()
            .resolve()
            .expect("the defaults are consistent"),
        policy: None,
        extensions: Vec::new(),
        listeners: Vec::new(),
    })
}
