//! Plays a scenario.

mod compose;
mod describe;
mod judge;

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

use self::describe::what;
use crate::exchange::Pending;
use crate::failure::{Checked, Failure};
use crate::matching::Variables;
use crate::scenario::{
    After, Answer, Open, Profile, Receive, Response, Scenario, Send, Silent, Step, Transport,
};
use crate::socket::{Event, Socket};
use crate::target::Target;

/// Plays a scenario against a server.
///
/// # Errors
/// The server does something else than what the scenario expects.
pub async fn play(scenario: &Scenario, target: &Target) -> Result<(), Failure> {
    let mut player = Player::new(&scenario.clients, target);
    for (n, step) in scenario.steps.iter().enumerate() {
        let failed = |why| Failure {
            step: n + 1,
            what: what(step),
            why,
        };
        player.step(step).await.map_err(failed)?;
    }
    let failed = |why| Failure {
        step: scenario.steps.len(),
        what: "the end".to_owned(),
        why,
    };
    player.end().await.map_err(failed)
}

/// The hold that a server advises, in milliseconds: a handshake says it.
///
/// # Errors
/// The server cannot be reached, or does not accept a handshake.
pub async fn probe(target: &Target) -> Result<u64, String> {
    let messages = Some(json!([{"channel": "/meta/handshake", "version": "1.0"}]));
    let send = Send {
        from: "probe".to_owned(),
        messages,
        ..Send::default()
    };
    let profiles = BTreeMap::new();
    let sent = Player::new(&profiles, target).request(&send)?;
    let received = sent.pending.answer(target.pace).await?;
    let messages = received.messages(None)?;
    let timeout = messages
        .pointer("/0/advice/timeout")
        .and_then(Value::as_u64);
    timeout.ok_or_else(|| format!("expected a handshake with advice, found {messages}"))
}

/// The names and values of the cookies of a browser.
type Jar = BTreeMap<String, String>;

/// What has been sent and not been answered.
struct Sent {
    from: String,
    pending: Pending,
    callback: Option<String>,
}

pub(crate) struct Player<'a> {
    target: &'a Target,
    profiles: &'a BTreeMap<String, Profile>,
    variables: Variables,
    jars: HashMap<String, Jar>,
    sockets: HashMap<String, Socket>,
    sent: HashMap<String, Sent>,
}

impl<'a> Player<'a> {
    fn new(profiles: &'a BTreeMap<String, Profile>, target: &'a Target) -> Self {
        let mut variables = Variables::default();
        variables.set("timeout", target.timeout);
        Self {
            target,
            profiles,
            variables,
            jars: HashMap::new(),
            sockets: HashMap::new(),
            sent: HashMap::new(),
        }
    }

    async fn step(&mut self, step: &Step) -> Checked {
        match step {
            Step::Note(_) => Ok(()),
            Step::Handshake(names) => self.each(names, Self::handshake).await,
            Step::Up(names) => self.each(names, Self::up).await,
            Step::Subscribe(subscriptions) => self.subscribe(subscriptions).await,
            Step::Send(it) if self.is_socket(&it.from) => self.send_frame(it).await,
            Step::Send(it) => self.send(it).await,
            Step::Hold(it) => self.hold(it).await,
            Step::Start(it) => self.start(it).await,
            Step::Answer(it) => self.answer(it).await,
            Step::Held(names) => self.held(names).await,
            Step::Cut(name) => self.cut(name).await,
            Step::Advance(time) => {
                tokio::time::sleep(Duration::from_millis(*time)).await;
                Ok(())
            }
            Step::Open(it) => self.open(it).await,
            Step::Receive(it) => self.receive(it).await,
            Step::Silent(it) => self.silent(it).await,
            Step::Close(name) => {
                self.socket(name).await?.send_close().await;
                self.sockets.remove(name);
                self.settle().await;
                Ok(())
            }
        }
    }

    async fn each(
        &mut self,
        names: &[String],
        act: impl AsyncFn(&mut Self, &str) -> Checked,
    ) -> Checked {
        for name in names {
            act(self, name)
                .await
                .map_err(|why| format!("{name}: {why}"))?;
        }
        Ok(())
    }

    async fn handshake(&mut self, name: &str) -> Checked {
        let types = ["websocket", "long-polling", "callback-polling"];
        let message = json!({
            "channel": "/meta/handshake", "version": "1.0", "supportedConnectionTypes": types,
        });
        self.ask(name, message).await
    }

    async fn up(&mut self, name: &str) -> Checked {
        self.handshake(name).await?;
        let message = json!({
            "channel": "/meta/connect", "clientId": format!("${name}"),
            "connectionType": "long-polling", "advice": {"timeout": 0},
        });
        self.ask(name, message).await
    }

    async fn subscribe(&mut self, subscriptions: &BTreeMap<String, Value>) -> Checked {
        for (name, subscription) in subscriptions {
            let message = json!({
                "channel": "/meta/subscribe", "clientId": format!("${name}"), "subscription": subscription,
            });
            self.ask(name, message).await?;
        }
        Ok(())
    }

    /// Sends a message that has to succeed.
    async fn ask(&mut self, name: &str, message: Value) -> Checked {
        let from = name.to_owned();
        let send = Send {
            from,
            messages: Some(json!([message])),
            ..Send::default()
        };
        // The future of a step is large, and this one is part of another.
        Box::pin(self.step(&Step::Send(send))).await
    }

    async fn send(&mut self, send: &Send) -> Checked {
        let sent = self.request(send)?;
        self.judge(sent, send.after, send.expect.as_ref().map(|it| &it.0))
            .await
    }

    async fn send_frame(&mut self, send: &Send) -> Checked {
        self.write(send).await?;
        let response = match &send.expect {
            Some(expect) => expect.0.clone(),
            None => Response {
                messages: Some(json!({"$any": true})),
                ..Response::default()
            },
        };
        self.read(&send.from, send.after, &response, send.expect.is_none())
            .await
    }

    /// Sends, and goes on once the server has it.
    async fn start(&mut self, send: &Send) -> Checked {
        if self.is_socket(&send.from) {
            self.write(send).await?;
        } else {
            let name = send.name.as_ref().unwrap_or(&send.from);
            let sent = self.request(send)?;
            self.sent.insert(name.clone(), sent);
        }
        self.settle().await;
        Ok(())
    }

    async fn hold(&mut self, send: &Send) -> Checked {
        self.start(send).await?;
        if self.is_socket(&send.from) {
            return self.nothing(&send.from, self.target.pace.settle).await;
        }
        let name = send.name.as_ref().unwrap_or(&send.from);
        self.held(std::slice::from_ref(name)).await
    }

    async fn held(&mut self, names: &[String]) -> Checked {
        for name in names {
            let sent = self
                .sent
                .get_mut(name)
                .ok_or_else(|| format!("{name} has sent nothing"))?;
            sent.pending.is_held(self.target.pace).await?;
        }
        Ok(())
    }

    async fn answer(&mut self, answer: &Answer) -> Checked {
        let sent = self
            .sent
            .remove(&answer.to)
            .ok_or_else(|| format!("{} has sent nothing", answer.to))?;
        self.judge(sent, answer.after, answer.expect.as_ref().map(|it| &it.0))
            .await
    }

    async fn cut(&mut self, name: &str) -> Checked {
        let sent = self.sent.remove(name).is_some();
        let socket = self.sockets.remove(name).is_some();
        self.settle().await;
        if sent || socket {
            Ok(())
        } else {
            Err(format!("{name} has no connection"))
        }
    }

    async fn open(&mut self, open: &Open) -> Checked {
        let upgrade = self.upgrade(&open.by, &open.path, &open.headers).await?;
        let response = open
            .expect
            .as_ref()
            .map(|it| it.0.clone())
            .unwrap_or_default();
        let status = response
            .status
            .as_ref()
            .unwrap_or(&Value::from(101))
            .clone();
        self.check_head(&status, &response.headers, upgrade.status, &upgrade.headers)?;
        if let Some(socket) = upgrade.socket {
            self.sockets.insert(open.by.clone(), socket);
        }
        Ok(())
    }

    async fn receive(&mut self, receive: &Receive) -> Checked {
        self.read(&receive.by, receive.after, &receive.expect.0, false)
            .await
    }

    async fn silent(&mut self, silent: &Silent) -> Checked {
        let duration = silent
            .duration
            .map_or(self.target.pace.settle, Duration::from_millis);
        self.nothing(&silent.by, duration).await
    }

    async fn nothing(&mut self, name: &str, duration: Duration) -> Checked {
        let socket = self.socket(name).await?;
        match tokio::time::timeout(duration, socket.next()).await {
            Err(_) => Ok(()),
            Ok(event) => Err(format!("expected nothing, found {:?}", event?)),
        }
    }

    /// Frames that nobody has asked for are wrong, too.
    async fn end(&mut self) -> Checked {
        let pace = self.target.pace;
        for (name, socket) in &mut self.sockets {
            if let Ok(Ok(Event::Messages(messages))) =
                tokio::time::timeout(pace.settle, socket.next()).await
            {
                return Err(format!("{name}: expected nothing more, found {messages}"));
            }
        }
        Ok(())
    }

    async fn settle(&self) {
        tokio::time::sleep(self.target.pace.settle).await;
    }

    fn profile(&self, name: &str) -> Profile {
        self.profiles.get(name).cloned().unwrap_or_default()
    }

    fn is_socket(&self, name: &str) -> bool {
        self.profile(name).transport == Transport::Websocket
    }

    /// What took `took` came when it had to: `after` some time, or else at once since `waiting`.
    fn check_time(&self, after: Option<After>, took: Duration, waiting: Instant) -> Checked {
        let slack = self.target.pace.slack;
        let (expected, least, most) = match after {
            Some(After::About(time)) => {
                let time = Duration::from_millis(time);
                (
                    format!("after {time:?}"),
                    time.saturating_sub(slack),
                    time + slack,
                )
            }
            Some(After::Between(from, to)) => {
                let (from, to) = (Duration::from_millis(from), Duration::from_millis(to));
                (format!("between {from:?} and {to:?}"), from, to)
            }
            None => ("at once".to_owned(), Duration::ZERO, slack),
        };
        let took = if after.is_none() {
            waiting.elapsed()
        } else {
            took
        };
        if (least..=most).contains(&took) {
            return Ok(());
        }
        Err(format!("expected it {expected}, took {took:?}"))
    }
}
