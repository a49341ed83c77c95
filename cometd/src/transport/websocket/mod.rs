//! One socket for both directions (section 16 of the specification).

mod connection;
mod frame;
mod input;
mod socket;
mod stream;
mod upgrade;
mod wire;

pub(super) use self::upgrade::{asks_for_websocket, options};
