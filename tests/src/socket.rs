//! A client over a WebSocket, written byte by byte.

use std::future::Future;
use std::net::SocketAddr;
use std::ops::Deref;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::{Buf, BytesMut};
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream};
use tokio::net::TcpStream;
use tokio::task::unconstrained;

use crate::clock::{Stopwatch, ms};
use crate::expected::{Expected, check};
use crate::identity::Identity;
use crate::pending::Pending;

/// Longest virtual time that a frame is waited for.
const PATIENCE: Duration = ms(60_000);

/// First bytes of frames of RFC 6455, all of them whole messages.
const TEXT: u8 = 0x81;
const PACKED: u8 = 0xc1;
const CLOSE: u8 = 0x88;
const PONG: u8 = 0x8a;

/// A client over a WebSocket, in memory unless it says otherwise.
#[derive(Debug)]
pub struct Socket<S = DuplexStream> {
    io: S,
    read: BytesMut,
    head: String,
    identity: Identity,
    /// The server's end, if it is in memory.
    _serving: Option<Pending<()>>,
}

/// What a socket brings.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// A text frame with these messages.
    Messages(Vec<Value>),
    /// A text frame that is compressed (RFC 7692).
    Packed,
    /// The server closes with this code.
    Close(u16),
    /// The server answers a ping with this payload.
    Pong(Vec<u8>),
    /// The connection is gone.
    End,
}

impl<S> Deref for Socket<S> {
    type Target = Identity;

    fn deref(&self) -> &Identity {
        &self.identity
    }
}

impl Socket<TcpStream> {
    /// A client over a socket of its own, where the tests' time is real.
    ///
    /// # Panics
    /// Nobody listens there, or the upgrade is refused.
    pub async fn connect(address: SocketAddr) -> Self {
        let io = TcpStream::connect(address).await.unwrap();
        io.set_nodelay(true).unwrap();
        Self::open(io, None, "").await.unwrap()
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Socket<S> {
    pub(crate) async fn open(
        mut io: S,
        serving: Option<Pending<()>>,
        headers: &str,
    ) -> Result<Self, u16> {
        let head = "GET /cometd HTTP/1.1\r\nHost: test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n";
        let request = format!("{head}{headers}\r\n");
        io.write_all(request.as_bytes()).await.unwrap();
        let mut read = BytesMut::new();
        let end = loop {
            if let Some(end) = read.windows(4).position(|it| it == b"\r\n\r\n") {
                break end + 4;
            }
            assert_ne!(io.read_buf(&mut read).await.unwrap(), 0, "no response");
        };
        let head = String::from_utf8(read.split_to(end).to_vec()).unwrap();
        match head.split(' ').nth(1).and_then(|it| it.parse().ok()) {
            Some(101) => Ok(Self {
                io,
                read,
                head,
                identity: Identity::default(),
                _serving: serving,
            }),
            Some(status) => Err(status),
            None => panic!("no response: {head}"),
        }
    }

    /// The value of a header of the response that opened the socket.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut fields = self.head.lines().filter_map(|it| it.split_once(": "));
        let field = fields.find(|(it, _)| it.eq_ignore_ascii_case(name));
        field.map(|(_, value)| value)
    }

    /// Sends an envelope.
    pub async fn send(&mut self, envelope: Value) {
        self.send_text(&envelope.to_string()).await;
    }

    /// Sends envelopes with one write.
    pub async fn send_together(&mut self, envelopes: &[Value]) {
        let frames = envelopes.iter();
        let frames = frames.flat_map(|it| frame(TEXT, it.to_string().as_bytes()));
        self.send_bytes(&frames.collect::<Vec<_>>()).await;
    }

    /// Sends a text frame.
    pub async fn send_text(&mut self, text: &str) {
        self.send_frame(TEXT, text.as_bytes()).await;
    }

    /// Sends a frame with this first byte: the operation and whether it is the last of its message.
    pub async fn send_frame(&mut self, first: u8, payload: &[u8]) {
        self.send_bytes(&frame(first, payload)).await;
    }

    /// Sends the beginning of a text frame; what follows never comes.
    pub async fn send_half(&mut self, text: &str) {
        let frame = frame(TEXT, text.as_bytes());
        let half = frame.split_at(frame.len() / 2).0;
        self.send_bytes(half).await;
    }

    /// Sends these bytes.
    pub async fn send_bytes(&mut self, bytes: &[u8]) {
        // A server that has closed the connection is noticed by those who read.
        let _ = self.io.write_all(bytes).await;
    }

    /// The next event.
    ///
    /// # Panics
    /// There is none for a minute.
    pub async fn event(&mut self) -> Event {
        let event = tokio::time::timeout(PATIENCE, self.next()).await;
        event.unwrap_or_else(|_| panic!("no frame within {PATIENCE:?}"))
    }

    /// Everything that has come so far.
    pub fn arrived(&mut self) -> Vec<Event> {
        let mut events = Vec::new();
        let mut context = Context::from_waker(Waker::noop());
        // The budget of the task is for those who wait.
        while let Poll::Ready(event) = pin!(unconstrained(self.next())).poll(&mut context) {
            let is_last = event == Event::End;
            events.push(event);
            if is_last {
                break;
            }
        }
        events
    }

    /// The messages of the next frame.
    ///
    /// # Panics
    /// The connection ends instead.
    pub async fn frame(&mut self) -> Vec<Value> {
        match self.event().await {
            Event::Messages(messages) => messages,
            other => panic!("expected a frame, found {other:?}"),
        }
    }

    /// The next frames hold these messages, one frame each, and come at once.
    ///
    /// # Panics
    /// They do not.
    pub async fn expect(&mut self, frames: impl IntoIterator<Item = Expected>) {
        let watch = Stopwatch::start();
        for expected in frames {
            check(&self.frame().await, [expected]);
        }
        let took = watch.elapsed();
        assert!(took < ms(20), "took {took:?}");
    }

    /// The next frame holds these messages and comes after this long.
    ///
    /// # Panics
    /// It does not.
    pub async fn expect_after(
        &mut self,
        duration: Duration,
        frame: impl IntoIterator<Item = Expected>,
    ) {
        let watch = Stopwatch::start();
        check(&self.frame().await, frame);
        let took = watch.elapsed();
        let is_right = took + ms(20) > duration && took < duration + ms(20);
        assert!(is_right, "expected {duration:?}, took {took:?}");
    }

    /// The server closes with this code.
    ///
    /// # Panics
    /// It does not.
    pub async fn expect_close(&mut self, code: u16) {
        let event = self.event().await;
        assert_eq!(event, Event::Close(code));
    }

    /// Nothing comes for this long.
    ///
    /// # Panics
    /// Something does.
    pub async fn expect_nothing(&mut self, duration: Duration) {
        if let Ok(event) = tokio::time::timeout(duration, self.next()).await {
            panic!("expected nothing, found {event:?}");
        }
    }

    /// Sends an envelope of one message, and returns the messages of the next frame.
    pub async fn ask(&mut self, message: Value) -> Vec<Value> {
        self.send(json!([message])).await;
        self.frame().await
    }

    /// Handshakes; further messages are of the new session, if there is one.
    ///
    /// # Panics
    /// The reply is not alone in its frame.
    pub async fn handshake(&mut self) -> Value {
        let frame = self.ask(self.handshake_message()).await;
        let [reply] = frame.as_slice() else {
            panic!("not alone: {frame:?}");
        };
        let id = reply.get("clientId").and_then(Value::as_str);
        self.set_client_id(id.map(str::to_owned));
        reply.clone()
    }

    /// Handshakes and connects once, as every client does.
    ///
    /// # Panics
    /// It does not succeed.
    #[must_use]
    pub async fn up(mut self) -> Self {
        let reply = self.handshake().await;
        assert_eq!(reply["successful"], true, "{reply}");
        let frame = self.ask(self.connect_message(json!({"timeout": 0}))).await;
        assert_eq!(frame[0]["successful"], true, "{frame:?}");
        self
    }

    /// Connects without advice, and goes on when the server has the connect.
    pub async fn hold(&mut self) {
        let message = self.connect_message(Value::Null);
        self.send(json!([message])).await;
        crate::settle().await;
    }

    /// Subscribes.
    ///
    /// # Panics
    /// It does not succeed.
    pub async fn subscribe(&mut self, channel: &str) {
        let frame = self.ask(self.subscribe_message(channel)).await;
        assert_eq!(frame[0]["successful"], true, "{frame:?}");
    }

    /// Sends a publication; the reply is the next frame but for deliveries.
    pub async fn publish(&mut self, channel: &str, data: impl Into<Value>) {
        let message = self.publish_message(channel, data);
        self.send(json!([message])).await;
    }

    /// May be dropped at any time without loss.
    async fn next(&mut self) -> Event {
        loop {
            if let Some(event) = self.parse() {
                return event;
            }
            if let Ok(0) | Err(_) = self.io.read_buf(&mut self.read).await {
                return Event::End;
            }
        }
    }

    /// A frame of the server: whole, in one piece and without a mask.
    fn parse(&mut self) -> Option<Event> {
        let (start, length) = match *self.read.get(1)? {
            126 => (4, self.read.get(2..4)?.get_u16() as usize),
            127 => (
                10,
                usize::try_from(self.read.get(2..10)?.get_u64()).unwrap(),
            ),
            short => (2, short as usize),
        };
        if self.read.len() < start + length {
            return None;
        }
        let mut frame = self.read.split_to(start + length);
        let first = frame.get_u8();
        frame.advance(start - 1);
        match first {
            TEXT => Some(Event::Messages(serde_json::from_slice(&frame).unwrap())),
            PACKED => Some(Event::Packed),
            CLOSE => Some(Event::Close(frame.get_u16())),
            PONG => Some(Event::Pong(frame.to_vec())),
            other => panic!("not a frame that a server sends: {other:#x}"),
        }
    }
}

/// A whole frame, masked with zeros.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![first];
    match payload.len() {
        length @ 0..126 => frame.push(0x80 | u8::try_from(length).unwrap()),
        length @ 126..0x1_0000 => {
            frame.push(0x80 | 126);
            frame.extend(u16::try_from(length).unwrap().to_be_bytes());
        }
        length => {
            frame.push(0x80 | 127);
            frame.extend((length as u64).to_be_bytes());
        }
    }
    frame.extend([0; 4]);
    frame.extend(payload);
    frame
}
