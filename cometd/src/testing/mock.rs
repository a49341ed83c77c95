//! Sessions that have no client.

use std::collections::VecDeque;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use futures_util::FutureExt;
use parking_lot::Mutex;
use serde_json::Value;

use crate::protocol::{ChannelPattern, FrozenMessage, Message};
use crate::server::core::{Core, Parts};
use crate::server::{DefaultSecurityPolicy, LocalSession, ServerConfig, ServerSession};

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
    /// What has been delivered and not yet expected.
    arrived: Mutex<VecDeque<Arc<FrozenMessage>>>,
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
        Self {
            session,
            arrived: Mutex::default(),
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
    #[expect(clippy::panic, reason = "documented: an expectation of a test")]
    pub fn expect_delivered(&self, channel: &str) -> Delivered {
        let mut arrived = self.arrived.lock();
        arrived.extend(self.session.take_queue(&mut Vec::new()));
        let found = arrived
            .iter()
            .position(|message| message.channel().as_str() == channel);
        match found.and_then(|index| arrived.remove(index)) {
            Some(message) => Delivered(message),
            None => panic!("nothing was delivered on {channel}; {}", Arrived(&arrived)),
        }
    }

    /// Checks that everything that was delivered has been taken.
    ///
    /// # Panics
    /// Something is left; says what.
    #[track_caller]
    pub fn expect_nothing(&self) {
        let mut arrived = self.arrived.lock();
        arrived.extend(self.session.take_queue(&mut Vec::new()));
        assert!(arrived.is_empty(), "{}", Arrived(&arrived));
    }
}

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

/// What did arrive, for the message of a failed expectation.
struct Arrived<'a>(&'a VecDeque<Arc<FrozenMessage>>);

impl fmt::Display for Arrived<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return formatter.write_str("nothing has arrived");
        }
        formatter.write_str("these have arrived:")?;
        self.0
            .iter()
            .try_for_each(|message| write!(formatter, "\n  {}", message.as_str()))
    }
}

/// A message that was delivered to a [`MockSession`].
#[derive(Clone, Debug)]
pub struct Delivered(Arc<FrozenMessage>);

impl Delivered {
    /// Checks the data, as a JSON value.
    ///
    /// # Panics
    /// The data is another.
    #[track_caller]
    pub fn data(self, expected: impl Into<Value>) -> Self {
        let (found, expected) = (self.0.data().to_value(), expected.into());
        assert!(
            found == expected,
            "data on {}\n expected {expected}\n    found {found}",
            self.0.channel()
        );
        self
    }

    /// Checks the id.
    ///
    /// # Panics
    /// The id is another, or there is none.
    #[track_caller]
    #[expect(
        clippy::must_use_candidate,
        reason = "the check is what it is called for"
    )]
    pub fn id(self, expected: &str) -> Self {
        assert_eq!(
            self.0.id(),
            Some(expected),
            "id of the message on {}",
            self.0.channel()
        );
        self
    }

    /// The message.
    #[must_use]
    pub fn message(&self) -> &Message {
        self.0.message()
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
        policy: Box::new(DefaultSecurityPolicy),
        extensions: Vec::new(),
        listeners: Vec::new(),
    })
}
