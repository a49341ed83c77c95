//! What clients ask for and what the service says.

use cometd::{Message, RawJson};
use serde::{Deserialize, Serialize};

use crate::names::{Room, UserName};

#[derive(Deserialize)]
pub(crate) struct Join {
    pub(crate) user: UserName,
    pub(crate) room: Room,
}

#[derive(Deserialize)]
pub(crate) struct PrivateChat {
    pub(crate) room: Room,
    pub(crate) user: UserName,
    pub(crate) chat: String,
    /// Names, separated by commas.
    peer: String,
}

impl PrivateChat {
    /// Those who are to receive it: the sender, too, whose own words come back like any others.
    pub(crate) fn receivers(&self) -> impl Iterator<Item = &str> {
        self.peer.split(',').chain([self.user.as_ref()])
    }
}

/// What the service says in a room, on behalf of a user.
#[derive(Serialize)]
pub(crate) struct Line<'a> {
    user: &'a UserName,
    chat: &'a str,
    #[serde(flatten)]
    kind: Kind,
}

#[derive(Serialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Membership(&'static str),
    Scope(&'static str),
}

impl<'a> Line<'a> {
    pub(crate) const fn private(user: &'a UserName, chat: &'a str) -> Self {
        let kind = Kind::Scope("private");
        Self { user, chat, kind }
    }

    pub(crate) const fn leave(user: &'a UserName, chat: &'a str) -> Self {
        let kind = Kind::Membership("leave");
        Self { user, chat, kind }
    }
}

/// One channel or several, as a client may write them.
#[derive(Deserialize)]
#[serde(untagged)]
enum Channels {
    One(String),
    Many(Vec<String>),
}

/// The rooms whose channels a message unsubscribes from. If that cannot be read there are none; the
/// server is going to say what is wrong.
pub(crate) fn rooms_of(message: &Message) -> Vec<Room> {
    let channels = match message.subscription().map(RawJson::to) {
        Some(Ok(Channels::One(channel))) => vec![channel],
        Some(Ok(Channels::Many(channels))) => channels,
        Some(Err(_)) | None => Vec::new(),
    };
    channels.iter().filter_map(|it| Room::of(it)).collect()
}
