//! Why a connection ends (WS-16).

use yawc::WebSocketError;
use yawc::close::CloseCode;

use crate::protocol::ParseError;

/// Why a connection ends.
#[derive(Debug)]
pub(super) enum End {
    /// The peer closed, or the socket broke.
    Closed,
    /// This side closes (WS-16).
    Close(CloseCode, &'static str),
}

/// A socket that brought what is no WebSocket frame, or broke.
pub(super) fn broken(error: &WebSocketError) -> End {
    tracing::debug!(%error, "a socket failed");
    match error {
        WebSocketError::FrameTooLarge => End::Close(CloseCode::Size, "message too large"),
        WebSocketError::InvalidUTF8 => End::Close(CloseCode::Invalid, "not UTF-8"),
        WebSocketError::IoError(_) => End::Closed,
        _ => End::Close(CloseCode::Protocol, "not a WebSocket frame"),
    }
}

/// A frame that is no envelope (WS-16).
pub(super) fn malformed(error: &ParseError) -> End {
    tracing::debug!(%error, "malformed frame");
    match error {
        ParseError::TooLarge { .. } => End::Close(CloseCode::Size, "message too large"),
        ParseError::Malformed(_)
        | ParseError::Encoding { .. }
        | ParseError::Empty
        | ParseError::BatchTooLong { .. }
        | ParseError::TooDeep { .. }
        | ParseError::LoneSurrogate
        | ParseError::HandshakeNotAlone => End::Close(CloseCode::Error, "malformed envelope"),
    }
}
