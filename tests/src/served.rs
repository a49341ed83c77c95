//! A server on a port of its own.

use std::io;
use std::net::SocketAddr;

use cometd::{BayeuxServer, Builder};
use tokio::sync::oneshot;

use crate::pending::{Pending, start};

/// A running server that `cometd::serve` serves at `/cometd`. It ends when this is dropped.
#[derive(Debug)]
pub struct Served {
    /// The server, to look inside and to shut it down.
    pub server: BayeuxServer,
    /// Where it listens.
    pub address: SocketAddr,
    /// What serves it, until the server is shut down.
    pub serving: Pending<io::Result<()>>,
}

/// Starts a server on a port of its own, where the tests' time is real.
///
/// # Panics
/// It does not start.
pub async fn serve(builder: Builder) -> Served {
    let server = builder.build().await.unwrap();
    let app = axum::Router::new().nest_service("/cometd", server.clone().into_service());
    let (sender, bound) = oneshot::channel();
    let serving = cometd::serve(app, "127.0.0.1:0")
        .with_graceful_shutdown(server.clone())
        .on_bound(move |address| sender.send(address).unwrap());
    let serving = start(serving.into_future());
    Served {
        server,
        address: bound.await.unwrap(),
        serving,
    }
}
