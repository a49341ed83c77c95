//! A service that sends everything back to its sender.
//!
//! Run it:
//!
//! ```text
//! cargo run -p echo
//! ```
//!
//! Poke it with any CometD client, or with curl; the echo comes in the same response as the reply:
//!
//! ```text
//! post() { curl -s -b jar -c jar -H 'Content-Type: application/json' -d "$1" http://127.0.0.1:8080/cometd; echo; }
//! post '{"channel":"/meta/handshake","version":"1.0","supportedConnectionTypes":["long-polling"]}'
//! post '{"channel":"/service/echo","clientId":"<from the reply>","data":{"hello":"world"}}'
//! ```

use std::process::ExitCode;

use cometd::prelude::*;
use example_cli::Example;

#[cfg(test)]
mod tests;

#[service("echo")]
#[derive(Default)]
struct Echo;

#[handlers]
impl Echo {
    #[configure("/service/echo")]
    fn configure_echo(channel: &mut ChannelConfig) {
        channel.authorizer(Grant::SUBSCRIBE_PUBLISH);
    }

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

#[tokio::main]
async fn main() -> ExitCode {
    Example::new("Sends everything back", BayeuxServer::builder().discover())
        .run()
        .await
}
