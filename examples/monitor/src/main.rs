//! A service that writes down who subscribes to what, and, if asked to, everything that clients
//! say on meta channels.
//!
//! Run it:
//!
//! ```text
//! RUST_LOG=info,monitor=debug cargo run -p monitor
//! ```
//!
//! Poke it with any CometD client, or with curl, and look at its log:
//!
//! ```text
//! post() { curl -s -b jar -c jar -H 'Content-Type: application/json' -d "$1" http://127.0.0.1:8080/cometd; echo; }
//! post '{"channel":"/meta/handshake","version":"1.0","supportedConnectionTypes":["long-polling"]}'
//! post '{"channel":"/meta/subscribe","clientId":"<from the reply>","subscription":"/news/*"}'
//! ```

use std::process::ExitCode;

use cometd::prelude::*;
use example_cli::Example;

#[cfg(test)]
mod tests;

#[service("monitor")]
#[derive(Default)]
struct Monitor;

#[handlers]
impl Monitor {
    #[listener("/meta/subscribe")]
    fn subscribed(&self, session: &ServerSession, message: &Message) {
        tracing::info!(%session, subscription = ?message.subscription(), "subscribe");
    }

    #[listener("/meta/*")]
    fn meta(&self, message: &Message) {
        tracing::debug!(%message);
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    let server = BayeuxServer::builder().discover();
    Example::new("Writes down who subscribes to what", server)
        .run()
        .await
}
