use cometd::prelude::*;

struct Room;

#[service("chat")]
struct Chat;

#[handlers]
impl Chat {
    #[listener("/chat")]
    fn chat(&self, room: &Room) {
        let _ = room;
    }
}

fn main() {}
