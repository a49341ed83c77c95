//! Running a router on a socket.

use std::fmt;
use std::future::{Future, IntoFuture};
use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::time::Duration;

use axum::Router;
use axum::serve::{Listener, ListenerExt};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

mod connection;
mod http1;

use crate::server::BayeuxServer;

/// Runs an axum router on an address, HTTP/1.1 and HTTP/2, once the result is awaited.
///
/// ```no_run
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # use cometd::BayeuxServer;
/// let server = BayeuxServer::builder().discover().build().await?;
/// let app = axum::Router::new().nest_service("/cometd", server.clone().into_service());
/// cometd::serve(app, "127.0.0.1:8080").with_graceful_shutdown(server).await?;
/// # Ok(())
/// # }
/// ```
pub fn serve(app: Router, address: impl Into<String>) -> Serve {
    Serve {
        app,
        address: address.into(),
        server: None,
        bound: None,
        patience: PATIENCE,
    }
}

/// How long a stopping server waits for its clients, unless told otherwise.
const PATIENCE: Duration = Duration::from_secs(10);

/// What [`serve`] returns: await it to serve.
#[must_use = "nothing is served until this is awaited"]
pub struct Serve {
    app: Router,
    address: String,
    server: Option<BayeuxServer>,
    bound: Option<Box<dyn FnOnce(SocketAddr) + Send>>,
    patience: Duration,
}

impl Serve {
    /// Stops on SIGTERM, on Ctrl-C and when the server is [shut down](BayeuxServer::shutdown): what
    /// is under way is finished, held connects are answered, sockets are closed.
    pub fn with_graceful_shutdown(mut self, server: BayeuxServer) -> Self {
        self.server = Some(server);
        self
    }

    /// How long stopping may take. Default 10 s.
    pub const fn shutdown_patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Calls back with the address, which port 0 leaves to the system, once connections are
    /// accepted.
    pub fn on_bound(mut self, callback: impl FnOnce(SocketAddr) + Send + 'static) -> Self {
        self.bound = Some(Box::new(callback));
        self
    }

    async fn run(self) -> io::Result<()> {
        let listener = TcpListener::bind(&self.address).await?;
        let address = listener.local_addr()?;
        if let Some(bound) = self.bound {
            bound(address);
        }
        let Some(server) = self.server else {
            accept(self.app, listener, std::future::pending()).await;
            return Ok(());
        };
        let patience = self.patience;
        let serving = accept(self.app, listener, server.stopped());
        let stopping = async {
            tokio::select! {
                () = signalled() => tracing::info!("asked to stop"),
                () = server.stopped() => {}
            }
            let deadline = tokio::time::Instant::now() + patience;
            let stopped = server.shutdown(patience).await;
            tracing::info!(?stopped, "stopped");
            // Connections that their peers keep open are left behind.
            tokio::time::sleep_until(deadline).await;
        };
        tokio::select! {
            () = serving => {
                // Every connection is closed; what tasks remain have the rest of the time.
                server.shutdown(patience).await;
            }
            () = stopping => {}
        }
        Ok(())
    }
}

/// Serves whoever connects until everything stops, and then waits for the connections to end.
async fn accept(app: Router, listener: TcpListener, stopped: impl Future<Output = ()>) {
    // Small frames must not wait for company.
    let mut listener = listener.tap_io(|stream| {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "a socket keeps its delay");
        }
    });
    let (connections, stop) = (TaskTracker::new(), CancellationToken::new());
    let mut stopped = pin!(stopped);
    loop {
        let (stream, peer) = tokio::select! {
            accepted = listener.accept() => accepted,
            () = &mut stopped => break,
        };
        connections.spawn(connection::run(app.clone(), stream, peer, stop.clone()));
    }
    drop(listener);
    stop.cancel();
    connections.close();
    connections.wait().await;
}

/// Somebody wants this process to end.
async fn signalled() {
    let interrupt = async {
        if let Err(error) = tokio::signal::ctrl_c().await {
            tracing::error!(%error, "cannot listen for Ctrl-C");
            std::future::pending::<()>().await;
        }
    };
    #[cfg(unix)]
    let terminate = async {
        use tokio::signal::unix::{SignalKind, signal};
        match signal(SignalKind::terminate()) {
            Ok(mut signals) => {
                signals.recv().await;
            }
            Err(error) => {
                tracing::error!(%error, "cannot listen for SIGTERM");
                std::future::pending::<()>().await;
            }
        }
    };
    #[cfg(not(unix))]
    let terminate = std::future::pending::<()>();
    tokio::select! {
        () = interrupt => {}
        () = terminate => {}
    }
}

impl IntoFuture for Serve {
    type Output = io::Result<()>;
    type IntoFuture = Pin<Box<dyn Future<Output = io::Result<()>> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}

impl fmt::Debug for Serve {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Serve")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}
