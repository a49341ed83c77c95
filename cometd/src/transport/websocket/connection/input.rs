//! What a connection reads, and what that leads to.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use bytestring::ByteString;
use futures_util::FutureExt;
use tokio::io::{AsyncRead, AsyncWrite};
use yawc::WebSocketError;

use super::end::{End, broken, malformed};
use super::{Burst, Connection, Envelopes, FAREWELL};
use crate::protocol::codec::Request;
use crate::protocol::{MetaChannel, ParseError, Reply};
use crate::server::pipeline::{self, Holds, Received, Sender};
use crate::server::{Batch, Core, ServerSession};
use crate::session::Parcel;
use crate::transport::websocket::socket::Incoming;

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<S> {
    /// What is no text leads to nothing, or to the end.
    pub(super) async fn on_other(
        &mut self,
        incoming: Result<Incoming, WebSocketError>,
    ) -> Result<(), End> {
        match incoming {
            // WS-2: nothing of Bayeux is binary.
            Ok(Incoming::Text(_) | Incoming::Other) => Ok(()),
            Ok(Incoming::Close) => {
                // The answer to a close is written when the socket is asked for more.
                let socket = &mut self.socket;
                let next = poll_fn(|context| socket.poll_next(context));
                let _ = tokio::time::timeout(FAREWELL, next).await;
                Err(End::Closed)
            }
            Err(WebSocketError::ConnectionClosed) => Err(End::Closed),
            Err(error) => Err(broken(&error)),
        }
    }

    /// Processes a text, and others that are here already, at most so many; returns how many there were.
    ///
    /// All are read before the first is processed: the processor keeps the instructions of either near, not
    /// those of both, and would fetch all of them again for each text.
    pub(super) async fn on_texts(
        &mut self,
        core: &Arc<Core>,
        first: ByteString,
        most: usize,
        envelopes: &mut Envelopes,
        burst: &mut Burst,
    ) -> Result<usize, End> {
        let (count, read) = envelopes.read(&mut self.socket, first, most, core.limits());
        for (nth, requests) in envelopes.iter_mut().take(count).enumerate() {
            // What the last one has led to comes first.
            if nth > 0
                && let Some(event) = self.rung_in_turn()
            {
                self.on_event(event).await?;
            }
            // FAYE-5: the keep-alive of old Faye clients.
            if !requests.is_empty() {
                self.on_envelope(core, requests, burst).await?;
            }
        }
        envelopes.trim();
        read.map(|()| count)
    }

    async fn on_envelope(
        &mut self,
        core: &Arc<Core>,
        requests: &mut Vec<Request>,
        burst: &mut Burst,
    ) -> Result<(), End> {
        let Burst {
            context,
            session,
            replies,
            ..
        } = burst;
        let first = requests.first();
        self.bind(first);
        if *session != self.session {
            // What one session has published does not wait for another.
            self.spare.give_up(core, session.as_ref()).await;
            session.clone_from(&self.session);
        }
        let session = session.as_ref();
        let batch = first.zip(session).and_then(|it| self.attach(it.0, it.1));
        // Not in the connection meanwhile, which may have to write: by then it is given up.
        let mut spare = std::mem::take(&mut self.spare);
        let mut sender = Sender {
            context,
            session,
            holds: Holds::Any,
            spare: &mut spare,
        };
        let received = self
            .receive(core, &mut sender, requests, std::mem::take(replies))
            .await;
        self.spare = spare;
        let received = received?.map_err(|error| malformed(&error))?;
        *replies = self.respond(session, batch, received).await?;
        replies.clear();
        if self.session.is_none()
            && let Some(ended) = session
        {
            ended.detach(self.number, &self.bell);
        }
        Ok(())
    }

    /// Processes messages; a held connect is answered in time, however long that takes.
    async fn receive(
        &mut self,
        core: &Arc<Core>,
        sender: &mut Sender<'_>,
        requests: &mut Vec<Request>,
        replies: Vec<Reply>,
    ) -> Result<Result<Received, ParseError>, End> {
        let mut receiving = pin!(core.receive(sender, requests, replies));
        if let Some(received) = receiving.as_mut().now_or_never() {
            return Ok(received);
        }
        // What earlier frames led to does not wait for this one.
        let mut end = self.flush().await.err();
        let received = loop {
            // What has been begun is finished, even if the connection is at its end.
            let held = self.held.as_ref().filter(|_| end.is_none());
            let resumed = poll_fn(|context| {
                held.map_or(Poll::Pending, |it| it.poll_resumed(&self.bell, context))
            });
            tokio::select! {
                biased;
                received = &mut receiving => break received,
                resume = resumed => end = self.on_resume(resume).await.err(),
            }
        };
        end.map_or(Ok(received), Err)
    }

    /// Finds the session that a frame speaks for (WS-7, WS-8).
    fn bind(&mut self, first: Option<&Request>) {
        if first.is_some_and(|it| it.is_meta(MetaChannel::Handshake)) {
            self.unbind();
        } else if self.session.is_none() && !self.config().require_handshake_per_connection {
            let named = first.and_then(|it| it.client_id);
            let found = named.and_then(|id| self.core.session(id));
            self.session = found.filter(|session| !session.is_local());
        }
    }

    /// Messages go to a session by this connection from now on (WS-12); they wake nobody until the batch
    /// ends.
    fn attach<'a>(&mut self, first: &Request, session: &'a ServerSession) -> Option<Batch<'a>> {
        let batch = if first.client_id == Some(session.id()) {
            let connect_only = self.config().common.meta_connect_deliver_only;
            session.attach(self.number, connect_only, &self.bell)
        } else {
            session.is_handshook().then(|| session.start_batch())
        };
        if batch.is_some() {
            self.unbound = None;
        } else {
            // This frame is answered for the ended session, the next one may bind anew.
            self.session = None;
        }
        batch.filter(|_| pipeline::is_batched(first))
    }

    fn unbind(&mut self) {
        if let Some(session) = self.session.take() {
            session.detach(self.number, &self.bell);
        }
        self.held = None;
        // A wake-up that is under way was meant for the session that is let go.
        self.bell = Arc::default();
    }

    /// Whether messages of a session travel with connect replies only (CFG-15).
    pub(super) fn is_connect_only(&self, session: &ServerSession) -> bool {
        session.connect_only() || self.config().common.meta_connect_deliver_only
    }

    /// Writes what a frame has led to: the end of an older connect, the handshake reply, queued
    /// messages, other replies in one frame (WS-9 to WS-11). Returns the replies, for their memory.
    async fn respond(
        &mut self,
        session: Option<&ServerSession>,
        batch: Option<Batch<'_>>,
        mut received: Received,
    ) -> Result<Vec<Reply>, End> {
        if let Some(resume) = self.resumed() {
            self.on_resume(resume).await?;
        }
        let replies = &mut received.replies;
        if let Some(session) = received.handshaken {
            self.respond_to_handshake(session, replies).await?;
        } else {
            let connect_only = self.config().common.meta_connect_deliver_only;
            // A frame that speaks for nobody here takes no messages of the session away (BAT-6).
            if let Some(session) = session.filter(|_| !connect_only) {
                session.take_pushed(self.number, replies, &mut self.outgoing, batch);
            }
            self.feed_with_replies(replies).await?;
        }
        if let Some(connect) = received.connect.take() {
            self.hold(connect).await?;
        }
        Ok(received.replies)
    }

    async fn respond_to_handshake(
        &mut self,
        session: ServerSession,
        replies: &mut Vec<Reply>,
    ) -> Result<(), End> {
        self.unbound = None;
        let queued = if self.config().common.allow_message_delivery_during_handshake {
            session.take_queue(replies)
        } else {
            VecDeque::new()
        };
        self.session = Some(session);
        if let Some(handshaken) = replies.iter_mut().find_map(Reply::handshake_mut) {
            handshaken.messages = queued.iter().map(Parcel::count).sum();
        }
        self.feed_with_replies(replies).await?;
        debug_assert!(self.outgoing.is_empty(), "it would be lost");
        self.outgoing = queued;
        self.feed_outgoing(None).await
    }
}
