//! A server and its clients in one process, without a socket and without a clock that matters.

use std::error::Error;
use std::ops::Range;

use bytes::Bytes;
use cometd::extensions::{Acknowledge, TimeSync};
use cometd::{BayeuxServer, BayeuxService, Builder};
use http::header::{CONNECTION, CONTENT_TYPE, COOKIE, HOST, SET_COOKIE, UPGRADE};
use http::{HeaderName, Request};
use http_body_util::{BodyExt, Full};
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::task::JoinSet;
use tower::ServiceExt;

use crate::frame::{self, Side};
use crate::serve::Echo;

pub(super) type Outcome<T> = Result<T, Box<dyn Error>>;

/// A server.
pub(super) struct App {
    pub(super) server: BayeuxServer,
    service: BayeuxService,
    connections: JoinSet<()>,
}

/// A session over long polling.
pub(super) struct Poller {
    pub(super) client_id: String,
    cookie: String,
}

/// A session over a socket, with a connect that is held.
pub(super) struct Socket {
    io: DuplexStream,
    pub(super) client_id: String,
    read: Vec<u8>,
}

impl App {
    pub(super) async fn new() -> Outcome<Self> {
        Self::built_by(BayeuxServer::builder()).await
    }

    /// With the service that sends everything back.
    pub(super) async fn echoing() -> Outcome<Self> {
        Self::built_by(BayeuxServer::builder().service(Echo)).await
    }

    /// With the extensions that most servers have.
    pub(super) async fn extended() -> Outcome<Self> {
        let builder = BayeuxServer::builder();
        let builder = builder.extension(Acknowledge::default());
        Self::built_by(builder.extension(TimeSync::default())).await
    }

    async fn built_by(builder: Builder) -> Outcome<Self> {
        // Valgrind is slow: nothing may expire meanwhile.
        let builder = builder.option("maxInterval", "3600000");
        let server = builder.option("timeout", "3600000").build().await?;
        Ok(Self {
            service: server.clone().into_service(),
            server,
            connections: JoinSet::new(),
        })
    }

    /// Posts an envelope; the answer, and the cookie that it sets.
    async fn exchange(&self, cookie: &str, envelope: String) -> Outcome<(Bytes, Option<String>)> {
        let mut request = Request::post("/cometd").header(CONTENT_TYPE, "application/json");
        if !cookie.is_empty() {
            request = request.header(COOKIE, cookie);
        }
        let request = request.body(Full::new(Bytes::from(envelope)))?;
        let response = self.service.clone().oneshot(request).await?;
        let cookie = response.headers().get(SET_COOKIE);
        let cookie = cookie.and_then(|it| it.to_str().ok()?.split(';').next().map(str::to_owned));
        let body = response.into_body().collect().await?;
        Ok((body.to_bytes(), cookie))
    }

    pub(super) async fn poller(&self) -> Outcome<Poller> {
        let (answer, cookie) = self.exchange("", handshake("long-polling")).await?;
        Ok(Poller {
            client_id: client_id(&answer)?,
            cookie: cookie.ok_or("no cookie")?,
        })
    }

    /// Sends an envelope of a session; what comes back.
    pub(super) async fn post(&self, session: &Poller, envelope: String) -> Outcome<Bytes> {
        Ok(self.exchange(&session.cookie, envelope).await?.0)
    }

    pub(super) async fn socket(&mut self) -> Outcome<Socket> {
        let (io, peer) = tokio::io::duplex(64 * 1024);
        let service = TowerToHyperService::new(self.service.clone());
        let connection = http1::Builder::new().serve_connection(TokioIo::new(peer), service);
        self.connections.spawn(async {
            // It ends with the case.
            let _ = connection.with_upgrades().await;
        });
        let mut socket = Socket {
            io,
            client_id: String::new(),
            read: Vec::new(),
        };
        socket.upgrade().await?;
        socket.send(&handshake("websocket")).await?;
        let reply = socket.message().await?;
        socket.client_id = client_id(&reply)?;
        let connect = connect(&socket.client_id, "websocket");
        // The first is answered at once, the second is held.
        socket.send(&connect).await?;
        socket.messages(1).await?;
        socket.send(&connect).await?;
        Ok(socket)
    }
}

impl Socket {
    async fn upgrade(&mut self) -> Outcome<()> {
        let headers: [(HeaderName, &str); 3] = [
            (HOST, "bench"),
            (CONNECTION, "upgrade"),
            (UPGRADE, "websocket"),
        ];
        let mut request = String::from(
            "GET /cometd HTTP/1.1\r\nsec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
        );
        for (name, value) in headers {
            request += &format!("{name}: {value}\r\n");
        }
        self.io.write_all((request + "\r\n").as_bytes()).await?;
        while !self.read.ends_with(b"\r\n\r\n") {
            self.io.read_buf(&mut self.read).await?;
        }
        self.read.clear();
        Ok(())
    }

    pub(super) async fn send(&mut self, envelope: &str) -> Outcome<()> {
        self.send_all(&[envelope]).await
    }

    /// Sends envelopes at once, a frame for each.
    pub(super) async fn send_all(&mut self, envelopes: &[&str]) -> Outcome<()> {
        let mut out = Vec::new();
        for envelope in envelopes {
            frame::write(&mut out, Side::Client, frame::TEXT, envelope.as_bytes());
        }
        Ok(self.io.write_all(&out).await?)
    }

    /// Reads this many frames. Allocates nothing: what is counted is the server's.
    pub(super) async fn messages(&mut self, frames: usize) -> Outcome<()> {
        let mut end = 0;
        for _ in 0..frames {
            end = self.frame(end).await?.end;
        }
        self.read.drain(..end);
        Ok(())
    }

    /// Reads one frame; its payload.
    async fn message(&mut self) -> Outcome<Vec<u8>> {
        let payload = self.frame(0).await?;
        let text = self.read.get(payload.clone()).unwrap_or_default().to_vec();
        self.read.drain(..payload.end);
        Ok(text)
    }

    /// Waits for the whole frame that begins there; where its payload is.
    async fn frame(&mut self, start: usize) -> Outcome<Range<usize>> {
        loop {
            if let Some(frame) = self.read.get(start..).and_then(frame::parse) {
                let end = start + frame.length;
                return Ok(end - frame.payload.len()..end);
            }
            if self.io.read_buf(&mut self.read).await? == 0 {
                return Err("the connection ended".into());
            }
        }
    }

    pub(super) async fn subscribe(&mut self, channel: &str) -> Outcome<()> {
        let envelope = subscribe(&self.client_id, channel);
        self.send(&envelope).await?;
        self.messages(1).await
    }
}

pub(super) fn handshake(connection_type: &str) -> String {
    let handshake = json!({
        "channel": "/meta/handshake",
        "version": "1.0",
        "supportedConnectionTypes": [connection_type],
    });
    json!([handshake]).to_string()
}

pub(super) fn subscribe(client_id: &str, channel: &str) -> String {
    json!([{"channel": "/meta/subscribe", "clientId": client_id, "subscription": channel}])
        .to_string()
}

pub(super) fn connect(client_id: &str, connection_type: &str) -> String {
    json!([{"channel": "/meta/connect", "clientId": client_id, "connectionType": connection_type}])
        .to_string()
}

/// A connect that is answered at once.
pub(super) fn poll(client_id: &str) -> String {
    json!([{
        "channel": "/meta/connect",
        "clientId": client_id,
        "connectionType": "long-polling",
        "advice": {"timeout": 0},
    }])
    .to_string()
}

pub(super) fn publish(client_id: &str, channel: &str, data: &Value) -> Value {
    json!({"channel": channel, "clientId": client_id, "id": "1", "data": data})
}

pub(super) fn client_id(answer: &[u8]) -> Outcome<String> {
    let answer: Value = serde_json::from_slice(answer)?;
    let id = answer.pointer("/0/clientId").and_then(Value::as_str);
    Ok(id.ok_or("no clientId")?.to_owned())
}
