//! A server in memory.

use std::time::Duration;

use bytes::Bytes;
use cometd::{BayeuxServer, BayeuxService, BuildError, Builder, ServerChannel, ServerSession};
use http::{Request, Response};
use http_body_util::BodyExt;
use hyper::body::Body as HttpBody;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream};
use tower::ServiceExt;

use crate::answer::Answer;
use crate::application::{self, Policy};
use crate::client::{Client, Via};
use crate::clock::Stopwatch;
use crate::identity::Identity;
use crate::pending::{Pending, start};
use crate::socket::Socket;

/// Bytes that the two ends of a connection in memory buffer for each other.
const BUFFER: usize = 256 * 1024;

/// Describes a server: the default set-up `S` of section 23, and what a test adds.
#[derive(Debug)]
#[must_use = "it does nothing until it is started"]
pub struct Setup(Builder);

/// The default set-up: a hold of 2 s, sessions that last 3 s, a sweep every 200 ms, and the policy and
/// channels of section 23 of the specification.
pub fn setup() -> Setup {
    open_setup().with(|it| it.security_policy(Policy))
}

/// The same without a policy: everybody who has handshaken may do everything.
pub fn open_setup() -> Setup {
    Setup(BayeuxServer::builder())
        .option("timeout", 2000)
        .option("maxInterval", 3000)
        .option("sweepPeriod", 200)
}

impl Setup {
    /// Sets an option by its CometD name.
    pub fn option(self, name: &str, value: impl std::fmt::Display) -> Self {
        Self(self.0.option(name, &format!("{value}")))
    }

    /// Changes anything else.
    pub fn with(self, change: impl FnOnce(Builder) -> Builder) -> Self {
        Self(change(self.0))
    }

    /// Starts the server.
    ///
    /// # Panics
    /// It does not start.
    pub async fn start(self) -> App {
        self.try_start().await.unwrap()
    }

    /// Starts the server, or says why not.
    ///
    /// # Errors
    /// Everything that is wrong with the options.
    pub async fn try_start(self) -> Result<App, BuildError> {
        let server = self.0.build().await?;
        application::install(&server);
        let service = server.clone().into_service();
        Ok(App { server, service })
    }
}

/// A running server. Clones are the same server.
#[derive(Clone, Debug)]
pub struct App {
    server: BayeuxServer,
    service: BayeuxService,
}

impl App {
    /// The server, to look inside.
    #[must_use]
    pub const fn server(&self) -> &BayeuxServer {
        &self.server
    }

    /// The session of a client, if the server has it. Asking does not extend its life.
    #[must_use]
    pub fn session(&self, identity: &Identity) -> Option<ServerSession> {
        let id = identity.client_id()?;
        // The id itself is a credential, which the server does not tell.
        let is_it = |it: &ServerSession| id.starts_with(it.id().prefix().trim_end_matches('…'));
        self.server.sessions().into_iter().find(is_it)
    }

    /// A channel that has to be there.
    ///
    /// # Panics
    /// It is not.
    #[must_use]
    #[track_caller]
    pub fn channel(&self, name: &str) -> ServerChannel {
        let channel = self.server.channel(name);
        channel.unwrap_or_else(|| panic!("there is no channel {name}"))
    }

    /// Whether a channel exists.
    #[must_use]
    pub fn has_channel(&self, name: &str) -> bool {
        self.server.channel(name).is_some()
    }

    /// A new client over long polling, in a browser of its own.
    #[must_use]
    pub fn client(&self) -> Client {
        Client::new(self, Via::LongPolling)
    }

    /// A new client over callback polling, in a browser of its own.
    #[must_use]
    pub fn callback_client(&self) -> Client {
        Client::new(self, Via::CallbackPolling)
    }

    /// A new client over a WebSocket of its own.
    ///
    /// # Panics
    /// The upgrade is refused.
    pub async fn socket(&self) -> Socket {
        self.upgrade("").await.unwrap()
    }

    /// Asks for a WebSocket with these header lines; otherwise, the status.
    ///
    /// # Errors
    /// The status with which the server refused.
    pub async fn upgrade(&self, headers: &str) -> Result<Socket, u16> {
        let (client, serving) = self.connect(None);
        Socket::open(client, Some(serving), headers).await
    }

    /// A new client over a WebSocket, whose server reads and writes through this.
    ///
    /// # Panics
    /// The upgrade is refused.
    pub async fn socket_through<S>(&self, through: impl FnOnce(DuplexStream) -> S) -> Socket
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let (client, server) = tokio::io::duplex(BUFFER);
        let serving = self.serve(through(server), None);
        Socket::open(client, Some(serving), "").await.unwrap()
    }

    /// A connection to an HTTP/1.1 server in memory that runs the service; if `idle` is given, it cuts
    /// connections off that bring no request for so long.
    pub fn connect(&self, idle: Option<Duration>) -> (DuplexStream, Pending<()>) {
        let (client, server) = tokio::io::duplex(BUFFER);
        (client, self.serve(server, idle))
    }

    fn serve<S>(&self, stream: S, idle: Option<Duration>) -> Pending<()>
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let service = self.service.clone();
        let service = service_fn(move |request| service.clone().oneshot(request));
        let mut http = hyper::server::conn::http1::Builder::new();
        http.timer(TokioTimer::new()).header_read_timeout(idle);
        let connection = http
            .serve_connection(TokioIo::new(stream), service)
            .with_upgrades();
        start(async move {
            // How the peer went away is not the server's fault.
            let _ = connection.await;
        })
    }

    /// Sends a request as it is.
    ///
    /// # Panics
    /// The body of the response breaks off or is not UTF-8, neither of which can be.
    pub async fn call<B>(&self, request: Request<B>) -> Answer
    where
        B: HttpBody<Data = Bytes> + Send + 'static,
        B::Error: std::error::Error + Send + Sync + 'static,
    {
        let watch = Stopwatch::start();
        let service = self.service.clone();
        let response = service.oneshot(request).await.unwrap();
        let (parts, body) = Response::into_parts(response);
        let body = body.collect().await.unwrap().to_bytes();
        Answer {
            status: parts.status.as_u16(),
            headers: parts.headers,
            text: String::from_utf8(body.into()).unwrap(),
            took: watch.elapsed(),
        }
    }
}
