//! What came back from the server.

use std::time::Duration;

use http::HeaderMap;
use serde_json::Value;

use crate::clock::ms;
use crate::expected::{Expected, check};

/// Virtual time that counts as none: tests that let all tasks run lose a millisecond each time.
const SLACK: Duration = ms(20);

/// An HTTP response, and how long it took.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub text: String,
    /// Virtual time from the request to the response.
    pub took: Duration,
}

impl Answer {
    /// The messages of the body, which may be wrapped in a call of a function.
    ///
    /// # Panics
    /// The status is not 200, or the body is no array.
    #[must_use]
    #[track_caller]
    pub fn messages(&self) -> Vec<Value> {
        assert_eq!(self.status, 200, "{}", self.text);
        let json = match (self.text.find('('), self.text.strip_suffix(')')) {
            (Some(open), Some(call)) if !self.text.starts_with('[') => &call[open + 1..],
            _ => &self.text,
        };
        serde_json::from_str(json).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    /// The only message of the body.
    ///
    /// # Panics
    /// There is none, or another one.
    #[must_use]
    #[track_caller]
    pub fn only(&self) -> Value {
        let mut messages = self.messages();
        assert_eq!(messages.len(), 1, "{}", self.text);
        messages.remove(0)
    }

    /// These are the messages of the body; the ids of replies do not count.
    #[track_caller]
    pub fn expect(&self, expected: impl IntoIterator<Item = Expected>) -> &Self {
        check(&self.messages(), expected);
        self
    }

    /// The status is this one, and the body holds nothing of Bayeux.
    ///
    /// # Panics
    /// It is another one, or there are messages.
    #[track_caller]
    pub fn refused(&self, status: u16) -> &Self {
        assert_eq!(self.status, status, "{}", self.text);
        assert!(!self.text.contains("\"channel\""), "{}", self.text);
        self
    }

    /// It took no time.
    #[track_caller]
    pub fn at_once(&self) -> &Self {
        self.after(Duration::ZERO)
    }

    /// It took this long.
    ///
    /// # Panics
    /// It did not.
    #[track_caller]
    pub fn after(&self, duration: Duration) -> &Self {
        let (took, text) = (self.took, &self.text);
        let is_right = took >= duration && took < duration + SLACK;
        assert!(is_right, "expected {duration:?}, took {took:?}: {text}");
        self
    }

    /// The names of the cookie that is set, its value and its attributes, if one is.
    #[must_use]
    pub fn set_cookie(&self) -> Option<&str> {
        let header = self.headers.get(http::header::SET_COOKIE)?;
        header.to_str().ok()
    }

    /// The session that a handshake made.
    #[must_use]
    pub fn client_id(&self) -> Option<String> {
        let messages = self.messages();
        let id = messages.first()?.get("clientId")?.as_str()?;
        Some(id.to_owned())
    }
}
