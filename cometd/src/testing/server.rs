//! A server in memory.

use std::any::Any;
use std::array;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use futures_util::future::join_all;
use serde_json::Value;

use super::client::{Refused, TestClient};
use super::link::Link;
use crate::server::{BayeuxServer, Builder, Extension, SecurityPolicy};
use crate::service::{Handlers, ServiceContext};
use crate::transport::BayeuxService;

/// A real server without sockets, and the clients that a test connects to it.
///
/// The runtime of the test is one thread, and its clock should be paused: see the
/// [chapter on testing](crate::testing).
#[derive(Debug)]
pub struct TestServer {
    server: BayeuxServer,
    service: BayeuxService,
    clients: AtomicU16,
}

/// Describes a [`TestServer`], as a [`Builder`] describes a [`BayeuxServer`].
#[derive(Debug, Default)]
#[must_use = "a builder does nothing until it is built"]
pub struct TestBuilder(Builder);

impl TestBuilder {
    /// Changes the underlying builder: for everything that has no method here.
    pub fn with(self, change: impl FnOnce(Builder) -> Builder) -> Self {
        Self(change(self.0))
    }

    /// As [`Builder::option`].
    #[track_caller]
    pub fn option(self, name: &str, value: &str) -> Self {
        Self(self.0.option(name, value))
    }

    /// As [`Builder::provide`].
    #[track_caller]
    pub fn provide<T: Any + Clone + Send + Sync>(self, value: T) -> Self {
        Self(self.0.provide(value))
    }

    /// As [`Builder::discover`].
    pub fn discover(self) -> Self {
        Self(self.0.discover())
    }

    /// As [`Builder::discover_only`].
    #[track_caller]
    pub fn discover_only<'a>(self, names: impl IntoIterator<Item = &'a str>) -> Self {
        Self(self.0.discover_only(names))
    }

    /// As [`Builder::service`].
    pub fn service<S: Handlers + Send + Sync>(self, service: S) -> Self {
        Self(self.0.service(service))
    }

    /// As [`Builder::service_with`].
    pub fn service_with<S: Handlers + Send + Sync>(
        self,
        make: impl FnOnce(&mut ServiceContext<'_>) -> S + Send + 'static,
    ) -> Self {
        Self(self.0.service_with(make))
    }

    /// As [`Builder::extension`].
    pub fn extension(self, extension: impl Extension) -> Self {
        Self(self.0.extension(extension))
    }

    /// As [`Builder::security_policy`].
    pub fn security_policy(self, policy: impl SecurityPolicy) -> Self {
        Self(self.0.security_policy(policy))
    }

    /// Starts the server.
    ///
    /// # Panics
    /// It does not start; says why.
    ///
    /// # Cancel safety
    /// As [`Builder::build`].
    #[expect(clippy::panic, reason = "documented: an expectation of a test")]
    pub async fn build(self) -> TestServer {
        let built = self.0.build().await;
        let server = built.unwrap_or_else(|error| panic!("{error}"));
        TestServer {
            service: server.clone().into_service(),
            server,
            clients: AtomicU16::new(0),
        }
    }
}

impl TestServer {
    /// Starts to describe a server.
    pub fn builder() -> TestBuilder {
        TestBuilder::default()
    }

    /// The server itself.
    #[must_use]
    pub const fn server(&self) -> &BayeuxServer {
        &self.server
    }

    /// A client that has handshaken and keeps a connect held.
    ///
    /// # Panics
    /// The handshake is refused.
    ///
    /// # Cancel safety
    /// Dropped before its end, there may be a session that nobody connects for.
    #[expect(clippy::panic, reason = "documented: an expectation of a test")]
    pub async fn connect(&self) -> TestClient {
        let connected = self.connect_with(Value::Null).await;
        connected.unwrap_or_else(|refused| panic!("the handshake is refused: {refused}"))
    }

    /// A client whose handshake carries this `ext`, such as credentials.
    ///
    /// # Errors
    /// The handshake is refused.
    ///
    /// # Cancel safety
    /// Dropped before its end, there may be a session that nobody connects for.
    pub async fn connect_with(&self, ext: Value) -> Result<TestClient, Refused> {
        // Told apart by their ports, as long as there are fewer of them than ports.
        let port = self.clients.fetch_add(1, Ordering::Relaxed);
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let link = Arc::new(Link::new(self.service.clone(), address));
        TestClient::connect(&self.server, link, ext).await
    }

    /// As many clients as the pattern has places: `let [alice, bob] = app.connect_all().await;`.
    ///
    /// # Panics
    /// A handshake is refused.
    ///
    /// # Cancel safety
    /// As [`connect`](Self::connect).
    #[expect(clippy::expect_used, reason = "as many come out as went in")]
    pub async fn connect_all<const N: usize>(&self) -> [TestClient; N] {
        let clients = join_all(array::from_fn::<_, N, _>(|_| self.connect())).await;
        clients.try_into().expect("N clients")
    }

    /// Lets time pass, deadline by deadline, and everything happen that happens meanwhile.
    ///
    /// With a clock that is not paused this takes as long as it says.
    ///
    /// # Cancel safety
    /// Dropped before its end, less time has passed.
    pub async fn advance(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
        settle().await;
    }
}

/// Lets every task run until all of them wait: a paused clock moves only then.
pub(super) async fn settle() {
    tokio::time::sleep(Duration::from_millis(1)).await;
}
