//! The stream below the WebSocket library.

use std::cell::Cell;
use std::io;
use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::frame;
use super::input::Input;

/// The stream as the WebSocket library sees it: there while it is lent.
///
/// Otherwise the stream, its input and its output are the connection's, which so reaches them without a lock.
/// Text frames of the connection go behind what the library has written, so that messages go from the queue
/// of a session into what is written next, and not through a value and a buffer for each. Nothing is kept
/// for a socket that is idle.
pub(super) struct Wire<S>(Arc<Mutex<Option<Box<Ends<S>>>>>);

/// A stream, and what is between it and those who use it.
pub(super) struct Ends<S> {
    /// There unless all of this is lent.
    stream: Option<S>,
    /// What was read.
    pub(super) input: Input,
    /// How many bytes, of the input and of the stream behind it, the library may read.
    pub(super) due: u64,
    /// What is not written yet.
    pub(super) output: Output,
    /// The library has something to write, and waits until it can.
    pub(super) is_stuck: bool,
}

/// What is not written yet.
#[derive(Debug, Default)]
pub(super) struct Output {
    bytes: Vec<u8>,
    /// How many of them have been written.
    written: usize,
}

/// Bytes from which on the output should be written before there is more of it.
const FULL: usize = 64 * 1024;

/// Largest buffer that is kept for the next socket that has something to write.
const MOST_SPARE: usize = 4 * FULL;

thread_local! {
    /// A buffer for whoever writes next: mostly it is filled and written without a pause.
    static SPARE: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

impl<S> Wire<S> {
    /// Lends the library a stream while this works.
    pub(super) fn while_lent<T>(&self, ends: &mut Ends<S>, work: impl FnOnce() -> T) -> T {
        *self.0.lock() = Some(Box::new(mem::take(ends)));
        let result = work();
        let lent = self.0.lock().take();
        if let Some(lent) = lent {
            *ends = *lent;
        }
        result
    }
}

impl<S> Ends<S> {
    /// A stream, and what was read of it.
    pub(super) fn new(stream: S, read: &Bytes) -> Self {
        Self {
            stream: Some(stream),
            input: Input::new(read),
            ..Self::default()
        }
    }
}

/// The stream, which is there for whoever asks.
fn there<S>(stream: &mut Option<S>) -> io::Result<&mut S> {
    stream
        .as_mut()
        .ok_or_else(|| io::ErrorKind::NotConnected.into())
}

impl<S: AsyncRead + Unpin> Ends<S> {
    /// Reads more input. How many bytes that were, none at the end of the stream.
    pub(super) fn poll_input(&mut self, context: &mut Context<'_>) -> Poll<io::Result<usize>> {
        self.input.poll_fill(there(&mut self.stream)?, context)
    }
}

impl<S: AsyncWrite + Unpin> Ends<S> {
    /// Writes the output.
    pub(super) fn poll_output(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.output.poll_write(there(&mut self.stream)?, context)
    }
}

impl<S> Default for Ends<S> {
    fn default() -> Self {
        Self {
            stream: None,
            input: Input::default(),
            due: 0,
            output: Output::default(),
            is_stuck: false,
        }
    }
}

impl<S> Default for Wire<S> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<S> Clone for Wire<S> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl Output {
    /// Adds a text frame.
    pub(super) fn text(&mut self, text: &str) {
        frame::put_text(self.begin(), text);
    }

    /// Adds whole frames.
    pub(super) fn add(&mut self, frames: &[u8]) {
        self.begin().extend_from_slice(frames);
    }

    /// The bytes, to be added to.
    fn begin(&mut self) -> &mut Vec<u8> {
        if self.bytes.capacity() == 0 {
            self.bytes = SPARE.take();
        }
        &mut self.bytes
    }

    pub(super) const fn is_full(&self) -> bool {
        self.bytes.len() - self.written >= FULL
    }

    fn rest(&self) -> &[u8] {
        self.bytes.get(self.written..).unwrap_or_default()
    }

    fn poll_write<S: AsyncWrite + Unpin>(
        &mut self,
        stream: &mut S,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        let mut stream = Pin::new(stream);
        while !self.rest().is_empty() {
            match ready!(stream.as_mut().poll_write(context, self.rest()))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                count => self.written += count,
            }
        }
        if !self.bytes.is_empty() {
            self.end();
        }
        stream.poll_flush(context)
    }

    /// Everything is written.
    fn end(&mut self) {
        self.written = 0;
        let mut bytes = mem::take(&mut self.bytes);
        bytes.clear();
        if bytes.capacity() <= MOST_SPARE {
            SPARE.set(bytes);
        }
    }
}

/// What the library reads.
impl<S: AsyncRead + Unpin> AsyncRead for Wire<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let mut lent = self.0.lock();
        let ends = lent.as_mut().ok_or(io::ErrorKind::NotConnected)?;
        if ends.due == 0 {
            // Whoever lends it more asks it again.
            return Poll::Pending;
        }
        if ends.input.rest().is_empty() {
            ready!(ends.poll_input(context))?;
        }
        let rest = ends.input.rest();
        let count = rest.len().min(buffer.remaining());
        let count = usize::try_from(ends.due).map_or(count, |due| due.min(count));
        buffer.put_slice(rest.get(..count).unwrap_or_default());
        ends.input.take(count);
        ends.due -= count as u64;
        Poll::Ready(Ok(()))
    }
}

/// What the library writes.
impl<S: AsyncWrite + Unpin> AsyncWrite for Wire<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &[u8],
    ) -> Poll<io::Result<usize>> {
        let mut lent = self.0.lock();
        let ends = lent.as_mut().ok_or(io::ErrorKind::NotConnected)?;
        if ends.output.is_full() {
            ends.is_stuck = true;
            ready!(ends.poll_output(context))?;
        }
        ends.is_stuck = false;
        ends.output.add(buffer);
        Poll::Ready(Ok(buffer.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut lent = self.0.lock();
        let ends = lent.as_mut().ok_or(io::ErrorKind::NotConnected)?;
        let flushed = ends.poll_output(context);
        ends.is_stuck = flushed.is_pending();
        flushed
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut lent = self.0.lock();
        let ends = lent.as_mut().ok_or(io::ErrorKind::NotConnected)?;
        ready!(ends.poll_output(context))?;
        Pin::new(there(&mut ends.stream)?).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    use super::*;

    async fn flush<S: AsyncWrite + Unpin>(ends: &mut Ends<S>) {
        let flushed = std::future::poll_fn(|context| ends.poll_output(context)).await;
        flushed.unwrap();
    }

    /// A stream, and how the library sees it.
    fn ends<S>(stream: S) -> (Ends<S>, Wire<S>) {
        (Ends::new(stream, &Bytes::new()), Wire::default())
    }

    #[tokio::test]
    async fn the_library_reads_what_it_is_lent_and_no_more() {
        let (mut peer, stream) = duplex(64 * 1024);
        let (mut ends, mut wire) = ends(stream);
        let sent: Vec<u8> = (0..=255).cycle().take(40_000).collect();
        peer.write_all(&sent).await.unwrap();
        std::future::poll_fn(|context| ends.poll_input(context))
            .await
            .unwrap();
        ends.input.take(1000);
        ends.due = 30_000;
        let mut read = Vec::new();
        let mut piece = [0; 1000];
        let library = wire.clone();
        library.while_lent(&mut ends, || {
            while let Some(count) = wire.read(&mut piece).now_or_never() {
                read.extend_from_slice(&piece[..count.unwrap()]);
            }
        });
        assert_eq!(read, sent[1000..31_000]);
        assert_eq!(ends.due, 0);
        assert!(sent[31_000..].starts_with(ends.input.rest()));
        let is_kept = !ends.input.rest().is_empty();
        assert!(is_kept, "what was read with it is kept");
    }

    #[tokio::test]
    async fn the_library_learns_of_the_end_of_the_stream() {
        let (peer, stream) = duplex(64);
        drop(peer);
        let (mut ends, mut wire) = ends(stream);
        ends.due = u64::MAX;
        let library = wire.clone();
        let read = library.while_lent(&mut ends, || wire.read(&mut [0; 10]).now_or_never());
        assert_eq!(read.unwrap().unwrap(), 0);
    }

    #[tokio::test]
    async fn frames_of_both_leave_in_the_order_in_which_they_were_written() {
        let (mut peer, stream) = duplex(64);
        let (mut ends, mut wire) = ends(stream);
        ends.output.text("one");
        let library = wire.clone();
        let written = library.while_lent(&mut ends, || wire.write_all(b"two").now_or_never());
        written.unwrap().unwrap();
        ends.output.text("three");
        flush(&mut ends).await;
        let mut read = vec![0; 15];
        peer.read_exact(&mut read).await.unwrap();
        assert_eq!(read, b"\x81\x03onetwo\x81\x05three");
    }

    #[tokio::test]
    async fn nothing_is_read_or_written_unless_it_is_lent() {
        let (_peer, stream) = duplex(64);
        let (mut ends, mut wire) = ends(stream);
        let refused = Some(io::ErrorKind::NotConnected);
        assert_eq!(wire.read(&mut [0]).await.err().map(|it| it.kind()), refused);
        assert_eq!(wire.write(&[0]).await.err().map(|it| it.kind()), refused);
        let library = wire.clone();
        let written = library.while_lent(&mut ends, || wire.write_all(&[0]).now_or_never());
        written.unwrap().unwrap();
    }

    #[tokio::test]
    async fn a_peer_that_does_not_read_is_waited_for() {
        let (mut peer, stream) = duplex(1000);
        let (mut ends, mut wire) = ends(stream);
        ends.output.text(&"x".repeat(100));
        assert!(!ends.output.is_full());
        ends.output.text(&"x".repeat(FULL));
        assert!(ends.output.is_full());
        let library = wire.clone();
        let written = library.while_lent(&mut ends, || wire.write_all(b"pong").now_or_never());
        assert!(written.is_none(), "there is no room for more");
        let expected = 2 + 100 + 10 + FULL;
        let mut read = vec![0; expected];
        let (read, ()) = tokio::join!(peer.read_exact(&mut read), flush(&mut ends));
        read.unwrap();
    }
}
