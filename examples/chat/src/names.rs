//! Names of rooms and of users.

use std::borrow::Borrow;
use std::fmt;

use cometd::ChannelId;
use serde::{Deserialize, Serialize};

/// The longest name, in bytes.
const LONGEST_NAME: usize = 64;

/// A room, which clients name by its channel: `/chat/<name>`.
#[derive(Clone, Debug, Deserialize, Eq, Hash, PartialEq)]
#[serde(try_from = "String")]
pub(crate) struct Room(String);

impl Room {
    /// The room of a channel: of the one where it talks, or of the one that lists its members.
    pub(crate) fn of(channel: &str) -> Option<Self> {
        let name = channel
            .strip_prefix("/chat/")
            .or_else(|| channel.strip_prefix("/members/"))?;
        let is_name =
            name.len() <= LONGEST_NAME && !name.contains('/') && ChannelId::parse(channel).is_ok();
        is_name.then(|| Self(name.to_owned()))
    }

    /// Where the room talks.
    pub(crate) fn chat(&self) -> String {
        format!("/chat/{}", self.0)
    }

    /// Where the names of its members are published.
    pub(crate) fn members(&self) -> String {
        format!("/members/{}", self.0)
    }
}

impl TryFrom<String> for Room {
    type Error = &'static str;

    fn try_from(channel: String) -> Result<Self, Self::Error> {
        Self::of(&channel).ok_or("expected a room, such as /chat/demo")
    }
}

/// What a user is called. It has no comma, which separates names in private messages.
#[derive(Clone, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(try_from = "String")]
pub(crate) struct UserName(String);

impl TryFrom<String> for UserName {
    type Error = &'static str;

    fn try_from(name: String) -> Result<Self, Self::Error> {
        let name = name.trim();
        if name.is_empty() || name.len() > LONGEST_NAME || name.contains(',') {
            return Err("expected a name without commas, of 1 to 64 bytes");
        }
        Ok(Self(name.to_owned()))
    }
}

/// Members are looked up by what others call them.
impl Borrow<str> for UserName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl AsRef<str> for UserName {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for UserName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}
