//! cometd
pub mod protocol;
