use cometd::prelude::*;

#[service("chat")]
struct Chat;

#[handlers]
impl Chat {
    #[configure("/chat")]
    async fn chat(channel: &mut ChannelConfig) {
        let _ = channel;
    }
}

fn main() {}
