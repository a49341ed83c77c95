//! HTTP responses.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use ::http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue, X_CONTENT_TYPE_OPTIONS};
use ::http::{Response, StatusCode};
use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use http_body_util::Full;

use crate::protocol::ParseError;

/// The body of a response.
#[derive(Debug, Default)]
pub struct Body(Full<Bytes>);

impl HttpBody for Body {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Pin::new(&mut self.0).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.0.size_hint()
    }
}

/// The messages and replies of an envelope (LP-7).
pub(super) fn json(text: String) -> Response<Body> {
    with_type(StatusCode::OK, JSON, text)
}

/// The same as a call of a function, for a script element (CB-4, CB-9).
pub(super) fn script(callback: &str, text: &str) -> Response<Body> {
    // Both are line ends in old scripts, and legal in JSON strings.
    let text = text
        .replace('\u{2028}', "\\u2028")
        .replace('\u{2029}', "\\u2029");
    with_type(StatusCode::OK, SCRIPT, format!("{callback}({text})"))
}

/// A status with a sentence for people.
pub(super) fn plain(status: StatusCode, text: &str) -> Response<Body> {
    with_type(status, PLAIN, text.to_owned())
}

/// A status alone.
pub(super) fn empty(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::default());
    *response.status_mut() = status;
    response
}

/// A body that is no envelope (ERR-2, ERR-4, ERR-5, LP-11).
pub(super) fn malformed(error: &ParseError) -> Response<Body> {
    tracing::debug!(%error, "malformed request");
    let status = match error {
        ParseError::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
        ParseError::Malformed(_)
        | ParseError::Encoding { .. }
        | ParseError::Empty
        | ParseError::BatchTooLong { .. }
        | ParseError::TooDeep { .. }
        | ParseError::LoneSurrogate
        | ParseError::HandshakeNotAlone => StatusCode::BAD_REQUEST,
    };
    plain(status, &error.to_string())
}

fn with_type(status: StatusCode, media_type: HeaderValue, text: String) -> Response<Body> {
    let mut response = Response::new(Body(Full::new(Bytes::from(text))));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, media_type);
    headers.insert(CACHE_CONTROL, NO_STORE);
    headers.insert(X_CONTENT_TYPE_OPTIONS, NO_SNIFF);
    response
}

// Checked by the compiler, and not for each response.
const JSON: HeaderValue = HeaderValue::from_static("application/json;charset=UTF-8");
const SCRIPT: HeaderValue = HeaderValue::from_static("text/javascript;charset=UTF-8");
const PLAIN: HeaderValue = HeaderValue::from_static("text/plain;charset=UTF-8");
const NO_STORE: HeaderValue = HeaderValue::from_static("no-cache, no-store");
const NO_SNIFF: HeaderValue = HeaderValue::from_static("nosniff");
