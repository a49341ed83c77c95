//! Not public API: the only paths that generated code names.

use std::future::Future;

pub use inventory;

pub use crate::server::{ChannelConfig, Deferred, Location, Outcome};
pub use crate::service::{
    Call, Configured, Definition, FromCall, Handlers, IfExists, IntoConfigured, IntoOutcome, Lend,
    Method, OwnPublishes, Registration, Rejection, Service, ServiceContext,
};

/// A handler that has no `await`.
pub fn now<'a>(handler: impl FnOnce() -> Result<Outcome, Rejection>) -> Deferred<'a, Outcome> {
    Deferred::Now(settle(handler()))
}

/// A handler that has one.
pub fn later<'a>(
    handler: impl Future<Output = Result<Outcome, Rejection>> + Send + 'a,
) -> Deferred<'a, Outcome> {
    Deferred::later(async { settle(handler.await) })
}

fn settle(result: Result<Outcome, Rejection>) -> Outcome {
    match result {
        Ok(outcome) => outcome,
        Err(Rejection::Skip) => Outcome::Continue,
        Err(Rejection::Refuse(error)) => Outcome::Refuse(error),
    }
}
