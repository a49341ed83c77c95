//! From a request to a socket.

use std::sync::Arc;

use ::http::header::{HeaderName, SEC_WEBSOCKET_EXTENSIONS, SEC_WEBSOCKET_PROTOCOL, UPGRADE};
use ::http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use yawc::{DeflatePool, HttpWebSocket, Options};

use super::connection::Connection;
use super::socket::{Socket, WORTH_PACKING};
use super::stream::Stream;
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
        let stream = hyper::upgrade::on(&mut request);
        let upgrade = HttpWebSocket::upgrade_with_options(&mut request, (*self.sockets).clone());
        let upgrade = match upgrade {
            Ok((upgrade, _)) => upgrade,
            Err(error) => {
                tracing::debug!(%error, "not an upgrade to WebSocket");
                return refused("not a WebSocket handshake");
            }
        };
        let context = Self::context(Transport::WebSocket, request.into_parts().0);
        let context = Arc::new(context.detached());
        let extensions = upgrade.headers().get(SEC_WEBSOCKET_EXTENSIONS).cloned();
        let (core, options) = (Arc::clone(&self.core), Arc::clone(&self.sockets));
        self.core.tasks().spawn(async move {
            let (stream, read) = match stream.await {
                Ok(stream) => Stream::new(stream),
                Err(error) => return tracing::debug!(%error, "an upgrade did not come about"),
            };
            let socket = match Socket::new(stream, read, extensions.as_ref(), &options) {
                Ok(socket) => socket,
                Err(error) => return tracing::error!(%error, "extensions were wrongly agreed on"),
            };
            // Not moved into the future of its life, where it would be kept twice.
            let mut connection = Connection::new(core, context, socket);
            connection.run().await;
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

/// How sockets are opened: with buffers that start small and give back what they grew, because most
/// sockets are idle most of the time, and with compression for those who ask for it (WS-4).
pub(in crate::transport) fn options(config: &WebSocketConfig) -> Options {
    // Both limits exclude the number that they are given.
    let limit = config.common.max_message_size.saturating_add(1);
    let options = Options::default()
        .with_limits(limit, limit)
        .with_read_buffer_capacity(config.buffer_size)
        .with_write_buffer_capacity(WRITE_BUFFER);
    if config.disabled_extensions.contains(DEFLATE) {
        return options;
    }
    let at_once = std::thread::available_parallelism().map_or(1, usize::from);
    // Without memory of earlier messages the state of deflate is needed only while a message is
    // packed, so that it is shared and an idle socket has none of its some 300 KiB.
    options
        .with_low_latency_compression()
        .server_no_context_takeover()
        .client_no_context_takeover()
        .with_deflate_pool(DeflatePool::new(at_once))
        .with_compression_threshold(WORTH_PACKING)
}

/// Bytes that the library's write buffer starts with: most of what is written goes past it.
const WRITE_BUFFER: usize = 16;

/// The extension that `ws.enableExtension.permessage-deflate` switches.
const DEFLATE: &str = "permessage-deflate";
