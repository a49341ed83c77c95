use cometd::prelude::*;

#[service("chat")]
struct Chat;

#[handlers]
impl Chat {
    #[configure("/chat")]
    fn chat(channel: &mut Message) {
        let _ = channel;
    }
}

fn main() {}
