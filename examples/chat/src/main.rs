//! Chat rooms with members and private messages.
//!
//! Run it:
//!
//! ```text
//! cargo run -p chat
//! ```
//!
//! Poke it with any CometD client, with the page of the `demo` example, or with curl; the last
//! request brings the list of members that the one before has caused:
//!
//! ```text
//! post() { curl -s -b jar -c jar -H 'Content-Type: application/json' -d "$1" http://127.0.0.1:8080/cometd; echo; }
//! post '{"channel":"/meta/handshake","version":"1.0","supportedConnectionTypes":["long-polling"]}'
//! id=<the clientId from the reply>
//! post '{"channel":"/meta/subscribe","clientId":"'$id'","subscription":["/chat/demo","/members/demo"]}'
//! post '{"channel":"/service/members","clientId":"'$id'","data":{"user":"ann","room":"/chat/demo"}}'
//! post '{"channel":"/chat/demo","clientId":"'$id'","data":{"user":"ann","chat":"hello <everyone>"}}'
//! ```

use std::process::ExitCode;

// The service is found by `discover`, but only if its crate is linked.
use chat as _;
use cometd::BayeuxServer;
use example_cli::Example;

#[tokio::main]
async fn main() -> ExitCode {
    let server = BayeuxServer::builder().discover();
    Example::new("Offers chat rooms", server).run().await
}
