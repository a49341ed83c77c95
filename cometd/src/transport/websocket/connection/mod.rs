//! A socket and the session that it is bound to.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context as TaskContext, Poll, Waker};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::Instant;
use yawc::close::CloseCode;
use yawc::{Frame, WebSocketError};

use super::socket::{Incoming, Socket};
use crate::boxed::boxed;
use crate::protocol::Reply;
use crate::server::config::WebSocketConfig;
use crate::server::{Bell, Connect, Context, Core, Ring, ServerSession, Spare};
use crate::session::{Hold, Parcel, Resume};

mod alarms;
mod end;
mod envelopes;
mod frames;
mod input;
mod output;

use self::alarms::{Alarm, Alarms};
use self::end::End;
use self::envelopes::Envelopes;

/// A socket, from its upgrade to its end. In memory in this order: what a push looks at comes last, and lies
/// together.
#[repr(C)]
pub(super) struct Connection<S> {
    context: Arc<Context>,
    /// What a message leaves to the next one.
    spare: Spare,
    /// Since when there has been no live session, as far as somebody has looked.
    unbound: Option<Instant>,
    socket: Socket<S>,
    /// When something was last read or written.
    active: Instant,
    core: Arc<Core>,
    /// Messages that are on their way: none between events, then it is memory for the next ones.
    outgoing: VecDeque<Parcel>,
    /// Tells this connection from others of the same session.
    number: u64,
    session: Option<ServerSession>,
    /// A connect that waits.
    held: Option<Box<Connect>>,
    /// Rung when there is something to push, or the held connect is to be answered.
    bell: Arc<Bell>,
    /// Whether what happened last was a push: then it is the peer's turn.
    has_pushed: bool,
}

/// What texts have in common that are worked off together.
struct Burst {
    context: Arc<Context>,
    /// The session that the last one spoke for.
    session: Option<ServerSession>,
    /// Memory for the replies to them.
    replies: Vec<Reply>,
}

impl Burst {
    fn new(context: &Arc<Context>) -> Self {
        Self {
            context: Arc::clone(context),
            session: None,
            replies: Vec::new(),
        }
    }
}

/// What a connection does next.
enum Next {
    /// What was to be pushed has been, or the socket broke.
    Pushed(Result<(), End>),
    /// What is to be pushed has to wait.
    Push,
    Event(Event),
    Alarm(Alarm),
}

/// What the peer or the session wants.
enum Event {
    Peer(Result<Incoming, WebSocketError>),
    Push,
    Resume(Resume),
}

/// Most events of one socket before what they lead to is written and other tasks have their turn.
const MOST_EVENTS: usize = 256;

/// Longer than any socket lives.
const NEVER: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);

/// Longest time that a peer may take to let a close frame out.
const FAREWELL: Duration = Duration::from_secs(2);

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<S> {
    pub(super) fn new(core: Arc<Core>, context: Arc<Context>, socket: Socket<S>) -> Self {
        static NUMBERS: AtomicU64 = AtomicU64::new(0);
        Self {
            context,
            spare: Spare::default(),
            unbound: Some(Instant::now()),
            socket,
            active: Instant::now(),
            core,
            outgoing: VecDeque::new(),
            number: NUMBERS.fetch_add(1, Ordering::Relaxed),
            session: None,
            held: None,
            bell: Arc::default(),
            has_pushed: false,
        }
    }

    /// Serves the socket up to its end. To be called once.
    pub(super) async fn run(&mut self) {
        let end = self.live().await;
        boxed(|| self.leave(end)).await;
    }

    async fn leave(&mut self, end: End) {
        self.give_up_spare().await;
        tracing::debug!(
            ?end,
            session = self.session.as_ref().map(tracing::field::display),
            "socket closed"
        );
        if let Some(session) = &self.session {
            session.detach(self.number, &self.bell);
        }
        self.held = None;
        if let End::Close(code, reason) = end {
            let close = self.socket.send(Frame::close(code, reason));
            // A peer that does not read is not waited for.
            let _ = tokio::time::timeout(FAREWELL, close).await;
        }
    }

    /// Acts on what happens, up to the end.
    async fn live(&mut self) -> End {
        let core = Arc::clone(&self.core);
        let mut alarms = Alarms::new(&core, self.active);
        let mut events = 0;
        loop {
            let next = poll_fn(|context| {
                if events >= MOST_EVENTS {
                    events = 0;
                    // A peer that always has more to say does not keep its end away.
                    if let Poll::Ready(alarm) = alarms.poll(context) {
                        return Poll::Ready(Next::Alarm(alarm));
                    }
                }
                match self.poll_event(context) {
                    Poll::Ready(Event::Push) => Poll::Ready(self.push(context)),
                    Poll::Ready(event) => Poll::Ready(Next::Event(event)),
                    Poll::Pending => alarms.poll(context).map(Next::Alarm),
                }
            });
            // Boxed, because a socket is idle most of the time and should be small then.
            let outcome = match next.await {
                Next::Pushed(pushed) => pushed.map(|()| 1),
                Next::Push => boxed(|| self.on_push()).await.map(|()| 1),
                Next::Event(event) => boxed(|| self.work(&core, event)).await,
                Next::Alarm(Alarm::Late) => self.on_late(&mut alarms).map(|()| 1),
                Next::Alarm(Alarm::Stop) => Err(boxed(|| self.on_stop()).await),
            };
            match outcome {
                Ok(count) => events += count,
                Err(end) => return end,
            }
            if events >= MOST_EVENTS {
                // Nor does it keep others from being heard.
                tokio::task::yield_now().await;
            }
        }
    }

    /// Acts on an event and on those that have happened meanwhile, and writes what they lead to at once.
    /// Returns how many they were.
    async fn work(&mut self, core: &Arc<Core>, mut event: Event) -> Result<usize, End> {
        let mut burst = Burst::new(&self.context);
        let mut envelopes = Envelopes::default();
        let mut events = 0;
        loop {
            events += match event {
                Event::Peer(Ok(Incoming::Text(text))) => {
                    let most = MOST_EVENTS - events;
                    self.on_texts(core, text, most, &mut envelopes, &mut burst)
                        .await?
                }
                other => {
                    self.on_event(other).await?;
                    1
                }
            };
            if events >= MOST_EVENTS {
                break;
            }
            if self.socket.answers() {
                self.give_up_spare().await;
            }
            match self.next_event() {
                Some(next) => event = next,
                None => break,
            }
        }
        self.flush().await?;
        Ok(events)
    }

    /// Acts on anything but a text.
    async fn on_event(&mut self, event: Event) -> Result<(), End> {
        match event {
            Event::Push => self.feed_pushed().await,
            Event::Resume(resume) => self.on_resume(resume).await,
            Event::Peer(other) => {
                // The library may answer to the end, and write replies before it.
                self.give_up_spare().await;
                self.on_other(other).await
            }
        }
    }

    fn config(&self) -> &WebSocketConfig {
        &self.core.config().websocket
    }

    /// What the peer or the session wants next.
    fn poll_event(&mut self, context: &mut TaskContext<'_>) -> Poll<Event> {
        if let Some(event) = self.rung_in_turn() {
            return Poll::Ready(event);
        }
        if let Poll::Ready(next) = self.socket.poll_next(context) {
            return Poll::Ready(Event::Peer(next));
        }
        self.bell.listen(context);
        // It may have been rung in between.
        self.rung().map_or(Poll::Pending, Poll::Ready)
    }

    /// What the peer or the session wants next, if that is there: to ask for it costs less than to wait.
    fn next_event(&mut self) -> Option<Event> {
        if let Some(event) = self.rung_in_turn() {
            return Some(event);
        }
        let mut context = TaskContext::from_waker(Waker::noop());
        match self.socket.poll_next(&mut context) {
            Poll::Ready(next) => Some(Event::Peer(next)),
            Poll::Pending => self.rung(),
        }
    }

    /// What the session wants, unless it is a push and that was what happened last: a session with much to
    /// receive must still be heard.
    fn rung_in_turn(&mut self) -> Option<Event> {
        if let Some(resume) = self.resumed() {
            return Some(Event::Resume(resume));
        }
        let is_its_turn = !std::mem::take(&mut self.has_pushed);
        if is_its_turn {
            self.rung_for_push()
        } else {
            None
        }
    }

    /// What the session wants.
    fn rung(&mut self) -> Option<Event> {
        let resume = self.resumed().map(Event::Resume);
        resume.or_else(|| self.rung_for_push())
    }

    fn rung_for_push(&mut self) -> Option<Event> {
        self.has_pushed = self.bell.take(Ring::Push);
        self.has_pushed.then_some(Event::Push)
    }

    /// Why the held connect is to be answered, if it is.
    fn resumed(&self) -> Option<Resume> {
        self.held.as_ref()?.resumed(&self.bell)
    }

    /// The socket may have been idle or without a session for too long; if not, looks again when it may
    /// have been.
    fn on_late(&mut self, alarms: &mut Alarms<'_>) -> Result<(), End> {
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
        alarms.set(next.unwrap_or_else(|| now + NEVER));
        Ok(())
    }

    async fn on_stop(&mut self) -> End {
        if let Err(end) = self.on_push().await {
            return end;
        }
        let code = if self.held.is_some() {
            CloseCode::Normal
        } else {
            CloseCode::Away
        };
        End::Close(code, "the server stops")
    }

    /// Holds a connect, or answers it at once (CN-7).
    async fn hold(&mut self, mut connect: Box<Connect>) -> Result<(), End> {
        let hold = if self.is_connect_only(connect.session()) {
            Hold::ForMessages
        } else {
            Hold::ForTime
        };
        self.held = None;
        if connect.hold(hold, &self.bell) {
            self.held = Some(connect);
            return Ok(());
        }
        self.give_up_spare().await;
        let reply = self.core.finish_connect(&mut connect, None).await;
        self.feed_with_queue(connect.session(), reply).await?;
        self.flush_before(connect).await
    }

    /// Ends a held connect.
    async fn on_resume(&mut self, resume: Resume) -> Result<(), End> {
        let Some(mut connect) = self.held.take() else {
            return Ok(());
        };
        self.give_up_spare().await;
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
            self.feed_with_replies(reply.as_slice()).await?;
        }
        self.flush_before(connect).await
    }
}
