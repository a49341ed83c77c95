//! The server under test.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::io::{AsyncRead, AsyncWrite};

/// A connection to a server.
pub trait Io: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Io for T {}

/// Opens a connection.
pub type Connect = Arc<dyn Fn() -> BoxFuture<'static, io::Result<Box<dyn Io>>> + Send + Sync>;

/// How time is measured.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// How long something has to be without an answer to count as held.
    pub settle: Duration,
    /// How long "at once" may take, and how far other times may be off.
    pub slack: Duration,
    /// How long is waited for anything.
    pub patience: Duration,
}

impl Pace {
    /// For a paused clock: it moves on only when nothing else can happen.
    pub const VIRTUAL: Self = Self {
        settle: Duration::from_millis(1),
        slack: Duration::from_millis(30),
        patience: Duration::from_secs(60),
    };

    /// For real sockets, where an answer takes up to `slack`.
    #[must_use]
    pub const fn real(slack: Duration) -> Self {
        Self {
            settle: Duration::from_millis(100),
            slack,
            patience: Duration::from_secs(40),
        }
    }
}

/// A server under test: the default set-up of the specification, or something like it.
#[derive(Clone)]
pub struct Target {
    /// Opens a connection to it.
    pub connect: Connect,
    /// The `Host` of requests.
    pub host: String,
    /// Where it is mounted, such as `/cometd`.
    pub path: String,
    /// How time is measured.
    pub pace: Pace,
    /// The hold of a connect that the server advises, which scenarios call `$timeout`; in milliseconds.
    pub timeout: u64,
}

impl fmt::Debug for Target {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Target")
            .field("host", &self.host)
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}
