//! What comes back, against what was expected.

use std::collections::BTreeMap;

use http::{HeaderMap, header};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::{Player, Sent};
use crate::exchange::Received;
use crate::failure::Checked;
use crate::scenario::{After, Response};
use crate::socket::Event;

impl Player<'_> {
    /// Waits for a response and judges it.
    pub(super) async fn judge(
        &mut self,
        sent: Sent,
        after: Option<After>,
        expected: Option<&Response>,
    ) -> Checked {
        let Sent {
            from,
            pending,
            callback,
        } = sent;
        let waiting = Instant::now();
        let received = pending.answer(self.target.pace).await?;
        self.keep_cookies(&from, &received.headers);
        let describe = |why: String| format!("{why}\n    in {} {}", received.status, received.text);
        self.check_time(after, received.took, waiting)
            .map_err(describe)?;
        let any = Response {
            messages: Some(json!({"$any": true})),
            ..Response::default()
        };
        let response = expected.unwrap_or(&any);
        let status = response.status.clone().unwrap_or_else(|| json!(200));
        self.check_head(
            &status,
            &response.headers,
            received.status,
            &received.headers,
        )
        .map_err(describe)?;
        if let Some(body) = &response.body {
            self.variables
                .check(body, &Value::from(received.text.as_str()))?;
        }
        let callback = response.callback.clone().or(callback);
        if let Some(expected) = &response.messages {
            let messages = received.messages(callback.as_deref())?;
            self.check_messages(&from, expected, &messages)?;
        } else if let Ok(messages) = received.messages(callback.as_deref()) {
            self.remember(&from, &messages);
        }
        if expected.is_none() {
            succeeds(&received, callback.as_deref())?;
        }
        Ok(())
    }

    /// Waits for frames or the end of a WebSocket and judges them.
    pub(super) async fn read(
        &mut self,
        by: &str,
        after: Option<After>,
        expected: &Response,
        has_to_succeed: bool,
    ) -> Checked {
        let (pace, waiting) = (self.target.pace, Instant::now());
        let frames = expected.frames.iter().flatten().chain(&expected.messages);
        for frame in frames {
            match self.event(by).await? {
                Event::Messages(messages) => {
                    self.check_messages(by, frame, &messages)?;
                    if has_to_succeed {
                        all_succeed(&messages)?;
                    }
                }
                other => return Err(format!("expected the frame {frame}, found {other:?}")),
            }
        }
        if let Some(code) = expected.close {
            match self.event(by).await? {
                Event::Close(found) if found == code => (),
                other => return Err(format!("expected close {code}, found {other:?}")),
            }
        }
        if expected.frames.as_ref().is_some_and(Vec::is_empty) {
            return self.nothing(by, pace.settle).await;
        }
        let took = self.socket(by).await?.elapsed();
        self.check_time(after, took, waiting)
    }

    async fn event(&mut self, by: &str) -> Checked<Event> {
        let patience = self.target.pace.patience;
        let socket = self.socket(by).await?;
        let event = tokio::time::timeout(patience, socket.next()).await;
        event.map_err(|_| format!("no frame within {patience:?}"))?
    }

    fn check_messages(&mut self, from: &str, expected: &Value, messages: &Value) -> Checked {
        self.variables.check(expected, messages)?;
        self.remember(from, messages);
        Ok(())
    }

    /// `$A` is the session of the last handshake of `A`.
    fn remember(&mut self, from: &str, messages: &Value) {
        for message in messages.as_array().into_iter().flatten() {
            let id = message.get("clientId").filter(|it| it.is_string());
            if let (Some("/meta/handshake"), Some(id)) =
                (message.get("channel").and_then(Value::as_str), id)
            {
                self.variables.set(from, id.clone());
            }
        }
    }

    pub(super) fn check_head(
        &self,
        expected: &Value,
        fields: &BTreeMap<String, Value>,
        status: u16,
        headers: &HeaderMap,
    ) -> Checked {
        let found = Value::from(status);
        let is_right = match expected {
            Value::Array(any) => any.contains(&found),
            one => *one == found,
        };
        if !is_right {
            return Err(format!("expected status {expected}, found {found}"));
        }
        for (name, expected) in fields {
            let found = headers.get(name).and_then(|it| it.to_str().ok());
            self.variables
                .check(expected, &Value::from(found))
                .map_err(|why| format!("header {name}: {why}"))?;
        }
        Ok(())
    }

    fn keep_cookies(&mut self, from: &str, headers: &HeaderMap) {
        let browser = self.browser(from);
        for cookie in headers.get_all(header::SET_COOKIE) {
            let cookie = cookie
                .to_str()
                .ok()
                .and_then(|it| it.split(';').next()?.split_once('='));
            if let Some((name, value)) = cookie {
                let jar = self.jars.entry(browser.clone()).or_default();
                jar.insert(name.trim().to_owned(), value.trim().to_owned());
            }
        }
    }
}

fn succeeds(received: &Received, callback: Option<&str>) -> Checked {
    all_succeed(&received.messages(callback)?)
}

/// All replies are successful, and there is one.
fn all_succeed(messages: &Value) -> Checked {
    let messages = messages.as_array().map(Vec::as_slice).unwrap_or_default();
    let replies: Vec<_> = messages
        .iter()
        .filter_map(|it| it.get("successful"))
        .collect();
    if replies.is_empty() || replies.iter().any(|it| **it != Value::Bool(true)) {
        return Err(format!("expected success, found {}", Value::from(messages)));
    }
    Ok(())
}
