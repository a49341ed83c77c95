//! Every kind of channel.

use cometd::prelude::*;

#[service("chat")]
struct Chat;

#[handlers]
impl Chat {
    #[listener(
        "/meta/handshake",
        "/meta/*",
        "/service/chat",
        "/chat/**",
        "/**",
        own = true
    )]
    fn every_kind(&self) {}

    #[listener("/!#$()+-.@_~/a name/a*")]
    fn every_character(&self) {}

    #[listener("/{room}", "/chat/{room}", "/chat/{room}/lines")]
    fn text(&self, room: &str) -> bool {
        !room.is_empty()
    }

    #[listener("/chat/{room}/{type}")]
    async fn parsed(&self, r#type: String, message: &Message, mut room: u32) -> bool {
        room += 1;
        room > 1 && message.has_data() && !r#type.is_empty()
    }
}
