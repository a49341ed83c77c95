//! The runtime half of `#[service]` and `#[handlers]`.
//!
//! A service attaches to the server as listeners of channels: neither the pipeline nor the
//! transports know that there are services.
//!
//! A library that only registers services is linked only if the binary names it:
//! `use chat_service as _;`. The builder logs what it found.

mod attached;
mod bound;
mod call;
mod caller;
mod closure;
mod definition;
mod extract;
mod failure;
mod handler;
mod install;
mod method;
mod outcome;
mod payload;
mod principal;
mod returned;

pub use self::call::Call;
pub use self::caller::Caller;
pub use self::definition::{Definition, Handlers, Registration, Service, ServiceContext};
pub use self::extract::{
    Attribute, Data, FromCall, FromParameter, FromRejection, Lend, Rejection, State,
};
pub use self::failure::{Answer, Failure, IntoFailure};
pub use self::method::{Completion, IfExists, IntoCompletion, Method, OwnPublishes};
pub use self::outcome::IntoOutcome;
pub use self::returned::{AsResult, Fallible, IntoAcceptance, IntoAnswer, Plain, Returned};
