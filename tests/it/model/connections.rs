//! The requests and sockets of one client: what went out, and what came back.

use cometd_tests::{Answer, App, Client, Event, Pending, Socket, start};
use serde_json::Value;

use super::world::Window;

/// What a message is to the one who waits for its reply.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Kind {
    Connect,
    Publication(u64),
    Other,
}

/// A message that is not answered.
#[derive(Clone, Debug)]
pub(super) struct Sent {
    pub(super) id: Value,
    pub(super) kind: Kind,
}

/// A connection: the WebSocket of this number, or a request of its own.
pub(super) type Line = Option<usize>;

/// What a connection has brought: the numbers of what was delivered.
pub(super) struct Arrived {
    pub(super) line: Line,
    pub(super) numbers: Vec<u64>,
}

struct Request {
    answer: Pending<Answer>,
    sent: Vec<Sent>,
    window: u32,
}

struct Channel {
    number: usize,
    socket: Socket,
    sent: Vec<Sent>,
}

pub(super) struct Connections {
    app: App,
    pub(super) client: Client,
    /// Whether messages go through the newest socket.
    pub(super) over_socket: bool,
    requests: Vec<Request>,
    sockets: Vec<Channel>,
    opened: usize,
    /// Envelopes that a held connect gives way to (CN-17, WS-13), by window and first message.
    claims: Vec<(u32, Value)>,
}

impl Connections {
    pub(super) fn new(app: &App, client: Client, over_socket: bool) -> Self {
        Self {
            app: app.clone(),
            client,
            over_socket,
            requests: Vec::new(),
            sockets: Vec::new(),
            opened: 0,
            claims: Vec::new(),
        }
    }

    /// Whether the next message needs a socket that is not there.
    pub(super) const fn needs_socket(&self) -> bool {
        self.over_socket && self.sockets.is_empty()
    }

    pub(super) async fn open_socket(&mut self) {
        self.opened += 1;
        self.sockets.push(Channel {
            number: self.opened,
            socket: self.app.socket().await,
            sent: Vec::new(),
        });
    }

    /// Handshakes when all is at rest, and gives up what is under way for the session before.
    pub(super) async fn handshake(&mut self) {
        self.requests.clear();
        let socket = self.sockets.pop().filter(|_| self.over_socket);
        self.sockets = Vec::from_iter(socket);
        let Some(channel) = self.sockets.last_mut() else {
            self.client.handshake().await;
            return;
        };
        channel.sent.clear();
        let handshake = self.client.handshake_message();
        channel.socket.send(Value::from(vec![handshake])).await;
        cometd_tests::settle().await;
        let frames = channel.socket.arrived().into_iter();
        let mut ids = frames.filter_map(|event| match event {
            Event::Messages(messages) => messages[0]["clientId"].as_str().map(str::to_owned),
            Event::Packed | Event::Close(_) | Event::Pong(_) | Event::End => None,
        });
        self.client.set_client_id(ids.next_back());
    }

    /// Sends an envelope and waits for nothing.
    pub(super) async fn send(&mut self, window: u32, sent: &[Sent], envelope: Vec<Value>) -> Line {
        let socket = self.sockets.last_mut().filter(|_| self.over_socket);
        let is_claim = socket.is_some() || sent.iter().any(|it| it.kind == Kind::Connect);
        if is_claim {
            self.claims.push((window, sent[0].id.clone()));
        }
        if let Some(channel) = socket {
            channel.sent.extend_from_slice(sent);
            channel.socket.send(envelope.into()).await;
            return Some(channel.number);
        }
        let client = self.client.clone();
        self.requests.push(Request {
            answer: start(async move { client.send(envelope.into()).await }),
            sent: sent.to_vec(),
            window,
        });
        None
    }

    /// Drops the newest socket, or the requests that are not answered; returns which.
    pub(super) fn cut(&mut self) -> Line {
        if self.over_socket {
            return self.sockets.pop().map(|it| it.number);
        }
        self.requests.retain(|it| !it.answer.is_held());
        None
    }

    /// Whether a message may still be answered.
    pub(super) fn awaits(&self, id: &Value) -> bool {
        let requests = self.requests.iter().flat_map(|it| &it.sent);
        let sockets = self.sockets.iter().flat_map(|it| &it.sent);
        requests.chain(sockets).any(|it| it.id == *id)
    }

    /// Reads all that has come.
    pub(super) async fn collect(&mut self, window: &Window) -> Vec<Arrived> {
        let mut arrived = Vec::new();
        let requests = std::mem::take(&mut self.requests).into_iter();
        let (waiting, answered) = requests.partition(|it| it.answer.is_held());
        self.requests = waiting;
        let answered: Vec<Request> = answered;
        for mut request in answered {
            let answer = request.answer.answer().await;
            if answer.status == 200 {
                arrived.push(Arrived {
                    line: None,
                    numbers: read(answer.messages(), &mut request.sent, window),
                });
                assert!(
                    request.sent.is_empty(),
                    "MSG-1: no reply to {:?}",
                    request.sent
                );
                continue;
            }
            answer.refused(500);
            let own = &request.sent[0].id;
            let replaces = |(at, id): &(u32, Value)| *at >= request.window && id != own;
            let is_replaced = self.claims.iter().any(replaces);
            assert!(is_replaced, "CN-18: nothing has replaced {own}");
        }
        for channel in &mut self.sockets {
            let mut numbers = Vec::new();
            for event in channel.socket.arrived() {
                let Event::Messages(messages) = event else {
                    panic!("DIS-10, WS-17: {event:?}");
                };
                numbers.extend(read(messages, &mut channel.sent, window));
            }
            // CN-19: a connect that was replaced has no reply.
            let left = channel.sent.iter().find(|it| it.kind != Kind::Connect);
            assert!(left.is_none(), "MSG-1: no reply to {left:?}");
            arrived.push(Arrived {
                line: Some(channel.number),
                numbers,
            });
        }
        arrived
    }

    /// No request waits, but for this connect.
    pub(super) fn assert_none_waits_but(&self, connect: Option<&Value>) {
        let messages = self.requests.iter().flat_map(|it| &it.sent);
        let left = messages.map(|it| &it.id).find(|it| Some(*it) != connect);
        assert!(left.is_none(), "CN-17, DIS-2: {left:?} is not answered");
    }
}

/// Takes the replies away from what was sent, and returns the numbers of what was delivered.
fn read(messages: Vec<Value>, sent: &mut Vec<Sent>, window: &Window) -> Vec<u64> {
    let mut delivered = Vec::new();
    for message in messages {
        let Some(successful) = message.get("successful") else {
            delivered.extend(message["data"].as_u64());
            continue;
        };
        let Some(id) = message.get("id") else {
            assert_eq!(message["channel"], "/meta/disconnect", "DIS-6: {message}");
            continue;
        };
        let place = sent.iter().position(|it| it.id == *id);
        let place = place.unwrap_or_else(|| panic!("{message} answers nothing"));
        let is_connect = |it: &Sent| it.kind == Kind::Connect;
        assert!(
            sent[..place].iter().all(is_connect),
            "BAT-4: {message} is early"
        );
        if let Kind::Publication(number) = sent.remove(place).kind {
            let was_seen = window.seen.contains(&number);
            assert_eq!(*successful, was_seen, "PUB-1: {message}");
        }
    }
    delivered
}
