//! A socket and the session that it is bound to.

use std::future::pending;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytestring::ByteString;
use futures_util::{FutureExt, SinkExt};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{Notify, oneshot};
use tokio::time::{Instant, Sleep};
use tokio_util::sync::WaitForCancellationFuture;
use yawc::close::CloseCode;
use yawc::{Frame, OpCode, WebSocket, WebSocketError};

use crate::protocol::codec::{self, Request};
use crate::protocol::{MetaChannel, ParseError, Reply};
use crate::server::config::WebSocketConfig;
use crate::server::pipeline::{Holds, Received, Sender};
use crate::server::{Connect, Context, Core, ServerSession};
use crate::session::{Hold, Resume, Wake};

mod end;
mod output;

use self::end::{End, broken, malformed};

/// A socket, from its upgrade to its end.
pub(super) struct Connection<S> {
    core: Arc<Core>,
    context: Arc<Context>,
    socket: WebSocket<S>,
    /// Tells this connection from others of the same session.
    number: u64,
    /// There is something to push.
    push: Arc<Notify>,
    session: Option<ServerSession>,
    held: Option<Held>,
    /// When something was last read or written.
    active: Instant,
    /// Since when there has been no live session, as far as somebody has looked.
    unbound: Option<Instant>,
    /// Frames in the write buffer.
    unwritten: u32,
}

/// A connect that waits.
struct Held {
    connect: Box<Connect>,
    resume: oneshot::Receiver<Resume>,
}

/// What happens next.
enum Event {
    Frame(Result<Frame, WebSocketError>),
    Push,
    Resume(Resume),
    /// Time has passed; perhaps nothing else happened meanwhile.
    Late,
    Stop,
}

/// Most frames that wait in the write buffer while there is more to read.
const MOST_UNWRITTEN: u32 = 64;

/// Longer than any socket lives.
const NEVER: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);

/// Longest time that a peer may take to let a close frame out.
const FAREWELL: Duration = Duration::from_secs(2);

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<S> {
    pub(super) fn new(core: Arc<Core>, context: Arc<Context>, socket: WebSocket<S>) -> Self {
        static NUMBERS: AtomicU64 = AtomicU64::new(0);
        Self {
            core,
            context,
            socket,
            number: NUMBERS.fetch_add(1, Ordering::Relaxed),
            push: Arc::default(),
            session: None,
            held: None,
            active: Instant::now(),
            unbound: Some(Instant::now()),
            unwritten: 0,
        }
    }

    pub(super) async fn run(mut self) {
        let end = self.live().await;
        tracing::debug!(
            ?end,
            session = self.session.as_ref().map(tracing::field::display),
            "socket closed"
        );
        if let Some(session) = &self.session {
            session.change(|state| (state.close(self.number), Wake::Nobody));
        }
        drop(self.held);
        if let End::Close(code, reason) = end {
            let close = self.socket.send(Frame::close(code, reason));
            // A peer that does not read is not waited for.
            let _ = tokio::time::timeout(FAREWELL, close).await;
        }
    }

    /// Acts on what happens, up to the end.
    async fn live(&mut self) -> End {
        // Both wait across many events: to begin to wait is dearer than to go on with it.
        let stop = self.core.stop().clone();
        let mut stop = pin!(stop.cancelled());
        let mut late = pin!(tokio::time::sleep_until(self.active));
        loop {
            let event = match self.unwritten {
                0 => Some(self.event(late.as_mut(), stop.as_mut()).await),
                MOST_UNWRITTEN.. => None,
                // A peer that has sent several frames at once is answered with one write.
                _ => self.event(late.as_mut(), stop.as_mut()).now_or_never(),
            };
            let outcome = match event {
                Some(event) => self.on_event(event, late.as_mut()).await,
                None => self.flush().await,
            };
            if let Err(end) = outcome {
                return end;
            }
        }
    }

    fn config(&self) -> &WebSocketConfig {
        &self.core.config().websocket
    }

    /// Waits for what happens next. It may be dropped at any time without loss.
    async fn event(
        &mut self,
        late: Pin<&mut Sleep>,
        stop: Pin<&mut WaitForCancellationFuture<'_>>,
    ) -> Event {
        tokio::select! {
            // In no fixed order: a session with much to receive must still be heard.
            resume = resumed(self.held.as_mut()) => Event::Resume(resume),
            () = self.push.notified() => Event::Push,
            frame = self.socket.next_frame() => Event::Frame(frame),
            () = stop => Event::Stop,
            () = late => Event::Late,
        }
    }

    /// The socket may have been idle or without a session for too long; if not, looks again when it may
    /// have been.
    fn on_late(&mut self, late: Pin<&mut Sleep>) -> Result<(), End> {
        let now = Instant::now();
        // Nobody tells a socket that its session has ended: it has time for another one from here on.
        let session = self.session.as_ref();
        let is_bound = session.is_some_and(ServerSession::is_handshook);
        let since = self.unbound.unwrap_or(now);
        self.unbound = (!is_bound).then_some(since);
        let config = self.config();
        let idle = config.idle_timeout.map(|it| self.active + it);
        let unbound = config.handshake_timeout.map(|it| since + it);
        if unbound.is_some_and(|at| at <= now) {
            return Err(End::Close(CloseCode::Policy, "no handshake"));
        }
        if idle.is_some_and(|at| at <= now) {
            return Err(End::Close(CloseCode::Away, "idle"));
        }
        let next = idle.into_iter().chain(unbound).min();
        late.reset(next.unwrap_or_else(|| now + NEVER));
        Ok(())
    }

    async fn on_event(&mut self, event: Event, late: Pin<&mut Sleep>) -> Result<(), End> {
        match event {
            Event::Frame(frame) => {
                let outcome = self.on_frame(frame).await;
                // Now and not before: a socket whose messages take long to process is not idle.
                self.active = Instant::now();
                outcome
            }
            Event::Push => {
                self.feed_pushed().await?;
                self.flush().await
            }
            Event::Resume(resume) => {
                Box::pin(self.on_resume(resume)).await?;
                self.flush().await
            }
            Event::Late => self.on_late(late),
            Event::Stop => {
                self.feed_pushed().await?;
                self.flush().await?;
                let code = if self.held.is_some() {
                    CloseCode::Normal
                } else {
                    CloseCode::Away
                };
                Err(End::Close(code, "the server stops"))
            }
        }
    }

    async fn on_frame(&mut self, frame: Result<Frame, WebSocketError>) -> Result<(), End> {
        let frame = match frame {
            Ok(frame) => frame,
            Err(WebSocketError::ConnectionClosed) => return Err(End::Closed),
            Err(error) => return Err(broken(&error)),
        };
        match frame.opcode() {
            // Boxed, because a socket is idle most of the time and should be small then.
            OpCode::Text => Box::pin(self.on_text(frame)).await,
            OpCode::Close => {
                // The answer to a close is written when the socket is asked for more.
                let _ = tokio::time::timeout(FAREWELL, self.socket.next_frame()).await;
                Err(End::Closed)
            }
            // WS-2: nothing of Bayeux is binary.
            OpCode::Binary | OpCode::Continuation | OpCode::Ping | OpCode::Pong => Ok(()),
        }
    }

    async fn on_text(&mut self, frame: Frame) -> Result<(), End> {
        let text = ByteString::try_from(frame.into_payload())
            .map_err(|_| End::Close(CloseCode::Invalid, "not UTF-8"))?;
        let requests = match codec::decode(&text, self.core.limits()) {
            Ok(requests) => requests,
            // FAYE-5: the keep-alive of old Faye clients.
            Err(ParseError::Empty) => return Ok(()),
            Err(error) => return Err(malformed(&error)),
        };
        let session = self.bind(requests.first());
        let sender = Sender {
            context: Arc::clone(&self.context),
            session,
            holds: Holds::Any,
        };
        let _batch = sender.batch(&requests);
        let received = self.receive(sender, requests).await?;
        let received = received.map_err(|error| malformed(&error))?;
        self.respond(received).await
    }

    /// Processes messages; a held connect is answered in time, however long that takes.
    async fn receive(
        &mut self,
        sender: Sender,
        requests: Vec<Request>,
    ) -> Result<Result<Received, ParseError>, End> {
        let core = Arc::clone(&self.core);
        let mut receiving = pin!(core.receive(sender, requests));
        if let Some(received) = receiving.as_mut().now_or_never() {
            return Ok(received);
        }
        // What earlier frames led to does not wait for this one.
        let mut end = self.flush().await.err();
        let received = loop {
            // What has been begun is finished, even if the connection is at its end.
            let held = self.held.as_mut().filter(|_| end.is_none());
            tokio::select! {
                biased;
                received = &mut receiving => break received,
                resume = resumed(held) => end = self.on_resume(resume).await.err(),
            }
        };
        end.map_or(Ok(received), Err)
    }

    /// The session that a frame speaks for (WS-7, WS-8), to which messages go from now on (WS-12).
    fn bind(&mut self, first: Option<&Request>) -> Option<ServerSession> {
        let first = first?;
        if first.is_meta(MetaChannel::Handshake) {
            self.unbind();
            return None;
        }
        let named = first.client_id;
        if self.session.is_none() && !self.config().require_handshake_per_connection {
            let found = named.and_then(|id| self.core.session(id));
            self.session = found.filter(|session| !session.is_local());
        }
        let session = self.session.clone()?;
        if !session.is_handshook() {
            // This frame is answered for the ended session, the next one may bind anew.
            self.session = None;
            return Some(session);
        }
        self.unbound = None;
        if named == Some(session.id()) {
            let connect_only = self.config().common.meta_connect_deliver_only;
            session.attach(self.number, connect_only, &self.push);
        }
        Some(session)
    }

    fn unbind(&mut self) {
        if let Some(session) = self.session.take() {
            session.change(|state| (state.close(self.number), Wake::Nobody));
        }
        self.held = None;
        // A wake-up that is under way was meant for the session that is let go.
        self.push = Arc::default();
    }

    /// Whether messages of a session travel with connect replies only (CFG-15).
    fn is_connect_only(&self, session: &ServerSession) -> bool {
        session.connect_only() || self.config().common.meta_connect_deliver_only
    }

    /// Writes what a frame has led to: the end of an older connect, the handshake reply, queued
    /// messages, other replies in one frame (WS-9 to WS-11).
    async fn respond(&mut self, mut received: Received) -> Result<(), End> {
        if let Some(held) = &mut self.held
            && let Ok(resume) = held.resume.try_recv()
        {
            self.on_resume(resume).await?;
        }
        if received.handshaken {
            self.respond_to_handshake(&mut received).await?;
        } else {
            let mut replies = std::mem::take(&mut received.replies);
            let session = received.session.as_ref();
            if let Some(session) = session.filter(|it| !self.is_connect_only(it)) {
                // A frame that speaks for nobody here takes no messages of the session away (BAT-6).
                let queued = session.take_queue_for(self.number, &mut replies);
                self.feed_messages(queued).await?;
            }
            self.feed_replies(&replies).await?;
        }
        match received.connect.take() {
            Some(connect) => Box::pin(self.hold(connect)).await,
            None => Ok(()),
        }
    }

    async fn respond_to_handshake(&mut self, received: &mut Received) -> Result<(), End> {
        self.session.clone_from(&received.session);
        self.unbound = None;
        let mut queued = std::collections::VecDeque::new();
        if self.config().common.allow_message_delivery_during_handshake
            && let Some(session) = &received.session
        {
            queued = session.take_queue(&mut received.replies);
        }
        if let Some(handshaken) = received.replies.iter_mut().find_map(Reply::handshake_mut) {
            handshaken.messages = queued.len();
        }
        self.feed_replies(&received.replies).await?;
        self.feed_messages(queued).await
    }

    /// Holds a connect, or answers it at once (CN-7).
    async fn hold(&mut self, mut connect: Box<Connect>) -> Result<(), End> {
        let hold = if self.is_connect_only(connect.session()) {
            Hold::ForMessages
        } else {
            Hold::ForTime
        };
        self.held = None;
        if let Some(resume) = connect.hold(hold) {
            self.held = Some(Held { connect, resume });
            return Ok(());
        }
        let reply = self.core.finish_connect(&mut connect, None).await;
        self.feed_with_queue(connect.session(), reply).await?;
        self.flush_before(connect).await
    }

    /// Ends a held connect.
    async fn on_resume(&mut self, resume: Resume) -> Result<(), End> {
        let Some(Held { mut connect, .. }) = self.held.take() else {
            return Ok(());
        };
        match resume {
            // CN-19: nobody waits for the reply any more.
            Resume::Replaced => return Ok(()),
            Resume::Overdue => {
                return Err(End::Close(CloseCode::Normal, "processing took too long"));
            }
            Resume::Stopped => {
                self.feed_with_queue(connect.session(), None).await?;
                self.flush().await?;
                return Err(End::Close(CloseCode::Normal, "the server stops"));
            }
            Resume::Messages | Resume::Lapsed | Resume::Disconnected => {}
        }
        let reply = self.core.finish_connect(&mut connect, Some(resume)).await;
        // What a session batch keeps back is for the response of the messages that cause it.
        if resume != Resume::Lapsed || !connect.session().is_in_batch() {
            self.feed_with_queue(connect.session(), reply).await?;
        } else {
            self.feed_replies(reply.as_slice()).await?;
        }
        self.flush_before(connect).await
    }

    /// Lets a connect go: its session expires from when the reply has been written (SES-6).
    async fn flush_before(&mut self, connect: Box<Connect>) -> Result<(), End> {
        let flushed = self.flush().await;
        drop(connect);
        flushed
    }
}

/// Completes when the connect that is held is to be answered.
async fn resumed(held: Option<&mut Held>) -> Resume {
    match held {
        Some(held) => (&mut held.resume).await.unwrap_or(Resume::Stopped),
        None => pending().await,
    }
}
