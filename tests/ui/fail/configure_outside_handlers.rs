use cometd::prelude::*;

#[configure("/chat")]
fn chat(channel: &mut ChannelConfig) {
    let _ = channel;
}

fn main() {}
