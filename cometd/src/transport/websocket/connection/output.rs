//! What a connection writes.

use std::cell::Cell;
use std::collections::VecDeque;
use std::fmt;
use std::future::poll_fn;
use std::pin::pin;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::Instant;
use yawc::Frame;
use yawc::close::CloseCode;

use super::{Connection, End};

use crate::protocol::codec;
use crate::protocol::{FrozenMessage, Reply};
use crate::server::ServerSession;
use crate::session::{Bundle, Parcel};
use crate::transport::websocket::frame::{MOST_HEAD, put_text};

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<S> {
    /// Puts what is queued for the bound session into frames, if it is pushed here.
    pub(super) async fn feed_pushed(&mut self) -> Result<(), End> {
        let Some(session) = &self.session else {
            return Ok(());
        };
        let mut queued = std::mem::take(&mut self.emptied);
        session.take_queue_for(self.number, &mut Vec::new(), &mut queued);
        self.feed_messages(queued).await
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
        let queued = if is_acknowledged {
            session.take_queue(&mut replies)
        } else {
            let mut queued = VecDeque::new();
            session.take_queue_for(self.number, &mut replies, &mut queued);
            queued
        };
        let size: usize = queued.iter().map(Parcel::size).sum();
        if is_acknowledged && (1..=MOST_TOGETHER).contains(&size) {
            // In one frame: a client that got messages and not their number gets them twice.
            let messages = queued.iter().flat_map(Parcel::messages).map(|it| &**it);
            return self.feed(&codec::envelope([], messages, &replies)).await;
        }
        self.feed_with_replies(queued, &replies).await
    }

    /// Puts messages into frames of as many as are configured (WS-10).
    pub(super) async fn feed_messages(&mut self, messages: VecDeque<Parcel>) -> Result<(), End> {
        self.feed_all(messages, None).await
    }

    /// Puts replies into a frame.
    pub(super) async fn feed_replies(&mut self, replies: &[Reply]) -> Result<(), End> {
        self.feed_with_replies(VecDeque::new(), replies).await
    }

    /// Puts messages into frames, and replies into one behind them.
    pub(super) async fn feed_with_replies(
        &mut self,
        messages: VecDeque<Parcel>,
        replies: &[Reply],
    ) -> Result<(), End> {
        if replies.is_empty() {
            return self.feed_messages(messages).await;
        }
        let mut text = TEXT.take();
        codec::write_envelope(&mut text, [], [], replies);
        let fed = self.feed_all(messages, Some(&text)).await;
        if text.capacity() <= MOST_TEXT {
            text.clear();
            TEXT.set(text);
        }
        fed
    }

    /// Puts messages into frames, and a text into one behind them.
    async fn feed_all(
        &mut self,
        mut parcels: VecDeque<Parcel>,
        last: Option<&str>,
    ) -> Result<(), End> {
        let most = self.config().messages_per_frame.unwrap_or(usize::MAX);
        if most > 1 {
            let messages = parcels.iter().flat_map(Parcel::messages);
            let messages: Vec<&FrozenMessage> = messages.map(|it| &**it).collect();
            for chunk in messages.chunks(most) {
                let text = codec::envelope([], chunk.iter().copied(), []);
                self.feed(&text).await?;
            }
            parcels.clear();
        }
        while let Some(parcel) = parcels.pop_front() {
            if let Parcel::Many(bundle) = &parcel
                && self.put_together(bundle)
            {
                continue;
            }
            for message in parcel.messages() {
                if !self.socket.put(message.envelope()) {
                    self.feed(message.envelope()).await?;
                }
            }
        }
        if (1..=MOST_EMPTIED).contains(&parcels.capacity()) {
            self.emptied = parcels;
        }
        match last {
            Some(text) if !self.socket.put(text) => self.feed(text).await,
            Some(_) | None => Ok(()),
        }
    }

    /// Puts messages into the output as they were written for another socket; whether that was possible.
    fn put_together(&mut self, bundle: &Bundle) -> bool {
        let may = !self.socket.packs(bundle.largest());
        may && self.socket.put_frames(bundle.written(|messages| {
            let mut frames = Vec::with_capacity(bundle.size() + messages.len() * MOST_HEAD);
            for message in messages {
                put_text(&mut frames, message.envelope());
            }
            frames
        }))
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

    /// Queues what the peer has published: nobody who hears it waits for what this connection waits for.
    pub(super) async fn give_up_spare(&mut self) {
        if !self.spare.is_given_up() {
            self.spare.give_up(&self.core, self.session.as_ref()).await;
        }
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
const MOST_EMPTIED: usize = 64;

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
    written.map_err(|error| {
        tracing::debug!(%error, "a socket cannot be written to");
        End::Closed
    })
}
