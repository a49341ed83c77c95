//! What a service usually needs: `use cometd::prelude::*;`.

pub use crate::extensions::{Acknowledge, TimeSync};
#[cfg(feature = "testing")]
pub use crate::testing::{MockSession, TestServer};
pub use crate::{
    Attribute, BayeuxServer, Call, Caller, ChannelConfig, ChannelId, Data, Flow, FromCall, Grant,
    HandlerError, LocalSession, Message, NoMarkup, RawJson, Removal, ServerSession, State,
};
#[cfg(feature = "macros")]
pub use crate::{
    configure, handlers, inject, listener, post_construct, pre_destroy, remote_call, service,
    session, subscription,
};
