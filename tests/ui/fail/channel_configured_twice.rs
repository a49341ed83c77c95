use cometd::prelude::*;

#[service("chat")]
struct Chat;

#[handlers]
impl Chat {
    #[configure("/chat", "/lobby")]
    fn chat(channel: &mut ChannelConfig) {
        let _ = channel;
    }

    #[configure("/lobby")]
    fn lobby(channel: &mut ChannelConfig) {
        let _ = channel;
    }
}

fn main() {}
