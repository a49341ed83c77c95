//! Long polling and callback polling (sections 14 and 15 of the specification).

use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;

use ::http::header::SET_COOKIE;
use ::http::request::Parts;
use ::http::{Response, StatusCode, Uri, Version};
use bytes::Bytes;
use bytestring::ByteString;
use http_body::Body as HttpBody;
use tokio::task::JoinError;
use tokio_util::task::TaskTracker;

use super::browser::Place;
use super::response::{self, Body};
use super::service::Endpoint;
use super::{body, cookie};
use crate::protocol::codec::{self, Request};
use crate::protocol::{Advice, MetaChannel, ParseError, Reconnect, Reply, Transport};
use crate::server::config::{HttpConfig, ResolvedConfig};
use crate::server::pipeline::{Holds, Received, Sender};
use crate::server::{Connect, Context, ServerSession};
use crate::session::{Hold, Resume, Wake};

/// Longest value of the browser's cookie, in bytes: a longer one is none of ours.
const MAX_COOKIE: usize = 128;

/// Answers a request of a polling transport.
pub(super) async fn answer<B>(
    endpoint: &Endpoint,
    transport: Transport,
    callback: Option<String>,
    parts: Parts,
    body: B,
) -> Response<Body>
where
    B: HttpBody<Data = Bytes> + Send + 'static,
    B::Error: std::error::Error + Send + Sync + 'static,
{
    let config = config(endpoint.core.config(), transport);
    let texts = match transport {
        Transport::CallbackPolling => Ok(body::messages(
            parts.uri.query().unwrap_or_default().as_bytes(),
        )),
        Transport::LongPolling | Transport::WebSocket => {
            body::read(&parts.headers, body, config.common.max_message_size).await
        }
    };
    let texts = match texts {
        Ok(texts) => texts,
        Err(error) => return error.response(),
    };
    let requests = match decode(endpoint, &texts) {
        Ok(requests) => requests,
        Err(error) => return response::malformed(&error),
    };
    let context = Endpoint::context(transport, parts);
    let polling = Polling {
        endpoint,
        config,
        callback,
        context,
    };
    polling.process(requests).await
}

/// The callback of a JSONP request, if there is exactly one legal one (CB-2).
pub(super) fn callback(config: &ResolvedConfig, uri: &Uri) -> Option<String> {
    let config = &config.callback_polling;
    let mut callbacks = form_urlencoded::parse(uri.query()?.as_bytes())
        .filter(|(name, _)| *name == config.callback_parameter)
        .map(|(_, value)| value);
    let callback = callbacks.next()?;
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    let is_legal = !callback.is_empty()
        && callback.len() <= config.callback_parameter_max_length
        && callback.bytes().all(legal);
    (is_legal && callbacks.next().is_none()).then(|| callback.into_owned())
}

fn config(config: &ResolvedConfig, transport: Transport) -> &HttpConfig {
    match transport {
        Transport::CallbackPolling => &config.callback_polling,
        Transport::LongPolling | Transport::WebSocket => &config.long_polling,
    }
}

/// The requests of several envelopes are those of one (CB-3).
fn decode(endpoint: &Endpoint, texts: &[ByteString]) -> Result<Vec<Request>, ParseError> {
    let limits = endpoint.core.limits();
    let limit = limits.batch;
    let mut requests = Vec::new();
    for text in texts {
        requests.extend(codec::decode(text, limits)?);
        if requests.len() > limit {
            return Err(ParseError::BatchTooLong { limit });
        }
    }
    if requests.is_empty() {
        return Err(ParseError::Empty);
    }
    Ok(requests)
}

/// One request of a client.
struct Polling<'a> {
    endpoint: &'a Endpoint,
    config: &'a HttpConfig,
    callback: Option<String>,
    context: Arc<Context>,
}

/// What a held connect came to.
enum Held {
    /// It is answered.
    Answered(Option<Box<Reply>>),
    /// The request ends with this status and without a Bayeux reply.
    Failed(StatusCode),
}

impl Polling<'_> {
    async fn process(&self, requests: Vec<Request>) -> Response<Body> {
        // The body may have taken its time.
        if self.endpoint.core.stop().is_cancelled() {
            return response::empty(StatusCode::SERVICE_UNAVAILABLE);
        }
        let sender = Sender {
            context: Arc::clone(&self.context),
            session: self.session(requests.first()),
            holds: Holds::Alone,
        };
        let _batch = sender.batch(&requests);
        // Refused or not: what a session is told at its end leaves with its last connect.
        let connects = requests.iter().any(|it| it.is_meta(MetaChannel::Connect));
        let core = Arc::clone(&self.endpoint.core);
        let receiving = async move { core.receive(sender, requests).await };
        let mut received = match to_the_end(self.endpoint.core.tasks(), receiving).await {
            Ok(Ok(received)) => received,
            Ok(Err(error)) => return response::malformed(&error),
            Err(error) => {
                tracing::error!(%error, "a request could not be processed");
                return response::empty(StatusCode::INTERNAL_SERVER_ERROR);
            }
        };
        if let Some(connect) = &mut received.connect {
            match self.hold(connect).await {
                Held::Answered(reply) => received.replies.extend(reply.map(|it| *it)),
                Held::Failed(status) => return response::empty(status),
            }
        }
        self.compose(received, connects)
    }

    /// The session of the first message, if the cookie leads to it (BAT-9, LP-24, LP-25).
    fn session(&self, first: Option<&Request>) -> Option<ServerSession> {
        let session = self.endpoint.core.session(first?.client_id?)?;
        let bound = self
            .browser()
            .is_some_and(|browser| session.is_bound_to(browser));
        (!session.is_local() && (bound || self.config.trust_client_session)).then_some(session)
    }

    fn browser(&self) -> Option<&str> {
        let value = self.context.cookie(&self.config.cookie.name)?;
        (1..=MAX_COOKIE).contains(&value.len()).then_some(value)
    }

    /// Holds a connect until there is something to say.
    async fn hold(&self, connect: &mut Connect) -> Held {
        let core = &self.endpoint.core;
        let mut resume = None;
        if !connect.session().has_urgent() {
            let Some(_place) = self.enter(connect) else {
                let reply = core.finish_connect(connect, None).await;
                let session = connect.session();
                session.change(|state| (state.pace.slow_down(), Wake::Nobody));
                return Held::Answered(reply.map(|reply| Box::new(self.too_many(reply))));
            };
            let session = connect.session();
            session.change(|state| (state.pace.recover(), Wake::Nobody));
            if let Some(held) = connect.hold(Hold::ForMessages) {
                // Nobody to resume it any more means that the server is gone.
                resume = Some(tokio::select! {
                    // What has woken it comes first: the farewell of a service that is taken down.
                    biased;
                    resume = held => resume.unwrap_or(Resume::Stopped),
                    () = core.stop().cancelled() => Resume::Stopped,
                });
            }
        }
        match resume {
            None | Some(Resume::Messages | Resume::Lapsed | Resume::Disconnected) => {
                Held::Answered(core.finish_connect(connect, resume).await.map(Box::new))
            }
            Some(Resume::Replaced | Resume::Overdue) => Held::Failed(self.duplicate()),
            Some(Resume::Stopped) => Held::Failed(StatusCode::SERVICE_UNAVAILABLE),
        }
    }

    /// A place among the held connects of the browser (MULTI-1, MULTI-2).
    fn enter(&self, connect: &Connect) -> Option<Place<'_>> {
        let limit = match self.context.version() {
            Version::HTTP_2 | Version::HTTP_3 => self.config.http2_max_sessions_per_browser,
            _ => self.config.max_sessions_per_browser,
        };
        let browser = self.browser().unwrap_or_default();
        let limit = limit.filter(|limit| !browser.is_empty() || *limit == 0);
        self.endpoint
            .browsers
            .enter(browser, connect.session().id(), limit)
    }

    /// The reply to a connect of one session too many (MULTI-3, MULTI-4).
    fn too_many(&self, mut reply: Reply) -> Reply {
        if reply.successful() != Some(true) {
            return reply;
        }
        let interval = self.config.multi_session_interval;
        let reconnect = if interval.is_some() {
            Reconnect::Retry
        } else {
            Reconnect::None
        };
        let due = reply.advice().copied().unwrap_or_default();
        reply.set_advice(Some(Advice {
            multiple_clients: true,
            reconnect: Some(reconnect),
            interval: interval.or(due.interval),
            ..due
        }));
        if interval.is_none() {
            reply.fail_without_error();
        }
        reply
    }

    fn duplicate(&self) -> StatusCode {
        let code = self.config.duplicate_meta_connect_http_response_code;
        StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// Puts the response together: handshake reply, queued messages, other replies (BAT-5). Whether the
    /// request connects decides what leaves with it.
    ///
    /// The guards in `received` are dropped at its end: the session expires from here on.
    fn compose(&self, mut received: Received, connects: bool) -> Response<Body> {
        let handshake = received.handshaken;
        let queued = match &received.session {
            Some(session) if self.delivers(session, connects, handshake) => {
                session.take_queue(&mut received.replies)
            }
            _ => std::collections::VecDeque::new(),
        };
        let messages = queued.iter().map(|it| &**it);
        let replies = &mut received.replies;
        let text = if handshake {
            if let Some(handshaken) = replies.iter_mut().find_map(Reply::handshake_mut) {
                handshaken.messages = queued.len();
            }
            codec::envelope(&*replies, messages, [])
        } else {
            codec::envelope([], messages, &*replies)
        };
        let mut response = match &self.callback {
            Some(callback) => response::script(callback, &text),
            None => response::json(text),
        };
        if handshake && let Some(session) = &received.session {
            self.bind(session, &mut response);
        }
        response
    }

    /// Whether this response takes the queue along (BAT-6, CB-5, HS-9, HS-10).
    fn delivers(&self, session: &ServerSession, connects: bool, handshake: bool) -> bool {
        if handshake {
            return self.config.common.allow_message_delivery_during_handshake;
        }
        let connect_only = session.connect_only() || self.config.common.meta_connect_deliver_only;
        connects || !connect_only
    }

    /// Binds a new session to the browser, which gets a cookie if it has none (LP-20, LP-21).
    fn bind(&self, session: &ServerSession, response: &mut Response<Body>) {
        if let Some(browser) = self.browser() {
            session.bind_to(browser);
            return;
        }
        let value = cookie::random_value();
        session.bind_to(&value);
        if let Some(header) = cookie::header(&self.config.cookie, &value, self.context.is_secure())
        {
            response.headers_mut().insert(SET_COOKIE, header);
        }
    }
}

/// Completes a future even if nobody waits for it any more: a client that goes away while its message
/// is processed must not leave it with some subscribers and not with others.
///
/// What has not to wait for anything needs no task.
async fn to_the_end<T: Send + 'static>(
    tasks: &TaskTracker,
    future: impl Future<Output = T> + Send + 'static,
) -> Result<T, JoinError> {
    let mut future = Box::pin(future);
    match poll_fn(|context| Poll::Ready(future.as_mut().poll(context))).await {
        Poll::Ready(output) => Ok(output),
        Poll::Pending => tasks.spawn(future).await,
    }
}
