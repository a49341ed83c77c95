//! One connection.

use std::io;
use std::net::SocketAddr;
use std::pin::pin;

use axum::Router;
use axum::extract::ConnectInfo;
use http::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;
use tower_service::Service;

use super::http1;

/// Answers requests until the peer closes the connection or, once it is stopped, until what is under way
/// is answered.
pub(super) async fn run(app: Router, stream: TcpStream, peer: SocketAddr, stop: CancellationToken) {
    let first = tokio::select! {
        first = may_be_http2(&stream) => first,
        () = stop.cancelled() => return, // Nobody has asked for anything.
    };
    let ended = match first {
        // Boxed, because it is large, and most connections are not of this kind.
        Ok(true) => Box::pin(http2(app, stream, peer, stop)).await,
        Ok(false) => http1::run(app, stream, peer, stop)
            .await
            .map_err(Into::into),
        Err(error) => Err(error.into()),
    };
    if let Err(error) = ended {
        tracing::trace!(error, "a connection broke off");
    }
}

/// Whether a connection starts as one of HTTP/2 does, or is too short to tell.
async fn may_be_http2(stream: &TcpStream) -> io::Result<bool> {
    let mut start = [0; HTTP2.len()];
    let length = stream.peek(&mut start).await?;
    Ok(HTTP2.starts_with(start.get(..length).unwrap_or_default()))
}

/// What no request of HTTP/1 starts with (RFC 9113, section 3.4).
const HTTP2: &[u8] = b"PRI *";

/// Serves HTTP/2, or HTTP/1 after all.
async fn http2(
    app: Router,
    stream: TcpStream,
    peer: SocketAddr,
    stop: CancellationToken,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(ConnectInfo(peer));
        app.clone().call(request)
    });
    let mut builder = auto::Builder::new(TokioExecutor::new());
    // For sockets (RFC 8441).
    builder.http2().enable_connect_protocol();
    let connection = builder.serve_connection_with_upgrades(TokioIo::new(stream), service);
    let mut connection = pin!(connection);
    tokio::select! {
        biased;
        ended = connection.as_mut() => return ended,
        () = stop.cancelled() => connection.as_mut().graceful_shutdown(),
    }
    connection.await
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn a_peer_that_says_nothing_does_not_delay_the_end() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let _silent = TcpStream::connect(address).await.unwrap();
        let (stream, peer) = listener.accept().await.unwrap();
        let stop = CancellationToken::new();
        let running = run(Router::new(), stream, peer, stop.clone());
        let stopping = async {
            tokio::task::yield_now().await;
            stop.cancel();
        };
        tokio::join!(running, stopping);
    }
}
