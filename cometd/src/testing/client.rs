//! A client in memory.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::inbox::Delivered;
use super::link::{Link, is_successful};
use super::server::settle;
use crate::protocol::{ClientId, IntoData};
use crate::server::{BayeuxServer, ServerSession};

/// A client of a [`TestServer`](super::TestServer), which speaks the real protocol to it over long
/// polling. It keeps a connect held until it is dropped.
pub struct TestClient {
    server: BayeuxServer,
    link: Arc<Link>,
    /// The id of its session; a credential, so it is not shown.
    session: Option<ClientId>,
    /// The loops that connect; they end with the client.
    loops: Mutex<JoinSet<()>>,
}

/// The server refused a request.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{0}")]
pub struct Refused(String);

impl Refused {
    /// The `error` of the reply, such as `403::handshake_denied`.
    #[must_use]
    pub fn error(&self) -> &str {
        &self.0
    }
}

/// A remote call came to nothing.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum CallFailed {
    /// The server refused the request.
    #[error("refused: {0}")]
    Refused(#[from] Refused),
    /// The handler answered with a failure; this is its data.
    #[error("failed: {0}")]
    Failed(Value),
    /// There was no answer within 10 s.
    #[error("no answer")]
    NoAnswer,
}

/// How long a client waits for what has to come.
const PATIENCE: Duration = Duration::from_secs(10);

impl TestClient {
    pub(super) async fn connect(
        server: &BayeuxServer,
        link: Arc<Link>,
        ext: Value,
    ) -> Result<Self, Refused> {
        let mut handshake = json!({
            "channel": "/meta/handshake",
            "version": "1.0",
            "supportedConnectionTypes": ["long-polling"],
        });
        if !ext.is_null() {
            handshake["ext"] = ext;
        }
        let reply = accepted(link.request(handshake).await)?;
        let client_id = reply["clientId"].as_str().map(str::to_owned);
        let session = client_id.as_deref().and_then(ClientId::parse);
        *link.client_id.lock() = client_id;
        let client = Self {
            server: server.clone(),
            link,
            session,
            loops: Mutex::default(),
        };
        client.start_loop();
        settle().await;
        Ok(client)
    }

    fn start_loop(&self) {
        let link = Arc::clone(&self.link);
        let connecting = async move { link.keep_connected().await };
        self.loops.lock().spawn(connecting);
    }

    /// The server's half of the session, if the server still has it.
    #[must_use]
    pub fn session(&self) -> Option<ServerSession> {
        self.server.core().session(self.session?)
    }

    /// Whether the client believes that it has a session: the server has not told it otherwise.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        self.link.client_id.lock().is_some()
    }

    /// Publishes.
    ///
    /// # Errors
    /// The server refused it.
    ///
    /// # Panics
    /// The data does not serialise.
    ///
    /// # Cancel safety
    /// Dropped before its end, the request is cut off: it may or may not have been processed.
    pub async fn publish(&self, channel: &str, data: impl IntoData) -> Result<(), Refused> {
        let message = json!({"channel": channel, "data": value(data)});
        self.request(message).await
    }

    /// Subscribes to a channel or wildcard.
    ///
    /// # Errors
    /// The server refused it.
    ///
    /// # Cancel safety
    /// As [`publish`](Self::publish).
    pub async fn subscribe(&self, channel: &str) -> Result<(), Refused> {
        let message = json!({"channel": "/meta/subscribe", "subscription": channel});
        self.request(message).await
    }

    /// Ends a subscription.
    ///
    /// # Errors
    /// The server refused it.
    ///
    /// # Cancel safety
    /// As [`publish`](Self::publish).
    pub async fn unsubscribe(&self, channel: &str) -> Result<(), Refused> {
        let message = json!({"channel": "/meta/unsubscribe", "subscription": channel});
        self.request(message).await
    }

    /// Calls a remote procedure, with or without a leading `/`, and waits for its answer.
    ///
    /// # Errors
    /// What became of it otherwise.
    ///
    /// # Panics
    /// The data does not serialise.
    ///
    /// # Cancel safety
    /// Dropped before its end, the procedure may or may not have run.
    pub async fn call(&self, target: &str, data: impl IntoData) -> Result<Value, CallFailed> {
        let channel = format!("/service/{}", target.trim_start_matches('/'));
        let message = json!({"channel": channel, "data": value(data)});
        let (reply, answer) = self.link.call(message).await;
        accepted(reply)?;
        let answer = tokio::time::timeout(PATIENCE, answer).await;
        settle().await;
        let Ok(Ok(mut answer)) = answer else {
            return Err(CallFailed::NoAnswer);
        };
        let data = answer["data"].take();
        if is_successful(&answer) {
            Ok(data)
        } else {
            Err(CallFailed::Failed(data))
        }
    }

    /// Says goodbye.
    ///
    /// # Cancel safety
    /// Dropped before its end, the session may or may not have ended.
    pub async fn disconnect(&self) {
        let _ = self.request(json!({"channel": "/meta/disconnect"})).await;
    }

    /// Sends any message; its id and the id of the session are added.
    ///
    /// # Errors
    /// The server refused it, or did not answer.
    ///
    /// # Cancel safety
    /// As [`publish`](Self::publish).
    pub async fn request(&self, message: Value) -> Result<(), Refused> {
        let reply = self.link.request(message).await;
        settle().await;
        accepted(reply).map(drop)
    }

    /// Says nothing any more, from now on; what is under way is cut. The server finds out in its own time.
    pub fn vanish(&self) {
        self.loops.lock().abort_all();
        *self.link.client_id.lock() = None;
    }

    /// Loses the next reply to a connect, with the messages in it; the client connects again.
    pub fn lose_next_reply(&self) {
        self.link.lose_next_reply();
    }

    /// Sends another connect while one is held.
    ///
    /// # Cancel safety
    /// The connect is sent even if this is dropped.
    pub async fn duplicate_connect(&self) {
        self.start_loop();
        settle().await;
    }

    /// Does not connect again once the held connect is answered.
    pub fn stop_reading(&self) {
        self.link.set_reads(false);
    }

    /// Connects again after [`stop_reading`](Self::stop_reading).
    ///
    /// # Cancel safety
    /// It connects even if this is dropped.
    pub async fn read_on(&self) {
        self.link.set_reads(true);
        settle().await;
    }

    /// Takes the first message that has arrived on a channel and has not been taken yet.
    ///
    /// # Panics
    /// There is none; says what there is.
    #[track_caller]
    #[must_use = "say what the message should be"]
    pub fn expect_message(&self, channel: &str) -> Delivered {
        self.link.inbox.expect(channel)
    }

    /// Takes the first message on a channel, and waits for it if it has not arrived yet.
    ///
    /// # Panics
    /// It has not arrived after 10 s; says what has.
    ///
    /// # Cancel safety
    /// Dropped before its end, no message has been taken.
    #[must_use = "say what the message should be"]
    pub async fn next_message(&self, channel: &str) -> Delivered {
        let arrival = async {
            loop {
                let arrived = self.link.arrived.notified();
                if let Some(message) = self.link.inbox.take(channel) {
                    return message;
                }
                arrived.await;
            }
        };
        let arrival = tokio::time::timeout(PATIENCE, arrival).await;
        arrival.unwrap_or_else(|_| self.link.inbox.expect(channel))
    }

    /// Checks that every message that has arrived has been taken.
    ///
    /// # Panics
    /// Something is left; says what.
    #[track_caller]
    pub fn expect_nothing(&self) {
        self.link.inbox.expect_nothing();
    }
}

/// The reply of a request that the server has not refused.
fn accepted(reply: Option<Value>) -> Result<Value, Refused> {
    let reply = reply.ok_or_else(|| Refused("no reply".to_owned()))?;
    if is_successful(&reply) {
        return Ok(reply);
    }
    Err(Refused(
        reply["error"].as_str().unwrap_or("no error").to_owned(),
    ))
}

#[expect(clippy::expect_used, reason = "documented: an expectation of a test")]
fn value(data: impl IntoData) -> Value {
    data.into_data().expect("data that serialises").to_value()
}

impl fmt::Debug for TestClient {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.session() {
            Some(session) => write!(formatter, "TestClient({session})"),
            None => formatter.write_str("TestClient(no session)"),
        }
    }
}
