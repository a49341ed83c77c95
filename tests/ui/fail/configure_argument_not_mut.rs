use cometd::prelude::*;

#[service("chat")]
struct Chat;

#[handlers]
impl Chat {
    #[configure("/chat")]
    fn chat(channel: &ChannelConfig) {
        let _ = channel;
    }
}

fn main() {}
