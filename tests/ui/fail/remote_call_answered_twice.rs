use cometd::prelude::*;

#[service("chat")]
struct Chat;

#[handlers]
impl Chat {
    #[remote_call("rooms/{room}")]
    fn room(&self, room: u32) -> u32 {
        room
    }

    #[remote_call("/rooms/all")]
    fn all(&self) -> u32 {
        1
    }
}

fn main() {}
