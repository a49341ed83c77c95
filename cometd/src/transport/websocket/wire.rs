//! The stream below the WebSocket library.

use std::cell::Cell;
use std::io;
use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use parking_lot::Mutex;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::input::Input;

/// A stream that the WebSocket library and a connection share.
///
/// It reads and writes for the connection, and lends the library what is the library's. Input and output are
/// the connection's, which so reaches them without a lock, but for the time in which the library works. Text
/// frames of the connection go behind what the library has written, so that messages go from the queue of a
/// session into what is written next, and not through a value and a buffer for each. Nothing is kept for a
/// socket that is idle.
pub(super) struct Wire<S>(Arc<Mutex<Ends<S>>>);

struct Ends<S> {
    stream: S,
    /// What was read, while the library may read of it.
    input: Input,
    /// How many bytes, of the input and of the stream behind it, the library may read.
    lent: u64,
    /// What is not written yet, while the library may write behind it.
    output: Output,
    /// The library has something to write, and waits until it can.
    is_stuck: bool,
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
    pub(super) fn new(stream: S) -> Self {
        Self(Arc::new(Mutex::new(Ends {
            stream,
            input: Input::default(),
            lent: 0,
            output: Output::default(),
            is_stuck: false,
        })))
    }

    /// Lets the library read so many bytes, of the input and of what follows it.
    pub(super) fn lend(&self, input: &mut Input, count: u64) {
        let ends = &mut *self.0.lock();
        ends.input = mem::take(input);
        ends.lent = count;
    }

    /// Takes the input back, unless the library has still to read. Whether that was done.
    pub(super) fn take_back(&self, input: &mut Input) -> bool {
        let ends = &mut *self.0.lock();
        if ends.lent == 0 {
            *input = mem::take(&mut ends.input);
        }
        ends.lent == 0
    }

    /// Lends the library the output, or takes it back.
    pub(super) fn swap(&self, output: &mut Output) {
        mem::swap(&mut self.0.lock().output, output);
    }

    /// Whether the library has something to write, and waits until it can.
    pub(super) fn is_stuck(&self) -> bool {
        self.0.lock().is_stuck
    }
}

impl<S: AsyncRead + Unpin> Wire<S> {
    /// Reads more input. How many bytes that were, none at the end of the stream.
    pub(super) fn poll_input(
        &self,
        input: &mut Input,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        input.poll_fill(&mut self.0.lock().stream, context)
    }
}

impl<S: AsyncWrite + Unpin> Wire<S> {
    /// Writes the output.
    pub(super) fn poll_output(
        &self,
        output: &mut Output,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        output.poll_write(&mut self.0.lock().stream, context)
    }
}

impl<S> Clone for Wire<S> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl Output {
    /// Adds a text frame, unmasked as servers send it (RFC 6455, section 5.2).
    pub(super) fn text(&mut self, text: &str) {
        const TEXT: u8 = 0x81;
        if let Ok(length @ ..126) = u8::try_from(text.len()) {
            self.extend([TEXT, length], text);
        } else if let Ok(length) = u16::try_from(text.len()) {
            let [high, low] = length.to_be_bytes();
            self.extend([TEXT, 126, high, low], text);
        } else {
            let [a, b, c, d, e, f, g, h] = (text.len() as u64).to_be_bytes();
            self.extend([TEXT, 127, a, b, c, d, e, f, g, h], text);
        }
    }

    fn extend<const LENGTH: usize>(&mut self, head: [u8; LENGTH], text: &str) {
        let bytes = self.begin();
        bytes.reserve(LENGTH + text.len());
        bytes.extend_from_slice(&head);
        bytes.extend_from_slice(text.as_bytes());
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

impl<S: AsyncWrite + Unpin> Ends<S> {
    fn poll_output(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.output.poll_write(&mut self.stream, context)
    }
}

/// What the library reads.
impl<S: AsyncRead + Unpin> AsyncRead for Wire<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let ends = &mut *self.0.lock();
        if ends.lent == 0 {
            // Whoever lends it more asks it again.
            return Poll::Pending;
        }
        if ends.input.rest().is_empty() {
            ready!(ends.input.poll_fill(&mut ends.stream, context))?;
        }
        let rest = ends.input.rest();
        let count = rest.len().min(buffer.remaining());
        let count = usize::try_from(ends.lent).map_or(count, |lent| lent.min(count));
        buffer.put_slice(rest.get(..count).unwrap_or_default());
        ends.input.take(count);
        ends.lent -= count as u64;
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
        let ends = &mut *self.0.lock();
        if ends.output.is_full() {
            ends.is_stuck = true;
            ready!(ends.poll_output(context))?;
        }
        ends.is_stuck = false;
        ends.output.begin().extend_from_slice(buffer);
        Poll::Ready(Ok(buffer.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let ends = &mut *self.0.lock();
        let flushed = ends.poll_output(context);
        ends.is_stuck = flushed.is_pending();
        flushed
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let ends = &mut *self.0.lock();
        ready!(ends.poll_output(context))?;
        Pin::new(&mut ends.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    use super::*;

    async fn flush<S: AsyncWrite + Unpin>(wire: &Wire<S>, output: &mut Output) {
        let flushed = std::future::poll_fn(|context| wire.poll_output(output, context)).await;
        flushed.unwrap();
    }

    #[tokio::test]
    async fn the_library_reads_what_it_is_lent_and_no_more() {
        let (mut peer, stream) = duplex(64 * 1024);
        let mut wire = Wire::new(stream);
        let sent: Vec<u8> = (0..=255).cycle().take(40_000).collect();
        peer.write_all(&sent).await.unwrap();
        let mut input = Input::default();
        std::future::poll_fn(|context| wire.poll_input(&mut input, context))
            .await
            .unwrap();
        input.take(1000);
        wire.lend(&mut input, 30_000);
        assert!(!wire.take_back(&mut input));
        let mut read = Vec::new();
        let mut piece = [0; 1000];
        while let Some(count) = wire.read(&mut piece).now_or_never() {
            read.extend_from_slice(&piece[..count.unwrap()]);
        }
        assert_eq!(read, sent[1000..31_000]);
        assert!(wire.take_back(&mut input));
        assert!(sent[31_000..].starts_with(input.rest()));
        assert!(!input.rest().is_empty(), "what was read with it is kept");
    }

    #[tokio::test]
    async fn the_library_learns_of_the_end_of_the_stream() {
        let (peer, stream) = duplex(64);
        drop(peer);
        let mut wire = Wire::new(stream);
        wire.lend(&mut Input::default(), u64::MAX);
        assert_eq!(wire.read(&mut [0; 10]).await.unwrap(), 0);
    }

    #[tokio::test]
    async fn frames_of_both_leave_in_the_order_in_which_they_were_written() {
        let (mut peer, stream) = duplex(64);
        let mut wire = Wire::new(stream);
        let mut output = Output::default();
        output.text("one");
        wire.swap(&mut output);
        wire.write_all(b"two").await.unwrap();
        wire.swap(&mut output);
        output.text("three");
        flush(&wire, &mut output).await;
        let mut read = vec![0; 15];
        peer.read_exact(&mut read).await.unwrap();
        assert_eq!(read, b"\x81\x03onetwo\x81\x05three");
    }

    #[test]
    fn the_length_of_a_frame_has_its_shortest_form() {
        for (length, head) in [
            (125, &[0x81, 125][..]),
            (126, &[0x81, 126, 0, 126]),
            (0xffff, &[0x81, 126, 0xff, 0xff]),
            (0x10000, &[0x81, 127, 0, 0, 0, 0, 0, 1, 0, 0]),
        ] {
            let mut output = Output::default();
            output.text(&"x".repeat(length));
            assert!(output.bytes.starts_with(head), "{length}");
            assert_eq!(output.bytes.len(), head.len() + length);
        }
    }

    #[tokio::test]
    async fn a_peer_that_does_not_read_is_waited_for() {
        let (mut peer, stream) = duplex(1000);
        let mut wire = Wire::new(stream);
        let mut output = Output::default();
        output.text(&"x".repeat(100));
        assert!(!output.is_full());
        output.text(&"x".repeat(FULL));
        assert!(output.is_full());
        wire.swap(&mut output);
        let library = AsyncWriteExt::write(&mut wire, b"pong").now_or_never();
        assert!(library.is_none(), "there is no room for more");
        wire.swap(&mut output);
        let expected = 2 + 100 + 10 + FULL;
        let mut read = vec![0; expected];
        let (read, ()) = tokio::join!(peer.read_exact(&mut read), flush(&wire, &mut output));
        read.unwrap();
    }
}
