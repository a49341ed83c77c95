//! Long polling and callback polling (sections 14 and 15 of the specification).

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

use ::http::header::SET_COOKIE;
use ::http::{Request, Response, StatusCode, Uri, Version};
use bytes::Bytes;
use bytestring::ByteString;
use http_body::Body as HttpBody;
use tokio::task::JoinError;
use tokio_util::task::TaskTracker;

use super::browser::Place;
use super::origin::Answer;
use super::response::{self, Body};
use super::service::Endpoint;
use super::waiting::Waiting;
use super::{body, cookie};
use crate::boxed::boxed;
use crate::protocol::codec::{self, Limits};
use crate::protocol::{Advice, MetaChannel, ParseError, Reconnect, Reply, Transport};
use crate::server::config::{HttpConfig, ResolvedConfig};
use crate::server::pipeline::{self, Holds, Received, Sender};
use crate::server::{Connect, Context, ServerSession, Spare};
use crate::session::{Hold, Parcel, Resume, Wake};

/// Longest value of the browser's cookie, in bytes: a longer one is none of ours.
const MAX_COOKIE: usize = 128;

/// Answers a request of a polling transport.
pub(super) fn answer<B>(
    endpoint: &Arc<Endpoint>,
    transport: Transport,
    callback: Option<String>,
    request: Request<B>,
) -> Answer
where
    B: HttpBody<Data = Bytes> + Send + 'static,
    B::Error: std::error::Error + Send + Sync + 'static,
{
    let polling = Polling {
        endpoint: Arc::clone(endpoint),
        transport,
        callback,
    };
    // What it takes to process a request is large: it is gone while a connect is held.
    let processing = boxed(|| polling.process(request));
    Box::pin(async move {
        Ok(match processing.await {
            Ok(connecting) => connecting.respond().await,
            Err(response) => response,
        })
    })
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

/// The requests of several envelopes are those of one (CB-3).
fn decode(texts: &[ByteString], limits: &Limits) -> Result<Vec<codec::Request>, ParseError> {
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

/// How a request is answered.
struct Polling {
    endpoint: Arc<Endpoint>,
    transport: Transport,
    callback: Option<String>,
}

/// A request whose only message is a connect, which may be held.
struct Connecting {
    polling: Polling,
    context: Arc<Context>,
    waiting: Option<Waiting>,
    received: Received,
    connect: Box<Connect>,
}

/// What a held connect came to.
enum Held {
    /// It is answered.
    Answered(Option<Box<Reply>>),
    /// The request ends with this status and without a Bayeux reply.
    Failed(StatusCode),
}

impl Polling {
    /// Reads a request and processes its messages, up to a connect that may be held; without one the
    /// response is there.
    async fn process<B>(self, request: Request<B>) -> Result<Connecting, Response<Body>>
    where
        B: HttpBody<Data = Bytes> + Send + 'static,
        B::Error: std::error::Error + Send + Sync + 'static,
    {
        let (parts, body) = request.into_parts();
        let texts = match self.transport {
            Transport::CallbackPolling => {
                body::messages(parts.uri.query().unwrap_or_default().as_bytes())
            }
            Transport::LongPolling | Transport::WebSocket => {
                let limit = self.config().common.max_message_size;
                let texts = body::read(&parts.headers, body, limit).await;
                texts.map_err(|error| error.response())?
            }
        };
        let core = Arc::clone(&self.endpoint.core);
        let malformed = |error| response::malformed(&error);
        let mut requests = decode(&texts, core.limits()).map_err(malformed)?;
        // A server that stops waits for it from here on, unless it has begun to wait, so that nothing is
        // processed behind its back.
        let _begun = core.tasks().token();
        // The body may have taken its time.
        if core.is_stopping() || core.tasks().is_closed() {
            return Err(response::empty(StatusCode::SERVICE_UNAVAILABLE));
        }
        let waiting = parts.extensions.get().cloned();
        let context = Endpoint::context(self.transport, parts);
        let session = self.session(&context, requests.first());
        let is_batched = requests.first().is_some_and(pipeline::is_batched);
        let sender = session.as_ref().filter(|_| is_batched);
        let _batch = sender.map(ServerSession::start_batch);
        // Refused or not: what a session is told at its end leaves with its last connect.
        let connects = requests.iter().any(|it| it.is_meta(MetaChannel::Connect));
        let (own_context, own_session) = (Arc::clone(&context), session.clone());
        let receiving = boxed(|| async move {
            let mut spare = Spare::default();
            let mut sender = Sender {
                context: &own_context,
                session: own_session.as_ref(),
                holds: Holds::Alone,
                spare: &mut spare,
            };
            let received = core.receive(&mut sender, &mut requests, Vec::new()).await;
            spare.give_up(&core, own_session.as_ref()).await;
            received
        });
        let mut received = match to_the_end(self.endpoint.core.tasks(), receiving).await {
            Ok(received) => received.map_err(malformed)?,
            Err(error) => {
                tracing::error!(%error, "a request could not be processed");
                return Err(response::empty(StatusCode::INTERNAL_SERVER_ERROR));
            }
        };
        if let Some(connect) = received.connect.take() {
            return Ok(Connecting {
                polling: self,
                context,
                waiting,
                received,
                connect,
            });
        }
        let session = received.handshaken.as_ref().or(session.as_ref()).cloned();
        let mut response = self.compose(session.as_ref(), &mut received, connects);
        if let Some(session) = &received.handshaken {
            self.bind(&context, session, &mut response);
        }
        Err(response)
    }

    fn config(&self) -> &HttpConfig {
        let config = self.endpoint.core.config();
        match self.transport {
            Transport::CallbackPolling => &config.callback_polling,
            Transport::LongPolling | Transport::WebSocket => &config.long_polling,
        }
    }

    /// The session of the first message, if the cookie leads to it (BAT-9, LP-24, LP-25).
    fn session(&self, context: &Context, first: Option<&codec::Request>) -> Option<ServerSession> {
        let session = self.endpoint.core.session(first?.client_id?)?;
        let bound = self
            .browser(context)
            .is_some_and(|browser| session.is_bound_to(browser));
        (!session.is_local() && (bound || self.config().trust_client_session)).then_some(session)
    }

    fn browser<'a>(&self, context: &'a Context) -> Option<&'a str> {
        let value = context.cookie(&self.config().cookie.name)?;
        (1..=MAX_COOKIE).contains(&value.len()).then_some(value)
    }

    /// Holds a connect until there is something to say.
    async fn hold(
        &self,
        context: Arc<Context>,
        waiting: Option<Waiting>,
        connect: &mut Connect,
    ) -> Held {
        let core = &self.endpoint.core;
        let mut resume = None;
        if !connect.session().has_urgent() {
            let Some(_place) = self.enter(&context, connect) else {
                let reply = core.finish_connect(connect, None).await;
                let session = connect.session();
                session.change(|state| (state.pace.slow_down(), Wake::Nobody));
                return Held::Answered(reply.map(|reply| Box::new(self.too_many(reply))));
            };
            // It keeps the buffer that the request was read into.
            drop(context);
            let session = connect.session();
            session.change(|state| (state.pace.recover(), Wake::Nobody));
            let bell = Arc::default();
            if connect.hold(Hold::ForMessages, &bell) {
                let _wait = waiting.map(Waiting::start);
                resume = Some(tokio::select! {
                    // What has woken it comes first: the farewell of a service that is taken down.
                    biased;
                    resume = poll_fn(|it| connect.poll_resumed(&bell, it)) => resume,
                    () = core.stop().cancelled() => Resume::Stopped,
                });
            }
        }
        match resume {
            None | Some(Resume::Messages | Resume::Lapsed | Resume::Disconnected) => {
                // Boxed, because it is larger than what a held connect waits for.
                let reply = Box::pin(core.finish_connect(connect, resume)).await;
                Held::Answered(reply.map(Box::new))
            }
            Some(Resume::Replaced | Resume::Overdue) => Held::Failed(self.duplicate()),
            Some(Resume::Stopped) => Held::Failed(StatusCode::SERVICE_UNAVAILABLE),
        }
    }

    /// A place among the held connects of the browser (MULTI-1, MULTI-2).
    fn enter(&self, context: &Context, connect: &Connect) -> Option<Place<'_>> {
        let config = self.config();
        let limit = match context.version() {
            Version::HTTP_2 | Version::HTTP_3 => config.http2_max_sessions_per_browser,
            _ => config.max_sessions_per_browser,
        };
        let browser = self.browser(context).unwrap_or_default();
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
        let interval = self.config().multi_session_interval;
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
        let code = self.config().duplicate_meta_connect_http_response_code;
        StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// Puts the response together: handshake reply, queued messages, other replies (BAT-5). Whether the
    /// request connects decides what leaves with it.
    fn compose(
        &self,
        session: Option<&ServerSession>,
        received: &mut Received,
        connects: bool,
    ) -> Response<Body> {
        let handshake = received.handshaken.is_some();
        let queued = match session {
            Some(session) if self.delivers(session, connects, handshake) => {
                session.take_queue(&mut received.replies)
            }
            _ => std::collections::VecDeque::new(),
        };
        let messages = queued.iter().flat_map(Parcel::messages).map(|it| &**it);
        let replies = &mut received.replies;
        let text = if handshake {
            if let Some(handshaken) = replies.iter_mut().find_map(Reply::handshake_mut) {
                handshaken.messages = queued.iter().map(Parcel::count).sum();
            }
            codec::envelope(&*replies, messages, [])
        } else {
            codec::envelope([], messages, &*replies)
        };
        match &self.callback {
            Some(callback) => response::script(callback, &text),
            None => response::json(text),
        }
    }

    /// Whether this response takes the queue along (BAT-6, CB-5, HS-9, HS-10).
    fn delivers(&self, session: &ServerSession, connects: bool, handshake: bool) -> bool {
        if handshake {
            return self.config().common.allow_message_delivery_during_handshake;
        }
        let connect_only = session.connect_only() || self.config().common.meta_connect_deliver_only;
        connects || !connect_only
    }

    /// Binds a new session to the browser, which gets a cookie if it has none (LP-20, LP-21).
    fn bind(&self, context: &Context, session: &ServerSession, response: &mut Response<Body>) {
        if let Some(browser) = self.browser(context) {
            session.bind_to(browser);
            return;
        }
        let value = cookie::random_value();
        session.bind_to(&value);
        let header = cookie::header(&self.config().cookie, &value, context.is_secure());
        if let Some(header) = header {
            response.headers_mut().insert(SET_COOKIE, header);
        }
    }
}

impl Connecting {
    /// The session expires from the end on, when the connect is dropped.
    async fn respond(self) -> Response<Body> {
        let Self {
            polling,
            context,
            waiting,
            mut received,
            mut connect,
        } = self;
        let held = polling.hold(context, waiting, &mut connect).await;
        match held {
            Held::Answered(reply) => received.replies.extend(reply.map(|it| *it)),
            Held::Failed(status) => return response::empty(status),
        }
        polling.compose(Some(connect.session()), &mut received, true)
    }
}

/// Completes a future even if nobody waits for it any more: a client that goes away while its message
/// is processed must not leave it with some subscribers and not with others.
///
/// What has not to wait for anything needs no task.
async fn to_the_end<T: Send + 'static>(
    tasks: &TaskTracker,
    mut future: Pin<Box<impl Future<Output = T> + Send + 'static>>,
) -> Result<T, JoinError> {
    match poll_fn(|context| Poll::Ready(future.as_mut().poll(context))).await {
        Poll::Ready(output) => Ok(output),
        Poll::Pending => tasks.spawn(future).await,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures_util::FutureExt;
    use http_body_util::{BodyExt, Full};
    use serde_json::json;
    use tower_service::Service;

    use super::*;
    use crate::transport::BayeuxService;
    use crate::{BayeuxServer, Message};

    /// Posts a message; the response comes once it is awaited.
    fn post(service: &BayeuxService, cookie: &str, waiting: &Waiting, message: &str) -> Answer {
        let request = Request::post("/")
            .header("cookie", cookie)
            .extension(waiting.clone())
            .body(Full::new(Bytes::from(format!("[{message}]"))));
        service.clone().call(request.unwrap())
    }

    #[tokio::test]
    async fn a_server_that_stops_waits_for_what_has_begun_and_nothing_begins_behind_it() {
        // BAT-2, SES-16
        let server = BayeuxServer::builder().build().await.unwrap();
        let (service, waiting) = (server.clone().into_service(), Waiting::default());
        let tasks = server.core().tasks().clone();
        let (before, during) = (tasks.len(), Arc::new(AtomicUsize::new(0)));
        let (counted, noted) = (tasks.clone(), Arc::clone(&during));
        let listening = server.on("/service/a", move |_, _: Message| {
            noted.store(counted.len(), Ordering::Relaxed);
            async {}
        });
        let handshake = r#"{"channel":"/meta/handshake"}"#;
        let response = post(&service, "BAYEUX_BROWSER=a", &waiting, handshake).await;
        let body = response.unwrap().into_body().collect().await.unwrap();
        let body: serde_json::Value = serde_json::from_slice(&body.to_bytes()).unwrap();
        let message = json!({"channel": "/service/a", "clientId": body[0]["clientId"], "data": 0});
        let publish = || post(&service, "BAYEUX_BROWSER=a", &waiting, &message.to_string());
        assert_eq!(publish().await.unwrap().status(), StatusCode::OK);
        assert_eq!(
            (during.swap(0, Ordering::Relaxed), tasks.len()),
            (before + 1, before)
        );
        tasks.close();
        let refused = publish().await.unwrap();
        assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(during.load(Ordering::Relaxed), 0);
        drop(listening);
    }

    #[tokio::test]
    async fn a_request_waits_while_its_connect_is_held() {
        let server = BayeuxServer::builder().build().await.unwrap();
        let (service, waiting) = (server.clone().into_service(), Waiting::default());
        let handshake = r#"{"channel":"/meta/handshake"}"#;
        let response = post(&service, "BAYEUX_BROWSER=a", &waiting, handshake).await;
        let body = response.unwrap().into_body().collect().await.unwrap();
        let body: serde_json::Value = serde_json::from_slice(&body.to_bytes()).unwrap();
        let id = body[0]["clientId"].as_str().unwrap();
        let connect = format!(r#"{{"channel":"/meta/connect","clientId":"{id}"}}"#);
        let connect = || post(&service, "BAYEUX_BROWSER=a", &waiting, &connect);
        connect().await.unwrap();
        assert!(!waiting.is_on());

        let mut held = connect();
        assert!((&mut held).now_or_never().is_none());
        assert!(waiting.is_on());
        server.publish(None, "/nobody", 1).await.unwrap();
        assert!((&mut held).now_or_never().is_none() && waiting.is_on());
        drop(held);
        assert!(!waiting.is_on());

        let mut held = connect();
        assert!((&mut held).now_or_never().is_none() && waiting.is_on());
        server.sessions()[0].disconnect().await;
        held.await.unwrap();
        assert!(!waiting.is_on());
    }
}
