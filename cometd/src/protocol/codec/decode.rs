//! The text of an envelope to request messages.

use std::fmt;
use std::time::Duration;

use bytestring::ByteString;
use serde::de::{
    self, Deserialize, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor,
};
use serde_json::value::RawValue;

use super::scan;
use crate::protocol::ClientId;
use crate::protocol::advice::RequestAdvice;
use crate::protocol::channel::{Breadth, ChannelId, Grammar, Name};
use crate::protocol::error::{BayeuxError, ParseError};
use crate::protocol::json::RawJson;
use crate::protocol::message::Message;

/// The dimensions of an envelope that are bounded.
#[derive(Clone, Debug)]
pub(crate) struct Limits {
    /// Most messages (`maxBatchLength`).
    pub(crate) batch: usize,
    /// Deepest nesting of the whole envelope (`maxJsonDepth`).
    pub(crate) depth: usize,
    /// What channel names look like, and whether ids are checked.
    pub(crate) grammar: Grammar,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            batch: 1024,
            depth: 64,
            grammar: Grammar::default(),
        }
    }
}

/// Most fields of one message that the server does not know.
const MAX_FIELDS: usize = 64;

/// One message of a client, as far as it could be understood.
#[derive(Debug)]
pub(crate) struct Request {
    /// What the reply repeats.
    pub(crate) echo: Echo,
    /// The session that the message speaks for, whatever else is wrong with it.
    pub(crate) client_id: Option<ClientId>,
    /// The message, or the error that its reply will carry (PROC-1).
    pub(crate) message: Result<Message, BayeuxError>,
}

/// The fields that a reply copies from its request (MSG-2).
#[derive(Clone, Debug, Default)]
pub(crate) struct Echo {
    pub(crate) channel: Option<ByteString>,
    pub(crate) id: Option<ByteString>,
    pub(crate) subscription: Option<RawJson>,
}

/// Reads an envelope: an array of messages, or one message.
pub(crate) fn decode(text: &ByteString, limits: &Limits) -> Result<Vec<Request>, ParseError> {
    scan::check(text, limits.depth)?;
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let messages = EnvelopeVisitor(limits.batch).deserialize(&mut deserializer)?;
    if messages.len() > limits.batch {
        return Err(ParseError::BatchTooLong {
            limit: limits.batch,
        });
    }
    deserializer.end()?;
    if messages.is_empty() {
        return Err(ParseError::Empty);
    }
    Ok(messages
        .into_iter()
        .map(|fields| fields.into_request(text, &limits.grammar))
        .collect())
}

/// Reads the fields of the messages of an envelope, as slices of its text: at most one message more
/// than this number, so that a long batch is refused before it costs anything.
struct EnvelopeVisitor(usize);

impl<'de> DeserializeSeed<'de> for EnvelopeVisitor {
    type Value = Vec<Fields<'de>>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for EnvelopeVisitor {
    type Value = Vec<Fields<'de>>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a message or an array of messages")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut messages = Vec::new();
        while messages.len() <= self.0
            && let Some(fields) = seq.next_element()?
        {
            messages.push(fields);
        }
        while messages.len() > self.0 && seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(messages)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        Ok(vec![FieldsVisitor.visit_map(map)?])
    }

    fn visit_unit<E: de::Error>(self) -> Result<Self::Value, E> {
        Ok(Vec::new())
    }
}

/// The fields of one message; of duplicates the last one (JSON-5).
#[derive(Default)]
struct Fields<'a> {
    channel: Option<&'a RawValue>,
    id: Option<&'a RawValue>,
    client_id: Option<&'a RawValue>,
    data: Option<&'a RawValue>,
    ext: Option<&'a RawValue>,
    advice: Option<&'a RawValue>,
    subscription: Option<&'a RawValue>,
    others: Vec<(Key<'a>, &'a RawValue)>,
}

impl<'de> Deserialize<'de> for Fields<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(FieldsVisitor)
    }
}

struct FieldsVisitor;

impl<'de> Visitor<'de> for FieldsVisitor {
    type Value = Fields<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a message")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut fields = Fields::default();
        while let Some((key, value)) = map.next_entry::<Key<'de>, &'de RawValue>()? {
            match key.as_str() {
                "channel" => fields.channel = Some(value),
                "id" => fields.id = Some(value),
                "clientId" => fields.client_id = Some(value),
                "data" => fields.data = Some(value),
                "ext" => fields.ext = Some(value),
                "advice" => fields.advice = Some(value),
                "subscription" => fields.subscription = Some(value),
                // A peer may not dress a publish up as a reply of the server (PUB-3).
                "successful" | "error" => {}
                _ => fields.push(key, value)?,
            }
        }
        Ok(fields)
    }
}

/// A key, borrowed from the text unless it has escapes.
enum Key<'a> {
    Borrowed(&'a str),
    Owned(String),
}

impl Key<'_> {
    fn as_str(&self) -> &str {
        match self {
            Self::Borrowed(text) => text,
            Self::Owned(text) => text,
        }
    }
}

impl<'de> Deserialize<'de> for Key<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct KeyVisitor;
        impl<'de> Visitor<'de> for KeyVisitor {
            type Value = Key<'de>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a key")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Key<'de>, E> {
                Ok(Key::Borrowed(text))
            }

            fn visit_str<E>(self, text: &str) -> Result<Key<'de>, E> {
                Ok(Key::Owned(text.to_owned()))
            }
        }
        deserializer.deserialize_str(KeyVisitor)
    }
}

impl<'a> Fields<'a> {
    fn push<E: de::Error>(&mut self, key: Key<'a>, value: &'a RawValue) -> Result<(), E> {
        if let Some((_, present)) = self
            .others
            .iter_mut()
            .find(|(it, _)| it.as_str() == key.as_str())
        {
            *present = value;
        } else if self.others.len() == MAX_FIELDS {
            return Err(E::custom("too many fields in a message"));
        } else {
            self.others.push((key, value));
        }
        Ok(())
    }

    fn into_request(self, text: &ByteString, grammar: &Grammar) -> Request {
        let slice = |value: &RawValue| RawJson::checked(text.slice_ref(value.get()));
        let echo = Echo {
            channel: self.channel.and_then(|it| slice(it).to_text()),
            id: self.id.and_then(|it| id_text(&slice(it))),
            subscription: self.subscription.map(slice),
        };
        let client_id = self
            .client_id
            .and_then(|it| ClientId::parse(&slice(it).to_text()?));
        let message = self.into_message(&echo, text, grammar);
        Request {
            echo,
            client_id,
            message,
        }
    }

    fn into_message(
        self,
        echo: &Echo,
        text: &ByteString,
        grammar: &Grammar,
    ) -> Result<Message, BayeuxError> {
        let slice = |value: &RawValue| RawJson::checked(text.slice_ref(value.get()));
        let channel = parse_channel(self.channel, echo, grammar)?;
        if let Some(id) = self.id
            && grammar.strict
            && !slice(id).is_null()
            && !echo.id.as_ref().is_some_and(|id| is_id(id))
        {
            return Err(BayeuxError::MessageIdInvalid);
        }
        Ok(Message {
            channel,
            id: echo.id.clone(),
            data: self.data.map(slice),
            ext: self.ext.map(slice),
            subscription: echo.subscription.clone(),
            advice: self
                .advice
                .map_or(Ok(RequestAdvice::default()), parse_advice)?,
            fields: self
                .others
                .into_iter()
                .map(|(key, value)| (key.share(text), slice(value)))
                .collect(),
            ..Message::empty(ChannelId::meta(crate::protocol::MetaChannel::Unknown))
        })
    }
}

impl Key<'_> {
    fn share(self, text: &ByteString) -> ByteString {
        match self {
            Self::Borrowed(key) => text.slice_ref(key),
            Self::Owned(key) => key.into(),
        }
    }
}

fn parse_channel(
    value: Option<&RawValue>,
    echo: &Echo,
    grammar: &Grammar,
) -> Result<ChannelId, BayeuxError> {
    let Some(name) = &echo.channel else {
        return Err(match value {
            None => BayeuxError::ChannelMissing,
            Some(value) if value.get() == "null" => BayeuxError::ChannelMissing,
            Some(_) => BayeuxError::ChannelInvalid,
        });
    };
    match Name::parse(name, grammar) {
        // A publish to a wildcard would reach nobody who subscribed to what it covers (PUB-8).
        Ok((name, Breadth::Exact)) => Ok(ChannelId::checked(name)),
        Ok((_, Breadth::Children | Breadth::Descendants)) | Err(_) => {
            Err(BayeuxError::ChannelInvalid)
        }
    }
}

/// A string id as it is; a number or boolean as its text (MSG-3).
fn id_text(value: &RawJson) -> Option<ByteString> {
    match value.as_str().as_bytes().first()? {
        b'"' => value.to_text(),
        b'n' | b'[' | b'{' => None,
        _ => Some(value.text().clone()),
    }
}

fn is_id(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// The advice of a request; only a connect's is ever looked at, but a wrong type is wrong anywhere.
fn parse_advice(value: &RawValue) -> Result<RequestAdvice, BayeuxError> {
    #[derive(serde::Deserialize)]
    struct Wire {
        timeout: Option<f64>,
        interval: Option<f64>,
    }
    if value.get() == "null" {
        return Ok(RequestAdvice::default());
    }
    let wire: Wire = serde_json::from_str(value.get())
        .map_err(|_| BayeuxError::FieldInvalid { field: "advice" })?;
    Ok(RequestAdvice {
        present: true,
        timeout: wire.timeout.and_then(milliseconds),
        interval: wire.interval.and_then(milliseconds),
    })
}

/// Longest time that a client may ask for: an hour.
const MAX_ASKED: Duration = Duration::from_secs(60 * 60);

/// Milliseconds of the wire; negative ones mean "not set".
fn milliseconds(value: f64) -> Option<Duration> {
    Duration::try_from_secs_f64(value / 1000.0)
        .ok()
        .map(|it| it.min(MAX_ASKED))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(text: &'static str) -> Request {
        decode(&ByteString::from_static(text), &Limits::default())
            .unwrap()
            .remove(0)
    }

    #[test]
    fn one_message_is_an_envelope_of_one() {
        let message = request(r#"{"channel":"/a","id":"1","data":{"n":1.0}}"#)
            .message
            .unwrap();
        assert_eq!(message.channel().as_str(), "/a");
        assert_eq!(message.data().as_str(), r#"{"n":1.0}"#);
    }

    #[test]
    fn what_is_no_envelope_is_malformed() {
        // JSON-2, JSON-3, ERR-2: T-LP-4
        for text in [
            "",
            "[{",
            "\"x\"",
            "1",
            "[{}] x",
            "[{}][{}]",
            "[{'channel':'/a'}]",
            "[{channel:1}]",
            "[/**/{}]",
            "\u{feff}[{}]",
            "[1]",
            "[null]",
            "[[{}]]",
        ] {
            let error = decode(&text.into(), &Limits::default()).unwrap_err();
            assert!(matches!(error, ParseError::Malformed(_)), "{text}: {error}");
        }
        for text in ["[]", "null"] {
            // ERR-4
            assert!(matches!(
                decode(&text.into(), &Limits::default()),
                Err(ParseError::Empty)
            ));
        }
    }

    #[track_caller]
    fn check_error(text: &'static str, error: BayeuxError, id: Option<&str>) {
        let request = request(text);
        assert_eq!(request.message.err(), Some(error));
        assert_eq!(request.echo.id.as_deref(), id);
    }

    #[test]
    fn a_bad_field_fails_its_message_only() {
        // PROC-1, JSON-3: T-CH-3, T-LP-5
        check_error("{}", BayeuxError::ChannelMissing, None);
        check_error(
            r#"{"channel":null,"id":"1"}"#,
            BayeuxError::ChannelMissing,
            Some("1"),
        );
        check_error(
            r#"{"channel":5,"id":"1"}"#,
            BayeuxError::ChannelInvalid,
            Some("1"),
        );
        check_error(r#"{"channel":"/a<b"}"#, BayeuxError::ChannelInvalid, None);
        check_error(r#"{"channel":"/a/*"}"#, BayeuxError::ChannelInvalid, None);
        check_error(
            r#"{"channel":"/a","id":"a-b"}"#,
            BayeuxError::MessageIdInvalid,
            Some("a-b"),
        );
        check_error(
            r#"{"channel":"/a","id":""}"#,
            BayeuxError::MessageIdInvalid,
            Some(""),
        );
        check_error(
            r#"{"channel":"/a","id":1.5}"#,
            BayeuxError::MessageIdInvalid,
            Some("1.5"),
        );
        check_error(
            r#"{"channel":"/a","id":-1}"#,
            BayeuxError::MessageIdInvalid,
            Some("-1"),
        );
        check_error(
            r#"{"channel":"/a","id":{}}"#,
            BayeuxError::MessageIdInvalid,
            None,
        );
        check_error(
            r#"{"channel":"/a","advice":1}"#,
            BayeuxError::FieldInvalid { field: "advice" },
            None,
        );
        check_error(
            r#"{"channel":"/a","advice":{"timeout":"x"}}"#,
            BayeuxError::FieldInvalid { field: "advice" },
            None,
        );
    }

    #[test]
    fn numbers_and_booleans_are_ids_by_their_text() {
        // MSG-3
        assert_eq!(
            request(r#"{"channel":"/a","id":7}"#).message.unwrap().id(),
            Some("7")
        );
        assert_eq!(
            request(r#"{"channel":"/a","id":true}"#)
                .message
                .unwrap()
                .id(),
            Some("true")
        );
        assert_eq!(
            request(r#"{"channel":"/a","id":null}"#)
                .message
                .unwrap()
                .id(),
            None
        );
    }

    #[test]
    fn of_duplicate_keys_the_last_wins() {
        // JSON-5
        let message = request(r#"{"channel":"/a","channel":"/b","x":1,"x":2}"#)
            .message
            .unwrap();
        assert_eq!(message.channel().as_str(), "/b");
        assert_eq!(message.field("x").unwrap().as_str(), "2");
    }

    #[test]
    fn advice_without_numbers_falls_through() {
        // CN-1
        let advice = |text| request(text).message.unwrap().advice;
        assert!(advice(r#"{"channel":"/a","advice":{}}"#).present);
        assert_eq!(
            advice(r#"{"channel":"/a","advice":{"timeout":-1}}"#).timeout,
            None
        );
        assert_eq!(
            advice(r#"{"channel":"/a","advice":{"timeout":500}}"#).timeout,
            Some(Duration::from_millis(500))
        );
        assert_eq!(
            advice(r#"{"channel":"/a","advice":{"timeout":1e300}}"#).timeout,
            None
        );
    }

    #[test]
    fn each_limit_is_crossed_by_one() {
        let limits = Limits {
            batch: 2,
            depth: 3,
            ..Limits::default()
        };
        let decode = |text: &str| decode(&text.into(), &limits);
        assert!(decode("[{},{}]").is_ok());
        assert!(matches!(
            decode("[{},{},{}]"),
            Err(ParseError::BatchTooLong { limit: 2 })
        ));
        assert!(decode(r#"[{"data":[1]}]"#).is_ok());
        assert!(matches!(
            decode(r#"[{"data":[[1]]}]"#),
            Err(ParseError::TooDeep { limit: 3 })
        ));
        let fields = |count: usize| {
            (0..count)
                .map(|it| format!("\"f{it}\":1"))
                .collect::<Vec<_>>()
                .join(",")
        };
        assert!(decode(&format!("{{{}}}", fields(MAX_FIELDS))).is_ok());
        assert!(decode(&format!("{{{}}}", fields(MAX_FIELDS + 1))).is_err());
    }
}
