//! Text to messages and back.

mod decode;
mod encode;
mod plain;
mod reader;

pub(crate) use self::decode::{Echo, Limits, Request, decode, decode_into};
pub(crate) use self::encode::{envelope, freeze, freeze_plain, write_envelope, write_message};
