//! Reading what a client posts.

use std::borrow::Cow;
use std::pin::pin;
use std::time::Duration;

use ::http::header::CONTENT_TYPE;
use ::http::{HeaderMap, Response, StatusCode};
use bytes::Bytes;
use bytestring::ByteString;
use encoding_rs::{Encoding, UTF_8};
use http_body::Body as HttpBody;
use http_body_util::BodyExt;

use super::response::{self, Body};
use crate::protocol::ParseError;

/// Longest time that a body may take to arrive. A client that sends less than its limit in this
/// time is cut off, so that slow bodies cannot pile up.
const PATIENCE: Duration = Duration::from_secs(30);

/// A body that cannot be read.
#[derive(Debug, thiserror::Error)]
pub(super) enum ReadError {
    #[error(transparent)]
    Parse(#[from] ParseError),
    #[error("the body broke off")]
    Broken,
    #[error("the body is too slow")]
    Slow,
    #[error("the character set is unknown")]
    UnknownCharset,
}

impl ReadError {
    pub(super) fn response(&self) -> Response<Body> {
        let status = match self {
            Self::Parse(error) => return response::malformed(error),
            Self::Broken => StatusCode::BAD_REQUEST,
            Self::Slow => StatusCode::REQUEST_TIMEOUT,
            Self::UnknownCharset => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        };
        response::plain(status, &self.to_string())
    }
}

/// Reads a body up to a limit, as the texts of one or more envelopes.
pub(super) async fn read<B>(
    headers: &HeaderMap,
    body: B,
    limit: usize,
) -> Result<Vec<ByteString>, ReadError>
where
    B: HttpBody<Data = Bytes>,
    B::Error: std::error::Error,
{
    // What is announced as too long is not read at all.
    if body.size_hint().lower() > limit as u64 {
        return Err(ParseError::TooLarge { limit }.into());
    }
    match tokio::time::timeout(PATIENCE, collect(body, limit)).await {
        Ok(collected) => texts(headers, collected?),
        Err(_) => Err(ReadError::Slow),
    }
}

/// Copies a body: what is kept of its messages, their data in a queue, must not keep the buffer of the
/// connection, which is much larger than most of them.
async fn collect<B>(body: B, limit: usize) -> Result<Bytes, ReadError>
where
    B: HttpBody<Data = Bytes>,
    B::Error: std::error::Error,
{
    let mut body = pin!(body);
    let announced = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    let mut collected = Vec::with_capacity(announced.min(AT_ONCE));
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| {
            tracing::debug!(%error, "a body broke off");
            ReadError::Broken
        })?;
        // Trailers say nothing.
        let Some(data) = frame.data_ref() else {
            continue;
        };
        if data.len() > limit - collected.len() {
            return Err(ParseError::TooLarge { limit }.into());
        }
        collected.extend_from_slice(data);
    }
    Ok(collected.into())
}

/// Bytes of memory that a client gets by announcing a body, before it sends any.
const AT_ONCE: usize = 16 * 1024;

/// The envelopes in a body: itself, or the `message` fields of a form (OLD-3, FAYE-3).
fn texts(headers: &HeaderMap, bytes: Bytes) -> Result<Vec<ByteString>, ReadError> {
    let media_type = headers
        .get(CONTENT_TYPE)
        .and_then(|it| it.to_str().ok())
        .unwrap_or_default();
    if media_type.starts_with("application/x-www-form-urlencoded") && !looks_like_json(&bytes)
        || bytes.starts_with(b"message=") && !media_type.contains("json")
    {
        return Ok(messages(&bytes));
    }
    let text = match charset(media_type) {
        None => utf8(bytes)?,
        Some(label) => match Encoding::for_label(label.as_bytes()) {
            None => return Err(ReadError::UnknownCharset),
            Some(encoding) if encoding == UTF_8 => utf8(bytes)?,
            Some(encoding) => decode(encoding, &bytes)?,
        },
    };
    Ok(vec![text])
}

/// A client that forgot to say what it sends is served all the same (LP-4).
fn looks_like_json(bytes: &[u8]) -> bool {
    matches!(bytes.trim_ascii_start().first(), Some(b'[' | b'{'))
}

fn utf8(bytes: Bytes) -> Result<ByteString, ParseError> {
    ByteString::try_from(bytes).map_err(|_| ParseError::Encoding {
        charset: "UTF-8".to_owned(),
    })
}

fn decode(encoding: &'static Encoding, bytes: &[u8]) -> Result<ByteString, ParseError> {
    match encoding.decode_without_bom_handling_and_without_replacement(bytes) {
        Some(text) => Ok(Cow::into_owned(text).into()),
        None => Err(ParseError::Encoding {
            charset: encoding.name().to_owned(),
        }),
    }
}

/// The `charset` of a media type (LP-6).
fn charset(media_type: &str) -> Option<&str> {
    media_type.split(';').skip(1).find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim()
            .eq_ignore_ascii_case("charset")
            .then(|| value.trim().trim_matches('"'))
    })
}

/// The `message` fields of a form or a query, in order (CB-3).
pub(super) fn messages(form: &[u8]) -> Vec<ByteString> {
    form_urlencoded::parse(form)
        .filter(|(name, _)| name == "message")
        .map(|(_, value)| value.into_owned().into())
        .collect()
}

#[cfg(test)]
mod tests {
    use ::http::HeaderValue;

    use super::*;

    fn read(media_type: &'static str, body: &'static [u8]) -> Result<Vec<ByteString>, StatusCode> {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
        texts(&headers, Bytes::from_static(body)).map_err(|error| error.response().status())
    }

    #[test]
    fn the_media_type_does_not_matter() {
        // LP-4
        for media_type in [
            "application/json",
            "text/json;charset=UTF-8",
            "text/plain",
            "",
        ] {
            assert_eq!(read(media_type, b"[{}]").unwrap(), ["[{}]"], "{media_type}");
        }
    }

    #[test]
    fn the_character_set_does() {
        // LP-6: T-LP-3
        assert_eq!(
            read("text/json; charset=\"ISO-8859-7\"", b"\"\xe1\"").unwrap(),
            ["\"α\""]
        );
        assert_eq!(read("text/json", b"\"\xe1\""), Err(StatusCode::BAD_REQUEST));
        assert_eq!(
            read("text/json;charset=klingon", b"[]"),
            Err(StatusCode::UNSUPPORTED_MEDIA_TYPE)
        );
    }

    #[test]
    fn forms_of_old_clients_are_read() {
        // OLD-3: T-OLD-1, T-OLD-2; FAYE-3: T-FAYE-2
        let form = "application/x-www-form-urlencoded";
        assert_eq!(
            read(form, b"message=%5B%7B%7D%5D&x=1&message=%7B%7D").unwrap(),
            ["[{}]", "{}"]
        );
        assert_eq!(
            read("text/plain;charset=UTF-8", b"message=%5B%5D").unwrap(),
            ["[]"]
        );
        assert_eq!(read(form, b" [{}]").unwrap(), [" [{}]"]);
        assert_eq!(
            read("application/json", b"message=%5B%5D").unwrap(),
            ["message=%5B%5D"]
        );
    }
}
