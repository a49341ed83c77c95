use cometd::prelude::*;

#[service("chat")]
struct Chat;

#[handlers]
impl Chat {
    #[configure(if_exists = "skip")]
    fn chat(channel: &mut ChannelConfig) {
        let _ = channel;
    }
}

fn main() {}
