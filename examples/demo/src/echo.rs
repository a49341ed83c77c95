//! Sends everything back to its sender.

use cometd::prelude::*;

#[service("echo")]
#[derive(Default)]
struct Echo;

#[handlers]
impl Echo {
    #[listener("/service/echo")]
    async fn echo(
        &self,
        session: &ServerSession,
        local: &LocalSession,
        message: &Message,
    ) -> Result<(), HandlerError> {
        session
            .deliver(local, message.channel(), message.data())
            .await?;
        Ok(())
    }
}
