//! Testing services without a server, a socket or a sleep.

mod mock;

pub use self::mock::{Delivered, MockSession};
