//! A server as a tower service.

use std::convert::Infallible;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll};

use ::http::{Method, Request, Response, StatusCode};
use bytes::Bytes;
use http_body::Body as HttpBody;
use tower_service::Service;

use super::browser::Browsers;
use super::http;
use super::origin::{Answer, Gate};
use super::response::{self, Body};
use crate::protocol::Transport;
use crate::server::{BayeuxServer, Context, Core};

/// A [`BayeuxServer`] as a tower service, to be mounted in a router: every path below the mount
/// point reaches the same server (LP-3). A cheap clone of a handle.
///
/// The peer's address is taken from a [`SocketAddr`] among the extensions of the request, or from
/// axum's `ConnectInfo`, if there is one.
///
/// # Pages of other origins
///
/// A browser sends its visitor's cookies along with what any page asks for. So a request that comes
/// from a page is answered only if that page is of the server's own origin (its host is that of the
/// request) or of one named in
/// [`allowedOrigins`](crate::ServerConfig::allowed_origins); otherwise the status is 403, before
/// anything else is looked at, for WebSocket upgrades too. Pages of named origins get the CORS headers
/// that they need; nothing else has to be set up. What comes from no browser is let through.
///
/// A browser says where a page is from with `Origin`. For the script elements of callback polling it
/// does not: there `Sec-Fetch-Site` and `Referer` decide. Old browsers let a page leave out both; so
/// what comes without any of the three by callback polling is answered, but without its `Authorization`
/// and its cookies, apart from the one that binds sessions to a browser.
#[derive(Clone)]
pub struct BayeuxService {
    gate: Arc<Gate>,
}

/// Marks a request as one that came over TLS: whoever terminates TLS, or trusts a proxy that does, puts
/// it among the extensions of the request.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # use cometd::{BayeuxServer, Secure};
/// let server = BayeuxServer::builder().option("browserCookieSecure", "true").build().await?;
/// let app: axum::Router = axum::Router::new()
///     .nest_service("/cometd", server.into_service())
///     .layer(axum::Extension(Secure));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Secure;

/// What the requests of a service share.
#[derive(Debug)]
pub(super) struct Endpoint {
    pub(super) core: Arc<Core>,
    pub(super) browsers: Browsers,
    /// How sockets are opened.
    pub(super) sockets: Arc<yawc::Options>,
}

impl BayeuxServer {
    /// The server as a tower service.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use cometd::BayeuxServer;
    /// let server = BayeuxServer::builder().build().await?;
    /// let app: axum::Router = axum::Router::new().nest_service("/cometd", server.into_service());
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn into_service(self) -> BayeuxService {
        let config = self.core().config();
        let allowed = config.server.allowed_origins.clone();
        let endpoint = Endpoint {
            core: Arc::clone(self.core()),
            browsers: Browsers::default(),
            sockets: Arc::new(super::websocket::options(&config.websocket)),
        };
        BayeuxService {
            gate: Arc::new(Gate::new(endpoint, allowed)),
        }
    }
}

impl<B> Service<Request<B>> for BayeuxService
where
    B: HttpBody<Data = Bytes> + Send + 'static,
    B::Error: std::error::Error + Send + Sync + 'static,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Answer;

    fn poll_ready(&mut self, _: &mut TaskContext<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Answer {
        self.gate.answer(request)
    }
}

impl Endpoint {
    /// Chooses the transport (LP-1, LP-2).
    pub(super) fn answer<B>(self: &Arc<Self>, request: Request<B>) -> Answer
    where
        B: HttpBody<Data = Bytes> + Send + 'static,
        B::Error: std::error::Error + Send + Sync + 'static,
    {
        if self.core.is_stopping() {
            let status = StatusCode::SERVICE_UNAVAILABLE;
            return at_once(response::plain(status, "the server is stopping"));
        }
        if super::websocket::asks_for_websocket(&request) {
            return at_once(self.upgrade(request));
        }
        let method = request.method();
        if method == Method::OPTIONS {
            return at_once(response::empty(StatusCode::OK));
        }
        let transport = if method.as_str().eq_ignore_ascii_case("POST") {
            Transport::LongPolling
        } else if method == Method::GET {
            Transport::CallbackPolling
        } else {
            return at_once(unknown_transport());
        };
        if !self.allows(transport) {
            return at_once(unknown_transport());
        }
        let callback = match transport {
            Transport::CallbackPolling => match http::callback(self.core.config(), request.uri()) {
                Some(callback) => Some(callback),
                None => return at_once(unknown_transport()),
            },
            Transport::LongPolling | Transport::WebSocket => None,
        };
        http::answer(self, transport, callback, request)
    }

    pub(super) fn allows(&self, transport: Transport) -> bool {
        self.core
            .config()
            .server
            .allowed_transports
            .contains(&transport)
    }

    /// What hooks can know of a request.
    pub(super) fn context(transport: Transport, parts: ::http::request::Parts) -> Arc<Context> {
        let peer = peer(&parts.extensions);
        let secure = parts.extensions.get::<Secure>().is_some();
        Arc::new(Context {
            transport: Some(transport),
            uri: parts.uri,
            version: parts.version,
            headers: parts.headers,
            peer,
            secure,
        })
    }
}

fn peer(extensions: &::http::Extensions) -> Option<SocketAddr> {
    // Whoever puts a plain address there knows better than the socket, whose peer may be a proxy.
    let peer = extensions.get::<SocketAddr>().copied();
    #[cfg(feature = "serve")]
    let peer = peer.or_else(|| {
        let peer = extensions.get::<axum::extract::ConnectInfo<SocketAddr>>();
        peer.map(|it| it.0)
    });
    peer
}

/// A response that is there already.
pub(super) fn at_once(response: Response<Body>) -> Answer {
    Box::pin(std::future::ready(Ok(response)))
}

fn unknown_transport() -> Response<Body> {
    response::plain(StatusCode::BAD_REQUEST, "Unknown Bayeux Transport")
}

impl fmt::Debug for BayeuxService {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("BayeuxService")
            .field("server", &self.gate.endpoint().core)
            .finish()
    }
}
