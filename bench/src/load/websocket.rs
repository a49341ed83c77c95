//! The WebSocket transport.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::io;
use std::rc::Rc;

use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use super::http;
use super::input::{Input, Scratch};
use super::member::Member;
use super::session::{Connects, Failure, Target, Transport};
use crate::frame::{self, Frame, Side};

/// A socket.
pub(crate) struct WebSocket {
    stream: TcpStream,
    scratch: Rc<Scratch>,
    input: Input,
    assembly: Assembly,
    /// Whole messages that came while one of them was waited for.
    read: VecDeque<Vec<u8>>,
}

/// Puts messages together.
#[derive(Debug, Default)]
struct Assembly {
    /// The beginning of a message that came in pieces.
    fragments: Vec<u8>,
}

/// What a frame means.
enum Event<'a> {
    Message(&'a [u8]),
    Ping(&'a [u8]),
    Nothing,
}

impl Transport for WebSocket {
    const CONNECTION_TYPE: &'static str = "websocket";

    async fn open(target: &Target, scratch: &Rc<Scratch>) -> Result<Self, Failure> {
        let mut stream = target.connect().await?;
        let Target { address, path, .. } = target;
        // The key of RFC 6455, section 1.2: nobody here is to be protected from a confused cache.
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).await?;
        let mut input = Input::default();
        let mut status = None;
        while status.is_none() {
            let read = input.read(&mut stream, scratch, |bytes| {
                let response = http::parse(bytes)?;
                status = response.as_ref().map(|it| it.status);
                Ok(response.map_or(0, |it| it.length))
            });
            read.await?;
        }
        match status {
            Some(101) | None => {}
            Some(found) => {
                let expected = 101;
                return Err(Failure::Status { expected, found });
            }
        }
        Ok(Self {
            stream,
            scratch: Rc::clone(scratch),
            input,
            assembly: Assembly::default(),
            read: VecDeque::new(),
        })
    }

    async fn exchange(&mut self, envelope: &str) -> Result<Vec<u8>, Failure> {
        let mut out = Vec::new();
        frame::write(&mut out, Side::Client, frame::TEXT, envelope.as_bytes());
        self.stream.write_all(&out).await?;
        loop {
            if let Some(message) = self.read.pop_front() {
                return Ok(message);
            }
            let (assembly, read) = (&mut self.assembly, &mut self.read);
            let mut end = None;
            let taken = self.input.read(&mut self.stream, &self.scratch, |bytes| {
                let (taken, closed) = frames(assembly, bytes, |event| {
                    if let Event::Message(message) = event {
                        read.push_back(message.to_vec());
                    }
                });
                end = closed;
                Ok(taken)
            });
            taken.await?;
            if let Some(code) = end {
                return Err(Failure::Closed(code));
            }
        }
    }

    async fn close(mut self) -> Result<(), Failure> {
        let mut out = Vec::new();
        let code = 1000_u16.to_be_bytes();
        frame::write(&mut out, Side::Client, frame::CLOSE, &code);
        self.stream.write_all(&out).await?;
        loop {
            // The server closes the connection (RFC 6455, section 7.1.1).
            let read = self
                .input
                .read(&mut self.stream, &self.scratch, |it| Ok(it.len()));
            match read.await {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(()),
                Err(error) => return Err(error.into()),
            }
        }
    }

    async fn live(
        mut self,
        mut member: Member,
        mut connects: Connects,
    ) -> Result<Infallible, Failure> {
        let turn = member.turn();
        let mut is_connect_due = true;
        let mut out = Vec::new();
        loop {
            if is_connect_due {
                let connect = connects.envelope();
                frame::write(&mut out, Side::Client, frame::TEXT, connect.as_bytes());
                is_connect_due = false;
            }
            member.publish(|message| write_envelope(&mut out, message));
            if !out.is_empty() {
                self.stream.write_all(&out).await?;
                out.clear();
            }
            let mut end = None;
            let (assembly, out, closed) = (&mut self.assembly, &mut out, &mut end);
            let take = |bytes: &[u8]| {
                let now = member.now();
                let (taken, code) = frames(assembly, bytes, |event| match event {
                    Event::Message(message) => {
                        if member.receive(message, now) {
                            connects.receive(message);
                            is_connect_due = true;
                        }
                    }
                    Event::Ping(data) => frame::write(out, Side::Client, frame::PONG, data),
                    Event::Nothing => {}
                });
                *closed = code;
                Ok(taken)
            };
            tokio::select! {
                read = self.input.read(&mut self.stream, &self.scratch, take) => read?,
                () = turn.notified() => {}
            }
            if let Some(code) = end {
                return Err(Failure::Closed(code));
            }
        }
    }
}

/// A message as an envelope of its own.
fn write_envelope(out: &mut Vec<u8>, message: &str) {
    frame::write(
        out,
        Side::Client,
        frame::TEXT,
        format!("[{message}]").as_bytes(),
    );
}

/// Hands over what whole frames mean; how many bytes they took, and the code of a close.
fn frames(
    assembly: &mut Assembly,
    bytes: &[u8],
    mut on_event: impl FnMut(Event<'_>),
) -> (usize, Option<u16>) {
    let mut taken = 0;
    while let Some(frame) = bytes.get(taken..).and_then(frame::parse) {
        if frame.opcode == frame::CLOSE {
            let code = frame.payload.first_chunk();
            return (taken, Some(code.map_or(1005, |it| u16::from_be_bytes(*it))));
        }
        taken += frame.length;
        assembly.take(&frame, &mut on_event);
    }
    (taken, None)
}

impl Assembly {
    fn take(&mut self, frame: &Frame<'_>, mut on_event: impl FnMut(Event<'_>)) {
        match frame.opcode {
            frame::PING => on_event(Event::Ping(frame.payload)),
            frame::TEXT if frame.last => on_event(Event::Message(frame.payload)),
            frame::TEXT | frame::CONTINUATION => {
                self.fragments.extend_from_slice(frame.payload);
                if frame.last {
                    on_event(Event::Message(&std::mem::take(&mut self.fragments)));
                }
            }
            _ => on_event(Event::Nothing),
        }
    }
}
