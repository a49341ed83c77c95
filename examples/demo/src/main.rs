//! The showcase: a page with a line of text that all windows share, an echo, a chat, and a monitor
//! of the server itself; beside it remote calls, and the extensions that CometD's clients carry.
//!
//! Run it, then open two windows on <http://127.0.0.1:8080>:
//!
//! ```text
//! cargo run -p demo
//! ```
//!
//! Poke it with any CometD client, on any channel, or with curl:
//!
//! ```text
//! post() { curl -s -b jar -c jar -H 'Content-Type: application/json' -d "$1" http://127.0.0.1:8080/cometd; echo; }
//! post '{"channel":"/meta/handshake","version":"1.0","supportedConnectionTypes":["long-polling"]}'
//! id=<the clientId from the reply>
//! post '{"channel":"/demo/line","clientId":"'$id'","data":{"text":"from the shell","by":"curl"}}'
//! post '{"channel":"/service/line","clientId":"'$id'","data":{}}'
//! ```

use std::process::ExitCode;

// The service is found by `discover`, but only if its crate is linked.
use chat as _;
use cometd::extensions::{Acknowledge, Binary, TimeSync, Timestamp};
use cometd::{BayeuxServer, Builder};
use example_cli::Example;

mod echo;
mod history;
mod line;
mod monitor;
mod page;
mod reporter;
#[cfg(test)]
mod tests;

use self::reporter::Reporter;

#[tokio::main]
async fn main() -> ExitCode {
    let (builder, reporter) = describe();
    Example::new("Shows what a CometD server does", builder)
        .app(page::router())
        .beside(|server| reporter.run(server))
        .run()
        .await
}

/// The server, and who reports on it while it is served.
fn describe() -> (Builder, Reporter) {
    let (observer, reporter) = monitor::observe();
    let builder = BayeuxServer::builder()
        .extension(TimeSync::default())
        .extension(Timestamp::on_request())
        .extension(Binary::default())
        .extension(Acknowledge::default())
        .discover()
        .listener(observer);
    (builder, reporter)
}
