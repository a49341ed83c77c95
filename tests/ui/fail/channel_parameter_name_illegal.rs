use cometd::prelude::*;

#[service("chat")]
struct Chat;

#[handlers]
impl Chat {
    #[listener("/chat/{room-id}")]
    fn chat(&self) {}
}

fn main() {}
