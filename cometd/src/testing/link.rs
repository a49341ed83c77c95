//! The way from a client in memory to its server.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use ::http::header::{CONTENT_TYPE, COOKIE, SET_COOKIE};
use ::http::{HeaderValue, Method, Request, StatusCode};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::sync::{Notify, oneshot};
use tower_service::Service;

use super::inbox::Inbox;
use crate::transport::BayeuxService;

/// What all requests of one client share.
pub(super) struct Link {
    service: BayeuxService,
    address: SocketAddr,
    cookie: Mutex<Option<HeaderValue>>,
    pub(super) client_id: Mutex<Option<String>>,
    ids: AtomicU64,
    pub(super) inbox: Inbox,
    /// Something has arrived.
    pub(super) arrived: Notify,
    calls: Mutex<HashMap<String, oneshot::Sender<Value>>>,
    /// Which of the loops is the one that connects; others end.
    loops: AtomicU64,
    loses: AtomicBool,
    reads: AtomicBool,
    may_read: Notify,
}

/// How long a client waits after a connect that failed, as the official ones do at first.
const BACKOFF: Duration = Duration::from_millis(100);

impl Link {
    pub(super) fn new(service: BayeuxService, address: SocketAddr) -> Self {
        Self {
            service,
            address,
            cookie: Mutex::default(),
            client_id: Mutex::default(),
            ids: AtomicU64::new(1),
            inbox: Inbox::default(),
            arrived: Notify::new(),
            calls: Mutex::default(),
            loops: AtomicU64::new(0),
            loses: AtomicBool::new(false),
            reads: AtomicBool::new(true),
            may_read: Notify::new(),
        }
    }

    /// Sends a message with an id of its own, and the id of the session. Returns the reply to it; what
    /// comes besides arrives.
    pub(super) async fn request(&self, message: Value) -> Option<Value> {
        self.request_as(&self.next_id(), message).await
    }

    async fn request_as(&self, id: &str, mut message: Value) -> Option<Value> {
        if let Some(fields) = message.as_object_mut() {
            fields.insert("id".to_owned(), id.into());
            if let Some(client_id) = &*self.client_id.lock() {
                fields.insert("clientId".to_owned(), client_id.clone().into());
            }
        }
        let mut reply = None;
        for message in self.post(&json!([message])).await.ok()? {
            if is_reply(&message) && message.get("id").and_then(Value::as_str) == Some(id) {
                reply = Some(message);
            } else {
                self.arrive(message);
            }
        }
        reply
    }

    fn next_id(&self) -> String {
        self.ids.fetch_add(1, Ordering::Relaxed).to_string()
    }

    /// Calls a remote procedure: the reply to the request, and where the answer is going to come.
    pub(super) async fn call(&self, message: Value) -> (Option<Value>, oneshot::Receiver<Value>) {
        let (sender, answer) = oneshot::channel();
        let id = self.next_id();
        self.calls.lock().insert(id.clone(), sender);
        (self.request_as(&id, message).await, answer)
    }

    fn arrive(&self, message: Value) {
        let id = message.get("id").and_then(Value::as_str);
        let call = id.and_then(|id| self.calls.lock().remove(id));
        match call {
            // Who called may not wait any more.
            Some(call) => drop(call.send(message)),
            None => self.inbox.push(message),
        }
        self.arrived.notify_waiters();
    }

    /// Sends an envelope; `Err` is the status of a response that is none of Bayeux.
    #[expect(
        clippy::expect_used,
        reason = "the server answers with what it has serialised itself"
    )]
    async fn post(&self, envelope: &Value) -> Result<Vec<Value>, StatusCode> {
        let mut request = Request::new(Full::new(Bytes::from(envelope.to_string())));
        *request.method_mut() = Method::POST;
        request.extensions_mut().insert(self.address);
        let headers = request.headers_mut();
        let json = HeaderValue::from_static("application/json;charset=UTF-8");
        headers.insert(CONTENT_TYPE, json);
        headers.extend(self.cookie.lock().clone().map(|cookie| (COOKIE, cookie)));

        let Ok(response) = self.service.clone().call(request).await;
        let (parts, body) = response.into_parts();
        if parts.status != StatusCode::OK {
            return Err(parts.status);
        }
        if let Some(cookie) = parts.headers.get(SET_COOKIE) {
            let end = cookie.as_bytes().split(|it| *it == b';').next();
            *self.cookie.lock() = HeaderValue::from_bytes(end.unwrap_or_default()).ok();
        }
        let body = body.collect().await.unwrap_or_default().to_bytes();
        Ok(serde_json::from_slice(&body).expect("an envelope"))
    }

    /// Connects again and again, as clients do, until the server says that it is over or another loop
    /// has taken over.
    pub(super) async fn keep_connected(&self) {
        let own = self.loops.fetch_add(1, Ordering::Relaxed) + 1;
        let mut first = json!({"timeout": 0});
        while self.loops.load(Ordering::Relaxed) == own {
            let may_read = self.may_read.notified();
            if !self.reads.load(Ordering::Relaxed) {
                may_read.await;
            }
            let reply = self.connect(std::mem::take(&mut first)).await;
            let Some(reply) = reply else {
                tokio::time::sleep(BACKOFF).await;
                continue;
            };
            let advice = reply.get("advice").unwrap_or(&Value::Null);
            if advice["reconnect"] == "none" || advice["reconnect"] == "handshake" {
                *self.client_id.lock() = None;
                return;
            }
            let interval = advice["interval"].as_u64().unwrap_or_default();
            tokio::time::sleep(Duration::from_millis(interval)).await;
        }
    }

    /// One connect; `None` if its reply is lost.
    async fn connect(&self, advice: Value) -> Option<Value> {
        let mut message = json!({
            "id": self.next_id(),
            "channel": "/meta/connect",
            "clientId": *self.client_id.lock(),
            "connectionType": "long-polling",
        });
        if advice.is_object() {
            message["advice"] = advice;
        }
        let answer = self.post(&json!([message])).await.ok()?;
        if self.loses.swap(false, Ordering::Relaxed) {
            return None;
        }
        let (reply, messages): (Vec<_>, Vec<_>) = answer
            .into_iter()
            .partition(|it| it["channel"] == "/meta/connect");
        for message in messages {
            self.arrive(message);
        }
        reply.into_iter().next()
    }

    pub(super) fn lose_next_reply(&self) {
        self.loses.store(true, Ordering::Relaxed);
    }

    pub(super) fn set_reads(&self, reads: bool) {
        self.reads.store(reads, Ordering::Relaxed);
        self.may_read.notify_waiters();
    }
}

/// Replies have no data, and deliveries have some.
fn is_reply(message: &Value) -> bool {
    message.get("successful").is_some() && message.get("data").is_none()
}

pub(super) fn is_successful(message: &Value) -> bool {
    message["successful"] == true
}
