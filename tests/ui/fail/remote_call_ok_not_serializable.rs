use cometd::prelude::*;

struct Room;

#[service("chat")]
struct Chat;

#[handlers]
impl Chat {
    #[remote_call("rooms")]
    async fn rooms(&self) -> Result<Room, HandlerError> {
        Ok(Room)
    }
}

fn main() {}
