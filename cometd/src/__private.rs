//! Not public API: the only paths that generated code names.

use std::future::Future;

use futures_util::FutureExt;
pub use inventory;

use crate::boxed::boxed;
pub use crate::server::{ChannelConfig, Deferred, Location, Outcome};
pub use crate::service::{
    AsResult, Call, Completion, Definition, Fallible, FromCall, FromRejection, Handlers, IfExists,
    IntoAcceptance, IntoAnswer, IntoCompletion, IntoOutcome, Lend, Method, OwnPublishes, Plain,
    Registration, Rejection, Returned, Service, ServiceContext,
};

/// A method that has no `await`.
pub fn now<'a, T: FromRejection>(method: impl FnOnce() -> Result<T, Rejection>) -> Deferred<'a, T> {
    Deferred::Now(method().unwrap_or_else(T::from_rejection))
}

/// A method that has one.
pub fn later<'a, T: FromRejection, F>(method: impl FnOnce() -> F) -> Deferred<'a, T>
where
    F: Future<Output = Result<T, Rejection>> + Send + 'a,
{
    // `map` and no block: a block would have room for the method twice, before its start and after.
    Deferred::Later(boxed(|| {
        method().map(|it| it.unwrap_or_else(T::from_rejection))
    }))
}
