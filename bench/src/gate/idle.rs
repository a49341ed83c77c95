//! Sessions over real sockets, with the server in this process, that are there and do nothing.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use http::header::COOKIE;
use tokio::sync::oneshot;
use tokio::task::{JoinSet, spawn_blocking};

use super::memory::{Outcome, client_id, connect, handshake, subscribe};
use crate::frame::{self, Side};
use crate::load::http as response;
use crate::scenario::Transport;
use crate::serve;

/// Opens sessions, each with a subscription and a connect that is held. They last as long as the
/// runtime.
pub(super) async fn idle(sessions: u32, transport: Transport) -> Outcome<()> {
    let (sender, bound) = oneshot::channel();
    let mut kept = JoinSet::new();
    kept.spawn(serve::ours(
        "127.0.0.1:0",
        Box::new(|address| {
            // Nobody waits if opening has failed.
            let _ = sender.send(address);
        }),
    ));
    let address = bound.await?;
    // What they need is on the stack of another thread: what is allocated is the server's.
    let clients = spawn_blocking(move || open(address, transport, sessions)).await??;
    kept.spawn(async move {
        let _open = clients;
        std::future::pending().await
    });
    kept.detach_all();
    tokio::time::sleep(SETTLED).await;
    Ok(())
}

/// After which a server has given up what it keeps in case something happens soon, on valgrind's time.
const SETTLED: Duration = Duration::from_secs(2);

fn open(address: SocketAddr, transport: Transport, sessions: u32) -> io::Result<Vec<TcpStream>> {
    let one = |nth| Client::connect(address, transport)?.hold(nth);
    let clients: Vec<_> = (0..sessions).map(one).collect::<io::Result<_>>()?;
    // What was sent before this has arrived when this is answered.
    Client::connect(address, transport)?.handshake()?;
    Ok(clients)
}

/// A connection, and what it has to send with each request.
struct Client {
    stream: TcpStream,
    transport: Transport,
    cookie: String,
}

impl Client {
    fn connect(address: SocketAddr, transport: Transport) -> io::Result<Self> {
        let mut client = Self {
            stream: TcpStream::connect(address)?,
            transport,
            cookie: String::new(),
        };
        client.stream.set_nodelay(true)?;
        if transport == Transport::WebSocket {
            let upgrade = "GET /cometd HTTP/1.1\r\nHost: bench\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\
                Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
            client.stream.write_all(upgrade.as_bytes())?;
            client.read(|bytes| bytes.ends_with(b"\r\n\r\n").then(Vec::new))?;
        }
        Ok(client)
    }

    /// The connection of a session whose connect is held.
    fn hold(mut self, nth: u32) -> io::Result<TcpStream> {
        let id = self.handshake()?;
        self.ask(&subscribe(&id, &format!("/idle/{}", nth % CHANNELS)))?;
        let connect = connect(&id, &self.transport.to_string());
        // The first is answered at once.
        self.ask(&connect)?;
        self.send(&connect)?;
        Ok(self.stream)
    }

    fn handshake(&mut self) -> io::Result<String> {
        let answer = self.ask(&handshake(&self.transport.to_string()))?;
        client_id(&answer).map_err(|error| io::Error::other(error.to_string()))
    }

    fn ask(&mut self, envelope: &str) -> io::Result<Vec<u8>> {
        self.send(envelope)?;
        match self.transport {
            Transport::WebSocket => self.read(|bytes| Some(frame::parse(bytes)?.payload.to_vec())),
            Transport::LongPolling => {
                let mut cookie = None;
                let body = self.read(|bytes| {
                    let answer = response::parse(bytes).ok().flatten()?;
                    cookie = answer.cookies().next().map(str::to_owned);
                    Some(answer.body.into_owned())
                })?;
                self.cookie = cookie.unwrap_or_else(|| std::mem::take(&mut self.cookie));
                Ok(body)
            }
        }
    }

    fn send(&mut self, envelope: &str) -> io::Result<()> {
        let mut out = Vec::new();
        match self.transport {
            Transport::WebSocket => {
                frame::write(&mut out, Side::Client, frame::TEXT, envelope.as_bytes());
            }
            Transport::LongPolling => write!(
                out,
                "POST /cometd HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\n{COOKIE}: {}\r\n\
                 Content-Length: {}\r\n\r\n{envelope}",
                self.cookie,
                envelope.len(),
            )?,
        }
        self.stream.write_all(&out)
    }

    /// Reads until something whole is there.
    fn read(&mut self, mut take: impl FnMut(&[u8]) -> Option<Vec<u8>>) -> io::Result<Vec<u8>> {
        let (mut bytes, mut part) = (Vec::new(), [0; 1024]);
        loop {
            let length = self.stream.read(&mut part)?;
            if length == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            bytes.extend(part.iter().take(length));
            if let Some(taken) = take(&bytes) {
                return Ok(taken);
            }
        }
    }
}

/// Channels that the sessions share.
const CHANNELS: u32 = 10;
