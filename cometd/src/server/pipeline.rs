//! The way of a request message through the server (section 3 of the specification).

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;

use super::connect::Connect;
use super::context::Context;
use super::core::Core;
use super::exchange::Exchange;
use super::extension;
use super::hook::Flow;
use super::session::ServerSession;
use super::spare::Spare;
use crate::protocol::codec::{Echo, Request};
use crate::protocol::{
    Advice, BayeuxError, ChannelKind, ClientId, MetaChannel, ParseError, Reconnect, Reply,
};
use crate::session::Phase;

/// Who sends an envelope.
#[derive(Debug)]
pub(crate) struct Sender<'a> {
    pub(crate) context: &'a Arc<Context>,
    /// The session that the transport found, whatever the messages say.
    pub(crate) session: Option<&'a ServerSession>,
    pub(crate) holds: Holds,
    pub(crate) spare: &'a mut Spare,
}

/// Whether what an envelope causes for its own sender is to wake nobody, until the response is composed
/// (BAT-8): not if it begins with a connect, which waits for just that.
pub(crate) fn is_batched(first: &Request) -> bool {
    !first.is_meta(MetaChannel::Connect)
}

/// Which connects of an envelope may be held.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Holds {
    /// One that is the only message of its envelope (CN-3).
    Alone,
    /// Any (CN-7).
    Any,
}

/// What an envelope led to.
#[derive(Debug)]
pub(crate) struct Received {
    /// The new session after a handshake: the reply is the first thing that its client gets.
    pub(crate) handshaken: Option<ServerSession>,
    /// The replies in the order of the requests.
    pub(crate) replies: Vec<Reply>,
    /// The connect that may be held: its reply comes after the others.
    pub(crate) connect: Option<Box<Connect>>,
    /// A connect that was answered with the others; its session expires from the drop on.
    pub(crate) answered: Option<Box<Connect>>,
}

/// What one message led to. The reply is in its exchange; [`Flow::Stop`] means that an extension has
/// dropped it.
pub(super) enum Processed {
    Replied(Flow),
    /// A new session, and the reply says so.
    Handshaken(ServerSession, Flow),
    /// The reply comes later: the connect has it. Boxed, because other messages are more frequent.
    Connecting(Box<Connect>),
}

/// A message that does not go on.
#[derive(Debug)]
pub(super) enum Refusal {
    /// Vetoed: `404::message_deleted`, or what the hook has put into the reply.
    Deleted,
    Error(BayeuxError),
}

impl From<BayeuxError> for Refusal {
    fn from(error: BayeuxError) -> Self {
        Self::Error(error)
    }
}

impl Core {
    /// Processes the messages of an envelope, strictly one after the other (BAT-2). `replies` are empty:
    /// those to the messages come into their memory. What the sender has to spare is to be given up before the
    /// replies leave.
    ///
    /// # Errors
    /// A handshake that is not alone; then nothing has been processed (HS-5).
    pub(crate) async fn receive(
        self: &Arc<Self>,
        sender: &mut Sender<'_>,
        requests: &mut Vec<Request>,
        mut replies: Vec<Reply>,
    ) -> Result<Received, ParseError> {
        let alone = requests.len() == 1;
        if !alone && requests.iter().any(|it| it.is_meta(MetaChannel::Handshake)) {
            return Err(ParseError::HandshakeNotAlone);
        }
        replies.reserve_exact(requests.len());
        let may_hold = alone || sender.holds == Holds::Any;

        let mut received = Received {
            handshaken: None,
            replies,
            connect: None,
            answered: None,
        };
        // Taken apart at once: what is whole is moved as a whole.
        for Request {
            client_id,
            echo,
            message,
        } in requests.drain(..)
        {
            let mut exchange = match message {
                Ok(message) => {
                    let context = sender.spare.context(sender.context);
                    Exchange::new(message, echo, context)
                }
                Err(error) => {
                    sender.spare.give_up(self, sender.session).await;
                    received
                        .replies
                        .extend(Box::pin(self.malformed(sender, echo, error)).await);
                    continue;
                }
            };
            let processed = self.process(sender, client_id, &mut exchange).await;
            sender.spare.keep_context(exchange.context);
            match processed {
                Processed::Replied(Flow::Continue) => received.replies.push(exchange.reply),
                Processed::Replied(Flow::Stop) => {}
                Processed::Handshaken(session, flow) => {
                    received.handshaken = Some(session);
                    let reply = (flow == Flow::Continue).then_some(exchange.reply);
                    received.replies.extend(reply);
                }
                // Of two in one envelope the later one replaces the earlier.
                Processed::Connecting(connect) if may_hold => received.connect = Some(connect),
                Processed::Connecting(mut connect) => {
                    received
                        .replies
                        .extend(Box::pin(self.finish_connect(&mut connect, None)).await);
                    received.answered = Some(connect);
                }
            }
        }
        Ok(received)
    }

    /// Processes one message, up to its reply.
    pub(super) async fn process(
        self: &Arc<Self>,
        sender: &mut Sender<'_>,
        client_id: Option<ClientId>,
        exchange: &mut Exchange,
    ) -> Processed {
        let span = tracing::debug_span!(
            "message",
            channel = exchange.reply.channel(),
            id = exchange.reply.id(),
            session = sender.session.map(tracing::field::display),
        );
        // Entered here and not by the future itself, which would have to be moved into the span.
        let mut processing = pin!(self.process_in_span(sender, client_id, exchange));
        poll_fn(|context| span.in_scope(|| processing.as_mut().poll(context))).await
    }

    async fn process_in_span(
        self: &Arc<Self>,
        sender: &mut Sender<'_>,
        client_id: Option<ClientId>,
        exchange: &mut Exchange,
    ) -> Processed {
        let kind = exchange.message.channel().kind();
        let mut shown = self.is_shown(kind, sender.session);
        if (shown || matches!(kind, ChannelKind::Meta(_))) && !sender.spare.is_given_up() {
            sender.spare.give_up(self, sender.session).await;
            // A session that ends by it may be told of, and that may add an extension.
            shown = self.is_shown(kind, sender.session);
        }
        if kind == ChannelKind::Meta(MetaChannel::Handshake) {
            // Boxed, because it happens once to a session, and what is larger is moved more.
            return Box::pin(self.handshake(exchange)).await;
        }
        // A handshake may carry credentials.
        tracing::trace!(message = %exchange.message, "received");
        let session = sender.session;
        // The session that the transport found, if the message names it, too.
        let named = session.filter(|session| client_id == Some(session.id()));
        let outcome = if shown && self.incoming(named, exchange).await == Flow::Stop {
            Err(Refusal::Deleted)
        } else {
            let kind = exchange.message.channel().kind();
            match (Self::alive(kind, named, exchange), kind) {
                (Err(error), _) => Err(error.into()),
                (Ok(session), ChannelKind::Meta(MetaChannel::Connect)) => {
                    return self.connect(session, exchange).await;
                }
                (Ok(session), ChannelKind::Meta(meta)) => self.meta(meta, session, exchange).await,
                (Ok(session), ChannelKind::Service | ChannelKind::Broadcast) => {
                    self.publish_request(session, exchange, sender.spare).await
                }
            }
        };
        exchange.complete(outcome);
        let kind = exchange.message.channel().kind();
        if !self.is_shown(kind, session) {
            return Processed::Replied(Flow::Continue);
        }
        // Who sees the reply sees what the message has led to (PROC-9).
        sender.spare.give_up(self, session).await;
        Processed::Replied(self.replied(kind, session, &mut exchange.reply).await)
    }

    /// The reply to a message that cannot be read.
    async fn malformed(
        &self,
        sender: &Sender<'_>,
        echo: Echo,
        error: BayeuxError,
    ) -> Option<Reply> {
        let mut reply = Reply::to(echo);
        reply.fail(error);
        // What it was to is not known: all are concerned.
        let kind = ChannelKind::Meta(MetaChannel::Unknown);
        let flow = self.replied(kind, sender.session, &mut reply).await;
        (flow == Flow::Continue).then_some(reply)
    }

    /// Whether there are extensions that see such a message of a session and its reply. Most have none,
    /// and nothing to wait for.
    fn is_shown(&self, kind: ChannelKind, session: Option<&ServerSession>) -> bool {
        let of_server = !self.extensions().concerned(kind).is_empty();
        of_server || session.is_some_and(|it| !it.only_queues())
    }

    async fn meta(
        self: &Arc<Self>,
        meta: MetaChannel,
        session: &ServerSession,
        exchange: &mut Exchange,
    ) -> Result<(), Refusal> {
        if meta == MetaChannel::Unknown {
            return self.meta_unknown(session, exchange).await;
        }
        let route = self.route(exchange.message.channel());
        self.listen(&route, Some(session), exchange).await?;
        match meta {
            MetaChannel::Subscribe => self.subscribe(session, exchange).await?,
            MetaChannel::Unsubscribe => self.unsubscribe(session, exchange)?,
            MetaChannel::Disconnect => {
                if let Some(farewell) = self.remove_session_of_client(session) {
                    farewell.await;
                }
            }
            // Both have been seen to before.
            MetaChannel::Handshake | MetaChannel::Connect | MetaChannel::Unknown => {}
        }
        Ok(())
    }

    /// The session that a message names, if it is alive (PROC-3); its deadline moves (PROC-4).
    fn alive<'a>(
        kind: ChannelKind,
        named: Option<&'a ServerSession>,
        exchange: &mut Exchange,
    ) -> Result<&'a ServerSession, BayeuxError> {
        let connect = kind == ChannelKind::Meta(MetaChannel::Connect);
        let hear = match connect {
            true => ServerSession::is_handshook,
            false => ServerSession::hear,
        };
        if let Some(session) = named.filter(|it| hear(it)) {
            return Ok(session);
        }
        if connect {
            let ended = named.is_some_and(|it| it.phase() == Phase::Disconnected);
            exchange.reply.set_advice(Some(unknown_session(ended)));
        }
        Err(BayeuxError::SessionUnknown)
    }

    /// Completes a reply with what became of its message, and shows it to the extensions.
    pub(super) async fn conclude(
        &self,
        session: Option<&ServerSession>,
        exchange: &mut Exchange,
        outcome: Result<(), Refusal>,
    ) -> Flow {
        exchange.complete(outcome);
        let kind = exchange.message.channel().kind();
        self.replied(kind, session, &mut exchange.reply).await
    }

    /// Shows an incoming message to the extensions, those of the server first (PROC-2).
    pub(super) async fn incoming(
        &self,
        session: Option<&ServerSession>,
        exchange: &mut Exchange,
    ) -> Flow {
        let concerned = self
            .extensions()
            .concerned(exchange.message.channel().kind());
        if extension::incoming(concerned, session, exchange).await == Flow::Stop {
            return Flow::Stop;
        }
        // Looked up only now: one that has just been added takes part.
        match session.and_then(ServerSession::extensions) {
            Some(own) => extension::incoming(&own, session, exchange).await,
            None => Flow::Continue,
        }
    }

    /// Shows a reply to the extensions; one that they drop is not sent (PROC-9).
    pub(super) async fn replied(
        &self,
        kind: ChannelKind,
        session: Option<&ServerSession>,
        reply: &mut Reply,
    ) -> Flow {
        let own = session.and_then(ServerSession::extensions);
        let concerned = self.extensions().concerned(kind);
        if extension::replied(concerned, session, reply).await == Flow::Stop {
            return Flow::Stop;
        }
        match own {
            Some(own) => extension::replied(&own, session, reply).await,
            None => Flow::Continue,
        }
    }
}

/// What the client of an unknown session is told to do (ADV-6, ADV-7).
pub(super) const fn unknown_session(disconnected: bool) -> Advice {
    let mut advice = Advice::HANDSHAKE;
    if disconnected {
        advice.reconnect = Some(Reconnect::None);
    }
    advice
}

impl Request {
    /// Whether this is a message to a meta channel.
    pub(crate) fn is_meta(&self, channel: MetaChannel) -> bool {
        self.message
            .as_ref()
            .is_ok_and(|message| message.channel().kind() == ChannelKind::Meta(channel))
    }
}
