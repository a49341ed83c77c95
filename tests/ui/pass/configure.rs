//! Every form of a `#[configure]` method.

use cometd::prelude::*;

#[service("chat")]
struct Chat;

#[handlers]
impl Chat {
    #[configure("/chat/**", "/members/*")]
    fn alone(channel: &mut ChannelConfig) {
        channel.authorizer(Grant::ALL);
    }

    #[configure("/lobby", if_exists = "skip")]
    fn of_service(&self, channel: &mut ChannelConfig) {
        channel.authorizer(Grant::SUBSCRIBE);
    }

    #[configure("/news", if_exists = "run")]
    fn fallible(channel: &mut ChannelConfig) -> Result<(), HandlerError> {
        channel.authorizer(Grant::SUBSCRIBE);
        Ok(())
    }
}
