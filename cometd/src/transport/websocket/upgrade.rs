//! From a request to a socket.

use std::sync::Arc;

use ::http::header::{HeaderName, SEC_WEBSOCKET_PROTOCOL, UPGRADE};
use ::http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use yawc::{Options, WebSocket};

use super::connection::Connection;
use crate::protocol::Transport;
use crate::server::config::WebSocketConfig;
use crate::transport::response::{self, Body};
use crate::transport::service::Endpoint;

impl Endpoint {
    /// Upgrades a request that asks for it.
    pub(in crate::transport) fn upgrade<B>(&self, mut request: Request<B>) -> Response<Body> {
        let refused = |text: &str| response::plain(StatusCode::BAD_REQUEST, text);
        if !self.allows(Transport::WebSocket) {
            return refused("websocket is not allowed");
        }
        let config = &self.core.config().websocket;
        let protocol = match subprotocol(config, request.headers()) {
            Ok(protocol) => protocol,
            Err(text) => return refused(text),
        };
        let upgrade = WebSocket::upgrade_with_options(&mut request, options(config));
        let (upgrade, socket) = match upgrade {
            Ok(upgrade) => upgrade,
            Err(error) => return refused(&error.to_string()),
        };
        let context = Self::context(Transport::WebSocket, request.into_parts().0);
        let core = Arc::clone(&self.core);
        self.core.tasks().spawn(async move {
            match socket.await {
                Ok(socket) => Connection::new(core, context, socket).run().await,
                Err(error) => tracing::debug!(%error, "an upgrade did not come about"),
            }
        });
        let mut response = upgrade.map(|_| Body::default());
        if let Some(protocol) = protocol {
            response
                .headers_mut()
                .insert(SEC_WEBSOCKET_PROTOCOL, protocol);
        }
        response
    }
}

/// HTTP/1.1 asks with `Upgrade`, HTTP/2 with an extended `CONNECT` (RFC 8441).
pub(in crate::transport) fn asks_for_websocket<B>(request: &Request<B>) -> bool {
    let upgrade = request
        .headers()
        .get(UPGRADE)
        .and_then(|it| it.to_str().ok());
    request.method() == Method::GET
        && upgrade.is_some_and(|it| it.eq_ignore_ascii_case("websocket"))
        || request.method() == Method::CONNECT
}

/// The subprotocol to answer with: the configured one, which the client must offer (WS-3).
fn subprotocol(
    config: &WebSocketConfig,
    headers: &HeaderMap,
) -> Result<Option<HeaderValue>, &'static str> {
    let Some(protocol) = &config.protocol else {
        return Ok(None);
    };
    let offered = values(headers, &SEC_WEBSOCKET_PROTOCOL).any(|it| it == protocol);
    let value = HeaderValue::from_str(protocol).ok().filter(|_| offered);
    value.map(Some).ok_or("the subprotocol is not offered")
}

/// The comma-separated values of a header.
fn values<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a str> {
    let all = headers
        .get_all(name)
        .into_iter()
        .filter_map(|it| it.to_str().ok());
    all.flat_map(|it| it.split(',')).map(str::trim)
}

/// Buffers start small and give back what they grew: most sockets are idle most of the time.
fn options(config: &WebSocketConfig) -> Options {
    // Both limits exclude the number that they are given.
    let limit = config.common.max_message_size.saturating_add(1);
    Options::default()
        .with_limits(limit, limit)
        .with_read_buffer_capacity(config.buffer_size)
        .with_write_buffer_capacity(config.buffer_size)
        .with_utf8()
}
