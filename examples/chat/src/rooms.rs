//! Who is in which room.

use std::collections::{BTreeMap, HashMap};

use cometd::{ClientId, ServerSession};
use parking_lot::Mutex;

use crate::names::{Room, UserName};

/// The members of all rooms; a room exists while somebody is in it.
///
/// A name belongs to the session that said it last. So a client that has come back with a new
/// session keeps its name when the server notices that the old session has ended.
#[derive(Debug, Default)]
pub(crate) struct Rooms(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    rooms: HashMap<Room, BTreeMap<UserName, ServerSession>>,
    /// The same from the other side: where a session is, and under which name.
    sessions: HashMap<ClientId, HashMap<Room, UserName>>,
}

/// How many rooms one session may be in.
pub(crate) const MOST_ROOMS: usize = 16;

impl Rooms {
    /// Puts a session into a room, under this name alone. Returns whether there was a place: nobody
    /// is in more than [`MOST_ROOMS`] rooms.
    pub(crate) fn join(&self, room: &Room, user: UserName, session: &ServerSession) -> bool {
        let mut state = self.0.lock();
        let present = state.sessions.get(&session.id());
        if present.is_some_and(|it| it.len() >= MOST_ROOMS && !it.contains_key(room)) {
            return false;
        }
        let namesake = state.rooms.get(room).and_then(|it| it.get(&user));
        for id in namesake
            .map(ServerSession::id)
            .into_iter()
            .chain([session.id()])
        {
            state.leave(room, id);
        }
        let members = state.rooms.entry(room.clone()).or_default();
        members.insert(user.clone(), session.clone());
        let present = state.sessions.entry(session.id()).or_default();
        present.insert(room.clone(), user);
        true
    }

    /// Takes a session out of a room; returns whether it was there.
    pub(crate) fn leave(&self, room: &Room, session: &ServerSession) -> bool {
        self.0.lock().leave(room, session.id()).is_some()
    }

    /// Takes a session out of all rooms; returns these, and the names that it had there.
    pub(crate) fn leave_all(&self, session: &ServerSession) -> Vec<(Room, UserName)> {
        let mut state = self.0.lock();
        let present = state
            .sessions
            .get(&session.id())
            .cloned()
            .unwrap_or_default();
        for room in present.keys() {
            state.leave(room, session.id());
        }
        present.into_iter().collect()
    }

    /// Whether a session is in a room under this name.
    pub(crate) fn is_member(&self, room: &Room, user: &UserName, session: &ServerSession) -> bool {
        let state = self.0.lock();
        state.rooms.get(room).and_then(|it| it.get(user)) == Some(session)
    }

    /// The names of the members of a room, in alphabetical order.
    pub(crate) fn names(&self, room: &Room) -> Vec<UserName> {
        let state = self.0.lock();
        let members = state.rooms.get(room);
        members
            .map(|it| it.keys().cloned().collect())
            .unwrap_or_default()
    }

    /// The members with these names, each once.
    pub(crate) fn find<'a>(
        &self,
        room: &Room,
        names: impl Iterator<Item = &'a str>,
    ) -> Vec<ServerSession> {
        let state = self.0.lock();
        let Some(members) = state.rooms.get(room) else {
            return Vec::new();
        };
        let found: BTreeMap<&UserName, &ServerSession> = names
            .filter_map(|name| members.get_key_value(name.trim()))
            .collect();
        found.into_values().cloned().collect()
    }
}

impl State {
    fn leave(&mut self, room: &Room, id: ClientId) -> Option<UserName> {
        let present = self.sessions.get_mut(&id)?;
        let user = present.remove(room)?;
        if present.is_empty() {
            self.sessions.remove(&id);
        }
        if let Some(members) = self.rooms.get_mut(room) {
            members.remove(&user);
            if members.is_empty() {
                self.rooms.remove(room);
            }
        }
        Some(user)
    }
}
