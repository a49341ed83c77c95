//! The connection types of the protocol.

use std::fmt;

/// A way in which messages travel between a client and the server.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Transport {
    /// `websocket`: one socket for both directions.
    WebSocket,
    /// `long-polling`: HTTP posts, one of which is held until there is something to deliver.
    LongPolling,
    /// `callback-polling`: the same with `GET` requests of script elements (JSONP).
    CallbackPolling,
}

impl Transport {
    /// Every transport, in the order in which they are advertised by default.
    pub const ALL: [Self; 3] = [Self::WebSocket, Self::LongPolling, Self::CallbackPolling];

    /// The name that `supportedConnectionTypes` and `allowedTransports` use.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::WebSocket => "websocket",
            Self::LongPolling => "long-polling",
            Self::CallbackPolling => "callback-polling",
        }
    }
}

impl fmt::Display for Transport {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}
