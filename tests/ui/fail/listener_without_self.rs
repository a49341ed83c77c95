use cometd::prelude::*;

#[service("chat")]
struct Chat;

#[handlers]
impl Chat {
    #[listener("/chat")]
    fn chat(message: &Message) {
        let _ = message;
    }
}

fn main() {}
