use cometd::prelude::*;

#[service("chat")]
struct Chat;

#[handlers]
impl Chat {
    #[configure("/chat")]
    fn chat(&self, channel: &mut ChannelConfig, message: &Message) {
        let _ = (channel, message);
    }
}

fn main() {}
