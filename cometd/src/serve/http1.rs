//! A connection of HTTP/1, without what hyper keeps for it while nothing happens.
//!
//! hyper has 16 KiB of buffers for a connection, and a session that polls spends its life in a connect that
//! is held, for which they do nothing. So the connection is taken from hyper when a request has been read,
//! and has been [`Waiting`] for a while; only the future that answers it is kept. With the answer the
//! connection goes back to hyper, which is given a request that stands for the one that it has read before.

use std::convert::Infallible;
use std::future::{Future, pending, poll_fn, ready};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use bytes::Bytes;
use http::header::CONNECTION;
use http::{Request, Response, Version};
use hyper::body::Incoming;
use hyper::server::conn::http1::{Builder, UpgradeableConnection};
use hyper::service::{HttpService, service_fn};
use hyper_util::rt::TokioIo;
use parking_lot::Mutex;
use tokio::net::TcpStream;
use tokio::time::{Sleep, sleep};
use tokio_util::sync::CancellationToken;
use tower_service::Service;

use crate::transport::{Rewound, Waiting};

/// Answers requests until the peer closes the connection or, once it is stopped, until what is under way
/// is answered.
pub(super) async fn run(
    app: Router,
    mut stream: TcpStream,
    peer: SocketAddr,
    stop: CancellationToken,
) -> hyper::Result<()> {
    let exchange = Arc::new(Exchange::default());
    let is_busy = Arc::new(AtomicBool::new(false));
    let mut first = Bytes::new();
    loop {
        let io = Rewound {
            first,
            stream,
            is_busy: Arc::clone(&is_busy),
        };
        let (app, answering) = (app.clone(), Arc::clone(&exchange));
        let service = service_fn(move |request| answering.answer(&app, peer, request));
        let connection = Builder::new().serve_connection(TokioIo::new(io), service);
        // Boxed, to be gone while nothing happens.
        let mut connection = Box::new(connection.with_upgrades());
        let mut rest = None;
        tokio::select! {
            biased;
            ended = &mut *connection => return ended,
            () = stop.cancelled() => {
                UpgradeableConnection::graceful_shutdown(Pin::new(&mut *connection));
                return connection.await;
            }
            () = poll_fn(|context| exchange.poll_rest(context, &is_busy, &mut rest)) => {}
        }
        drop(rest);
        let Some((rested, left)) = take(*connection) else {
            return Ok(());
        };
        stream = rested;
        tokio::select! {
            () = exchange.wait() => {}
            () = gone(&stream) => return Ok(()),
        }
        first = [STAND_IN, &left].concat().into();
    }
}

/// How long a request waits before its connection is taken from hyper: to do that, and to make up for it,
/// costs as much as some requests.
const PATIENCE: Duration = Duration::from_millis(250);

/// Stands for a request that has been read. Its answer is written as that to any other request of this
/// version that is not the last one.
const STAND_IN: &[u8] = b"GET / HTTP/1.1\r\n\r\n";

/// Takes a connection from hyper, and what has been read of a request that comes next.
fn take<S: HttpService<Incoming>>(
    connection: UpgradeableConnection<TokioIo<Rewound>, S>,
) -> Option<(TcpStream, Vec<u8>)>
where
    S::ResBody: 'static,
    <S::ResBody as hyper::body::Body>::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let parts = connection.into_parts()?;
    let io = parts.io.into_inner();
    Some((io.stream, [&*parts.read_buf, &*io.first].concat()))
}

/// The request that is under way.
#[derive(Default)]
struct Exchange {
    answer: Mutex<Option<Answer>>,
    waiting: Waiting,
}

type Answer = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

impl Exchange {
    /// Answers a request, or the one that it stands for.
    fn answer(
        self: &Arc<Self>,
        app: &Router,
        peer: SocketAddr,
        mut request: Request<Incoming>,
    ) -> impl Future<Output = Result<Response<Body>, Infallible>> + use<> {
        let mut answer = self.answer.lock();
        if answer.is_none() {
            let may_rest = is_not_the_last(&request);
            let extensions = request.extensions_mut();
            extensions.insert(ConnectInfo(peer));
            if may_rest {
                extensions.insert(self.waiting.clone());
            }
            *answer = Some(Box::pin(app.clone().call(request)));
        }
        drop(answer);
        let exchange = Arc::clone(self);
        poll_fn(move |context| exchange.poll_answer(context))
    }

    fn poll_answer(&self, context: &mut Context<'_>) -> Poll<Result<Response<Body>, Infallible>> {
        let mut answer = self.answer.lock();
        let Some(pending) = &mut *answer else {
            return Poll::Pending;
        };
        let response = ready!(pending.as_mut().poll(context));
        *answer = None;
        Poll::Ready(response)
    }

    /// Ready when the request waits, and did so before.
    fn poll_rest(
        &self,
        context: &mut Context<'_>,
        is_busy: &AtomicBool,
        rest: &mut Option<Pin<Box<Sleep>>>,
    ) -> Poll<()> {
        // A layer of the application may have answered, and left alone what waits.
        if !self.waiting.is_on() || self.answer.lock().is_none() {
            return Poll::Pending;
        }
        // Left alone when an answer comes: a timer for each connect would cost more than to rest early.
        let sleep = rest.get_or_insert_with(|| Box::pin(sleep(PATIENCE)));
        ready!(sleep.as_mut().poll(context));
        if is_busy.load(Ordering::Relaxed) {
            // The peer does not read: hyper has something to write.
            return Poll::Pending;
        }
        Poll::Ready(())
    }

    /// Waits for the answer, and puts it where the next request finds it.
    async fn wait(&self) {
        let answer = poll_fn(|context| self.poll_answer(context)).await;
        *self.answer.lock() = Some(Box::pin(ready(answer)));
    }
}

/// Whether the connection goes on after the answer.
fn is_not_the_last(request: &Request<Incoming>) -> bool {
    let mut values = request.headers().get_all(CONNECTION).iter();
    request.version() == Version::HTTP_11
        && values.all(|it| it.as_bytes().eq_ignore_ascii_case(b"keep-alive"))
}

/// Ends when the peer is gone; what it sends is for later.
async fn gone(stream: &TcpStream) {
    if let Ok(1..) = stream.peek(&mut [0]).await {
        pending().await
    }
}

#[cfg(test)]
mod tests {
    use axum::Extension;
    use axum::routing::get;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;
    use tokio::sync::Notify;
    use tokio_util::task::TaskTracker;

    use super::*;

    /// A client of a server that waits with each request until it is told to answer. Time is virtual:
    /// it passes whenever nothing else happens.
    struct Client {
        stream: TcpStream,
        came: Arc<Notify>,
        go: Arc<Notify>,
        stop: CancellationToken,
        connections: TaskTracker,
    }

    impl Client {
        async fn connect() -> Self {
            let (came, go) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
            let (handler_came, handler_go) = (Arc::clone(&came), Arc::clone(&go));
            let handler = async move |waiting: Option<Extension<Waiting>>| {
                let wait = waiting.map(|it| it.0.start());
                handler_came.notify_one();
                handler_go.notified().await;
                drop(wait);
                "done"
            };
            let app = Router::new().route("/", get(handler));
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let stream = TcpStream::connect(listener.local_addr().unwrap())
                .await
                .unwrap();
            let (accepted, peer) = listener.accept().await.unwrap();
            let (stop, connections) = (CancellationToken::new(), TaskTracker::new());
            connections.spawn(run(app, accepted, peer, stop.clone()));
            connections.close();
            Self {
                stream,
                came,
                go,
                stop,
                connections,
            }
        }

        /// Sends a request, and lets it wait until hyper has given up its connection.
        async fn ask(&mut self, request: &str) {
            self.stream.write_all(request.as_bytes()).await.unwrap();
            self.came.notified().await;
            sleep(2 * PATIENCE).await;
        }

        /// Lets the server answer.
        async fn answer(&mut self) -> String {
            self.go.notify_one();
            let mut text = String::new();
            while !text.ends_with("done") {
                let mut bytes = [0; 1024];
                let length = self.stream.read(&mut bytes).await.unwrap();
                assert!(length > 0, "{text}");
                text.push_str(std::str::from_utf8(&bytes[..length]).unwrap());
            }
            text
        }

        async fn closed(mut self) {
            self.connections.wait().await;
            assert_eq!(self.stream.read(&mut [0]).await.unwrap(), 0);
        }
    }

    const REQUEST: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

    #[tokio::test(start_paused = true)]
    async fn a_request_that_waits_is_answered_and_the_connection_goes_on() {
        let mut client = Client::connect().await;
        for _ in 0..3 {
            client.ask(REQUEST).await;
            let answer = client.answer().await;
            assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
            assert!(answer.contains("content-length: 4\r\n"), "{answer}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_a_client_sends_meanwhile_is_its_next_request() {
        let (start, end) = REQUEST.split_at(9);
        // Before the connection is given up, after that, and both.
        for (before, after) in [(REQUEST, ""), ("", REQUEST), (start, end)] {
            let mut client = Client::connect().await;
            client.ask(&[REQUEST, before].concat()).await;
            client.stream.write_all(after.as_bytes()).await.unwrap();
            sleep(2 * PATIENCE).await;
            client.answer().await;
            client.came.notified().await;
            client.answer().await;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_ends_with_its_client() {
        let mut client = Client::connect().await;
        client.ask(REQUEST).await;
        drop(client.stream);
        client.connections.wait().await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_is_answered_before_its_connection_stops() {
        let mut client = Client::connect().await;
        client.ask(REQUEST).await;
        client.stop.cancel();
        sleep(PATIENCE).await;
        client.answer().await;
        client.closed().await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_last_request_is_the_last_one() {
        for request in [
            "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
            "GET / HTTP/1.0\r\n\r\n",
        ] {
            let mut client = Client::connect().await;
            client.ask(request).await;
            client.answer().await;
            client.closed().await;
        }
    }
}
