//! A client that polls.

use std::ops::Deref;
use std::sync::Arc;

use bytes::Bytes;
use http::{Method, Request};
use http_body_util::Full;
use parking_lot::Mutex;
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::identity::Identity;
use crate::pending::{Pending, start};
use crate::setup::App;

/// The cookie of a browser, shared by its tabs.
#[derive(Clone, Debug, Default)]
pub struct Jar(Arc<Mutex<Option<String>>>);

impl Jar {
    /// `name=value`, if there is a cookie.
    #[must_use]
    pub fn cookie(&self) -> Option<String> {
        self.0.lock().clone()
    }

    /// Replaces or removes the cookie.
    pub fn set(&self, cookie: Option<&str>) {
        *self.0.lock() = cookie.map(str::to_owned);
    }
}

/// How a client polls.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Via {
    /// By `POST`.
    LongPolling,
    /// By `GET`, with the answer as a call of `cb`.
    CallbackPolling,
}

/// A client over long polling or callback polling. Clones are the same client.
///
/// Every message goes out as it is written: [`send`](Self::send) takes an envelope, the other methods
/// write the usual ones.
#[derive(Clone, Debug)]
pub struct Client {
    app: App,
    jar: Jar,
    via: Via,
    version: http::Version,
    identity: Arc<Identity>,
}

impl Deref for Client {
    type Target = Identity;

    fn deref(&self) -> &Identity {
        &self.identity
    }
}

impl Client {
    pub(crate) fn new(app: &App, via: Via) -> Self {
        Self {
            app: app.clone(),
            jar: Jar::default(),
            via,
            version: http::Version::HTTP_11,
            identity: Arc::default(),
        }
    }

    /// Another client in the same browser.
    #[must_use]
    pub fn neighbour(&self) -> Self {
        Self {
            identity: Arc::default(),
            ..self.clone()
        }
    }

    /// The same session over HTTP/2.
    #[must_use]
    pub fn http2(self) -> Self {
        Self {
            version: http::Version::HTTP_2,
            ..self
        }
    }

    /// The cookie of its browser.
    #[must_use]
    pub const fn jar(&self) -> &Jar {
        &self.jar
    }

    /// Sends an envelope and waits for the answer.
    pub async fn send(&self, envelope: Value) -> Answer {
        self.send_text(&envelope.to_string()).await
    }

    /// Sends a text as the envelope and waits for the answer.
    pub async fn send_text(&self, envelope: &str) -> Answer {
        let request = match self.via {
            Via::LongPolling => {
                let json = "application/json;charset=UTF-8";
                let request = Request::builder().method(Method::POST).uri("/");
                request
                    .header(http::header::CONTENT_TYPE, json)
                    .body(Full::new(Bytes::from(envelope.to_owned())))
            }
            Via::CallbackPolling => {
                let query = form_urlencoded::Serializer::new(String::new())
                    .extend_pairs([("jsonp", "cb"), ("message", envelope)])
                    .finish();
                let request = Request::builder().uri(format!("/connect?{query}"));
                request.body(Full::default())
            }
        };
        self.request(request.unwrap()).await
    }

    /// Sends any request with the cookie of the browser, and keeps the cookie that comes back.
    pub async fn request(&self, mut request: Request<Full<Bytes>>) -> Answer {
        *request.version_mut() = self.version;
        if let Some(cookie) = self.jar.cookie() {
            let cookie = cookie.parse().unwrap();
            request.headers_mut().insert(http::header::COOKIE, cookie);
        }
        let answer = self.app.call(request).await;
        if let Some(cookie) = answer.set_cookie() {
            self.jar.set(cookie.split(';').next());
        }
        answer
    }

    /// Sends an envelope, and goes on when the server has it.
    pub async fn start(&self, envelope: Value) -> Pending<Answer> {
        let client = self.clone();
        let pending = start(async move { client.send(envelope).await });
        crate::settle().await;
        pending
    }

    /// Handshakes; further messages are of the new session, if there is one.
    pub async fn handshake(&self) -> Answer {
        let answer = self.send(json!([self.handshake_message()])).await;
        self.set_client_id(answer.client_id());
        answer
    }

    /// Handshakes and connects once, as every client does.
    #[must_use]
    pub async fn up(self) -> Self {
        let id = self.handshake().await.client_id();
        assert!(id.is_some(), "the handshake failed");
        let reply = self.connect_with(json!({"timeout": 0})).await.only();
        assert_eq!(reply["successful"], true, "{reply}");
        self
    }

    /// Connects without advice.
    pub async fn connect(&self) -> Answer {
        self.connect_with(Value::Null).await
    }

    /// Connects to be answered at once.
    pub async fn connect0(&self) -> Answer {
        self.connect_with(json!({"timeout": 0})).await
    }

    /// Connects with this advice.
    pub async fn connect_with(&self, advice: Value) -> Answer {
        self.send(json!([self.connect_message(advice)])).await
    }

    /// Connects without advice, and goes on when the connect is held.
    ///
    /// # Panics
    /// It is answered at once.
    pub async fn hold(&self) -> Pending<Answer> {
        self.hold_with(Value::Null).await
    }

    /// Connects with this advice, and goes on when the connect is held.
    ///
    /// # Panics
    /// It is answered at once.
    pub async fn hold_with(&self, advice: Value) -> Pending<Answer> {
        let pending = self.start(json!([self.connect_message(advice)])).await;
        if !pending.is_held() {
            panic!("not held: {:?}", pending.answer().await);
        }
        pending
    }

    /// Subscribes to one channel or an array of them.
    pub async fn subscribe(&self, subscription: impl Into<Value>) -> Answer {
        self.send(json!([self.subscribe_message(subscription)]))
            .await
    }

    /// Ends a subscription.
    pub async fn unsubscribe(&self, subscription: impl Into<Value>) -> Answer {
        self.send(json!([self.unsubscribe_message(subscription)]))
            .await
    }

    /// Publishes.
    pub async fn publish(&self, channel: &str, data: impl Into<Value>) -> Answer {
        self.send(json!([self.publish_message(channel, data)]))
            .await
    }

    /// Disconnects.
    pub async fn disconnect(&self) -> Answer {
        self.send(json!([self.disconnect_message()])).await
    }
}
