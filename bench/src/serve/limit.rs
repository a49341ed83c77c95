//! The limit: what fan-out over WebSocket costs when there is no protocol.
//!
//! No message is parsed, nobody is asked, nothing is checked, no session is kept: replies are canned,
//! a published message is written once as a frame, which is copied behind what waits for each
//! subscriber, and each connection writes what waits for it at once.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{CONNECTION, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, UPGRADE};
use axum::http::{HeaderName, Response, StatusCode};
use axum::routing::get;
use axum::serve::ListenerExt;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use memchr::memmem;
use parking_lot::Mutex;
use sha1::{Digest, Sha1};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::Notify;

use super::Bound;
use crate::frame::{self, Frame, Side};

/// Serves until the process is ended.
pub(crate) async fn limit(listen: &str, bound: Bound) -> io::Result<()> {
    let listener = TcpListener::bind(listen).await?;
    let address = listener.local_addr()?;
    let listener = listener.tap_io(|stream| {
        // Without it, measurements show that something is wrong.
        let _ = stream.set_nodelay(true);
    });
    bound(address);
    let app = Router::new()
        .route("/cometd", get(upgrade))
        .with_state(Arc::new(Hub::default()));
    axum::serve(listener, app).await
}

/// Who is subscribed to which channel.
#[derive(Default)]
struct Hub {
    channels: Mutex<HashMap<Vec<u8>, Vec<Arc<Outbox>>>>,
}

/// What a connection has to write.
#[derive(Default)]
struct Outbox {
    frames: Mutex<Vec<u8>>,
    wake: Notify,
}

async fn upgrade(State(hub): State<Arc<Hub>>, mut request: Request) -> Response<Body> {
    let key = request.headers().get(SEC_WEBSOCKET_KEY).cloned();
    let upgrade = request.extensions_mut().remove::<OnUpgrade>();
    let (Some(key), Some(upgrade)) = (key, upgrade) else {
        return answer(StatusCode::BAD_REQUEST, &[]);
    };
    // RFC 6455, section 4.2.2.
    let key = Sha1::new()
        .chain_update(key.as_bytes())
        .chain_update("258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
    let accept = STANDARD.encode(key.finalize());
    #[expect(
        clippy::disallowed_methods,
        reason = "ends with its connection, and with the process"
    )]
    tokio::spawn(async move {
        if let Ok(socket) = upgrade.await {
            // It ends when the peer is gone.
            let _ = Connection::new(hub).run(socket).await;
        }
    });
    let headers = [
        (CONNECTION, "upgrade"),
        (UPGRADE, "websocket"),
        (SEC_WEBSOCKET_ACCEPT, &accept),
    ];
    answer(StatusCode::SWITCHING_PROTOCOLS, &headers)
}

fn answer(status: StatusCode, headers: &[(HeaderName, &str)]) -> Response<Body> {
    let response = Response::builder().status(status);
    let response = headers.iter().fold(response, |response, (name, value)| {
        response.header(name, *value)
    });
    response.body(Body::empty()).unwrap_or_default()
}

struct Connection {
    hub: Arc<Hub>,
    outbox: Arc<Outbox>,
    /// Canned replies and answers to the sender.
    replies: Vec<u8>,
    closed: bool,
}

impl Connection {
    fn new(hub: Arc<Hub>) -> Self {
        Self {
            hub,
            outbox: Arc::default(),
            replies: Vec::new(),
            closed: false,
        }
    }

    async fn run(mut self, socket: Upgraded) -> io::Result<()> {
        let mut socket = TokioIo::new(socket);
        let mut input = Vec::with_capacity(INPUT);
        let mut out = Vec::new();
        loop {
            tokio::select! {
                read = socket.read_buf(&mut input) => {
                    if read? == 0 {
                        return Ok(());
                    }
                    let taken = self.receive(&input);
                    input.drain(..taken);
                    out.append(&mut self.replies);
                    if self.closed {
                        return socket.write_all(&out).await;
                    }
                }
                () = self.outbox.wake.notified() => out.append(&mut self.outbox.frames.lock()),
            }
            socket.write_all(&out).await?;
            out.clear();
        }
    }

    /// Answers whole frames; how many bytes they took.
    fn receive(&mut self, input: &[u8]) -> usize {
        let mut taken = 0;
        while let Some(frame) = input.get(taken..).and_then(frame::parse) {
            taken += frame.length;
            self.answer(&frame);
        }
        taken
    }

    fn answer(&mut self, frame: &Frame<'_>) {
        let mut text = frame.payload.to_vec();
        if let Some(mask) = frame.mask {
            frame::unmask(&mut text, mask);
        }
        if frame.opcode == frame::CLOSE {
            self.closed = true;
            return frame::write(&mut self.replies, Side::Server, frame::CLOSE, &text);
        }
        match field(&text, br#""channel":""#) {
            Some(b"/meta/handshake") => self.reply(HANDSHAKE),
            Some(b"/meta/subscribe") => {
                if let Some(channel) = field(&text, br#""subscription":""#) {
                    let mut channels = self.hub.channels.lock();
                    let subscribers = channels.entry(channel.to_vec()).or_default();
                    subscribers.push(Arc::clone(&self.outbox));
                }
                self.reply(SUBSCRIBE);
            }
            // Held for ever.
            Some(b"/meta/connect") | None => {}
            Some(b"/meta/disconnect") => self.reply(DISCONNECT),
            Some(channel @ b"/service/echo") => {
                message(&mut self.replies, channel, &text);
                self.reply(PUBLISH);
            }
            Some(channel) => {
                self.hub.publish(channel, &text);
                self.reply(PUBLISH);
            }
        }
    }

    fn reply(&mut self, canned: &str) {
        frame::write(
            &mut self.replies,
            Side::Server,
            frame::TEXT,
            canned.as_bytes(),
        );
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        let mut channels = self.hub.channels.lock();
        for subscribers in channels.values_mut() {
            subscribers.retain(|it| !Arc::ptr_eq(it, &self.outbox));
        }
    }
}

impl Hub {
    fn publish(&self, channel: &[u8], text: &[u8]) {
        let mut frame = Vec::new();
        message(&mut frame, channel, text);
        let channels = self.channels.lock();
        for outbox in channels.get(channel).into_iter().flatten() {
            let mut frames = outbox.frames.lock();
            let is_first = frames.is_empty();
            frames.extend_from_slice(&frame);
            drop(frames);
            // A connection that is about to write takes this along.
            if is_first {
                outbox.wake.notify_one();
            }
        }
    }
}

/// What a connection reads at once.
const INPUT: usize = 16 * 1024;

const HANDSHAKE: &str = r#"[{"channel":"/meta/handshake","successful":true,"clientId":"limit","version":"1.0","supportedConnectionTypes":["websocket"]}]"#;
const SUBSCRIBE: &str = r#"[{"channel":"/meta/subscribe","successful":true}]"#;
const DISCONNECT: &str = r#"[{"channel":"/meta/disconnect","successful":true}]"#;
const PUBLISH: &str = r#"[{"channel":"/bench","id":"0","successful":true}]"#;

/// Writes a message with the data of a published one as a frame.
fn message(out: &mut Vec<u8>, channel: &[u8], published: &[u8]) {
    // The generator writes data last, in envelopes of one message.
    let at = memmem::find(published, br#""data":"#).unwrap_or_default();
    let data = published.get(at..).unwrap_or_default();
    let text = [br#"[{"channel":""#, channel, br#"","#, data].concat();
    frame::write(out, Side::Server, frame::TEXT, &text);
}

/// The text of a field, up to the next quotation mark.
fn field<'a>(text: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let value = text.get(memmem::find(text, name)? + name.len()..)?;
    value.get(..memchr::memchr(b'"', value)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_delivered_with_the_data_that_was_published() {
        let published = br#"[{"channel":"/a","clientId":"limit","id":"1","data":{"at":1}}]"#;
        let mut wire = Vec::new();
        message(
            &mut wire,
            field(published, br#""channel":""#).unwrap(),
            published,
        );
        let frame = frame::parse(&wire).unwrap();
        assert_eq!(frame.payload, br#"[{"channel":"/a","data":{"at":1}}]"#);
    }
}
