//! The generator: sessions that load a server and look at what they receive.
//!
//! It runs on one thread, reads into one buffer, parses no JSON once a run has begun, and recognises
//! messages by a token in their bytes.

mod churn;
pub(crate) mod http;
mod idle;
mod input;
mod ledger;
mod member;
mod order;
mod pacer;
mod polling;
mod session;
mod token;
mod traffic;
mod websocket;

use std::io;

pub(crate) use self::churn::run as churn;
pub(crate) use self::idle::{Footprint, run as idle};
pub(crate) use self::ledger::Pace;
pub(crate) use self::member::{Publishes, Role};
pub(crate) use self::polling::Polling;
pub(crate) use self::session::{Failure, Target, Transport};
pub(crate) use self::traffic::{Outcome, Plan, Timing, run as traffic};
pub(crate) use self::websocket::WebSocket;
use crate::process::Usage;

/// A server that is loaded.
#[derive(Clone, Debug)]
pub(crate) struct Watched {
    pub(crate) target: Target,
    /// Its process, if that is on this machine.
    pub(crate) process: Option<u32>,
}

impl Watched {
    /// What the server and the generator have used.
    fn usage(&self) -> io::Result<(Usage, Usage)> {
        let server = self.process.map(Usage::of).transpose()?;
        Ok((server.unwrap_or_default(), Usage::of(std::process::id())?))
    }

    fn usage_since(&self, earlier: (Usage, Usage)) -> io::Result<(Usage, Usage)> {
        let (server, generator) = self.usage()?;
        Ok((server.since(earlier.0), generator.since(earlier.1)))
    }
}
