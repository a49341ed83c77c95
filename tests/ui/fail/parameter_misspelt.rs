use cometd::prelude::*;

#[service("chat")]
struct Chat;

#[handlers]
impl Chat {
    #[listener("/chat/{room}")]
    fn chat(&self, rom: &str) {
        let _ = rom;
    }
}

fn main() {}
