//! What was said last in each chat room, for those who come later.

use std::collections::{HashMap, VecDeque};

use cometd::prelude::*;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

/// How many rooms are remembered.
const MOST_ROOMS: usize = 100;
/// How many lines of each.
pub(crate) const MOST_LINES: usize = 50;
/// The longest line, in bytes of its JSON text.
const LONGEST_LINE: usize = 1024;

#[service("history")]
#[derive(Default)]
pub(crate) struct History {
    rooms: Mutex<HashMap<String, VecDeque<Said>>>,
}

/// A line.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub(crate) struct Said {
    pub(crate) user: String,
    pub(crate) chat: String,
}

/// How many lines a caller wants.
#[derive(Debug, Deserialize)]
#[serde(default)]
pub(crate) struct Page {
    length: usize,
}

impl Default for Page {
    fn default() -> Self {
        Self { length: MOST_LINES }
    }
}

#[handlers]
impl History {
    /// Remembers lines as others see them: the chat takes markup out before.
    #[listener("/chat/{room}")]
    pub(crate) fn said(&self, room: &str, message: &Message) {
        let data = message.data();
        let Ok(said) = data.to::<Said>() else { return };
        let mut rooms = self.rooms.lock();
        let has_place = rooms.contains_key(room) || rooms.len() < MOST_ROOMS;
        if has_place && data.as_str().len() <= LONGEST_LINE {
            let lines = rooms.entry(room.to_owned()).or_default();
            lines.truncate(MOST_LINES - 1);
            lines.push_front(said);
        }
    }

    /// The last lines of a room, the oldest first.
    #[remote_call("rooms/{room}/history")]
    pub(crate) fn history(&self, room: &str, Data(page): Data<Page>) -> Vec<Said> {
        let rooms = self.rooms.lock();
        let lines = rooms.get(room).into_iter().flatten().take(page.length);
        let mut lines: Vec<Said> = lines.cloned().collect();
        lines.reverse();
        lines
    }
}
