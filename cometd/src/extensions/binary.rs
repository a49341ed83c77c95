//! Bytes in messages.

use std::borrow::Cow;
use std::fmt;

use bytes::{Bytes, BytesMut};
use serde::de::Error;
use serde::{Deserialize, Deserializer};

use super::z85;
use crate::protocol::{BayeuxError, ChannelKind, IntoData, RawJson};
use crate::server::{Deferred, Exchange, Extension, Flow, ServerSession};

/// A chunk of bytes as the payload of a message: what `publishBinary` of a client sends, and what its
/// subscribers receive.
///
/// A handler takes it as `Data<BinaryData>`; publishing or delivering one marks the message for clients.
///
/// ```
/// use cometd::extensions::BinaryData;
/// use cometd::prelude::*;
///
/// #[service("checksum")]
/// struct Checksum;
///
/// #[handlers]
/// impl Checksum {
///     /// Answers a chunk with the sum of its bytes, in two bytes.
///     #[listener("/service/checksum")]
///     async fn chunk(
///         &self,
///         session: &ServerSession,
///         message: &Message,
///         Data(chunk): Data<BinaryData>,
///     ) -> Result<(), HandlerError> {
///         let sum: u16 = chunk.data.iter().map(|byte| u16::from(*byte)).sum();
///         let sum = BinaryData::new(sum.to_be_bytes().to_vec());
///         session.deliver(None, message.channel(), sum).await?;
///         Ok(())
///     }
/// }
/// ```
///
/// # The wire
///
/// The bytes are text in Z85, five characters for four bytes, and `ext` says so:
///
/// ```text
/// {"channel":"/bin","data":{"data":"HelloWorld","last":true,"meta":{"name":"a.png"}},"ext":{"binary":{}}}
/// ```
///
/// A message that is only passed on keeps this text: nothing is decoded for those who do not look.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct BinaryData {
    /// The bytes.
    pub data: Bytes,
    /// Whether these are the last bytes of what was sent in chunks; so it is if the sender does not say.
    pub last: bool,
    /// What the sender says about the bytes.
    pub meta: Option<RawJson>,
}

impl BinaryData {
    /// All bytes at once.
    pub fn new(data: impl Into<Bytes>) -> Self {
        Self {
            data: data.into(),
            last: true,
            meta: None,
        }
    }
}

/// Not [`Serialize`](serde::Serialize): inside of other data clients would not find the bytes.
impl IntoData for BinaryData {
    fn into_data(self) -> Result<RawJson, serde_json::Error> {
        let mut text = String::from(r#"{"data":""#);
        z85::encode(&self.data, &mut text);
        text.push_str(if self.last {
            r#"","last":true"#
        } else {
            r#"","last":false"#
        });
        if let Some(meta) = &self.meta {
            text.push_str(r#","meta":"#);
            text.push_str(meta.as_str());
        }
        text.push('}');
        RawJson::parse(text)
    }

    fn is_binary(&self) -> bool {
        true
    }
}

impl<'de> Deserialize<'de> for BinaryData {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Wire { data, last, meta } = Wire::deserialize(deserializer)?;
        let mut bytes = BytesMut::with_capacity(data.len() / 5 * 4 + 4);
        for group in z85::decode(&data) {
            let group = group.ok_or_else(|| D::Error::custom(NotZ85))?;
            bytes.extend_from_slice(group.as_ref());
        }
        Ok(Self {
            data: bytes.freeze(),
            last,
            meta,
        })
    }
}

/// The payload as it is sent.
#[derive(Deserialize)]
struct Wire<'a> {
    #[serde(borrow)]
    data: Cow<'a, str>,
    #[serde(default = "yes")]
    last: bool,
    #[serde(default)]
    meta: Option<RawJson>,
}

const fn yes() -> bool {
    true
}

/// The text is not that of any bytes.
struct NotZ85;

impl fmt::Display for NotZ85 {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("data is not Z85")
    }
}

/// Refuses messages that say they have bytes and have none: `400:data is not Z85:data_invalid`.
///
/// [`BinaryData`] works without it: clients encode and decode on their own, handlers do it when they ask
/// for the bytes. What this extension keeps out is what would fail at every subscriber.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct Binary;

impl Extension for Binary {
    fn incoming<'a>(
        &'a self,
        _: Option<&'a ServerSession>,
        exchange: &'a mut Exchange,
    ) -> Deferred<'a, Flow> {
        let message = &exchange.message;
        let meta = matches!(message.channel().kind(), ChannelKind::Meta(_));
        if meta || message.ext_field(BINARY).is_none() {
            return Flow::Continue.into();
        }
        let is_bytes = message
            .data_as::<Wire<'_>>()
            .is_ok_and(|wire| z85::decode(&wire.data).all(|group| group.is_some()));
        if is_bytes {
            return Flow::Continue.into();
        }
        let detail = NotZ85.to_string();
        exchange.reply.fail(BayeuxError::DataInvalid { detail });
        exchange.handle();
        Flow::Stop.into()
    }
}

/// The field of `ext`.
const BINARY: &str = "binary";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_written_as_clients_read_them() {
        // extensions 6.1
        let mut binary = BinaryData::new(vec![0x86, 0x4f, 0xd2, 0x6f, 0xb5, 0x59, 0xf7, 0x5b]);
        let text = binary.clone().into_data().unwrap();
        assert_eq!(text.as_str(), r#"{"data":"HelloWorld","last":true}"#);
        assert_eq!(text.to::<BinaryData>().unwrap(), binary);

        binary.last = false;
        binary.meta = Some(RawJson::parse(r#"{"name":1.0}"#).unwrap());
        let text = binary.clone().into_data().unwrap();
        let expected = r#"{"data":"HelloWorld","last":false,"meta":{"name":1.0}}"#;
        assert_eq!(text.as_str(), expected);
        assert_eq!(text.to::<BinaryData>().unwrap(), binary);
    }

    #[test]
    fn a_sender_need_not_say_that_it_sends_no_more() {
        let binary: BinaryData = serde_json::from_str(r#"{"data":"\u0048ed"}"#).unwrap();
        assert_eq!((&*binary.data, binary.last), (&[0x86, 0x4f][..], true));
        assert!(serde_json::from_str::<BinaryData>(r#"{"data":"H"}"#).is_err());
    }
}
