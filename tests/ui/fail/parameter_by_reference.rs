use cometd::prelude::*;

#[service("chat")]
struct Chat;

#[handlers]
impl Chat {
    #[listener("/chat/{room}")]
    fn chat(&self, room: &String) {
        let _ = room;
    }
}

fn main() {}
