//! Reading from a socket, as much as there is.

use std::cell::RefCell;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::Poll;

use tokio::io::{AsyncRead, ReadBuf};

/// A buffer that all connections read into: few of them have something unfinished to keep.
#[derive(Debug)]
pub(crate) struct Scratch(RefCell<Box<[u8]>>);

impl Default for Scratch {
    fn default() -> Self {
        Self(RefCell::new(vec![0; SCRATCH].into()))
    }
}

/// More than a socket hands out at once.
const SCRATCH: usize = 512 * 1024;

/// What a connection has read of something unfinished.
#[derive(Debug, Default)]
pub(crate) struct Input {
    partial: Vec<u8>,
}

impl Input {
    /// Reads once, and hands over everything that is there and was not taken before; `take` says how
    /// many bytes of it are done with. May be dropped at any time without loss.
    pub(crate) async fn read(
        &mut self,
        socket: &mut (impl AsyncRead + Unpin),
        scratch: &Scratch,
        mut take: impl FnMut(&[u8]) -> io::Result<usize>,
    ) -> io::Result<()> {
        poll_fn(|context| {
            let mut scratch = scratch.0.borrow_mut();
            let mut buffer = ReadBuf::new(&mut scratch);
            match Pin::new(&mut *socket).poll_read(context, &mut buffer) {
                Poll::Pending => Poll::Pending,
                Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
                Poll::Ready(Ok(())) => Poll::Ready(self.append(buffer.filled(), &mut take)),
            }
        })
        .await
    }

    fn append(
        &mut self,
        bytes: &[u8],
        mut take: impl FnMut(&[u8]) -> io::Result<usize>,
    ) -> io::Result<()> {
        if bytes.is_empty() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if self.partial.is_empty() {
            let taken = take(bytes)?;
            self.partial
                .extend_from_slice(bytes.get(taken..).unwrap_or_default());
        } else {
            self.partial.extend_from_slice(bytes);
            let taken = take(&self.partial)?;
            self.partial.drain(..taken.min(self.partial.len()));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads pieces, and takes whole lines.
    async fn lines(pieces: &[&str]) -> Vec<String> {
        let pieces = pieces.iter().rev().map(|it| it.as_bytes().to_vec());
        let mut reader = Pieces(pieces.collect());
        let (mut input, scratch) = (Input::default(), Scratch::default());
        let mut lines = Vec::new();
        let take = |lines: &mut Vec<String>, bytes: &[u8]| {
            let text = std::str::from_utf8(bytes).unwrap();
            let whole = text.rfind('\n').map_or(0, |at| at + 1);
            lines.extend(text[..whole].lines().map(str::to_owned));
            Ok(whole)
        };
        while input
            .read(&mut reader, &scratch, |bytes| take(&mut lines, bytes))
            .await
            .is_ok()
        {}
        lines
    }

    /// Every read yields one piece, the last first.
    struct Pieces(Vec<Vec<u8>>);

    impl AsyncRead for Pieces {
        fn poll_read(
            mut self: Pin<&mut Self>,
            _: &mut std::task::Context<'_>,
            buffer: &mut ReadBuf<'_>,
        ) -> Poll<io::Result<()>> {
            if let Some(piece) = self.0.pop() {
                buffer.put_slice(&piece);
            }
            Poll::Ready(Ok(()))
        }
    }

    #[tokio::test]
    async fn what_is_unfinished_waits_for_the_rest() {
        let pieces = ["a\nb", "c", "d\n", "e\nf\n", "g"];
        assert_eq!(lines(&pieces).await, ["a", "bcd", "e", "f"]);
    }
}
