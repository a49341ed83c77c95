//! What a connection writes.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{FutureExt, SinkExt};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::Instant;
use yawc::close::CloseCode;
use yawc::{Frame, WebSocketError};

use super::{Connection, End};
use crate::protocol::codec;
use crate::protocol::{FrozenMessage, Reply};
use crate::server::ServerSession;

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<S> {
    /// Puts what is queued for the bound session into frames, if it is pushed here.
    pub(super) async fn feed_pushed(&mut self) -> Result<(), End> {
        let session = self.session.as_ref();
        let queued = session.map(|session| session.take_queue_for(self.number, &mut Vec::new()));
        self.feed_messages(queued.unwrap_or_default()).await
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
            session.take_queue_for(self.number, &mut replies)
        };
        if queued.is_empty() {
            return self.feed_replies(&replies).await;
        }
        let size: usize = queued.iter().map(|it| it.as_str().len()).sum();
        if is_acknowledged && size <= MOST_TOGETHER {
            // In one frame: a client that got messages and not their number gets them twice.
            let messages = queued.iter().map(|it| &**it);
            let text = codec::envelope([], messages, &replies);
            return self.feed(Frame::text(text)).await;
        }
        self.feed_messages(queued).await?;
        self.feed_replies(&replies).await
    }

    /// Puts messages into frames of as many as are configured (WS-10).
    pub(super) async fn feed_messages(
        &mut self,
        messages: VecDeque<Arc<FrozenMessage>>,
    ) -> Result<(), End> {
        let per_frame = self
            .config()
            .messages_per_frame
            .unwrap_or(usize::MAX)
            .max(1);
        if per_frame == 1 {
            for message in messages {
                self.feed(Frame::text(message.envelope().as_bytes().clone()))
                    .await?;
            }
            return Ok(());
        }
        let messages: Vec<_> = messages.into();
        for chunk in messages.chunks(per_frame) {
            let text = codec::envelope([], chunk.iter().map(|it| &**it), []);
            self.feed(Frame::text(text)).await?;
        }
        Ok(())
    }

    pub(super) async fn feed_replies(&mut self, replies: &[Reply]) -> Result<(), End> {
        if replies.is_empty() {
            return Ok(());
        }
        self.feed(Frame::text(codec::envelope([], [], replies)))
            .await
    }

    /// Puts a frame into the write buffer, which is written when it is full or flushed.
    async fn feed(&mut self, frame: Frame) -> Result<(), End> {
        let patience = self.patience();
        let socket = &mut self.socket;
        written(
            patience,
            poll_fn(|context| socket.poll_ready_unpin(context)),
        )
        .await?;
        socket
            .start_send_unpin(frame)
            .map_err(|error| unwritable(&error))?;
        self.unwritten += 1;
        Ok(())
    }

    /// Writes what is in the write buffer.
    pub(super) async fn flush(&mut self) -> Result<(), End> {
        self.unwritten = 0;
        self.active = Instant::now();
        let patience = self.patience();
        let socket = &mut self.socket;
        written(
            patience,
            poll_fn(|context| socket.poll_flush_unpin(context)),
        )
        .await
    }

    /// How long a peer may take to read: as long as it may be idle.
    fn patience(&self) -> Duration {
        self.config().idle_timeout.unwrap_or(Duration::MAX)
    }
}

/// Most bytes of messages that share a frame with the reply that numbers them: clients limit what they read.
const MOST_TOGETHER: usize = 512 * 1024;

/// Waits for a write, which mostly has not to be waited for.
async fn written(
    patience: Duration,
    mut write: impl Future<Output = Result<(), WebSocketError>> + Unpin,
) -> Result<(), End> {
    let written = match (&mut write).now_or_never() {
        Some(written) => written,
        None => tokio::time::timeout(patience, write)
            .await
            .map_err(|_| End::Close(CloseCode::Away, "nobody reads"))?,
    };
    written.map_err(|error| unwritable(&error))
}

fn unwritable(error: &WebSocketError) -> End {
    tracing::debug!(%error, "a socket cannot be written to");
    End::Closed
}
