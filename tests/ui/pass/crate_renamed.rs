//! The runtime can be known by another name.

#![deny(warnings)]

use ::bayeux::prelude::*;

mod cometd {}

#[service("chat", crate = "::bayeux")]
struct Chat {
    #[session]
    session: LocalSession,
}

#[handlers(crate = "::bayeux")]
impl Chat {
    #[configure("/chat")]
    fn open(channel: &mut ChannelConfig) {
        channel.authorizer(Grant::ALL);
    }

    #[listener("/chat")]
    fn chat(&self, session: &ServerSession) -> bool {
        let _ = (session, &self.session);
        true
    }
}
