//! Changing or refusing the data of what is published.

use std::fmt;

use serde_json::Value;

use super::exchange::Exchange;
use super::hook::{Deferred, Outcome};
use super::listener::MessageListener;
use super::session::ServerSession;
use crate::protocol::{ChannelId, RawJson};

/// Looks at the data of messages before anyone receives them.
pub trait DataFilter: Send + Sync + 'static {
    /// Whether the filter could want to change this text; `false` spares parsing it.
    fn concerns(&self, data: &RawJson) -> bool {
        let _ = data;
        true
    }

    /// Returns the data that goes on, or `None` to refuse the message, whose sender is answered
    /// `404::message_deleted`.
    fn filter(
        &self,
        sender: Option<&ServerSession>,
        channel: &ChannelId,
        data: Value,
    ) -> Option<Value>;
}

/// Replaces `<` by `&lt;` and `>` by `&gt;` in every string, so that a careless page shows markup
/// instead of obeying it.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoMarkup;

impl NoMarkup {
    fn escape(value: Value) -> Value {
        match value {
            Value::String(text) if text.contains(['<', '>']) => {
                Value::String(text.replace('<', "&lt;").replace('>', "&gt;"))
            }
            Value::Array(values) => values.into_iter().map(Self::escape).collect(),
            Value::Object(fields) => fields
                .into_iter()
                .map(|(name, value)| (name, Self::escape(value)))
                .collect(),
            value => value,
        }
    }
}

impl DataFilter for NoMarkup {
    /// A bracket is written as itself, or as an escape that starts with `\u`.
    fn concerns(&self, data: &RawJson) -> bool {
        let text = data.as_str();
        text.contains(['<', '>']) || text.contains("\\u")
    }

    fn filter(&self, _: Option<&ServerSession>, _: &ChannelId, data: Value) -> Option<Value> {
        Some(Self::escape(data))
    }
}

/// A closure that is given the data and returns what goes on, or `None` to refuse the message:
///
/// ```
/// use cometd::ChannelConfig;
/// use serde_json::Value;
///
/// fn configure(channel: &mut ChannelConfig) {
///     channel.filter(|mood: Value| ["fine", "tired"].contains(&mood.as_str()?).then_some(mood));
/// }
/// ```
impl<F> DataFilter for F
where
    F: Fn(Value) -> Option<Value> + Send + Sync + 'static,
{
    fn filter(&self, _: Option<&ServerSession>, _: &ChannelId, data: Value) -> Option<Value> {
        self(data)
    }
}

/// A filter as a listener.
pub(crate) struct Filtered<F>(F);

impl<F> Filtered<F> {
    pub(crate) const fn new(filter: F) -> Self {
        Self(filter)
    }
}

impl<F: DataFilter> MessageListener for Filtered<F> {
    fn on_message<'a>(
        &'a self,
        sender: Option<&'a ServerSession>,
        exchange: &'a mut Exchange,
    ) -> Deferred<'a, Outcome> {
        let message = &mut exchange.message;
        if !message.has_data() || !self.0.concerns(message.data()) {
            return Outcome::Continue.into();
        }
        let Ok(data) = message.data_as::<Value>() else {
            return Outcome::Stop.into();
        };
        let outcome = match self.0.filter(sender, message.channel(), data.clone()) {
            None => Outcome::Stop,
            Some(filtered) if filtered == data => Outcome::Continue,
            Some(filtered) => match message.set_data(filtered) {
                Ok(()) => Outcome::Continue,
                Err(error) => Outcome::Fail(error.into()),
            },
        };
        outcome.into()
    }
}

impl<F> fmt::Debug for Filtered<F> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Filtered(..)")
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;

    use super::super::context::Context;
    use super::*;
    use crate::protocol::Message;

    fn filtered(data: &'static str) -> String {
        let message = Message::publish("/chat/demo", RawJson::parse(data).unwrap());
        let mut exchange = Exchange::of_server(message, &Arc::new(Context::local()));
        let continues = matches!(
            Filtered(NoMarkup).on_message(None, &mut exchange),
            Deferred::Now(Outcome::Continue)
        );
        assert!(continues);
        exchange.message.data().to_string()
    }

    #[test]
    fn markup_is_escaped_in_every_string() {
        // extensions-security.md 8.1
        let text = filtered(r#"{"chat":"<b>hi</b>","to":["\u003ci>"]}"#);
        let value: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(
            value,
            json!({"chat": "&lt;b&gt;hi&lt;/b&gt;", "to": ["&lt;i&gt;"]})
        );
    }

    #[test]
    fn a_closure_changes_and_refuses() {
        // extensions-security.md 8.1
        let doubled = |data: Value| data.as_u64().map(|it| (it * 2).into());
        let outcome = |data: Value| {
            let message = Message::publish("/numbers", &data);
            let mut exchange = Exchange::of_server(message, &Arc::new(Context::local()));
            let Deferred::Now(outcome) = Filtered(doubled).on_message(None, &mut exchange) else {
                panic!("a filter has nothing to wait for");
            };
            (outcome, exchange.message.data().to_value())
        };
        assert!(matches!(outcome(json!(2)), (Outcome::Continue, data) if data == 4));
        assert!(matches!(outcome(json!("two")), (Outcome::Stop, _)));
    }

    #[test]
    fn data_without_markup_keeps_its_text() {
        for text in [r#"{"z":1e2,"a":"plain"}"#, r#"["\u00e9",1.0]"#] {
            assert_eq!(filtered(text), text);
        }
    }
}
