use cometd::prelude::*;

#[service("chat")]
struct Chat;

#[handlers]
impl Chat {
    #[listener("/chat/{room}")]
    fn chat(&self) {}
}

fn main() {}
