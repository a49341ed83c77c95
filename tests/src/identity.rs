//! What a client puts into its messages.

use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;
use serde_json::{Map, Value, json};

/// The session id of a client and its count of messages.
#[derive(Debug, Default)]
pub struct Identity {
    client_id: Mutex<Option<String>>,
    messages: AtomicU64,
}

impl Identity {
    /// The id of the session, once there is one.
    #[must_use]
    pub fn client_id(&self) -> Option<String> {
        self.client_id.lock().clone()
    }

    /// Goes on with another session, or with none.
    pub fn set_client_id(&self, id: Option<String>) {
        *self.client_id.lock() = id;
    }

    /// A message with a new `id`, the `clientId`, and these fields, which may replace both.
    ///
    /// # Panics
    /// The fields are no object.
    #[must_use]
    pub fn message(&self, channel: &str, fields: Value) -> Value {
        let mut message = Map::new();
        let id = self.messages.fetch_add(1, Ordering::Relaxed) + 1;
        message.insert("id".to_owned(), id.to_string().into());
        message.insert("channel".to_owned(), channel.into());
        if let Some(id) = self.client_id() {
            message.insert("clientId".to_owned(), id.into());
        }
        match fields {
            Value::Object(fields) => message.extend(fields),
            other => panic!("not the fields of a message: {other}"),
        }
        Value::Object(message)
    }

    /// A handshake for all transports.
    #[must_use]
    pub fn handshake_message(&self) -> Value {
        let types = ["websocket", "long-polling", "callback-polling"];
        let fields = json!({"version": "1.0", "supportedConnectionTypes": types});
        let mut message = self.message("/meta/handshake", fields);
        if let Some(fields) = message.as_object_mut() {
            fields.remove("clientId");
        }
        message
    }

    /// A connect, with advice if it is not null.
    #[must_use]
    pub fn connect_message(&self, advice: Value) -> Value {
        let mut fields = Map::from_iter([("connectionType".to_owned(), "long-polling".into())]);
        if !advice.is_null() {
            fields.insert("advice".to_owned(), advice);
        }
        self.message("/meta/connect", fields.into())
    }

    /// A subscription to one channel or an array of them.
    #[must_use]
    pub fn subscribe_message(&self, subscription: impl Into<Value>) -> Value {
        self.message(
            "/meta/subscribe",
            json!({"subscription": subscription.into()}),
        )
    }

    /// The end of a subscription.
    #[must_use]
    pub fn unsubscribe_message(&self, subscription: impl Into<Value>) -> Value {
        self.message(
            "/meta/unsubscribe",
            json!({"subscription": subscription.into()}),
        )
    }

    /// A publication.
    #[must_use]
    pub fn publish_message(&self, channel: &str, data: impl Into<Value>) -> Value {
        self.message(channel, json!({"data": data.into()}))
    }

    /// The end of the session.
    #[must_use]
    pub fn disconnect_message(&self) -> Value {
        self.message("/meta/disconnect", json!({}))
    }
}
