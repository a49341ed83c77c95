//! What happens to one session: plain functions of input and time that return effects.

mod deadlines;
#[cfg(test)]
mod model;
mod pacing;
mod parcel;
mod queue;
mod registry;
mod state;

pub(crate) use self::deadlines::Deadlines;
pub(crate) use self::pacing::Pacing;
pub(crate) use self::parcel::{Bundle, Parcel};
pub use self::queue::QueueOverflow;
pub(crate) use self::registry::Registry;
pub use self::state::Phase;
pub(crate) use self::state::{Carrier, ConnectToken, Due, Enqueued, Hold, Resume, State, Wake};
