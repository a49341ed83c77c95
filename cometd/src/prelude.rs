//! What a service usually needs: `use cometd::prelude::*;`.

#[cfg(feature = "testing")]
pub use crate::testing::{MockSession, TestServer};
pub use crate::{
    BayeuxServer, Call, ChannelConfig, ChannelId, Data, Flow, FromCall, Grant, HandlerError,
    LocalSession, Message, NoMarkup, RawJson, Removal, ServerSession, State,
};
#[cfg(feature = "macros")]
pub use crate::{configure, handlers, inject, listener, service, session};
