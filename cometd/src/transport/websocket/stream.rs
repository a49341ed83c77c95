//! The stream below a WebSocket.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
#[cfg(feature = "serve")]
use hyper_util::server::conn::auto;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

#[cfg(feature = "serve")]
use crate::transport::Rewound;

/// What a connection was before its upgrade. Mostly that is TCP, and is taken out of what HTTP was spoken
/// through: each layer would be memory and calls for each socket, and there are many of them.
#[derive(Debug)]
pub(super) enum Stream {
    Tcp(TcpStream),
    /// TLS, a stream of an HTTP/2 connection, or whatever a server of the application listens to; without the
    /// feature `serve`, what `axum::serve` listens to, too.
    Other(Box<TokioIo<Upgraded>>),
}

impl Stream {
    /// A stream, and what was read of it together with the request, unless the stream has it still.
    pub(super) fn new(upgraded: Upgraded) -> (Self, Bytes) {
        match tcp(upgraded) {
            Ok((stream, read)) => (Self::Tcp(stream), read),
            Err(other) => (Self::Other(Box::new(TokioIo::new(other))), Bytes::new()),
        }
    }
}

/// The TCP stream that was upgraded, if it was one, and what was read of it.
fn tcp(upgraded: Upgraded) -> Result<(TcpStream, Bytes), Upgraded> {
    #[cfg(feature = "serve")]
    let upgraded = match served(upgraded) {
        Ok(known) => return Ok(known),
        Err(other) => other,
    };
    // Of hyper alone.
    let parts = upgraded.downcast::<TokioIo<TcpStream>>()?;
    Ok((parts.io.into_inner(), parts.read_buf))
}

#[cfg(feature = "serve")]
fn served(upgraded: Upgraded) -> Result<(TcpStream, Bytes), Upgraded> {
    match upgraded.downcast::<TokioIo<Rewound>>() {
        // Of `cometd::serve`.
        Ok(parts) => {
            let io = parts.io.into_inner();
            let read = [parts.read_buf, io.first].concat();
            Ok((io.stream, read.into()))
        }
        // Of `axum::serve`, and whoever else tells the versions of HTTP apart as it does.
        Err(other) => {
            let parts = auto::upgrade::downcast::<TokioIo<TcpStream>>(other)?;
            Ok((parts.io.into_inner(), parts.read_buf))
        }
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_read(context, buffer),
            Self::Other(stream) => Pin::new(stream).poll_read(context, buffer),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_write(context, bytes),
            Self::Other(stream) => Pin::new(stream).poll_write(context, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_flush(context),
            Self::Other(stream) => Pin::new(stream).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_shutdown(context),
            Self::Other(stream) => Pin::new(stream).poll_shutdown(context),
        }
    }
}

#[cfg(test)]
#[cfg(feature = "serve")]
mod tests {
    use std::convert::Infallible;
    use std::future::{Future, ready};
    use std::sync::Arc;

    use ::http::{Request, Response, StatusCode};
    use http_body_util::Empty;
    use hyper::body::Incoming;
    use hyper::server::conn::http1;
    use hyper::service::{Service, service_fn};
    use hyper_util::rt::TokioExecutor;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
    use tokio::net::TcpListener;
    use tokio::sync::mpsc::channel;

    use super::*;

    async fn connected() -> (TcpStream, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (client, accepted) = tokio::join!(TcpStream::connect(address), listener.accept());
        (client.unwrap(), accepted.unwrap().0)
    }

    /// What answers a request that asks for an upgrade, and the upgrade.
    fn agreeing() -> (
        impl Service<
            Request<Incoming>,
            Response = Response<Empty<Bytes>>,
            Error = Infallible,
            Future: Send,
        >,
        impl Future<Output = Upgraded>,
    ) {
        let (upgrades, mut asked) = channel(1);
        let service = service_fn(move |mut request| {
            upgrades.try_send(hyper::upgrade::on(&mut request)).unwrap();
            let mut response = Response::new(Empty::new());
            *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
            ready(Ok(response))
        });
        let upgrade = async move { asked.recv().await.unwrap().await.unwrap() };
        (service, upgrade)
    }

    const REQUEST: &str = "GET / HTTP/1.1\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n";

    /// What is sent with the request and what is sent later arrives, and so does what is answered.
    async fn check<E: std::fmt::Debug>(
        mut client: impl AsyncRead + AsyncWrite + Unpin,
        connection: impl Future<Output = Result<(), E>>,
        upgrade: impl Future<Output = Upgraded>,
    ) -> Stream {
        let request = format!("{REQUEST}early");
        client.write_all(request.as_bytes()).await.unwrap();
        check_behind("early", client, connection, upgrade).await
    }

    /// What is sent behind what has been sent.
    async fn check_behind<E: std::fmt::Debug>(
        early: &str,
        mut client: impl AsyncRead + AsyncWrite + Unpin,
        connection: impl Future<Output = Result<(), E>>,
        upgrade: impl Future<Output = Upgraded>,
    ) -> Stream {
        let (upgraded, served) = tokio::join!(upgrade, connection);
        served.unwrap();
        let (mut stream, read) = Stream::new(upgraded);
        client.write_all(b" and late").await.unwrap();
        let mut bytes = read.to_vec();
        while bytes.len() < early.len() + " and late".len() {
            assert_ne!(stream.read_buf(&mut bytes).await.unwrap(), 0);
        }
        assert_eq!(
            String::from_utf8(bytes).unwrap(),
            format!("{early} and late")
        );
        stream.write_all(b"answer").await.unwrap();
        stream.flush().await.unwrap();
        stream.shutdown().await.unwrap();
        let mut answer = Vec::new();
        client.read_to_end(&mut answer).await.unwrap();
        assert!(answer.ends_with(b"\r\n\r\nanswer"));
        stream
    }

    #[tokio::test]
    async fn the_stream_of_our_serve_is_tcp() {
        let (client, stream) = connected().await;
        // More than hyper reads at once.
        let early: String = ('a'..='z').cycle().take(30_000).collect();
        let io = Rewound {
            first: format!("{REQUEST}{early}").into(),
            stream,
            is_busy: Arc::default(),
        };
        let (service, upgrade) = agreeing();
        let connection = http1::Builder::new().serve_connection(TokioIo::new(io), service);
        let stream = check_behind(&early, client, connection.with_upgrades(), upgrade).await;
        assert!(matches!(stream, Stream::Tcp(_)));
    }

    #[tokio::test]
    async fn the_stream_of_axum_is_tcp() {
        let (client, stream) = connected().await;
        let (service, upgrade) = agreeing();
        let builder = auto::Builder::new(TokioExecutor::new());
        let connection = builder.serve_connection_with_upgrades(TokioIo::new(stream), service);
        let stream = check(client, connection, upgrade).await;
        assert!(matches!(stream, Stream::Tcp(_)));
    }

    #[tokio::test]
    async fn the_stream_of_hyper_is_tcp() {
        let (client, stream) = connected().await;
        let (service, upgrade) = agreeing();
        let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
        let stream = check(client, connection.with_upgrades(), upgrade).await;
        assert!(matches!(stream, Stream::Tcp(_)));
    }

    #[tokio::test]
    async fn another_stream_stays_what_it_is() {
        let (client, stream) = duplex(1024);
        let (service, upgrade) = agreeing();
        let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
        let stream = check(client, connection.with_upgrades(), upgrade).await;
        assert!(matches!(stream, Stream::Other(_)));
    }
}
