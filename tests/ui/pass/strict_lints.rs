//! Generated code passes under the lints of a strict user.

#![deny(
    warnings,
    missing_debug_implementations,
    missing_docs,
    unused_qualifications,
    clippy::all,
    clippy::pedantic,
    clippy::unwrap_used
)]
#![forbid(unsafe_code)]

use cometd::prelude::*;

#[service("chat", order = 1)]
#[derive(Debug)]
struct Chat;

#[handlers]
impl Chat {
    #[configure("/chat")]
    fn open(channel: &mut ChannelConfig) {
        channel.authorizer(Grant::ALL);
    }

    #[listener("/chat", own = true)]
    fn chat(&self, Data(_count): Data<u32>) {}

    #[listener("/chat/{room}")]
    async fn room(&self, room: u32, message: &Message) -> bool {
        std::future::ready(()).await;
        room > 0 && message.has_data()
    }

    #[subscription("/chat")]
    fn heard(&self, Data(_count): Data<u32>) {}

    #[remote_call("rooms/{room}")]
    async fn answer(&self, room: u32) -> Result<u32, HandlerError> {
        std::future::ready(()).await;
        Ok(room)
    }

    #[remote_call("late")]
    fn late(&self, caller: Caller) {
        drop(caller);
    }

    #[post_construct]
    fn start(&self) {}

    #[pre_destroy]
    async fn end(&self) -> Result<(), HandlerError> {
        std::future::ready(Ok(())).await
    }
}
