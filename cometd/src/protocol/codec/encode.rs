//! Messages and replies to text.

use std::fmt::Write;
use std::time::Duration;

use bytestring::ByteString;

use super::plain::{is_plain, plain};
use crate::protocol::advice::Advice;
use crate::protocol::channel::ChannelId;
use crate::protocol::json::RawJson;
use crate::protocol::message::{FrozenMessage, Message, Parts};
use crate::protocol::reply::{Handshaken, Reply};

/// Writes replies, messages and more replies as one envelope.
pub(crate) fn envelope<'a>(
    first: impl IntoIterator<Item = &'a Reply>,
    messages: impl IntoIterator<Item = &'a FrozenMessage>,
    replies: impl IntoIterator<Item = &'a Reply>,
) -> String {
    let (first, replies) = (first.into_iter(), replies.into_iter());
    let count = first.size_hint().0 + replies.size_hint().0;
    let mut out = String::with_capacity(2 + count * REPLY);
    write_envelope(&mut out, first, messages, replies);
    out
}

/// The same behind what `out` has.
pub(crate) fn write_envelope<'a>(
    out: &mut String,
    first: impl IntoIterator<Item = &'a Reply>,
    messages: impl IntoIterator<Item = &'a FrozenMessage>,
    replies: impl IntoIterator<Item = &'a Reply>,
) {
    // Of one byte, whichever it is.
    let mut separator = "[";
    for reply in first {
        out.push_str(separator);
        write_reply(out, reply);
        separator = ",";
    }
    for message in messages {
        out.push_str(separator);
        out.push_str(message.as_str());
        separator = ",";
    }
    for reply in replies {
        out.push_str(separator);
        write_reply(out, reply);
        separator = ",";
    }
    out.push_str(if separator == "[" { "[]" } else { "]" });
}

/// Bytes that most replies need, and most messages beside their data.
const REPLY: usize = 64;

/// Serialises a message. What waits in a queue does not keep the body alive in which the message arrived.
pub(crate) fn freeze(mut message: Message) -> FrozenMessage {
    if message.id.is_none()
        && message.rare().is_none()
        && let Some(data) = &message.data
        && let Some(frozen) = freeze_plain(&message.channel, data, message.lazy)
    {
        return frozen;
    }
    let data = message.data.as_ref().map_or(0, |data| data.as_str().len());
    let mut out = String::with_capacity(REPLY + data);
    out.push('[');
    write_message(&mut out, &message);
    out.push(']');
    message.data = message.data.map(|data| data.detached());
    let rare = message.rare_mut();
    rare.subscription = rare.subscription.take().map(|it| it.detached());
    rare.ext = rare.ext.take().map(|ext| ext.detached());
    for (name, value) in &mut rare.fields {
        *name = String::from(&**name).into();
        *value = value.detached();
    }
    FrozenMessage::with_message(out, message)
}

/// A message that has a name without escapes, data and nothing else, as most have.
#[inline] // What it makes would be moved once more.
pub(crate) fn freeze_plain(
    channel: &ChannelId,
    data: &RawJson,
    lazy: bool,
) -> Option<FrozenMessage> {
    const START: &str = r#"[{"channel":""#;
    const BETWEEN: &str = r#"","data":"#;
    const END: &str = "}]";

    let (name, data) = (channel.as_str(), data.as_str());
    if !is_plain(name) {
        return None;
    }
    let channel = START.len()..START.len() + name.len();
    let data_start = channel.end + BETWEEN.len();
    let mut out = String::with_capacity(data_start + data.len() + END.len());
    out.push_str(START);
    out.push_str(name);
    out.push_str(BETWEEN);
    out.push_str(data);
    out.push_str(END);
    let data = data_start..data_start + data.len();
    Some(FrozenMessage::plain(out, lazy, Parts { channel, data }))
}

/// A key with its quotes and its colon.
macro_rules! key {
    ($name:literal) => {
        concat!("\"", $name, "\":")
    };
}

/// The same, and the first quote of a string behind it.
macro_rules! string_key {
    ($name:literal) => {
        concat!("\"", $name, "\":\"")
    };
}

/// Writes a message without the id of its sender (MSG table, PUB-2).
pub(crate) fn write_message(out: &mut String, message: &Message) {
    let mut object = Object::new(out);
    object.string(string_key!("channel"), message.channel.as_str());
    if let Some(data) = &message.data {
        object.field(key!("data")).raw(data);
    }
    object.optional_string(string_key!("id"), message.id.as_deref());
    if let Some(rare) = message.rare() {
        object.optional(key!("subscription"), rare.subscription.as_ref());
        object.optional(key!("ext"), rare.ext.as_ref());
        if let Some(successful) = rare.successful {
            object.field(key!("successful")).boolean(successful);
        }
        object.fields(&rare.fields);
    }
    object.end();
}

/// Writes a reply.
fn write_reply(out: &mut String, reply: &Reply) {
    if write_success(out, reply).is_none() {
        write_any_reply(out, reply);
    }
}

/// Writes a reply that has an id and a channel without escapes, success and nothing else, as most have.
fn write_success(out: &mut String, reply: &Reply) -> Option<()> {
    let (id, channel) = (reply.echo.id.as_deref()?, reply.echo.channel.as_deref()?);
    let rare = reply.echo.subscription.is_some() || reply.rare().is_some();
    if rare || reply.successful() != Some(true) || !is_plain(id) || !is_plain(channel) {
        return None;
    }
    let [before, between, behind] = [r#"{"id":""#, r#"","channel":""#, r#"","successful":true}"#];
    for part in [before, id, between, channel, behind] {
        out.push_str(part);
    }
    Some(())
}

#[inline(never)] // It would only be in the way of the others.
fn write_any_reply(out: &mut String, reply: &Reply) {
    let mut object = Object::new(out);
    object.optional_string(string_key!("id"), reply.echo.id.as_deref());
    object.optional_string(string_key!("channel"), reply.echo.channel.as_deref());
    object.optional(key!("subscription"), reply.echo.subscription.as_ref());
    match &reply.outcome {
        None => {}
        Some(Ok(())) => object.field(key!("successful")).boolean(true),
        Some(Err(error)) => {
            object.field(key!("successful")).boolean(false);
            if let Some(error) = error {
                object.string(string_key!("error"), &error.to_string());
            }
        }
    }
    if let Some(rare) = reply.rare() {
        if let Some(handshaken) = &rare.handshake {
            write_handshake(&mut object, handshaken);
        }
        if let Some(advice) = &rare.advice {
            write_advice(object.field(key!("advice")).out, advice);
        }
        object.optional(key!("ext"), rare.ext.as_ref());
        object.fields(&rare.fields);
    }
    object.end();
}

fn write_handshake(object: &mut Object<'_>, handshaken: &Handshaken) {
    let out = object.field(string_key!("clientId")).out;
    handshaken.client_id.write_to(out);
    out.push('"');
    object.string(string_key!("version"), "1.0");
    object.string(string_key!("minimumVersion"), "1.0");
    let out = object.field(key!("supportedConnectionTypes")).out;
    let mut separator = '[';
    for transport in &handshaken.connection_types {
        out.push(separator);
        string(out, transport.name());
        separator = ',';
    }
    if separator == '[' {
        out.push('[');
    }
    out.push(']');
    if handshaken.messages > 0 {
        object
            .field(key!("x-messages"))
            .number(handshaken.messages as u128);
    }
}

fn write_advice(out: &mut String, advice: &Advice) {
    let mut object = Object::new(out);
    if advice.multiple_clients {
        object.field(key!("multiple-clients")).boolean(true);
    }
    if let Some(reconnect) = advice.reconnect {
        object.string(string_key!("reconnect"), reconnect.as_str());
    }
    object.duration(key!("interval"), advice.interval);
    object.duration(key!("timeout"), advice.timeout);
    object.duration(key!("maxInterval"), advice.max_interval);
    object.end();
}

/// Writes the members of one object.
struct Object<'a> {
    out: &'a mut String,
    separator: char,
}

/// The place of one value.
struct Slot<'a> {
    out: &'a mut String,
}

impl<'a> Object<'a> {
    const fn new(out: &'a mut String) -> Self {
        Self {
            out,
            separator: '{',
        }
    }

    /// Starts a member of this [key](key!), or of a [key of a string](string_key!).
    #[inline]
    fn field(&mut self, key: &'static str) -> Slot<'_> {
        self.separate();
        self.out.push_str(key);
        Slot { out: self.out }
    }

    #[inline]
    fn separate(&mut self) {
        self.out.push(self.separator);
        self.separator = ',';
    }

    #[inline]
    fn optional(&mut self, key: &'static str, value: Option<&RawJson>) {
        if let Some(value) = value {
            self.field(key).raw(value);
        }
    }

    #[inline]
    fn optional_string(&mut self, key: &'static str, value: Option<&str>) {
        if let Some(value) = value {
            self.string(key, value);
        }
    }

    /// A member of this [key](string_key!).
    #[inline]
    fn string(&mut self, key: &'static str, value: &str) {
        string_rest(self.field(key).out, value);
    }

    fn duration(&mut self, key: &'static str, value: Option<Duration>) {
        if let Some(value) = value {
            self.field(key).number(value.as_millis());
        }
    }

    fn fields(&mut self, fields: &[(ByteString, RawJson)]) {
        for (name, value) in fields {
            self.separate();
            string(self.out, name);
            self.out.push(':');
            self.out.push_str(value.as_str());
        }
    }

    fn end(self) {
        if self.separator == '{' {
            self.out.push('{');
        }
        self.out.push('}');
    }
}

impl Slot<'_> {
    fn raw(self, value: &RawJson) {
        self.out.push_str(value.as_str());
    }

    fn boolean(self, value: bool) {
        self.out.push_str(if value { "true" } else { "false" });
    }

    fn number(self, value: u128) {
        // Writing to a string does not fail.
        let _ = write!(self.out, "{value}");
    }
}

/// Writes a JSON string.
fn string(out: &mut String, text: &str) {
    out.push('"');
    string_rest(out, text);
}

/// Writes a JSON string from behind its first quote; most have nothing to escape.
#[inline]
fn string_rest(out: &mut String, text: &str) {
    if is_plain(text) {
        out.push_str(text);
    } else {
        escaped(out, text);
    }
    out.push('"');
}

#[cold]
fn escaped(out: &mut String, text: &str) {
    let mut rest = text;
    while let Some((plain, special)) = rest.split_at_checked(plain(rest.as_bytes(), 0)) {
        out.push_str(plain);
        let mut characters = special.chars();
        let Some(character) = characters.next() else {
            break;
        };
        escape(out, character);
        rest = characters.as_str();
    }
}

fn escape(out: &mut String, character: char) {
    if let '"' | '\\' = character {
        out.push('\\');
        out.push(character);
    } else {
        // Writing to a string does not fail.
        let _ = write!(out, "\\u{:04x}", u32::from(character));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::protocol::channel::{ChannelId, Grammar};
    use crate::protocol::codec::{Echo, Limits, decode};
    use crate::protocol::{BayeuxError, ClientId, Reconnect, Transport};

    fn reply(request: &'static str) -> Reply {
        let request = decode(&request.into(), &Limits::default())
            .unwrap()
            .remove(0);
        Reply::to(request.echo)
    }

    fn json(reply: &Reply) -> serde_json::Value {
        serde_json::from_str(&envelope([], [], [reply])).unwrap()
    }

    #[test]
    fn a_reply_repeats_channel_id_and_subscription_and_nothing_else() {
        // MSG-2, MSG-6, MSG-7
        let mut reply = reply(
            r#"{"channel":"/a/","id":"7","clientId":"x","data":1,"ext":{},"subscription":["/b"]}"#,
        );
        reply.succeed();
        assert_eq!(
            json(&reply),
            json!([{"channel": "/a/", "id": "7", "subscription": ["/b"], "successful": true}])
        );
    }

    #[test]
    fn a_failed_reply_has_code_arguments_and_text() {
        // MSG-5
        let mut reply = reply(r#"{"channel":"/a<\"\\\n"}"#);
        reply.fail(BayeuxError::PublishDenied {
            reason: "why".into(),
        });
        let expected = json!([{"channel": "/a<\"\\\n", "successful": false, "error": "403:why:publish_denied"}]);
        assert_eq!(json(&reply), expected);
    }

    #[test]
    fn a_handshake_reply_has_what_a_client_negotiates_with() {
        // HS-3, HS-10, ADV-1
        let mut reply = reply(r#"{"channel":"/meta/handshake"}"#);
        reply.handshaken(Handshaken {
            client_id: ClientId::from_random(35),
            connection_types: vec![Transport::WebSocket, Transport::LongPolling],
            messages: 2,
        });
        reply.set_advice(Some(Advice {
            interval: Some(Duration::ZERO),
            timeout: Some(Duration::from_secs(20)),
            max_interval: Some(Duration::from_secs(10)),
            ..Advice::reconnect(Reconnect::Retry)
        }));
        let expected = json!([{
            "channel": "/meta/handshake", "successful": true, "clientId": "000000000000000000000000z",
            "version": "1.0", "minimumVersion": "1.0", "x-messages": 2,
            "supportedConnectionTypes": ["websocket", "long-polling"],
            "advice": {"reconnect": "retry", "interval": 0, "timeout": 20000, "maxInterval": 10000},
        }]);
        assert_eq!(json(&reply), expected);
    }

    #[test]
    fn a_frozen_message_keeps_its_text_and_not_the_body_it_came_in() {
        for (text, expected) in [
            (
                r#"{"clientId":"c","channel":"/a","data":[1.0,"é<"],"ext":{"k":1},"timestamp":"t"}"#,
                r#"{"channel":"/a","data":[1.0,"é<"],"ext":{"k":1},"timestamp":"t"}"#,
            ),
            (
                r#"{"clientId":"c","channel":"/a","data":[1.0,"é<"]}"#,
                r#"{"channel":"/a","data":[1.0,"é<"]}"#,
            ),
        ] {
            let body = ByteString::from(text);
            let request = decode(&body, &Limits::default()).unwrap().remove(0);
            let frozen = request.message.unwrap().freeze();
            assert_eq!(frozen.as_str(), expected);
            assert_eq!(frozen.envelope(), format!("[{expected}]"));
            let body = body.as_bytes().as_ptr_range();
            assert!(!body.contains(&frozen.data().as_str().as_ptr()));
            assert!(!body.contains(&frozen.channel().as_str().as_ptr()));
        }
    }

    #[test]
    fn a_frozen_message_is_what_was_frozen() {
        let lax = Limits {
            grammar: Grammar {
                strict: false,
                ..Grammar::default()
            },
            ..Limits::default()
        };
        for text in [
            r#"{"channel":"/a","data":[1.0,"é<"]}"#,
            r#"{"channel":"/a"}"#,
            r#"{"channel":"/a","data":null}"#,
            r#"{"channel":"/a\\\"","data":{}}"#,
            r#"{"channel":"/a","data":1,"id":"7"}"#,
            r#"{"channel":"/a","data":1,"ext":{},"x\"":2}"#,
        ] {
            let request = decode(&ByteString::from(text), &lax).unwrap().remove(0);
            let mut message = request.message.unwrap();
            message.set_lazy(true);
            let frozen = message.clone().freeze();
            assert_eq!(frozen.as_str(), text);
            assert_eq!(*frozen.message(), message);
            assert!(frozen.is_lazy());
        }
    }

    proptest! {
        #[test]
        fn what_is_written_at_once_is_what_is_written_part_by_part(
            name in "/[a-z\"\\\\é\\x01]{1,12}",
            data in "[a-z\"é]{0,12}",
            id in prop::option::of("[0-9]"),
        ) {
            let mut message = Message::empty(ChannelId::checked(name.clone().into()));
            message.data = RawJson::of(&data).ok();
            message.id = id.map(Into::into);
            let mut written = String::new();
            write_message(&mut written, &message);
            let frozen = freeze(message.clone());
            prop_assert_eq!(frozen.as_str(), &written);
            let plain = freeze_plain(&message.channel, message.data(), false);
            let special = |it: char| it.is_ascii_control() || ['"', '\\'].contains(&it);
            prop_assert_eq!(plain.is_none(), name.contains(special));
            prop_assert_eq!(frozen.channel().as_str(), name);
            prop_assert_eq!(Some(frozen.data()), message.data.as_ref());
        }
    }

    proptest! {
        #[test]
        fn a_success_is_written_as_any_other_reply(
            id in prop::option::of("[0-9\"\\\\é]{0,20}"),
            channel in prop::option::of("/[a-z\"\\\\é\\x01]{0,20}"),
            subscription in prop::option::of("[a-z]"),
            successful in prop::option::of(any::<bool>()),
            timestamp in any::<bool>(),
        ) {
            let mut reply = Reply::to(Echo {
                channel: channel.map(Into::into),
                id: id.map(Into::into),
                subscription: subscription.and_then(|it| RawJson::of(&it).ok()),
            });
            match successful {
                None => {}
                Some(true) => reply.succeed(),
                Some(false) => reply.fail_without_error(),
            }
            if timestamp {
                reply.set_field("timestamp", RawJson::NULL);
            }
            let (mut written, mut expected) = (String::new(), String::new());
            write_reply(&mut written, &reply);
            write_any_reply(&mut expected, &reply);
            prop_assert_eq!(written, expected);
        }
    }

    #[test]
    fn messages_come_before_replies() {
        // CN-12
        let mut reply = reply(r#"{"channel":"/meta/connect","id":"3"}"#);
        reply.succeed();
        let frozen = Message::publish("/a", 1).freeze();
        let text = envelope([], [&frozen], [&reply]);
        assert_eq!(
            text,
            r#"[{"channel":"/a","data":1},{"id":"3","channel":"/meta/connect","successful":true}]"#
        );
        assert_eq!(envelope([], [], []), "[]");
    }
}
