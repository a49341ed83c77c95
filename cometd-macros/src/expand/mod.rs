//! From model to tokens. Nothing here can fail.

mod handlers;
mod service;

pub(crate) use handlers::{handlers, handlers_stub};
pub(crate) use service::{service, service_stub};
