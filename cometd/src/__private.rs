//! Not public API: the only paths that generated code names.

use std::future::Future;

use futures_util::FutureExt;
pub use inventory;

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
    // The future is made once it has its place: one that is there before is copied, with all the room
    // that it has for what it is going to do.
    let place = Box::new_uninit();
    // `map` and no block: a block would have room for the method twice, before its start and after.
    let method = method().map(|it| it.unwrap_or_else(T::from_rejection));
    let method = Box::into_pin(Box::write(place, method));
    Deferred::Later(method)
}
