use cometd::prelude::*;

#[service("chat")]
struct Chat;

#[handlers]
impl Chat {
    #[configure("/chat")]
    fn chat(channel: &mut ChannelConfig) -> bool {
        let _ = channel;
        true
    }
}

fn main() {}
