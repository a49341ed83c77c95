//! A WebSocket, written byte by byte.

use std::fmt::Write as _;
use std::time::Duration;

use bytes::{Buf, BytesMut};
use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::Instant;

use crate::failure::Checked;
use crate::target::Io;

/// First bytes of frames of RFC 6455, all of them whole messages.
const TEXT: u8 = 0x81;
const BINARY: u8 = 0x82;
const CLOSE: u8 = 0x88;
const PING: u8 = 0x89;
const PONG: u8 = 0x8a;

/// Longest head of the response to an upgrade, in bytes.
const MAX_HEAD: usize = 64 * 1024;

/// An open WebSocket.
pub(crate) struct Socket {
    io: Box<dyn Io>,
    read: BytesMut,
    /// When the client last sent something.
    sent: Instant,
}

/// What a WebSocket brings.
#[derive(Clone, Debug)]
pub(crate) enum Event {
    /// The messages of a text frame.
    Messages(Value),
    /// The server closes with this code.
    Close(u16),
    /// The connection is gone.
    End,
}

/// The response to an upgrade.
pub(crate) struct Upgrade {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    /// There is one if the status is 101.
    pub(crate) socket: Option<Socket>,
}

impl Socket {
    /// Asks for a WebSocket; `fields` are more header lines.
    pub(crate) async fn open(
        mut io: Box<dyn Io>,
        (host, path): (&str, &str),
        fields: &[(String, String)],
    ) -> Checked<Upgrade> {
        let mut head = format!(
            "GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
        );
        for (name, value) in fields {
            write!(head, "{name}: {value}\r\n").map_err(|it| it.to_string())?;
        }
        head.push_str("\r\n");
        io.write_all(head.as_bytes())
            .await
            .map_err(|it| it.to_string())?;
        let mut read = BytesMut::new();
        let end = loop {
            if let Some(end) = read.windows(4).position(|it| it == b"\r\n\r\n") {
                break end + 4;
            }
            let count = io.read_buf(&mut read).await.map_err(|it| it.to_string())?;
            if count == 0 || read.len() > MAX_HEAD {
                return Err("the connection ended before a response".to_owned());
            }
        };
        let head = String::from_utf8_lossy(&read.split_to(end)).into_owned();
        let status = head.split(' ').nth(1).and_then(|it| it.parse().ok());
        let status = status.ok_or_else(|| format!("expected a response, found {head}"))?;
        let mut headers = HeaderMap::new();
        for (name, value) in head.lines().filter_map(|it| it.split_once(':')) {
            let name = HeaderName::try_from(name.trim());
            if let (Ok(name), Ok(value)) = (name, HeaderValue::try_from(value.trim())) {
                headers.append(name, value);
            }
        }
        let sent = Instant::now();
        let socket = (status == 101).then_some(Self { io, read, sent });
        Ok(Upgrade {
            status,
            headers,
            socket,
        })
    }

    /// Time since the client last sent something.
    pub(crate) fn elapsed(&self) -> Duration {
        self.sent.elapsed()
    }

    pub(crate) async fn send_text(&mut self, text: &str) {
        self.send(TEXT, text.as_bytes()).await;
    }

    pub(crate) async fn send_binary(&mut self, bytes: &[u8]) {
        self.send(BINARY, bytes).await;
    }

    pub(crate) async fn send_close(&mut self) {
        self.send(CLOSE, &1000_u16.to_be_bytes()).await;
    }

    async fn send(&mut self, first: u8, payload: &[u8]) {
        self.sent = Instant::now();
        // A server that has closed the connection is noticed by those who read.
        let _ = self.io.write_all(&frame(first, payload)).await;
        let _ = self.io.flush().await;
    }

    /// The next event. May be dropped at any time without loss.
    pub(crate) async fn next(&mut self) -> Checked<Event> {
        loop {
            match self.parse() {
                Some((TEXT, payload)) => {
                    let messages = serde_json::from_slice(&payload);
                    return messages
                        .map(Event::Messages)
                        .map_err(|it| format!("{it}: {payload:?}"));
                }
                Some((CLOSE, mut payload)) => {
                    return Ok(Event::Close(payload.try_get_u16().unwrap_or(1005)));
                }
                Some((PING, payload)) => {
                    let _ = self.io.write_all(&frame(PONG, &payload)).await;
                }
                Some((PONG, _)) => (),
                Some((first, _)) => return Err(format!("expected a text frame, found {first:#x}")),
                None => {
                    if let Ok(0) | Err(_) = self.io.read_buf(&mut self.read).await {
                        return Ok(Event::End);
                    }
                }
            }
        }
    }

    /// A frame of the server, which is whole, in one piece and without a mask.
    fn parse(&mut self) -> Option<(u8, BytesMut)> {
        let mut head = self.read.as_ref();
        let first = head.try_get_u8().ok()?;
        let length = match head.try_get_u8().ok()? {
            126 => usize::from(head.try_get_u16().ok()?),
            127 => usize::try_from(head.try_get_u64().ok()?).ok()?,
            short => usize::from(short),
        };
        if head.remaining() < length {
            return None;
        }
        let start = self.read.len() - head.remaining();
        self.read.advance(start);
        Some((first, self.read.split_to(length)))
    }
}

/// A whole frame, masked with zeros.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![first];
    match payload.len() {
        // A length is written in the shortest of the three forms.
        length @ 0..126 => frame.extend(length.to_be_bytes().last().map(|it| 0x80 | it)),
        length @ 126..0x1_0000 => {
            frame.push(0x80 | 126);
            frame.extend(length.to_be_bytes().iter().skip(size_of::<usize>() - 2));
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
