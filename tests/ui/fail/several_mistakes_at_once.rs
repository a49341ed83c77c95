use cometd::prelude::*;

#[service("chat")]
struct Chat;

#[handlers]
impl Chat {
    #[listener("chat")]
    fn chat(&self) {}

    #[listener("/chat/{room}")]
    async fn room(&self) {}

    #[configure("/chat/**", if_exists = "never")]
    fn configure_chat(&self, channel: &mut ChannelConfig) {
        let _ = channel;
    }
}

fn main() {}
