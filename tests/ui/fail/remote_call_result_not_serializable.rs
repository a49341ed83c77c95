use cometd::prelude::*;

struct Room;

#[service("chat")]
struct Chat;

#[handlers]
impl Chat {
    #[remote_call("rooms")]
    fn rooms(&self) -> Vec<Room> {
        vec![Room]
    }
}

fn main() {}
