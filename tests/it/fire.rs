//! Acknowledged messages under fire: connections are cut, replies are lost, connects come twice, readers
//! are slow, and every session that stays alive gets every message once and in order.
//!
//! The long form, a million messages in an optimised build:
//!
//! ```text
//! COMETD_FIRE_MESSAGES=1000000 cargo test --release -p cometd-tests --test it -- fire
//! ```

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use cometd::{Flow, Message, ServerSession};
use cometd_tests::{Answer, App, Client, Pending, Socket, advance, ms, start};
use futures_util::future::join_all;
use parking_lot::Mutex;
use serde_json::{Value, json};

use crate::acknowledge::{acknowledging, connect, handshake};

/// How many messages are published with each seed, unless `COMETD_FIRE_MESSAGES` says how many in all.
const MESSAGES: u64 = 1500;
const SEEDS: u64 = 4;
const PUBLISHERS: u64 = 3;
const SUBSCRIBERS: u64 = 3;
/// One of these is lazy.
const CHANNELS: [&str; 2] = ["/fire", "/lazy"];

/// Reproducible chance (SplitMix64).
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut value = self.0;
        value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (value ^ (value >> 31)) % limit
    }

    fn time(&mut self, limit: u64) -> Duration {
        ms(self.below(limit))
    }
}

/// The model: what every subscriber gets.
type Log = Arc<Mutex<Vec<u64>>>;

/// What a client has got so far.
#[derive(Default)]
struct Received {
    batch: u64,
    data: Vec<u64>,
}

impl Received {
    /// The application handles messages together with the number of their batch; how many these are.
    fn take(&mut self, messages: &[Value]) -> usize {
        let reply = messages.last().expect("a reply");
        assert_eq!(reply["successful"], true, "{reply}");
        for message in messages {
            self.data.extend(message["data"].as_u64());
        }
        self.batch = reply["ext"]["ack"].as_u64().expect("a number");
        messages.len() - 1
    }
}

/// A client that is shot at.
trait Target: Send + 'static {
    /// Connects once; it may go wrong.
    fn under_fire(&mut self, dice: &mut Dice) -> impl Future<Output = ()> + Send;

    /// Connects once; how many messages came.
    fn in_peace(&mut self) -> impl Future<Output = usize> + Send;

    fn received(self) -> Vec<u64>;
}

/// A client over long polling.
struct Polling {
    client: Client,
    received: Received,
}

impl Polling {
    async fn new(app: &App) -> Self {
        let client = app.client();
        client.set_client_id(client.send(handshake(&client)).await.client_id());
        client.subscribe(json!(CHANNELS)).await;
        let received = Received::default();
        Self { client, received }
    }

    fn connect(&self) -> Value {
        connect(&self.client, self.received.batch)
    }

    fn read(&mut self, answer: &Answer) -> usize {
        self.received.take(&answer.messages())
    }
}

impl Target for Polling {
    async fn under_fire(&mut self, dice: &mut Dice) {
        let message = self.connect();
        match dice.below(8) {
            0 | 1 => {
                // The connection is cut, sooner or later.
                let answer = self.client.send(message);
                let _ = tokio::time::timeout(dice.time(60), answer).await;
            }
            2 => drop(self.client.send(message).await), // The reply is lost.
            3 => {
                // Somebody between sends the connect again, and forgets the first.
                let first = self.client.start(message.clone()).await;
                advance(dice.time(30)).await;
                let answer = self.client.send(message).await;
                drop(first);
                self.read(&answer);
            }
            4 => {
                let answer = self.client.send(message).await;
                advance(dice.time(500)).await; // The reader is slow.
                self.read(&answer);
            }
            _ => {
                self.in_peace().await;
            }
        }
    }

    async fn in_peace(&mut self) -> usize {
        let answer = self.client.send(self.connect()).await;
        self.read(&answer)
    }

    fn received(self) -> Vec<u64> {
        self.received.data
    }
}

/// A client over WebSockets, one after the other.
struct Pushed {
    app: App,
    socket: Socket,
    received: Received,
}

impl Pushed {
    async fn new(app: &App) -> Self {
        let mut socket = app.socket().await;
        socket.send(handshake(&socket)).await;
        let id = socket.frame().await[0]["clientId"]
            .as_str()
            .map(str::to_owned);
        socket.set_client_id(id);
        socket.ask(socket.subscribe_message(json!(CHANNELS))).await;
        Self {
            app: app.clone(),
            socket,
            received: Received::default(),
        }
    }

    /// Connects, and reads up to the reply.
    async fn exchange(&mut self, pause: Duration) -> Vec<Value> {
        let connect = connect(&self.socket, self.received.batch);
        self.socket.send(connect).await;
        advance(pause).await;
        let mut messages = Vec::new();
        while messages
            .last()
            .is_none_or(|it: &Value| it["channel"] != "/meta/connect")
        {
            messages.extend(self.socket.frame().await);
        }
        messages
    }
}

impl Target for Pushed {
    async fn under_fire(&mut self, dice: &mut Dice) {
        match dice.below(6) {
            0 | 1 => {
                // The socket is cut, sooner or later.
                let patience = dice.time(60);
                let _ = tokio::time::timeout(patience, self.exchange(ms(0))).await;
                let id = self.socket.client_id();
                self.socket = self.app.socket().await;
                self.socket.set_client_id(id);
            }
            2 => {
                let messages = self.exchange(dice.time(500)).await;
                self.received.take(&messages);
            }
            _ => {
                self.in_peace().await;
            }
        }
    }

    async fn in_peace(&mut self) -> usize {
        let messages = self.exchange(ms(0)).await;
        self.received.take(&messages)
    }

    fn received(self) -> Vec<u64> {
        self.received.data
    }
}

/// Connects under fire until all is published, then in peace until nothing is left.
async fn live(mut target: impl Target, mut dice: Dice, peace: Arc<AtomicBool>) -> Vec<u64> {
    while !peace.load(Ordering::Relaxed) {
        target.under_fire(&mut dice).await;
    }
    while target.in_peace().await > 0 {}
    target.received()
}

/// Publishes so many messages, in batches.
async fn publish(app: &App, publisher: u64, messages: u64, mut dice: Dice) {
    let client = app.client().up().await;
    let mut next = 0;
    while next < messages {
        let end = messages.min(next + 1 + dice.below(10));
        let message = |n: u64| {
            let channel = CHANNELS[usize::from(dice.below(8) == 0)];
            client.publish_message(channel, (publisher << 32) | n)
        };
        let batch: Value = (next..end).map(message).collect();
        for reply in client.send(batch).await.messages() {
            assert_eq!(reply["successful"], true, "{reply}");
        }
        advance(dice.time(30)).await;
        next = end;
    }
}

async fn run(seed: u64, messages: u64) {
    let app = acknowledging().start().await;
    let log = Log::default();
    app.server()
        .create_channel_if_absent(CHANNELS[0], |channel| {
            channel.persistent(true);
        })
        .unwrap();
    for channel in CHANNELS {
        let log = Arc::clone(&log);
        app.channel(channel).configure(|channel| {
            channel.listener(move |_: Option<&ServerSession>, message: &mut Message| {
                log.lock().push(message.data_as().unwrap());
                Flow::Continue
            });
        });
    }
    let mut dice = Dice(seed);
    let peace = Arc::new(AtomicBool::new(false));
    let mut lives: Vec<Pending<Vec<u64>>> = Vec::new();
    for _ in 0..SUBSCRIBERS {
        let mut dice = || Dice(dice.below(u64::MAX));
        let polling = Polling::new(&app).await;
        lives.push(start(live(polling, dice(), Arc::clone(&peace))));
        let pushed = Pushed::new(&app).await;
        lives.push(start(live(pushed, dice(), Arc::clone(&peace))));
    }
    let publishers = (0..PUBLISHERS).map(|n| {
        let dice = Dice(dice.below(u64::MAX));
        publish(&app, n, messages / PUBLISHERS, dice)
    });
    join_all(publishers).await;
    peace.store(true, Ordering::Relaxed);
    for life in lives {
        let received = life.answer().await;
        let expected = log.lock();
        let differs = received.iter().zip(&*expected).position(|(a, b)| a != b);
        assert_eq!(
            (differs, received.len()),
            (None, expected.len()),
            "seed {seed}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn every_session_that_stays_alive_gets_every_message_once_and_in_order() {
    // 2.12, 2.13
    let messages = std::env::var("COMETD_FIRE_MESSAGES").ok();
    let messages = messages.map_or(MESSAGES, |it| it.parse::<u64>().unwrap() / SEEDS);
    for seed in 0..SEEDS {
        run(seed, messages).await;
    }
}
