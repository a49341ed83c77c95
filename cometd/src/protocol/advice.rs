//! What a server advises a client to do next.

use std::time::Duration;

/// What the client does after a connect reply.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Reconnect {
    /// Connect again after `interval`.
    Retry,
    /// The session is gone: handshake again.
    Handshake,
    /// Stop.
    None,
}

impl Reconnect {
    /// The word of the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Retry => "retry",
            Self::Handshake => "handshake",
            Self::None => "none",
        }
    }
}

/// The `advice` of a reply. A field that is `None` is not sent (section 7 of the specification).
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Advice {
    /// What to do next.
    pub reconnect: Option<Reconnect>,
    /// How long to wait before the next connect.
    pub interval: Option<Duration>,
    /// How long the server will hold the next connect.
    pub timeout: Option<Duration>,
    /// How long the server keeps a session that is silent, beyond `timeout` and `interval`.
    pub max_interval: Option<Duration>,
    /// Whether another session of the same browser has a connect held (MULTI-3).
    pub multiple_clients: bool,
}

impl Advice {
    /// `reconnect` alone.
    #[must_use]
    pub const fn reconnect(reconnect: Reconnect) -> Self {
        Self {
            reconnect: Some(reconnect),
            interval: None,
            timeout: None,
            max_interval: None,
            multiple_clients: false,
        }
    }

    /// What a client of an unknown session is told (ADV-6).
    pub(crate) const HANDSHAKE: Self = Self {
        interval: Some(Duration::ZERO),
        ..Self::reconnect(Reconnect::Handshake)
    };
}

/// The `advice` of a request: how long the client asks to be held and how long it will be away.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct RequestAdvice {
    /// Whether there was an `advice` object at all, even an empty one (ADV-3).
    pub(crate) present: bool,
    /// Hold this connect so long; absent or negative falls through (CN-1).
    pub(crate) timeout: Option<Duration>,
    /// The client will be away so long (SES-15).
    pub(crate) interval: Option<Duration>,
}
