//! What has arrived, and what is expected of it.

use std::collections::VecDeque;
use std::fmt;

use parking_lot::Mutex;
use serde_json::Value;

/// Messages that have arrived and that no expectation has taken yet.
#[derive(Debug, Default)]
pub(super) struct Inbox(Mutex<VecDeque<Value>>);

impl Inbox {
    pub(super) fn push(&self, message: Value) {
        self.0.lock().push_back(message);
    }

    /// The first message on a channel.
    pub(super) fn take(&self, channel: &str) -> Option<Delivered> {
        let mut arrived = self.0.lock();
        let found = arrived.iter().position(|it| on(it) == Some(channel));
        found.and_then(|index| arrived.remove(index)).map(Delivered)
    }

    #[track_caller]
    #[expect(clippy::panic, reason = "an expectation of a test")]
    pub(super) fn expect(&self, channel: &str) -> Delivered {
        self.take(channel)
            .unwrap_or_else(|| panic!("nothing has arrived on {channel}; {self}"))
    }

    #[track_caller]
    pub(super) fn expect_nothing(&self) {
        assert!(self.0.lock().is_empty(), "{self}");
    }
}

/// All of it, for the message of a failed expectation.
impl fmt::Display for Inbox {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let arrived = self.0.lock();
        if arrived.is_empty() {
            return formatter.write_str("nothing else has arrived, either");
        }
        formatter.write_str("these have arrived:")?;
        arrived
            .iter()
            .try_for_each(|message| write!(formatter, "\n  {message}"))
    }
}

fn on(message: &Value) -> Option<&str> {
    message.get("channel")?.as_str()
}

/// A message that has arrived.
#[derive(Clone, Debug)]
pub struct Delivered(Value);

impl Delivered {
    /// Checks the data, as a JSON value.
    ///
    /// # Panics
    /// The data is another.
    #[track_caller]
    pub fn data(self, expected: impl Into<Value>) -> Self {
        self.check("data", &expected.into());
        self
    }

    /// Checks the id.
    ///
    /// # Panics
    /// The id is another, or there is none.
    #[track_caller]
    #[expect(
        clippy::must_use_candidate,
        reason = "the check is what it is called for"
    )]
    pub fn id(self, expected: &str) -> Self {
        self.check("id", &expected.into());
        self
    }

    #[track_caller]
    fn check(&self, field: &str, expected: &Value) {
        let found = self.0.get(field).unwrap_or(&Value::Null);
        assert!(
            found == expected,
            "{field} on {}\n expected {expected}\n    found {found}",
            on(&self.0).unwrap_or_default()
        );
    }

    /// The whole message as it arrived.
    #[must_use]
    pub fn into_value(self) -> Value {
        self.0
    }

    /// Its data, `null` if there is none.
    #[must_use]
    pub fn into_data(mut self) -> Value {
        self.0.get_mut("data").map(Value::take).unwrap_or_default()
    }
}
