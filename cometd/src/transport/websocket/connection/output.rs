//! What a connection writes.

use std::cell::Cell;
use std::collections::VecDeque;
use std::fmt;
use std::future::poll_fn;
use std::pin::pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::FutureExt;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::Instant;
use yawc::Frame;
use yawc::close::CloseCode;

use super::frames::with_frames;
use super::{Connection, End, Next};
use crate::protocol::codec;
use crate::protocol::{FrozenMessage, Reply};
use crate::server::{Connect, ServerSession};
use crate::session::Parcel;

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<S> {
    /// Pushes what is queued for the bound session if a plain call can: nothing is compressed, each message has a
    /// frame of its own, and the stream takes all of it. Otherwise what is left is to be fed and flushed.
    ///
    /// No future: its state would be one more piece of memory for each of many sockets, and not in the cache.
    pub(super) fn push(&mut self, context: &mut Context<'_>) -> Next {
        debug_assert!(self.spare.is_given_up(), "what was worked off is flushed");
        if self.messages_per_frame() > 1 {
            return Next::Push;
        }
        self.take_pushed();
        if !self.put_outgoing() {
            return Next::Push;
        }
        self.active = Instant::now();
        match self.socket.poll_flush(context) {
            Poll::Ready(flushed) => Next::Pushed(flushed.map_err(lost)),
            Poll::Pending => Next::Push,
        }
    }

    /// Puts what is queued for the bound session into frames, if it is pushed here.
    pub(super) async fn feed_pushed(&mut self) -> Result<(), End> {
        self.take_pushed();
        self.feed_outgoing(None).await
    }

    /// Pushes what a plain call could not.
    pub(super) async fn on_push(&mut self) -> Result<(), End> {
        self.feed_pushed().await?;
        self.flush().await
    }

    /// Takes what is queued for the bound session, unless something is on its way already.
    fn take_pushed(&mut self) {
        if self.outgoing.is_empty()
            && let Some(session) = &self.session
        {
            session.take_queue_for(self.number, &mut Vec::new(), &mut self.outgoing);
        }
    }

    /// Puts what is queued for a session into frames, and the reply of its connect behind it.
    ///
    /// The session may have gone on to another connection while its connect was answered here: then
    /// its messages are not for this one (WS-13). What is acknowledged stays with its own connect.
    pub(super) async fn feed_with_queue(
        &mut self,
        session: &ServerSession,
        reply: Option<Reply>,
    ) -> Result<(), End> {
        let mut replies = Vec::from_iter(reply);
        let is_acknowledged = session.is_acknowledged();
        if is_acknowledged {
            debug_assert!(self.outgoing.is_empty(), "it would be lost");
            self.outgoing = session.take_queue(&mut replies);
        } else {
            session.take_queue_for(self.number, &mut replies, &mut self.outgoing);
        }
        let size: usize = self.outgoing.iter().map(Parcel::size).sum();
        if is_acknowledged && (1..=MOST_TOGETHER).contains(&size) {
            // In one frame: a client that got messages and not their number gets them twice.
            let parcels = std::mem::take(&mut self.outgoing);
            let messages = parcels.iter().flat_map(Parcel::messages).map(|it| &**it);
            return self.feed(&codec::envelope([], messages, &replies)).await;
        }
        self.feed_with_replies(&replies).await
    }

    /// Puts what is on its way into frames, and replies, if there are any, into one behind them.
    pub(super) async fn feed_with_replies(&mut self, replies: &[Reply]) -> Result<(), End> {
        if replies.is_empty() {
            return self.feed_outgoing(None).await;
        }
        let mut text = TEXT.take();
        codec::write_envelope(&mut text, [], [], replies);
        let fed = self.feed_outgoing(Some(&text)).await;
        if text.capacity() <= MOST_TEXT {
            text.clear();
            TEXT.set(text);
        }
        fed
    }

    /// Puts what is on its way into frames of as many messages as are configured (WS-10), and a text into one
    /// behind them.
    pub(super) async fn feed_outgoing(&mut self, last: Option<&str>) -> Result<(), End> {
        let most = self.messages_per_frame();
        if most > 1 {
            let mut parcels = std::mem::take(&mut self.outgoing);
            let messages = parcels.iter().flat_map(Parcel::messages);
            let messages: Vec<&FrozenMessage> = messages.map(|it| &**it).collect();
            for chunk in messages.chunks(most) {
                let text = codec::envelope([], chunk.iter().copied(), []);
                self.feed(&text).await?;
            }
            parcels.clear();
            self.outgoing = parcels;
        }
        while !self.put_outgoing() {
            if !self.socket.has_room() {
                self.flush().await?;
                continue;
            }
            // The first has to be compressed.
            let parcel = self.outgoing.pop_front();
            for message in parcel.iter().flat_map(Parcel::messages) {
                self.feed(message.envelope()).await?;
            }
        }
        match last {
            Some(text) if !self.socket.put(text) => self.feed(text).await,
            Some(_) | None => Ok(()),
        }
    }

    /// Puts what is on its way into the output, each message into a frame, up to one that has to be compressed or
    /// for which there is no room; whether that was all.
    fn put_outgoing(&mut self) -> bool {
        while let Some(parcel) = self.outgoing.front() {
            let is_put = match parcel {
                Parcel::One(message) => self.socket.put(message.envelope()),
                Parcel::Many(bundle) => {
                    self.socket.has_room()
                        && !self.socket.packs(bundle.largest())
                        && with_frames(bundle, |frames| self.socket.put_frames(frames))
                }
            };
            if !is_put {
                return false;
            }
            self.outgoing.pop_front();
        }
        if self.outgoing.capacity() > MOST_OUTGOING {
            self.outgoing = VecDeque::new();
        }
        true
    }

    /// Puts a frame into the output, which is written when it is full or flushed.
    async fn feed(&mut self, text: &str) -> Result<(), End> {
        if self.socket.packs(text.len()) {
            self.give_up_spare().await;
            let patience = self.patience();
            let sent = pin!(self.socket.send(Frame::text(text.to_owned())));
            return written(patience, sent).await;
        }
        while !self.socket.put(text) {
            self.flush().await?;
        }
        Ok(())
    }

    /// Writes the output.
    pub(super) async fn flush(&mut self) -> Result<(), End> {
        self.give_up_spare().await;
        self.active = Instant::now();
        let patience = self.patience();
        let flushed = poll_fn(|context| self.socket.poll_flush(context));
        written(patience, flushed).await
    }

    /// Lets a connect go: its session expires from when the reply has been written (SES-6).
    pub(super) async fn flush_before(&mut self, connect: Box<Connect>) -> Result<(), End> {
        let flushed = self.flush().await;
        drop(connect);
        flushed
    }

    /// Queues what the peer has published: nobody who hears it waits for what this connection waits for.
    pub(super) async fn give_up_spare(&mut self) {
        if !self.spare.is_given_up() {
            self.spare.give_up(&self.core, self.session.as_ref()).await;
        }
    }

    fn messages_per_frame(&self) -> usize {
        self.config().messages_per_frame.unwrap_or(usize::MAX)
    }

    /// How long a peer may take to read: as long as it may be idle.
    fn patience(&self) -> Duration {
        self.config().idle_timeout.unwrap_or(Duration::MAX)
    }
}

/// Most bytes of messages that share a frame with the reply that numbers them: clients limit what they read.
const MOST_TOGETHER: usize = 512 * 1024;

thread_local! {
    /// The memory of the last replies, for the next ones.
    static TEXT: Cell<String> = const { Cell::new(String::new()) };
}

/// Longest text whose memory is kept.
const MOST_TEXT: usize = 16 * 1024;

/// Longest queue whose memory is kept for the next messages.
const MOST_OUTGOING: usize = 32;

/// Waits for a write, which mostly has not to be waited for.
async fn written<E: fmt::Display>(
    patience: Duration,
    mut write: impl Future<Output = Result<(), E>> + Unpin,
) -> Result<(), End> {
    let written = match (&mut write).now_or_never() {
        Some(written) => written,
        None => tokio::time::timeout(patience, write)
            .await
            .map_err(|_| End::Close(CloseCode::Away, "nobody reads"))?,
    };
    written.map_err(lost)
}

fn lost(error: impl fmt::Display) -> End {
    tracing::debug!(%error, "a socket cannot be written to");
    End::Closed
}
