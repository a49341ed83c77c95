//! The server, its clients, and what happens to them.

use std::collections::HashSet;
use std::sync::Arc;

use cometd::{ChannelConfig, Flow, Message, ServerSession};
use cometd_tests::{App, advance, listener, ms, settle, setup};
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::time::{Duration, Instant};

use super::connections::{Connections, Kind};
use super::member::{MAX_LAZY, Member};
use super::{Over, Step, Who};

/// How finely time is looked at.
const SLICE: Duration = ms(250);

/// What happens at about the same time, until all is at rest.
pub(super) struct Window {
    pub(super) number: u32,
    pub(super) began: Instant,
    /// More than one thing happened.
    pub(super) is_busy: bool,
    steps: u32,
    /// The publications that the application has seen, ever.
    pub(super) seen: HashSet<u64>,
}

/// A message that was sent, by its number.
struct Numbered {
    to: Target,
    lazy: bool,
}

#[derive(Clone, Copy)]
enum Target {
    Channel(&'static str),
    Session(Who),
}

pub(super) struct World {
    app: App,
    members: [Member; 4],
    messages: Vec<Numbered>,
    /// The numbers of accepted messages in the order in which they were queued.
    accepted: Arc<Mutex<Vec<u64>>>,
    window: Window,
}

impl World {
    pub(super) async fn new(connect_only: bool) -> Self {
        let app = setup()
            .option("metaConnectDeliverOnly", connect_only)
            .option("maxLazyTimeout", MAX_LAZY.as_millis())
            .option("trustClientSession", true)
            // A client may open a socket long before it says anything.
            .option("ws.handshakeTimeout", -1)
            .start()
            .await;
        let accepted = Arc::default();
        for channel in ["/a", "/b", "/lazy", "/slow"] {
            witness(&app, channel, &accepted);
        }
        let member = |who| {
            let (client, over_socket) = match who {
                Who::A => (app.client(), false),
                Who::C => (app.callback_client(), false),
                Who::B | Who::D => (app.client(), true),
            };
            let connections = Connections::new(&app, client, over_socket);
            Member::new(who, connections, connect_only || who == Who::C)
        };
        let mut world = Self {
            members: [Who::A, Who::B, Who::C, Who::D].map(member),
            messages: Vec::new(),
            accepted,
            window: Window {
                number: 0,
                began: Instant::now(),
                is_busy: false,
                steps: 0,
                seen: HashSet::new(),
            },
            app,
        };
        for who in [Who::A, Who::B, Who::C, Who::D] {
            world.handshake(who).await;
            for to in ["/a", "/lazy"] {
                world.apply(Step::Subscribe { by: who, to }).await;
            }
            let (by, hold) = (who, false);
            world.apply(Step::Connect { by, hold }).await;
            world.rest().await;
        }
        world
    }

    fn member(&mut self, who: Who) -> &mut Member {
        &mut self.members[who as usize]
    }

    /// The client, ready to send.
    async fn sender(&mut self, who: Who) -> (&mut Member, &Window) {
        if self.member(who).connections.needs_socket() {
            self.pause().await;
            self.member(who).connections.open_socket().await;
        }
        (&mut self.members[who as usize], &self.window)
    }

    /// Does one thing and waits for nothing; what changes connections waits for rest before.
    pub(super) async fn apply(&mut self, step: Step) {
        self.window.steps += 1;
        self.window.is_busy = self.window.steps > 1;
        match step {
            Step::Connect { by, hold } => {
                if !self.member(by).alive {
                    self.handshake(by).await;
                }
                let advice = if hold {
                    Value::Null
                } else {
                    json!({"timeout": 0})
                };
                let (member, window) = self.sender(by).await;
                member.connect(window, advice).await;
            }
            Step::Publish {
                by,
                to,
                messages,
                connect,
            } => {
                self.publish(by, to, messages, connect).await;
            }
            Step::Deliver { to, lazy } => self.deliver(to, lazy).await,
            Step::StartBatch { of } => self.members[of as usize].start_batch(&self.app),
            Step::EndBatch { of } => self.member(of).end_batch(),
            Step::Subscribe { by, to } => {
                let (member, window) = self.sender(by).await;
                member.subscribe(window, to).await;
            }
            Step::Unsubscribe { by, from } => {
                let (member, window) = self.sender(by).await;
                member.unsubscribe(window, from).await;
            }
            Step::Cut { by, turns } => {
                if self.member(by).is_backlogged() {
                    self.pause().await;
                }
                self.member(by).cut(turns).await;
            }
            Step::Move { of, over } => self.change(of, over).await,
            Step::Handshake { by } => self.handshake(by).await,
            Step::Disconnect { by } => {
                let (member, window) = self.sender(by).await;
                member.disconnect(window).await;
            }
            Step::Kick { of } => {
                if let Some(session) = self.session(of) {
                    session.disconnect().await;
                    self.member(of).end();
                }
            }
            Step::Wait { ms: time } => self.wait(ms(time)).await,
        }
    }

    fn session(&self, who: Who) -> Option<ServerSession> {
        self.app.session(self.members[who as usize].client())
    }

    async fn publish(&mut self, by: Who, to: &'static str, count: usize, connect: bool) {
        let mut envelope = Vec::new();
        for _ in 0..count {
            let number = self.number(Target::Channel(to), to == "/lazy");
            let publish = self.member(by).client().publish_message(to, number);
            envelope.push((Kind::Publication(number), publish));
        }
        let (member, window) = self.sender(by).await;
        if connect {
            let connect = member.client().connect_message(Value::Null);
            envelope.push((Kind::Connect, connect));
        }
        member.send(window, envelope).await;
    }

    async fn deliver(&mut self, to: Who, lazy: bool) {
        let Some(session) = self.session(to) else {
            return;
        };
        let number = self.number(Target::Session(to), lazy);
        let mut message = Message::new("/private", number).unwrap();
        message.set_lazy(lazy);
        session.deliver_message(None, message).await.unwrap();
        self.accepted.lock().push(number);
    }

    fn number(&mut self, to: Target, lazy: bool) -> u64 {
        self.messages.push(Numbered { to, lazy });
        self.messages.len() as u64 - 1
    }

    async fn handshake(&mut self, who: Who) {
        self.rest().await;
        if self.member(who).connections.needs_socket() {
            self.member(who).connections.open_socket().await;
        }
        self.member(who).handshake().await;
        for to in self.member(who).subscriptions() {
            let (member, window) = self.sender(who).await;
            member.subscribe(window, to).await;
        }
        self.pause().await;
    }

    async fn change(&mut self, who: Who, over: Over) {
        self.rest().await;
        let connections = &mut self.member(who).connections;
        connections.over_socket = over != Over::Http;
        if over == Over::NewSocket {
            connections.open_socket().await;
        }
    }

    async fn wait(&mut self, time: Duration) {
        self.rest().await;
        let end = Instant::now() + time;
        while Instant::now() < end {
            advance(SLICE.min(end - Instant::now())).await;
            self.rest().await;
        }
    }

    /// Comes to rest in the middle of a step.
    async fn pause(&mut self) {
        self.rest().await;
        self.window.steps = 1;
    }

    /// Lets everything come to rest, and compares.
    pub(super) async fn rest(&mut self) {
        settle().await;
        let accepted = std::mem::take(&mut *self.accepted.lock());
        for number in accepted {
            self.promise(number);
        }
        for member in &mut self.members {
            member.rest(&self.window, &self.app).await;
        }
        self.window.number += 1;
        self.window.began = Instant::now();
        self.window.steps = 0;
        self.window.is_busy = false;
    }

    /// Everyone concerned is to receive a message.
    fn promise(&mut self, number: u64) {
        self.window.seen.insert(number);
        let message = &self.messages[usize::try_from(number).unwrap()];
        let urgent = if message.lazy {
            Instant::now() + MAX_LAZY
        } else {
            self.window.began
        };
        match message.to {
            Target::Channel(channel) => {
                for member in &mut self.members {
                    member.promise(number, Some(channel), urgent);
                }
            }
            Target::Session(who) => self.members[who as usize].promise(number, None, urgent),
        }
    }

    /// In the end everyone fetches what is left, and nothing is.
    pub(super) async fn finish(&mut self) {
        for who in [Who::A, Who::B, Who::C, Who::D] {
            if self.member(who).alive {
                let (member, window) = self.sender(who).await;
                member.fetch(window).await;
                self.rest().await;
                self.member(who).assert_nothing_owed();
            }
        }
    }
}

/// Makes a channel whose last listener writes down what is published, right before that is queued.
fn witness(app: &App, channel: &str, accepted: &Arc<Mutex<Vec<u64>>>) {
    let accepted = Arc::clone(accepted);
    let configure = |config: &mut ChannelConfig| {
        if channel == "/slow" {
            config.listener(listener(async |_, _| {
                for _ in 0..5 {
                    tokio::task::yield_now().await;
                }
            }));
        }
        config.listener(move |_: Option<&ServerSession>, message: &mut Message| {
            accepted.lock().push(message.data_as().unwrap());
            Flow::Continue
        });
    };
    let server = app.server();
    let (channel, _) = server.create_channel_if_absent(channel, |_| {}).unwrap();
    channel.configure(configure);
}
