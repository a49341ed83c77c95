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
    /// The memory of this process: a [`LocalSession`](crate::LocalSession).
    Local,
}

impl Transport {
    /// The name that `supportedConnectionTypes` and `allowedTransports` use.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::WebSocket => "websocket",
            Self::LongPolling => "long-polling",
            Self::CallbackPolling => "callback-polling",
            Self::Local => "local",
        }
    }
}

impl fmt::Display for Transport {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}
