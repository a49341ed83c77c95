//! Texts that have come together, read before the first of them is processed.

use bytestring::ByteString;
use smallvec::SmallVec;
use tokio::io::{AsyncRead, AsyncWrite};

use super::end::{End, broken, malformed};
use crate::protocol::codec::{self, Limits, Request};
use crate::protocol::{ChannelId, ParseError};
use crate::transport::websocket::socket::Socket;

/// What was read of texts that are not processed yet, and memory for what is read next.
#[derive(Default)]
pub(super) struct Envelopes {
    /// The channel of the last message.
    channel: Option<ChannelId>,
    requests: SmallVec<[Vec<Request>; 1]>,
}

/// Most texts that are read before the first of them is processed.
const MOST_TEXTS: usize = 16;

/// Messages after which no further text is read, and for which memory is kept.
const MOST_MESSAGES: usize = 64;

impl Envelopes {
    /// Reads a text and those that are here, at most so many, up to what is none; how many there were.
    pub(super) fn read<S: AsyncRead + AsyncWrite + Unpin>(
        &mut self,
        socket: &mut Socket<S>,
        first: ByteString,
        most: usize,
        limits: &Limits,
    ) -> (usize, Result<(), End>) {
        let mut next = Some(Ok(first));
        let (mut count, mut messages) = (0, 0);
        while count < most.min(MOST_TEXTS) && messages < MOST_MESSAGES {
            let text = match next.take().or_else(|| socket.text_at_hand()) {
                Some(Ok(text)) => text,
                Some(Err(error)) => return (count, Err(broken(&error))),
                None => break,
            };
            if self.requests.len() == count {
                self.requests.push(Vec::new());
            }
            let Some(requests) = self.requests.get_mut(count) else {
                break;
            };
            match codec::decode_into(requests, &mut self.channel, &text, limits) {
                Ok(()) | Err(ParseError::Empty) => {}
                Err(error) => return (count, Err(malformed(&error))),
            }
            messages += requests.len();
            count += 1;
        }
        (count, Ok(()))
    }

    /// The messages of each text.
    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Vec<Request>> {
        self.requests.iter_mut()
    }

    /// Lets go of the memory that many messages have taken, once all are processed.
    pub(super) fn trim(&mut self) {
        let is_large = |it: &&mut Vec<Request>| it.capacity() > MOST_MESSAGES;
        for requests in self.requests.iter_mut().filter(is_large) {
            *requests = Vec::new();
        }
    }
}
