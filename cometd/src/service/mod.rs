//! The runtime half of `#[service]` and `#[handlers]`.
//!
//! A service attaches to the server as listeners of channels: neither the pipeline nor the
//! transports know that there are services.
//!
//! A library that only registers services is linked only if the binary names it:
//! `use chat_service as _;`. The builder logs what it found.

mod call;
mod definition;
mod extract;
mod install;
mod method;
mod outcome;

pub use self::call::Call;
pub use self::definition::{Definition, Handlers, Registration, Service, ServiceContext};
pub use self::extract::{Data, FromCall, FromParameter, Lend, Rejection, State};
pub use self::method::{Configured, IfExists, IntoConfigured, Method, OwnPublishes};
pub use self::outcome::IntoOutcome;
