//! What a server is expected to say.

use serde_json::{Map, Value, json};

/// A message or reply that is expected, without the `id` of a reply.
#[derive(Clone, Debug)]
pub struct Expected(Map<String, Value>);

impl Expected {
    fn new(channel: &str) -> Self {
        Self(Map::from_iter([("channel".to_owned(), channel.into())]))
    }

    /// With one more field.
    #[must_use]
    pub fn with(mut self, field: &str, value: impl Into<Value>) -> Self {
        self.0.insert(field.to_owned(), value.into());
        self
    }

    /// With advice that says only what to do next.
    #[must_use]
    pub fn reconnect(self, reconnect: &str) -> Self {
        self.with("advice", json!({"reconnect": reconnect}))
    }

    /// With normal advice: retry after `interval`, to be held for `timeout` milliseconds (ADV-1).
    #[must_use]
    pub fn advice(self, interval: u64, timeout: u64) -> Self {
        let advice = json!({"reconnect": "retry", "interval": interval, "timeout": timeout});
        self.with("advice", advice)
    }

    /// With the advice that an unknown session gets (ADV-6).
    #[must_use]
    pub fn handshake_again(self) -> Self {
        self.with("advice", json!({"reconnect": "handshake", "interval": 0}))
    }
}

/// A successful reply.
#[must_use]
pub fn ok(channel: &str) -> Expected {
    Expected::new(channel).with("successful", true)
}

/// An unsuccessful reply.
#[must_use]
pub fn failed(channel: &str, error: &str) -> Expected {
    Expected::new(channel)
        .with("successful", false)
        .with("error", error)
}

/// A message that is delivered.
#[must_use]
pub fn delivery(channel: &str, data: impl Into<Value>) -> Expected {
    Expected::new(channel).with("data", data)
}

/// Compares messages, all fields of them; the ids of replies do not count.
///
/// # Panics
/// They differ.
#[track_caller]
pub fn check(messages: &[Value], expected: impl IntoIterator<Item = Expected>) {
    let expected: Vec<Value> = expected.into_iter().map(|it| Value::Object(it.0)).collect();
    let found: Vec<Value> = messages.iter().cloned().map(without_id).collect();
    assert!(
        found == expected,
        "expected {}\n   found {}",
        Value::from(expected),
        Value::from(found)
    );
}

/// A reply repeats the id that its request happened to have.
fn without_id(mut message: Value) -> Value {
    if let Some(fields) = message.as_object_mut()
        && fields.contains_key("successful")
    {
        fields.remove("id");
    }
    message
}
