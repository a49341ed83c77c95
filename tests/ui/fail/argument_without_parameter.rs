use cometd::prelude::*;

#[service("chat")]
struct Chat;

#[handlers]
impl Chat {
    #[listener("/chat")]
    fn chat(&self, room: &str) {
        let _ = room;
    }
}

fn main() {}
