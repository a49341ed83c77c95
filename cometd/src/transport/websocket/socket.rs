//! A WebSocket: the library, and the stream below it.

use std::io;
use std::task::{Context, Poll};

use ::http::HeaderValue;
use futures_util::SinkExt;
use tokio::io::{AsyncRead, AsyncWrite};
use yawc::{Frame, Options, Role, WebSocket, WebSocketError};

use super::wire::{Output, Wire};

/// A WebSocket that the library reads from, and answers in matters of the protocol; texts are packed by
/// it if that was agreed on and they are worth it, and go past it otherwise.
pub(super) struct Socket<S> {
    library: WebSocket<Wire<S>>,
    wire: Wire<S>,
    /// Whether larger texts are compressed.
    packs: bool,
}

/// Bytes from which on a text is compressed: smaller ones fit into a packet as they are.
pub(super) const WORTH_PACKING: usize = 1024;

impl<S: AsyncRead + AsyncWrite + Unpin> Socket<S> {
    /// A stream whose handshake is done, with the extensions that were agreed on.
    pub(super) fn new(
        stream: S,
        extensions: Option<&HeaderValue>,
        options: &Options,
    ) -> Result<Self, WebSocketError> {
        let wire = Wire::new(stream);
        let agreed = extensions.and_then(|it| it.to_str().ok());
        let library = WebSocket::from_stream_with_extensions(
            wire.clone(),
            Role::Server,
            agreed,
            options.clone(),
        )?;
        Ok(Self {
            library,
            wire,
            packs: agreed.is_some(),
        })
    }

    /// The next frame of the peer.
    pub(super) fn poll_frame(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Result<Frame, WebSocketError>> {
        self.library.poll_next_frame(context)
    }

    /// Whether a text is compressed, so that it has to be [sent](Self::send).
    pub(super) fn packs(&self, text: &str) -> bool {
        self.packs && text.len() >= WORTH_PACKING
    }

    /// Adds texts to the output. Whether it should be flushed before there is more of it.
    pub(super) fn write(&self, add: impl FnOnce(&mut Output)) -> bool {
        self.wire.write(add)
    }

    /// Writes the output.
    pub(super) fn poll_flush(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.wire.poll_output(context)
    }

    /// Writes the output, and behind it a frame of any kind, which is compressed if it is worth it.
    pub(super) async fn send(&mut self, frame: Frame) -> Result<(), WebSocketError> {
        self.library.send(frame).await
    }
}
