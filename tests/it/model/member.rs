//! One client, and what its session should be like.

use std::collections::BTreeSet;

use cometd_tests::{App, Client, Pending, ms, settle, start};
use serde_json::Value;
use tokio::sync::oneshot;
use tokio::time::{Duration, Instant};

use super::Who;
use super::connections::{Arrived, Connections, Kind, Line, Sent};
use super::promises::Promises;
use super::world::Window;

/// `T`, `M` and the lazy timeout of the server.
const TIMEOUT: Duration = ms(2000);
const MAX_INTERVAL: Duration = ms(3000);
pub(super) const MAX_LAZY: Duration = ms(700);

/// How far the model may be off: it looks at time in slices that are shorter.
const SLACK: Duration = ms(300);

/// The newest connect of a session.
struct Connect {
    id: Value,
    at: Instant,
    through: Line,
}

/// A session batch of the application; it ends when its sender goes.
struct OpenBatch {
    _end: oneshot::Sender<()>,
    _running: Pending<()>,
}

/// What has happened to a session since all was at rest.
#[derive(Default)]
struct Happened {
    /// Envelopes that were sent, and the publications in them.
    envelopes: u32,
    published: Vec<u64>,
    /// A connect was cut or replaced.
    connect_ended: bool,
    /// The socket that messages are pushed to was cut.
    target_cut: bool,
    /// When a connect that was cut would have been answered.
    lapse: Option<Instant>,
    /// Subscriptions that came or went.
    changed: Vec<&'static str>,
    /// The client or the application ended it.
    ended: bool,
}

pub(super) struct Member {
    who: Who,
    pub(super) connections: Connections,
    /// Whether messages travel with connects only, whatever the transport (CB-5, CFG-15).
    connect_only: bool,
    pub(super) alive: bool,
    promises: Promises,
    subscriptions: BTreeSet<&'static str>,
    batch: Option<OpenBatch>,
    /// The newest connect, unless it is answered.
    connect: Option<Connect>,
    /// When the session expires if no connect is held.
    deadline: Instant,
    /// The socket that messages are pushed to (WS-12).
    target: Line,
    /// The same when all was last at rest.
    target_before: Line,
    happened: Happened,
}

impl Member {
    pub(super) fn new(who: Who, connections: Connections, connect_only: bool) -> Self {
        Self {
            who,
            connections,
            connect_only,
            alive: false,
            promises: Promises::new(who),
            subscriptions: BTreeSet::new(),
            batch: None,
            connect: None,
            deadline: Instant::now(),
            target: None,
            target_before: None,
            happened: Happened::default(),
        }
    }

    pub(super) const fn client(&self) -> &Client {
        &self.connections.client
    }

    /// The client takes another session, when all is at rest.
    pub(super) async fn handshake(&mut self) {
        self.connections.handshake().await;
        assert!(self.client().client_id().is_some(), "no session");
        self.alive = true;
        self.promises = Promises::new(self.who);
        (self.batch, self.connect, self.target) = (None, None, None);
        self.deadline = Instant::now() + MAX_INTERVAL;
        self.happened = Happened::default();
    }

    /// Sends an envelope.
    pub(super) async fn send(&mut self, window: &Window, messages: Vec<(Kind, Value)>) {
        self.happened.envelopes += 1;
        let published = messages.iter().filter_map(|(kind, _)| match kind {
            Kind::Publication(number) => Some(*number),
            Kind::Connect | Kind::Other => None,
        });
        self.happened.published.extend(published);
        let sent = messages.iter().map(|(kind, message)| Sent {
            id: message["id"].clone(),
            kind: *kind,
        });
        let sent: Vec<Sent> = sent.collect();
        let envelope = messages.into_iter().map(|(_, message)| message).collect();
        let through = self.connections.send(window.number, &sent, envelope).await;
        let connect = sent.into_iter().find(|it| it.kind == Kind::Connect);
        if through.is_some() || connect.is_some() {
            self.target = through;
        }
        if let Some(connect) = connect {
            self.connect = Some(Connect {
                id: connect.id,
                at: Instant::now(),
                through,
            });
        } else if through.is_some() && self.connect.take_if(|it| it.through != through).is_some() {
            self.happened.connect_ended = true; // WS-13
        }
    }

    pub(super) async fn connect(&mut self, window: &Window, advice: Value) {
        let connect = self.client().connect_message(advice);
        self.send(window, vec![(Kind::Connect, connect)]).await;
    }

    pub(super) async fn subscribe(&mut self, window: &Window, to: &'static str) {
        let subscribe = self.client().subscribe_message(to);
        self.happened.changed.push(to);
        self.subscriptions.insert(to);
        self.send(window, vec![(Kind::Other, subscribe)]).await;
    }

    pub(super) async fn unsubscribe(&mut self, window: &Window, from: &'static str) {
        let unsubscribe = self.client().unsubscribe_message(from);
        self.happened.changed.push(from);
        self.subscriptions.remove(from);
        self.send(window, vec![(Kind::Other, unsubscribe)]).await;
    }

    pub(super) async fn disconnect(&mut self, window: &Window) {
        let disconnect = self.client().disconnect_message();
        self.end();
        self.send(window, vec![(Kind::Other, disconnect)]).await;
    }

    /// The session is ended, by whomever.
    pub(super) const fn end(&mut self) {
        self.happened.ended = true;
    }

    /// The channels to subscribe to again with another session.
    pub(super) fn subscriptions(&self) -> Vec<&'static str> {
        self.subscriptions.iter().copied().collect()
    }

    /// Whether a socket may hold an envelope back that has not begun to be processed (WS-14).
    pub(super) const fn is_backlogged(&self) -> bool {
        self.connections.over_socket && self.happened.envelopes > 1
    }

    /// Drops the requests or the socket after some turns of the scheduler.
    pub(super) async fn cut(&mut self, turns: usize) {
        // What was sent has arrived: it is processed to its end (BAT-2).
        let least = usize::from(self.happened.envelopes > 0);
        for _ in 0..turns.max(least) {
            tokio::task::yield_now().await;
        }
        let cut = self.connections.cut();
        if cut.is_some() && self.target == cut {
            self.target = None;
            self.happened.target_cut = true;
        }
        let connections = &self.connections;
        let is_cut = |it: &mut Connect| it.through == cut && !connections.awaits(&it.id);
        if let Some(connect) = self.connect.take_if(is_cut) {
            self.happened.connect_ended = true;
            self.happened.lapse = Some(connect.at + TIMEOUT);
        }
    }

    pub(super) fn start_batch(&mut self, app: &App) {
        let Some(session) = app.session(self.client()) else {
            return;
        };
        let (end, ended) = oneshot::channel::<()>();
        let running = start(async move {
            // There is only an end to wait for.
            let _ = session.batch(ended).await;
        });
        self.batch = Some(OpenBatch {
            _end: end,
            _running: running,
        });
    }

    /// Ends the batch. Dropping it does, too: a batch that is cut off is at its end.
    pub(super) fn end_batch(&mut self) {
        self.batch = None;
    }

    /// A message was published to this channel, or delivered if there is none.
    pub(super) fn promise(&mut self, number: u64, channel: Option<&str>, urgent: Instant) {
        let matches =
            |pattern: &&str| channel.is_none_or(|it| *pattern == it || pattern.contains('*'));
        let mut changed = self.happened.changed.iter();
        let is_changing = channel.is_some() && changed.any(matches);
        let mut steady = self
            .subscriptions
            .iter()
            .filter(|it| !self.happened.changed.contains(it));
        let is_steady = channel.is_none() || steady.any(matches);
        if !self.alive || !(is_steady || is_changing) {
            return;
        }
        let excuse = if self.happened.ended {
            Some("DIS-7: the session ended at the same time")
        } else if is_steady {
            None
        } else {
            Some("SUB-10: the subscription changed at the same time")
        };
        self.promises.add(number, urgent, excuse);
    }

    /// All is at rest: compares what has come with what was to come.
    pub(super) async fn rest(&mut self, window: &Window, app: &App) {
        let now = Instant::now();
        let arrived = self.connections.collect(window).await;
        let happened = std::mem::take(&mut self.happened);
        self.check_targets(&arrived);
        self.promises.keep(&arrived);
        let span = window.began - ms(5)..=now + ms(5);
        let lapses = happened.lapse.is_some_and(|it| span.contains(&it));
        let is_quiet = !window.is_busy && !lapses && !self.promises.is_one_urgent_within(&span);
        if happened.target_cut && !is_quiet {
            self.promises
                .excuse("WS-18: written to a socket that was cut");
        }
        let connections = &self.connections;
        let answered = self.connect.take_if(|it| !connections.awaits(&it.id));
        if answered.is_some() || happened.connect_ended {
            self.deadline = now + MAX_INTERVAL;
        } else if happened.envelopes > 0 {
            self.deadline = self.deadline.max(now + MAX_INTERVAL);
        }
        if self.alive {
            self.check_life(now, happened.ended, app);
        }
        if self.alive {
            let mut published = happened.published.iter();
            let left = published.find(|it| !window.seen.contains(it));
            assert!(left.is_none(), "BAT-2: {left:?} was not processed");
        }
        let newest = self.connect.as_ref().map(|it| &it.id);
        self.connections.assert_none_waits_but(newest);
        if self.alive
            && self.batch.is_none()
            && let Some(listener) = self.listener()
        {
            self.promises.assert_none_urgent(now, listener);
        }
    }

    /// Who takes messages as soon as they are there.
    fn listener(&self) -> Option<&'static str> {
        match &self.connect {
            Some(connect) if connect.through.is_none() => Some("a held request (CN-10)"),
            Some(_) if self.connect_only => Some("a connect held on a socket (CN-15)"),
            _ => self
                .target
                .filter(|_| !self.connect_only)
                .map(|_| "a socket (WS-12)"),
        }
    }

    /// Sockets bring messages only while the session speaks through them (WS-13).
    fn check_targets(&mut self, arrived: &[Arrived]) {
        let before = std::mem::replace(&mut self.target_before, self.target);
        for Arrived { line, numbers } in arrived {
            let is_target = line.is_none() || *line == self.target || *line == before;
            assert!(
                numbers.is_empty() || is_target,
                "WS-13: {numbers:?} came through {line:?} instead of {:?}",
                self.target
            );
        }
    }

    /// The session is there, or not, as it should be; one that is not is forgotten.
    fn check_life(&mut self, now: Instant, ended: bool, app: &App) {
        let who = self.who;
        let session = app.session(self.client());
        let lives = session.is_some();
        match &self.connect {
            _ if ended => assert!(!lives, "DIS-1: the session of {who:?} lives on"),
            Some(connect) => {
                assert!(lives, "CN-9: {who:?} expired with a held connect");
                assert!(
                    now < connect.at + TIMEOUT + SLACK,
                    "CN-11: {who:?} is held for too long"
                );
            }
            None if now + SLACK < self.deadline => {
                assert!(lives, "SES-6: {who:?} expired too early")
            }
            None if now > self.deadline + SLACK => {
                assert!(!lives, "SES-6: {who:?} does not expire")
            }
            None => {}
        }
        if let Some(session) = session {
            let found: BTreeSet<String> = session
                .subscriptions()
                .iter()
                .map(|it| it.as_str().to_owned())
                .collect();
            assert!(
                found.iter().eq(self.subscriptions.iter()),
                "SUB-10: subscribed to {found:?}"
            );
        } else {
            // DIS-1, SES-12: what was queued goes with it.
            self.alive = false;
            self.promises = Promises::new(self.who);
            (self.batch, self.connect) = (None, None);
        }
    }

    /// Fetches what is left, when all is at rest.
    pub(super) async fn fetch(&mut self, window: &Window) {
        self.end_batch();
        settle().await;
        self.connect(window, serde_json::json!({"timeout": 0}))
            .await;
    }

    pub(super) fn assert_nothing_owed(&self) {
        let owed = self.promises.owed();
        assert!(owed.is_empty(), "{owed:?} never come to {:?}", self.who);
    }
}
