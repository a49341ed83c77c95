//! Much to do for real sockets: the full numbers in an optimised build, a tenth otherwise.

#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

use std::net::SocketAddr;
use std::time::Duration;

use cometd::BayeuxServer;
use futures_util::SinkExt;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use yawc::{Frame, OpCode, WebSocket};

/// Sessions and messages: the full number needs an optimised build.
const SESSIONS: usize = if cfg!(debug_assertions) { 100 } else { 1000 };
const MESSAGES: u64 = if cfg!(debug_assertions) { 100 } else { 1000 };

/// Longest real time that anything may take.
const PATIENCE: Duration = Duration::from_secs(120);

/// A client on a socket of its own.
struct Client {
    socket: WebSocket<yawc::MaybeTlsStream<tokio::net::TcpStream>>,
    id: String,
    /// Messages of frames that have been read and not yet been asked for.
    read: Vec<Value>,
}

impl Client {
    async fn handshake(address: SocketAddr) -> Self {
        let url = format!("ws://{address}/cometd").parse().unwrap();
        let socket = WebSocket::connect(url).await.unwrap();
        let mut client = Self {
            socket,
            id: String::new(),
            read: Vec::new(),
        };
        client.send(json!([{"channel": "/meta/handshake"}])).await;
        client.id = client.next().await["clientId"].as_str().unwrap().to_owned();
        client
    }

    async fn send(&mut self, envelope: Value) {
        self.socket
            .send(Frame::text(envelope.to_string()))
            .await
            .unwrap();
    }

    async fn next(&mut self) -> Value {
        while self.read.is_empty() {
            let frame = self.socket.next_frame().await.unwrap();
            if frame.opcode() == OpCode::Text {
                self.read = serde_json::from_slice(frame.payload()).unwrap();
                self.read.reverse();
            }
        }
        self.read.pop().unwrap()
    }

    async fn subscribe(&mut self, channel: &str) {
        let subscribe =
            json!([{"channel": "/meta/subscribe", "clientId": self.id, "subscription": channel}]);
        self.send(subscribe).await;
        assert_eq!(self.next().await["successful"], true);
    }

    /// Reads until the last message and checks that none is missing, doubled or early.
    async fn receive_all(mut self) {
        for expected in 0..MESSAGES {
            let message = self.next().await;
            assert_eq!(message["data"], expected, "{message}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_subscriber_receives_every_message_in_order() {
    let served = cometd_tests::serve(BayeuxServer::builder()).await;
    let (server, address) = (&served.server, served.address);
    let mut subscribers = JoinSet::new();
    for _ in 0..SESSIONS {
        let mut client = Client::handshake(address).await;
        client.subscribe("/volume").await;
        subscribers.spawn(tokio::time::timeout(PATIENCE, client.receive_all()));
    }
    let mut publisher = Client::handshake(address).await;
    for batch in (0..MESSAGES).collect::<Vec<_>>().chunks(10) {
        let publish =
            |data: &u64| json!({"channel": "/volume", "clientId": publisher.id, "data": data});
        publisher.send(batch.iter().map(publish).collect()).await;
        for _ in batch {
            assert_eq!(publisher.next().await["successful"], true);
        }
    }
    while let Some(received) = subscribers.join_next().await {
        received.unwrap().unwrap();
    }
    let delivered = MESSAGES * u64::try_from(SESSIONS).unwrap();
    assert_eq!(server.statistics().delivered, delivered);
    server.shutdown(Duration::from_secs(5)).await;
}
