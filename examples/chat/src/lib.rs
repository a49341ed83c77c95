//! A chat service: rooms, their members, and private messages between them.
//!
//! A client that wants to be in a room subscribes to `/chat/<room>`, where everybody talks, and to
//! `/members/<room>`, where the list of names is published whenever it changes. Then it says its
//! name on `/service/members`. It leaves by ending either subscription, or with its session.

use std::sync::Arc;

use cometd::LocalError;
use cometd::prelude::*;

mod messages;
mod names;
mod rooms;
#[cfg(test)]
mod tests;

use self::messages::{Join, Line, PrivateChat, rooms_of};
use self::names::Room;
use self::rooms::Rooms;

#[service("chat")]
#[derive(Clone)]
struct Chat {
    #[session]
    session: LocalSession,
    rooms: Arc<Rooms>,
}

#[handlers]
impl Chat {
    #[configure("/chat/**", "/members/**")]
    fn configure_rooms(channel: &mut ChannelConfig) {
        channel.authorizer(Grant::ALL).filter(NoMarkup);
    }

    // What is delivered privately meets no filter later, and a name has to be the same everywhere.
    #[configure("/service/members", "/service/privatechat")]
    fn configure_requests(channel: &mut ChannelConfig) {
        channel.filter(NoMarkup);
    }

    #[listener("/service/members")]
    async fn join(
        &self,
        session: &ServerSession,
        Data(Join { user, room }): Data<Join>,
    ) -> Result<bool, HandlerError> {
        if !self.rooms.join(&room, user, session) {
            return Ok(false);
        }
        if !session.set_attribute("chat.member", ()) {
            let chat = self.clone();
            session.on_removed(move |session, _| async move { chat.disappear(&session).await });
        }
        if session.is_handshook() {
            self.publish_members(&room).await?;
        } else {
            // It ended before it was told to call back, so it may not call.
            self.disappear(session).await;
        }
        Ok(true)
    }

    #[listener("/service/privatechat")]
    async fn whisper(&self, session: &ServerSession, Data(whisper): Data<PrivateChat>) -> bool {
        let PrivateChat {
            room, user, chat, ..
        } = &whisper;
        if !self.rooms.is_member(room, user, session) {
            return false;
        }
        let line = Line::private(user, chat);
        for receiver in self.rooms.find(room, whisper.receivers()) {
            if let Err(error) = receiver.deliver(&self.session, room.chat(), &line).await {
                tracing::debug!(%receiver, %error, "a private message is lost");
            }
        }
        true
    }

    #[listener("/meta/unsubscribe")]
    async fn leave(&self, session: &ServerSession, message: &Message) -> Result<(), HandlerError> {
        for room in rooms_of(message) {
            if self.rooms.leave(&room, session) {
                self.publish_members(&room).await?;
            }
        }
        Ok(())
    }
}

impl Chat {
    /// A session has ended: its rooms are told, because it may not have said goodbye.
    async fn disappear(&self, session: &ServerSession) {
        for (room, user) in self.rooms.leave_all(session) {
            let chat = format!("{user} has left");
            let line = Line::leave(&user, &chat);
            let announced = self.session.publish(room.chat(), &line).await;
            if let Err(error) = announced.and(self.publish_members(&room).await) {
                tracing::warn!(%error, "a room is not told that a member has left");
            }
        }
    }

    /// Publishes until what was published last is the present list: changes at the same time may
    /// overtake each other on their way.
    async fn publish_members(&self, room: &Room) -> Result<(), LocalError> {
        let mut names = self.rooms.names(room);
        loop {
            self.session.publish(room.members(), &names).await?;
            let present = self.rooms.names(room);
            if present == names {
                return Ok(());
            }
            names = present;
        }
    }
}
