//! The values of the Bayeux protocol: no clock, no lock, no task, no socket.

mod advice;
mod channel;
pub(crate) mod codec;
mod error;
mod ext;
mod id;
mod json;
mod message;
mod pattern;
mod reply;
mod template;
mod transport;

pub use self::advice::{Advice, Reconnect};
pub(crate) use self::channel::Grammar;
pub use self::channel::{ChannelId, ChannelKind, MetaChannel};
pub use self::error::{BayeuxError, ChannelError, MessageError, ParseError};
pub use self::id::ClientId;
pub use self::json::{IntoData, RawJson};
pub use self::message::{FrozenMessage, Message};
pub use self::pattern::{Breadth, ChannelPattern};
pub(crate) use self::reply::Handshaken;
pub use self::reply::Reply;
pub use self::template::{ChannelTemplate, Parameters};
pub use self::transport::Transport;
