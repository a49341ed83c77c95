use cometd::prelude::*;

#[service("chat")]
struct Chat;

#[handlers]
impl Chat {
    #[listener("/chat")]
    fn chat(&self, room: impl Into<String>) {
        let _ = room;
    }
}

fn main() {}
