//! `cometd::serve` on real sockets: the versions of HTTP, and stopping.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use cometd::{BayeuxServer, Stopped};
use cometd_tests::{Pending, Served, open_setup, serve, start};
use futures_util::SinkExt;
use http::{Request, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use yawc::close::CloseCode;
use yawc::{Frame, HttpVersion, Options, WebSocket};

/// A client over one HTTP/2 connection.
struct Http2 {
    sender: hyper::client::conn::http2::SendRequest<Full<Bytes>>,
    address: SocketAddr,
    cookie: Option<String>,
    _connection: Pending<()>,
}

impl Http2 {
    async fn connect(address: SocketAddr) -> Self {
        let io = TokioIo::new(TcpStream::connect(address).await.unwrap());
        let handshake = hyper::client::conn::http2::handshake(TokioExecutor::new(), io);
        let (sender, connection) = handshake.await.unwrap();
        let connection = start(async {
            // How the server ends the connection is looked at request by request.
            let _ = connection.await;
        });
        Self {
            sender,
            address,
            cookie: None,
            _connection: connection,
        }
    }

    /// Posts an envelope; the answer can be awaited while others are under way.
    fn post(
        &mut self,
        envelope: &Value,
    ) -> impl Future<Output = (StatusCode, Option<String>, Value)> + use<> {
        let mut request = Request::post(format!("http://{}/cometd", self.address));
        if let Some(cookie) = &self.cookie {
            request = request.header(header::COOKIE, cookie);
        }
        let body = Full::from(envelope.to_string());
        let response = self.sender.send_request(request.body(body).unwrap());
        async {
            let response = response.await.unwrap();
            let cookie = response.headers().get(header::SET_COOKIE);
            let cookie =
                cookie.map(|it| it.to_str().unwrap().split(';').next().unwrap().to_owned());
            let status = response.status();
            let body = response.into_body().collect().await.unwrap().to_bytes();
            (
                status,
                cookie,
                serde_json::from_slice(&body).unwrap_or_default(),
            )
        }
    }

    async fn handshake(&mut self) -> String {
        let (status, cookie, replies) = self.post(&json!([{"channel": "/meta/handshake"}])).await;
        assert_eq!(status, StatusCode::OK);
        self.cookie = self.cookie.take().or(cookie);
        let id = replies[0]["clientId"].as_str().unwrap().to_owned();
        let connect = connect(&id, &json!({"timeout": 0}));
        let (_, _, replies) = self.post(&connect).await;
        assert_eq!(replies[0]["successful"], true);
        id
    }
}

fn connect(id: &str, advice: &Value) -> Value {
    json!([{"channel": "/meta/connect", "clientId": id, "advice": advice}])
}

#[tokio::test]
async fn one_http2_connection_carries_held_connects_and_publications() {
    // LP-13, CFG-21: over HTTP/2 a browser may hold a connect for each of its tabs.
    let running = serve(BayeuxServer::builder()).await;
    let mut browser = Http2::connect(running.address).await;
    let (one, other) = (browser.handshake().await, browser.handshake().await);
    for id in [&one, &other] {
        let subscribe =
            json!([{"channel": "/meta/subscribe", "clientId": id, "subscription": "/a"}]);
        assert_eq!(browser.post(&subscribe).await.2[0]["successful"], true);
    }
    let held = [
        browser.post(&connect(&one, &json!({}))),
        browser.post(&connect(&other, &json!({}))),
    ];
    let publish = json!([{"channel": "/a", "clientId": one, "data": 1}]);
    let (_, _, replies) = browser.post(&publish).await;
    assert_eq!(replies[1]["successful"], true);
    let [_one, other] = held;
    assert_eq!(other.await.2[0], json!({"channel": "/a", "data": 1}));
    running.server.shutdown(Duration::from_secs(5)).await;
}

#[tokio::test]
async fn a_websocket_can_be_a_stream_of_an_http2_connection() {
    let running = serve(BayeuxServer::builder()).await;
    let url = format!("ws://{}/cometd", running.address).parse().unwrap();
    let mut socket = WebSocket::connect(url)
        .http_version(HttpVersion::Http2)
        .await
        .unwrap();
    socket
        .send(Frame::text(
            json!([{"channel": "/meta/handshake"}]).to_string(),
        ))
        .await
        .unwrap();
    let frame = socket.next_frame().await.unwrap();
    let replies: Value = serde_json::from_slice(frame.payload()).unwrap();
    assert_eq!(replies[0]["successful"], true);
    assert_eq!(replies[0]["supportedConnectionTypes"][0], "websocket");
    running.server.shutdown(Duration::from_secs(5)).await;
}

#[tokio::test]
async fn a_stopping_server_answers_held_connects_and_closes_sockets() {
    // SES-16: T-SES-13
    let running = serve(BayeuxServer::builder()).await;
    let mut browser = Http2::connect(running.address).await;
    let id = browser.handshake().await;
    let held = browser.post(&connect(&id, &json!({})));

    let url = format!("ws://{}/cometd", running.address).parse().unwrap();
    let mut socket = WebSocket::connect(url).await.unwrap();
    socket
        .send(Frame::text(
            json!([{"channel": "/meta/handshake"}]).to_string(),
        ))
        .await
        .unwrap();
    let frame = socket.next_frame().await.unwrap();
    let replies: Value = serde_json::from_slice(frame.payload()).unwrap();
    let id = replies[0]["clientId"].as_str().unwrap();
    for advice in [json!({"timeout": 0}), json!({})] {
        socket
            .send(Frame::text(connect(id, &advice).to_string()))
            .await
            .unwrap();
    }
    socket.next_frame().await.unwrap();
    // The second connect is held once a later message has been answered.
    let publish = json!([{"channel": "/a", "clientId": id, "data": 1}]);
    socket.send(Frame::text(publish.to_string())).await.unwrap();
    socket.next_frame().await.unwrap();

    assert_eq!(
        running.server.shutdown(Duration::from_secs(5)).await,
        Stopped::Drained
    );
    assert_eq!(held.await.0, StatusCode::SERVICE_UNAVAILABLE);
    let close = socket.next_frame().await.unwrap();
    assert_eq!(close.close_code(), Some(CloseCode::Normal));
    drop((browser, socket));
    running.serving.answer().await.unwrap();
}

/// The extensions that a server agrees to, with one that a client offers.
async fn agreed(running: &Served, offered: &str) -> Option<String> {
    let mut stream = TcpStream::connect(running.address).await.unwrap();
    let request = format!(
        "GET /cometd HTTP/1.1\r\nHost: test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\
         Sec-WebSocket-Extensions: {offered}\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut head = String::new();
    let mut lines = BufReader::new(stream).lines();
    while let Some(line) = lines.next_line().await.unwrap().filter(|it| !it.is_empty()) {
        head = head + &line.to_ascii_lowercase() + "\n";
    }
    let line = head
        .lines()
        .find_map(|it| it.strip_prefix("sec-websocket-extensions: "));
    line.map(str::to_owned)
}

#[tokio::test]
async fn compression_is_agreed_on_unless_it_is_switched_off() {
    // WS-4, CFG-41: T-WS-27
    let running = serve(BayeuxServer::builder()).await;
    let extensions = agreed(&running, "permessage-deflate; client_max_window_bits").await;
    assert!(extensions.unwrap().starts_with("permessage-deflate"));
    assert_eq!(agreed(&running, "x-unknown").await, None);

    let switched = BayeuxServer::builder().option("ws.enableExtension.permessage-deflate", "false");
    let running = serve(switched).await;
    assert_eq!(agreed(&running, "permessage-deflate").await, None);
}

#[tokio::test]
async fn long_and_short_messages_pass_a_compressed_socket() {
    let running = serve(BayeuxServer::builder()).await;
    let url = format!("ws://{}/cometd", running.address).parse().unwrap();
    let options = Options::default().with_low_latency_compression();
    let mut socket = WebSocket::connect(url).with_options(options).await.unwrap();
    socket
        .send(Frame::text(
            json!([{"channel": "/meta/handshake"}]).to_string(),
        ))
        .await
        .unwrap();
    let frame = socket.next_frame().await.unwrap();
    let replies: Value = serde_json::from_slice(frame.payload()).unwrap();
    let id = replies[0]["clientId"].as_str().unwrap();
    let subscribe = json!([{"channel": "/meta/subscribe", "clientId": id, "subscription": "/a"}]);
    socket
        .send(Frame::text(subscribe.to_string()))
        .await
        .unwrap();
    socket.next_frame().await.unwrap();
    let (short, long) = ("short".to_owned(), "long ".repeat(50_000));
    // Some are compressed and some are not; what is sent together arrives in its order.
    for sent in [
        vec![&short],
        vec![&long],
        vec![&short, &long, &short, &long, &short],
    ] {
        let message = |data| json!({"channel": "/a", "clientId": id, "data": data});
        let batch: Value = sent.iter().copied().map(message).collect();
        socket.send(Frame::text(batch.to_string())).await.unwrap();
        for data in sent {
            let frame = socket.next_frame().await.unwrap();
            let delivered: Value = serde_json::from_slice(frame.payload()).unwrap();
            assert_eq!(delivered, json!([{"channel": "/a", "data": data}]));
        }
        socket.next_frame().await.unwrap();
    }
}

/// Sends a text together with the request for a socket; the messages of the first frame that answers.
async fn first_frame<S: AsyncRead + AsyncWrite + Unpin>(stream: S, text: &str) -> Value {
    let mut stream = BufReader::new(stream);
    let mut sent =
        b"GET /cometd HTTP/1.1\r\nHost: test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
        Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
            .to_vec();
    sent.extend([0x81, 0xff]);
    sent.extend((text.len() as u64).to_be_bytes());
    // Masked with zeros.
    sent.extend([0; 4]);
    sent.extend(text.as_bytes());
    stream.write_all(&sent).await.unwrap();
    let mut line = String::new();
    while line != "\r\n" {
        line.clear();
        assert_ne!(stream.read_line(&mut line).await.unwrap(), 0);
    }
    assert_eq!(stream.read_u16().await.unwrap(), 0x817e, "a text");
    let mut text = vec![0; stream.read_u16().await.unwrap().into()];
    stream.read_exact(&mut text).await.unwrap();
    serde_json::from_slice(&text).unwrap()
}

#[tokio::test]
async fn what_comes_with_the_request_for_a_socket_is_not_lost() {
    let ours = serve(BayeuxServer::builder()).await;
    let server = BayeuxServer::builder().build().await.unwrap();
    let app = axum::Router::new().nest_service("/cometd", server.into_service());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let axum = listener.local_addr().unwrap();
    let _serving = start(axum::serve(listener, app).into_future());
    let memory = open_setup().start().await;
    let handshake = json!([{"channel": "/meta/handshake"}]).to_string();
    for blanks in [0, 10, 10_000, 50_000] {
        // An envelope may have blanks in front.
        let text = " ".repeat(blanks) + &handshake;
        for address in [ours.address, axum] {
            let stream = TcpStream::connect(address).await.unwrap();
            let replies = first_frame(stream, &text).await;
            assert_eq!(replies[0]["successful"], true);
        }
        let (stream, _serving) = memory.connect(None);
        let replies = first_frame(stream, &text).await;
        assert_eq!(replies[0]["successful"], true);
    }
}
