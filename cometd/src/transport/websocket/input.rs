//! What was read from a socket, and is not yet worked off.

use std::cell::{Cell, RefCell};
use std::io;
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncRead, ReadBuf};

/// What was read, and is not yet worked off. While that is nothing it keeps no memory.
#[derive(Debug, Default)]
pub(super) struct Input {
    bytes: Vec<u8>,
    /// Where of them the rest begins.
    start: usize,
    /// And where it ends.
    end: usize,
}

/// Most bytes that are read at once, and that are waited for before they are looked at.
pub(super) const INPUT: usize = 16 * 1024;

/// Bytes of a piece of memory that texts share, so that one which is kept for long keeps no more.
const PIECE: usize = 1024;

thread_local! {
    /// A buffer for whoever reads next: mostly it is filled and worked off without a pause.
    static SPARE: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };

    /// Where the next text goes; once nobody has one of its texts any more, it is used again.
    static TEXTS: RefCell<BytesMut> = RefCell::new(BytesMut::with_capacity(PIECE));
}

impl Input {
    /// What was read before there was a socket. Copied: it lies in the buffer of the request, even if it is
    /// nothing.
    pub(super) fn new(read: &Bytes) -> Self {
        Self {
            bytes: read.to_vec(),
            start: 0,
            end: read.len(),
        }
    }

    /// Reads more, behind what there is. How many bytes that were, none at the end of the stream.
    pub(super) fn poll_fill<S: AsyncRead + Unpin>(
        &mut self,
        stream: &mut S,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        let mut bytes = SPARE.take();
        if bytes.is_empty() {
            bytes = vec![0; INPUT];
        }
        let end = self.rest().len();
        let mut read = ReadBuf::new(bytes.get_mut(end..).unwrap_or_default());
        let polled = Pin::new(stream).poll_read(context, &mut read);
        let count = read.filled().len();
        if count > 0 {
            self.move_to(bytes);
            self.end += count;
        } else {
            SPARE.set(bytes);
            if self.bytes.len() > end {
                // It may be long until more comes.
                self.move_to(vec![0; end]);
            }
        }
        polled.map_ok(|()| count)
    }

    pub(super) fn rest(&self) -> &[u8] {
        self.bytes.get(self.start..self.end).unwrap_or_default()
    }

    pub(super) fn rest_mut(&mut self) -> &mut [u8] {
        self.bytes.get_mut(self.start..self.end).unwrap_or_default()
    }

    /// So many bytes are worked off.
    pub(super) fn take(&mut self, count: usize) {
        self.start += count;
        if self.start == self.end {
            self.move_to(Vec::new());
        }
    }

    /// Puts the rest where there is room for it, and gives back where it was.
    fn move_to(&mut self, mut bytes: Vec<u8>) {
        let rest = self.rest();
        let end = rest.len();
        if let Some(room) = bytes.get_mut(..end) {
            room.copy_from_slice(rest);
        }
        (self.start, self.end) = (0, end);
        let spare = mem::replace(&mut self.bytes, bytes);
        if spare.len() == INPUT {
            SPARE.set(spare);
        }
    }
}

/// A text to keep.
pub(super) fn kept(text: &[u8]) -> Bytes {
    if text.len() > PIECE / 2 {
        return Bytes::copy_from_slice(text);
    }
    TEXTS.with_borrow_mut(|texts| {
        texts.extend_from_slice(text);
        texts.split().freeze()
    })
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use super::*;

    #[test]
    fn what_is_read_is_there_until_it_is_taken_and_no_memory_is_kept_for_nothing() {
        let sent: Vec<u8> = (0..=255).cycle().take(INPUT + 1000).collect();
        let mut stream = &sent[..];
        let mut context = Context::from_waker(Waker::noop());
        let mut input = Input::default();
        for (taken, rest) in [
            (0, INPUT),
            (900, INPUT),
            (200, INPUT - 100),
            (INPUT - 100, 0),
        ] {
            input.take(taken);
            assert!(input.poll_fill(&mut stream, &mut context).is_ready());
            assert_eq!(input.rest().len(), rest);
            let end = sent.len() - stream.len();
            assert_eq!(input.rest(), &sent[end - rest..end]);
        }
        assert_eq!(input.bytes.capacity(), 0);
    }

    #[test]
    fn while_more_is_waited_for_only_the_rest_is_kept() {
        let mut context = Context::from_waker(Waker::noop());
        let mut input = Input::default();
        assert!(
            input
                .poll_fill(&mut &b"something"[..], &mut context)
                .is_ready()
        );
        input.take(4);
        let (_peer, mut stream) = tokio::io::duplex(1);
        assert!(input.poll_fill(&mut stream, &mut context).is_pending());
        assert_eq!(input.rest(), b"thing");
        assert_eq!(input.bytes.capacity(), 5);
    }

    #[test]
    fn texts_that_are_kept_stay_as_they_are() {
        let texts: Vec<_> = (0..1000).map(|nth| "x".repeat(nth % 700)).collect();
        let kept: Vec<_> = texts.iter().map(|it| kept(it.as_bytes())).collect();
        assert_eq!(kept, texts);
    }
}
