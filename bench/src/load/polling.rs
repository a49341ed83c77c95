//! The long polling transport.

use std::cell::RefCell;
use std::convert::Infallible;
use std::io;
use std::rc::Rc;

use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use super::http::{self, Response};
use super::input::{Input, Scratch};
use super::member::Member;
use super::session::{Connects, Failure, Target, Transport};

/// A session's connection, with the cookies that its handshake brought.
pub(crate) struct Polling {
    target: Target,
    scratch: Rc<Scratch>,
    connection: Connection,
    /// What every request starts with.
    head: String,
    cookies: Vec<String>,
}

/// A connection that is kept alive.
struct Connection {
    stream: TcpStream,
    scratch: Rc<Scratch>,
    input: Input,
}

impl Transport for Polling {
    const CONNECTION_TYPE: &'static str = "long-polling";

    async fn open(target: &Target, scratch: &Rc<Scratch>) -> Result<Self, Failure> {
        Ok(Self {
            target: target.clone(),
            scratch: Rc::clone(scratch),
            connection: Connection::open(target, scratch).await?,
            head: head(target, &[]),
            cookies: Vec::new(),
        })
    }

    async fn exchange(&mut self, envelope: &str) -> Result<Vec<u8>, Failure> {
        let cookies = &mut self.cookies;
        let known = cookies.len();
        let mut body = Vec::new();
        let take = |response: &Response<'_>| {
            cookies.extend(response.cookies().map(str::to_owned));
            body = response.body.to_vec();
        };
        self.connection.post(&self.head, envelope, take).await?;
        if self.cookies.len() > known {
            self.head = head(&self.target, &self.cookies);
        }
        Ok(body)
    }

    async fn close(self) -> Result<(), Failure> {
        Ok(())
    }

    async fn live(self, member: Member, mut connects: Connects) -> Result<Infallible, Failure> {
        let Self {
            target,
            scratch,
            mut connection,
            head,
            ..
        } = self;
        let turn = member.turn();
        let publishes = member.publishes();
        let member = RefCell::new(member);
        let receive = |response: &Response<'_>| {
            let mut member = member.borrow_mut();
            let now = member.now();
            member.receive(&response.body, now);
        };
        let connecting = async {
            loop {
                let envelope = connects.envelope();
                let take = |response: &Response<'_>| {
                    receive(response);
                    connects.receive(&response.body);
                };
                connection.post(&head, &envelope, take).await?;
            }
        };
        let publishing = async {
            if !publishes {
                return std::future::pending().await;
            }
            // The other connection is busy with a connect that is held.
            let mut connection = Connection::open(&target, &scratch).await?;
            loop {
                let envelope = envelope(|write| member.borrow().publish(write));
                match envelope {
                    Some(envelope) => connection.post(&head, &envelope, receive).await?,
                    None => turn.notified().await,
                }
            }
        };
        tokio::select! {
            end = connecting => end,
            end = publishing => end,
        }
    }
}

/// The messages that are due, in one envelope, if there are any.
fn envelope(publish: impl FnOnce(&mut dyn FnMut(&str))) -> Option<String> {
    let mut envelope = String::new();
    publish(&mut |message| {
        envelope.push(if envelope.is_empty() { '[' } else { ',' });
        envelope.push_str(message);
    });
    (!envelope.is_empty()).then(|| envelope + "]")
}

impl Connection {
    async fn open(target: &Target, scratch: &Rc<Scratch>) -> io::Result<Self> {
        Ok(Self {
            stream: target.connect().await?,
            scratch: Rc::clone(scratch),
            input: Input::default(),
        })
    }

    /// Posts an envelope, and hands over the response.
    async fn post(
        &mut self,
        head: &str,
        envelope: &str,
        mut take: impl FnMut(&Response<'_>),
    ) -> Result<(), Failure> {
        let request = format!("{head}Content-Length: {}\r\n\r\n{envelope}", envelope.len());
        self.stream.write_all(request.as_bytes()).await?;
        let mut status = None;
        while status.is_none() {
            let read = self.input.read(&mut self.stream, &self.scratch, |bytes| {
                let Some(response) = http::parse(bytes)? else {
                    return Ok(0);
                };
                status = Some(response.status);
                take(&response);
                Ok(response.length)
            });
            read.await?;
        }
        match status {
            Some(200) | None => Ok(()),
            Some(found) => {
                let expected = 200;
                Err(Failure::Status { expected, found })
            }
        }
    }
}

fn head(target: &Target, cookies: &[String]) -> String {
    let Target { address, path, .. } = target;
    let mut head = format!(
        "POST {path} HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json;charset=UTF-8\r\n"
    );
    if !cookies.is_empty() {
        head += &format!("Cookie: {}\r\n", cookies.join("; "));
    }
    head
}
