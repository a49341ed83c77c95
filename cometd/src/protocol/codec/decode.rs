//! The text of an envelope to request messages.

use std::borrow::Cow;
use std::time::Duration;

use bytestring::ByteString;
use serde::de::Error as _;
use serde_json::value::RawValue;
use smol_str::SmolStr;

use super::reader::{Fault, Reader, Value};
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
    pub(crate) channel: Option<SmolStr>,
    pub(crate) id: Option<SmolStr>,
    pub(crate) subscription: Option<RawJson>,
}

/// Reads an envelope: an array of messages, or one message.
pub(crate) fn decode(text: &ByteString, limits: &Limits) -> Result<Vec<Request>, ParseError> {
    let mut requests = Vec::new();
    decode_into(&mut requests, &mut None, text, limits)?;
    Ok(requests)
}

/// The same, into memory that is used again; it is empty, and of no use after an error. `last` is the channel of
/// the last message that was read with these limits.
pub(crate) fn decode_into(
    requests: &mut Vec<Request>,
    last: &mut Option<ChannelId>,
    text: &ByteString,
    limits: &Limits,
) -> Result<(), ParseError> {
    read(requests, last, text, limits).map_err(|fault| match fault {
        Fault::Malformed => ParseError::Malformed(malformed(text)),
        Fault::TooManyFields => {
            ParseError::Malformed(serde_json::Error::custom("too many fields in a message"))
        }
        Fault::TooDeep => ParseError::TooDeep {
            limit: limits.depth,
        },
        Fault::LoneSurrogate => ParseError::LoneSurrogate,
    })?;
    if requests.len() > limits.batch {
        return Err(ParseError::BatchTooLong {
            limit: limits.batch,
        });
    }
    if requests.is_empty() {
        return Err(ParseError::Empty);
    }
    Ok(())
}

/// What is malformed, and where; for people only, so a second look is no loss.
#[cold]
fn malformed(text: &str) -> serde_json::Error {
    let json: Result<&RawValue, _> = serde_json::from_str(text);
    json.err()
        .unwrap_or_else(|| serde_json::Error::custom("a message is an object"))
}

/// Reads at most one message more than the limit, so that a long batch is refused before it costs
/// anything.
fn read(
    requests: &mut Vec<Request>,
    last: &mut Option<ChannelId>,
    text: &ByteString,
    limits: &Limits,
) -> Result<(), Fault> {
    let mut reader = Reader::new(text, limits.depth);
    // Most envelopes hold one message.
    requests.reserve_exact(1);
    let mut message = |reader: &mut Reader<'_>| {
        if requests.len() > limits.batch {
            return reader.skip();
        }
        let mut fields = Fields::default();
        reader.object(|reader| fields.read(reader))?;
        requests.push(fields.request(last, text, &limits.grammar));
        Ok(())
    };
    match reader.peek() {
        Some(b'n') => reader.skip()?,
        Some(b'[') => reader.array(message)?,
        _ => message(&mut reader)?,
    }
    reader.end()
}

/// The fields of one message; of duplicates the last one (JSON-5).
#[derive(Default)]
struct Fields<'a> {
    channel: Option<Value<'a>>,
    id: Option<Value<'a>>,
    client_id: Option<ClientId>,
    data: Option<Value<'a>>,
    rare: Option<RareFields<'a>>,
}

/// What most messages do not have.
#[derive(Default)]
struct RareFields<'a> {
    ext: Option<Value<'a>>,
    advice: Option<Value<'a>>,
    subscription: Option<Value<'a>>,
    others: Vec<(Cow<'a, str>, Value<'a>)>,
}

impl<'a> Fields<'a> {
    /// Reads one field.
    #[inline]
    fn read(&mut self, reader: &mut Reader<'a>) -> Result<(), Fault> {
        // Those that most messages have, as they are mostly written.
        let field = if reader.accept_key(br#""channel":"#) {
            &mut self.channel
        } else if reader.accept_key(br#""data":"#) {
            &mut self.data
        } else if reader.accept_key(br#""clientId":"#) {
            self.client_id = match reader.accept_string(ClientId::of_digits) {
                None => client_id(reader.value()?),
                client_id => client_id,
            };
            return Ok(());
        } else if reader.accept_key(br#""id":"#) {
            &mut self.id
        } else {
            return self.read_any(reader);
        };
        *field = Some(reader.value()?);
        Ok(())
    }

    #[inline(never)] // It would only be in the way of the others.
    fn read_any(&mut self, reader: &mut Reader<'a>) -> Result<(), Fault> {
        let key = reader.key()?;
        let value = reader.value()?;
        match self.set(&key, value) {
            true => Ok(()),
            false => self.push(key, value),
        }
    }

    /// Keeps a field that the server knows.
    fn set(&mut self, key: &str, value: Value<'a>) -> bool {
        let field = match key {
            "channel" => &mut self.channel,
            "id" => &mut self.id,
            "clientId" => {
                self.client_id = client_id(value);
                return true;
            }
            "data" => &mut self.data,
            "ext" => &mut self.rare_mut().ext,
            "advice" => &mut self.rare_mut().advice,
            "subscription" => &mut self.rare_mut().subscription,
            // A peer may not dress a publish up as a reply of the server (PUB-3).
            "successful" | "error" => return true,
            _ => return false,
        };
        *field = Some(value);
        true
    }

    /// Keeps a field that the server does not know.
    fn push(&mut self, key: Cow<'a, str>, value: Value<'a>) -> Result<(), Fault> {
        let others = &mut self.rare_mut().others;
        if let Some((_, present)) = others.iter_mut().find(|(it, _)| *it == key) {
            *present = value;
        } else if others.len() == MAX_FIELDS {
            return Err(Fault::TooManyFields);
        } else {
            others.push((key, value));
        }
        Ok(())
    }

    fn rare_mut(&mut self) -> &mut RareFields<'a> {
        self.rare.get_or_insert_default()
    }

    fn request(
        &self,
        last: &mut Option<ChannelId>,
        text: &ByteString,
        grammar: &Grammar,
    ) -> Request {
        let is_last = |it: &&ChannelId| self.channel.is_some_and(|name| name.says(it.as_str()));
        let (name, channel) = match last.as_ref().filter(is_last) {
            // Most messages go where the last one went, and its name has been looked at.
            Some(last) => (Some(last.name().clone()), Ok(last.clone())),
            None => {
                let name = self
                    .channel
                    .and_then(|it| it.map_string(|it| SmolStr::new(it)));
                let channel = parse_channel(self.channel, name.as_ref(), grammar);
                *last = channel.as_ref().ok().cloned();
                (name, channel)
            }
        };
        let echo = Echo {
            channel: name,
            id: self.id.and_then(id_text),
            subscription: self
                .rare
                .as_ref()
                .and_then(|rare| Some(raw(text, rare.subscription?))),
        };
        Request {
            client_id: self.client_id,
            message: channel.and_then(|channel| self.message(channel, &echo, text, grammar)),
            echo,
        }
    }

    fn message(
        &self,
        channel: ChannelId,
        echo: &Echo,
        text: &ByteString,
        grammar: &Grammar,
    ) -> Result<Message, BayeuxError> {
        if grammar.strict
            && self.id.is_some_and(|id| id.text != "null")
            && !echo.id.as_ref().is_some_and(|id| is_id(id))
        {
            return Err(BayeuxError::MessageIdInvalid);
        }
        let mut message = Message::empty(channel);
        message.id.clone_from(&echo.id);
        message.data = self.data.map(|it| raw(text, it));
        if let Some(found) = &self.rare {
            let fields = found.others.iter();
            let rare = message.rare_mut();
            rare.ext = found.ext.map(|it| raw(text, it));
            rare.subscription.clone_from(&echo.subscription);
            rare.advice = found
                .advice
                .map(parse_advice)
                .transpose()?
                .unwrap_or_default();
            rare.fields = fields
                .map(|(key, value)| (share(text, key.clone()), raw(text, *value)))
                .collect();
        }
        Ok(message)
    }
}

/// A value as a view into the text of its envelope.
fn raw(text: &ByteString, value: Value<'_>) -> RawJson {
    RawJson::checked(text.slice_ref(value.text))
}

/// What was found in an envelope, as a view into its text unless it had escapes.
fn share(text: &ByteString, part: Cow<'_, str>) -> ByteString {
    match part {
        Cow::Borrowed(part) => text.slice_ref(part),
        Cow::Owned(part) => part.into(),
    }
}

fn parse_channel(
    value: Option<Value<'_>>,
    name: Option<&SmolStr>,
    grammar: &Grammar,
) -> Result<ChannelId, BayeuxError> {
    let Some(name) = name else {
        return Err(match value.map(|it| it.text) {
            None | Some("null") => BayeuxError::ChannelMissing,
            Some(_) => BayeuxError::ChannelInvalid,
        });
    };
    match Name::parse(name, grammar) {
        // Mostly nothing is dropped, and what is long is shared with the reply.
        Ok((exact, Breadth::Exact)) if exact.len() == name.len() => {
            Ok(ChannelId::checked(name.clone()))
        }
        Ok((exact, Breadth::Exact)) => Ok(ChannelId::checked(exact.into())),
        // A publish to a wildcard would reach nobody who subscribed to what it covers (PUB-8).
        Ok((_, Breadth::Children | Breadth::Descendants)) | Err(_) => {
            Err(BayeuxError::ChannelInvalid)
        }
    }
}

/// The session that a message speaks for, if that is one which this server may have.
fn client_id(value: Value<'_>) -> Option<ClientId> {
    value.map_string(ClientId::parse).flatten()
}

/// A string id as it is; a number or boolean as its text (MSG-3).
fn id_text(value: Value<'_>) -> Option<SmolStr> {
    match value.text.as_bytes().first()? {
        b'"' => value.map_string(|it| SmolStr::new(it)),
        b'n' | b'[' | b'{' => None,
        _ => Some(value.text.into()),
    }
}

fn is_id(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// The advice of a request; only a connect's is ever looked at, but a wrong type is wrong anywhere.
fn parse_advice(value: Value<'_>) -> Result<RequestAdvice, BayeuxError> {
    #[derive(serde::Deserialize)]
    struct Wire {
        timeout: Option<f64>,
        interval: Option<f64>,
    }
    if value.text == "null" {
        return Ok(RequestAdvice::default());
    }
    let wire: Wire = serde_json::from_str(value.text)
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
    fn a_channel_is_what_it_is_whatever_the_last_one_was() {
        let names = [
            "/a",
            "/a",
            "/a/",
            " /a",
            "/b",
            "/a/*",
            "/a",
            "",
            "/a",
            "\\u002fa",
            "/meta/connect",
        ];
        let texts = names.map(|it| format!(r#"{{"channel":"{it}"}}"#));
        let envelope = format!("[{}]", texts.join(","));
        let together = decode(&envelope.into(), &Limits::default()).unwrap();
        for (text, found) in texts.into_iter().zip(together) {
            let alone = decode(&text.clone().into(), &Limits::default()).unwrap();
            for alone in alone {
                assert_eq!(found.echo.channel, alone.echo.channel, "{text}");
                assert_eq!(found.message, alone.message, "{text}");
            }
        }
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
    fn escapes_mean_what_they_stand_for() {
        let id = "0000000000000000000000000";
        let text = format!(
            r#"{{"\u0063hannel":"\/a","i\u0064":"\u0037","clientId":"\u0030{}","\u00e9":"\t"}}"#,
            &id[1..]
        );
        let request = decode(&text.into(), &Limits::default()).unwrap().remove(0);
        assert_eq!(request.echo.channel.as_deref(), Some("/a"));
        assert_eq!(request.client_id, ClientId::parse(id));
        let message = request.message.unwrap();
        assert_eq!(message.id(), Some("7"));
        assert_eq!(message.field("é").unwrap().as_str(), r#""\t""#);
    }

    #[test]
    fn a_field_is_the_same_however_it_is_written() {
        let id = "0123456789abcdefghijklmno";
        for colon in [":", " :", ": ", "\n:\t"] {
            for [channel, data] in [["channel", "data"], ["ch\\u0061nnel", "\\u0064ata"]] {
                let text = format!(
                    r#"[ {{"id"{colon}"1","{data}"{colon}["x"], "clientId"{colon}"{id}" ,"{channel}"{colon}"/a"}}]"#
                );
                let request = decode(&text.into(), &Limits::default()).unwrap().remove(0);
                assert_eq!(request.client_id, ClientId::parse(id));
                let message = request.message.unwrap();
                assert_eq!(message.channel().as_str(), "/a");
                assert_eq!(message.id(), Some("1"));
                assert_eq!(message.data().as_str(), r#"["x"]"#);
                assert_eq!(message.rare(), None);
            }
        }
    }

    #[test]
    fn what_a_peer_may_not_say_is_dropped() {
        // PUB-3
        let text = r#"{"channel":"/a","successful":true,"\u0065rror":"x"}"#;
        let message = request(text).message.unwrap();
        assert_eq!(message.rare(), None);
    }

    #[test]
    fn of_duplicate_keys_the_last_wins() {
        // JSON-5
        for keys in [
            ["channel", "channel"],
            ["channel", "\\u0063hannel"],
            ["\\u0063hannel", "channel"],
        ] {
            let text = format!(r#"{{"{}":"/a","{}":"/b"}}"#, keys[0], keys[1]);
            let request = decode(&text.into(), &Limits::default()).unwrap().remove(0);
            assert_eq!(request.message.unwrap().channel().as_str(), "/b");
        }
        let id = "0123456789abcdefghijklmno";
        for (keys, expected) in [
            (
                format!(r#""clientId":"x","clientId":"{id}""#),
                ClientId::parse(id),
            ),
            (format!(r#""clientId":"{id}","clientId":7"#), None),
            (format!(r#""clientId":"{id}","client\u0049d":"x""#), None),
        ] {
            let request = decode(&format!("{{{keys}}}").into(), &Limits::default());
            assert_eq!(request.unwrap().remove(0).client_id, expected, "{keys}");
        }
        let message = request(r#"{"channel":"/a","x":1,"x":2}"#).message.unwrap();
        assert_eq!(message.field("x").unwrap().as_str(), "2");
    }

    #[test]
    fn advice_without_numbers_falls_through() {
        // CN-1
        let advice = |text| request(text).message.unwrap().advice();
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
    fn a_fault_is_told() {
        let told = |text: &str| decode(&text.into(), &Limits::default()).unwrap_err();
        assert!(matches!(
            told(r#"[{"channel":"/a","x":"\ud800"}]"#),
            ParseError::LoneSurrogate
        ));
        let told = |text: &str| std::error::Error::source(&told(text)).unwrap().to_string();
        assert!(told("[{},]").ends_with("at line 1 column 5"));
        assert_eq!(told("[1]"), "a message is an object");
        let fields: Vec<_> = (0..=MAX_FIELDS).map(|it| format!("\"f{it}\":1")).collect();
        let text = format!("{{{}}}", fields.join(","));
        assert_eq!(told(&text), "too many fields in a message");
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
