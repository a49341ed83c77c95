//! A WebSocket: the library, and the stream below it.

use std::future::poll_fn;
use std::io;
use std::task::{Context, Poll, ready};

use ::http::HeaderValue;
use bytes::Bytes;
use bytestring::ByteString;
use futures_util::{FutureExt, SinkExt};
use tokio::io::{AsyncRead, AsyncWrite};
use yawc::{Frame, OpCode, Options, Role, WebSocket, WebSocketError};

use super::frame::{self, Head};
use super::input::{self, INPUT};
use super::wire::{Ends, Wire};

/// A WebSocket that the library reads from and writes to when it has to.
///
/// It answers in matters of the protocol, puts messages together that come in pieces, packs and unpacks.
/// Texts that are one frame as it was written go past it, in both directions: of what the peer sends, the
/// library is lent frame by frame what is not such a text, and refuses what is wrong with it. In memory in this
/// order: what texts need comes last.
#[repr(C)]
pub(super) struct Socket<S> {
    library: WebSocket<Wire<S>>,
    wire: Wire<S>,
    /// Bytes that a text has to be shorter than.
    limit: u64,
    /// Whether larger texts are compressed.
    packs: bool,
    /// Whether the library may have something to answer to what it has read.
    owes: bool,
    /// Whether it has: then it writes that, behind all of the output, once it is asked and nothing is there to
    /// read.
    answers: bool,
    /// Whether pieces of a message were read, and not its last one.
    is_open: bool,
    /// The stream, unless the library works.
    ends: Ends<S>,
}

/// What a peer sends.
#[derive(Debug, Eq, PartialEq)]
pub(super) enum Incoming {
    Text(ByteString),
    /// The peer closes: what answers that is written when the socket is asked for more.
    Close,
    /// Something that needs no answer, or has it from the library.
    Other,
}

/// What the input begins with.
enum Look {
    Text(Result<ByteString, WebSocketError>),
    /// So many bytes that are the library's.
    Library(u64),
    /// Too little to tell, or to take it.
    Short,
}

/// Bytes from which on a text is compressed: smaller ones fit into a packet as they are.
pub(super) const WORTH_PACKING: usize = 1024;

impl<S: AsyncRead + AsyncWrite + Unpin> Socket<S> {
    /// A stream whose handshake is done, what was read of it since, and the extensions that were agreed on.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "who keeps it keeps the buffer of the request, as long as there is the socket"
    )]
    pub(super) fn new(
        stream: S,
        read: Bytes,
        extensions: Option<&HeaderValue>,
        options: &Options,
    ) -> Result<Self, WebSocketError> {
        let wire = Wire::default();
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
            limit: options.max_payload_read.map_or(0, |it| it as u64),
            packs: agreed.is_some(),
            owes: false,
            answers: false,
            is_open: false,
            ends: Ends::new(stream, &read),
        })
    }

    /// What the peer sends next. Not to be asked for behind an error.
    pub(super) fn poll_next(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Result<Incoming, WebSocketError>> {
        loop {
            if self.ends.due == 0 {
                match self.poll_text(context) {
                    Poll::Ready(Some(text)) => return Poll::Ready(text.map(Incoming::Text)),
                    // What the library answers is written when there is nothing else to do.
                    Poll::Pending if !self.owes => return Poll::Pending,
                    Poll::Ready(None) | Poll::Pending => {}
                }
            }
            let is_due = self.ends.due > 0;
            let library = &mut self.library;
            let frame = self
                .wire
                .while_lent(&mut self.ends, || library.poll_next_frame(context));
            if let Poll::Ready(frame) = frame {
                return Poll::Ready(self.incoming(frame?));
            }
            self.owes = self.ends.is_stuck;
            self.answers &= self.ends.is_stuck;
            let has_read = is_due && self.ends.due == 0;
            if !has_read {
                return Poll::Pending;
            }
        }
    }

    /// The next text that needs no library; nothing once the library has to read first.
    fn poll_text(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<ByteString, WebSocketError>>> {
        loop {
            match self.look() {
                Look::Text(text) => return Poll::Ready(Some(text)),
                Look::Library(count) => break self.lend(count),
                Look::Short => {}
            }
            match ready!(self.ends.poll_input(context)) {
                Ok(0) => break self.lend(u64::MAX),
                Ok(_) => {}
                Err(error) => return Poll::Ready(Some(Err(error.into()))),
            }
        }
        Poll::Ready(None)
    }

    /// The next text, if it has been read and needs no library.
    pub(super) fn text_at_hand(&mut self) -> Option<Result<ByteString, WebSocketError>> {
        if self.ends.due > 0 {
            return None;
        }
        match self.look() {
            Look::Text(text) => Some(text),
            Look::Library(count) => {
                self.lend(count);
                None
            }
            Look::Short => None,
        }
    }

    /// Takes a text off the input, if that begins with one.
    fn look(&mut self) -> Look {
        let rest = self.ends.input.rest_mut();
        let Some(head) = Head::parse(rest) else {
            return if frame::is_refused(rest) {
                Look::Library(u64::MAX)
            } else {
                Look::Short
            };
        };
        if let Some(mask) = head.mask
            && head.is_whole_text()
            && !self.is_open
            && head.payload < self.limit
            && let Ok(size @ ..=INPUT) = usize::try_from(head.frame())
        {
            let Some(text) = rest.get_mut(head.length..size) else {
                return Look::Short;
            };
            frame::unmask(text, mask);
            let text = ByteString::try_from(input::kept(text));
            self.ends.input.take(size);
            return Look::Text(text.map_err(|_| WebSocketError::InvalidUTF8));
        }
        self.is_open = head.leaves_open(self.is_open);
        Look::Library(head.frame())
    }

    fn incoming(&mut self, frame: Frame) -> Result<Incoming, WebSocketError> {
        match frame.opcode() {
            OpCode::Text => {
                let text = ByteString::try_from(frame.into_payload());
                let text = text.map_err(|_| WebSocketError::InvalidUTF8);
                text.map(Incoming::Text)
            }
            OpCode::Close => {
                // No text follows.
                self.lend(u64::MAX);
                Ok(Incoming::Close)
            }
            OpCode::Ping => {
                self.answers = true;
                Ok(Incoming::Other)
            }
            OpCode::Binary | OpCode::Continuation | OpCode::Pong => Ok(Incoming::Other),
        }
    }

    /// Whether the output may be written by asking what the peer sends next.
    pub(super) const fn answers(&self) -> bool {
        self.answers
    }

    /// Lets the library read so many bytes.
    fn lend(&mut self, count: u64) {
        self.ends.due = count;
        self.owes = true;
    }

    /// Whether a text of so many bytes is compressed, so that it has to be [sent](Self::send).
    pub(super) const fn packs(&self, size: usize) -> bool {
        self.packs && size >= WORTH_PACKING
    }

    /// Whether more may be added to the output before that is flushed.
    pub(super) const fn has_room(&self) -> bool {
        !self.ends.output.is_full()
    }

    /// Adds a text to the output, unless it has to be [sent](Self::send), or the output flushed before.
    /// Whether that was done.
    pub(super) fn put(&mut self, text: &str) -> bool {
        let may = !self.packs(text.len()) && self.has_room();
        if may {
            self.ends.output.text(text);
        }
        may
    }

    /// Adds frames to the output, unless that has to be flushed before. Whether that was done.
    pub(super) fn put_frames(&mut self, frames: &[u8]) -> bool {
        let may = self.has_room();
        if may {
            self.ends.output.add(frames);
        }
        may
    }

    /// Writes the output.
    pub(super) fn poll_flush(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.ends.poll_output(context)
    }

    /// Writes the output, and behind it a frame of any kind, which is compressed if it is worth it.
    pub(super) async fn send(&mut self, frame: Frame) -> Result<(), WebSocketError> {
        let mut sending = self.library.send(frame);
        let (wire, ends) = (&self.wire, &mut self.ends);
        poll_fn(|context| wire.while_lent(ends, || sending.poll_unpin(context))).await
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::pin::Pin;
    use std::sync::Arc;
    use std::task::Waker;

    use parking_lot::Mutex;
    use proptest::collection::vec;
    use proptest::prelude::*;
    use proptest::sample::select;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, ReadBuf, duplex};
    use yawc::close::CloseCode;

    use super::*;

    /// Options with these bytes for the longest text.
    fn options(most: usize) -> Options {
        let options = Options::default()
            .with_limits(most + 1, most + 1)
            .with_read_buffer_capacity(64);
        options
            .with_low_latency_compression()
            .server_no_context_takeover()
            .client_no_context_takeover()
    }

    /// Longer than what is looked at before the library has to.
    const MOST: usize = INPUT + 4000;

    /// Shorter than that.
    const FEW: usize = 5000;

    const EXTENSIONS: &str =
        "permessage-deflate; server_no_context_takeover; client_no_context_takeover";

    /// A peer that says what it has to say in pieces, with a pause before each.
    struct Peer {
        pieces: VecDeque<Vec<u8>>,
        has_paused: bool,
        heard: Arc<Mutex<Vec<u8>>>,
    }

    impl AsyncRead for Peer {
        fn poll_read(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
            buffer: &mut ReadBuf<'_>,
        ) -> Poll<io::Result<()>> {
            self.has_paused = !self.has_paused;
            if self.has_paused {
                return Poll::Pending;
            }
            if let Some(mut piece) = self.pieces.pop_front() {
                let later = piece.split_off(piece.len().min(buffer.remaining()));
                buffer.put_slice(&piece);
                if !later.is_empty() {
                    self.pieces.push_front(later);
                    self.has_paused = true;
                }
            }
            Poll::Ready(Ok(()))
        }
    }

    impl AsyncWrite for Peer {
        fn poll_write(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
            buffer: &[u8],
        ) -> Poll<io::Result<usize>> {
            self.heard.lock().extend_from_slice(buffer);
            Poll::Ready(Ok(buffer.len()))
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }

        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    /// What becomes of a socket.
    #[derive(Debug, Eq, PartialEq)]
    struct Outcome {
        incoming: Vec<Incoming>,
        end: String,
        /// What the peer hears, up to the close of this side.
        heard: Vec<u8>,
    }

    /// Takes what the peer sends, up to the end, and closes then, as a connection does.
    fn outcome<W>(
        mut state: W,
        heard: &Mutex<Vec<u8>>,
        next: fn(&mut W, &mut Context<'_>) -> Poll<Result<Incoming, WebSocketError>>,
        send: fn(&mut W, Frame),
    ) -> Outcome {
        let mut context = Context::from_waker(Waker::noop());
        let mut incoming = Vec::new();
        let end = loop {
            match next(&mut state, &mut context) {
                Poll::Ready(Ok(next)) => incoming.push(next),
                Poll::Ready(Err(end)) => break end,
                Poll::Pending => {}
            }
        };
        if !matches!(end, WebSocketError::ConnectionClosed) {
            let close = Frame::close(CloseCode::Policy, "the end");
            send(&mut state, close);
        }
        Outcome {
            incoming,
            end: end.to_string(),
            heard: heard.lock().clone(),
        }
    }

    fn through_a_socket(early: &[u8], peer: Peer, most: usize) -> Outcome {
        let heard = Arc::clone(&peer.heard);
        let socket = socket(early, peer, most);
        let next =
            |socket: &mut Socket<Peer>, context: &mut Context<'_>| match socket.text_at_hand() {
                Some(text) => Poll::Ready(text.map(Incoming::Text)),
                None => socket.poll_next(context),
            };
        outcome(socket, &heard, next, |socket, frame| {
            socket.send(frame).now_or_never();
        })
    }

    fn socket<S: AsyncRead + AsyncWrite + Unpin>(
        early: &[u8],
        stream: S,
        most: usize,
    ) -> Socket<S> {
        let extensions = HeaderValue::from_static(EXTENSIONS);
        let early = Bytes::copy_from_slice(early);
        Socket::new(stream, early, Some(&extensions), &options(most)).unwrap()
    }

    /// The library alone says what is right.
    fn through_the_library(peer: Peer, most: usize) -> Outcome {
        let heard = Arc::clone(&peer.heard);
        let library = WebSocket::from_stream_with_extensions(
            peer,
            Role::Server,
            Some(EXTENSIONS),
            options(most).with_utf8(),
        );
        let next = |library: &mut WebSocket<Peer>, context: &mut Context<'_>| {
            library
                .poll_next_frame(context)
                .map_ok(|frame| match frame.opcode() {
                    OpCode::Text => Incoming::Text(frame.into_payload().try_into().unwrap()),
                    OpCode::Close => Incoming::Close,
                    _ => Incoming::Other,
                })
        };
        outcome(library.unwrap(), &heard, next, |library, frame| {
            library.send(frame).now_or_never();
        })
    }

    fn peer(bytes: &[u8], sizes: &[usize]) -> Peer {
        let mut rest = bytes;
        let mut pieces = VecDeque::new();
        for size in sizes.iter().cycle() {
            let (piece, later) = rest.split_at(rest.len().min(*size));
            pieces.push_back(piece.to_vec());
            rest = later;
            if rest.is_empty() {
                break;
            }
        }
        Peer {
            pieces,
            has_paused: false,
            heard: Arc::default(),
        }
    }

    /// Whether none of the bytes came with the request, or some of them.
    fn check(bytes: &[u8], sizes: &[usize], most: usize) -> Outcome {
        let outcome = through_the_library(peer(bytes, sizes), most);
        for early in [0, sizes[0].min(bytes.len())] {
            let (early, late) = bytes.split_at(early);
            assert_eq!(outcome, through_a_socket(early, peer(late, sizes), most));
        }
        outcome
    }

    const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

    /// A frame of a client, its length in a form that is at least this long.
    fn frame(first: u8, form: u8, payload: &[u8]) -> Vec<u8> {
        let mut frame = vec![first];
        match (form, payload.len()) {
            (0, length @ 0..126) => frame.push(0x80 | length as u8),
            (0 | 1, length @ 0..0x1_0000) => {
                frame.push(0x80 | 126);
                frame.extend((length as u16).to_be_bytes());
            }
            (_, length) => {
                frame.push(0x80 | 127);
                frame.extend((length as u64).to_be_bytes());
            }
        }
        frame.extend(MASK);
        let mut payload = payload.to_vec();
        frame::unmask(&mut payload, MASK);
        frame.extend(payload);
        frame
    }

    fn text(text: &str) -> Vec<u8> {
        frame(0x81, 0, text.as_bytes())
    }

    /// As deflate writes what it cannot make smaller (RFC 1951, section 3.2.4; RFC 7692, section 7.2.1).
    fn packed(payload: &[u8]) -> Vec<u8> {
        let length = payload.len() as u16;
        let mut packed = vec![0];
        packed.extend(length.to_le_bytes());
        packed.extend((!length).to_le_bytes());
        packed.extend(payload);
        packed.push(0);
        packed
    }

    fn payload() -> impl Strategy<Value = Vec<u8>> {
        let sizes = vec![
            0,
            1,
            125,
            126,
            600,
            FEW,
            FEW + 1,
            INPUT - 8,
            INPUT,
            MOST,
            MOST + 1,
            70_000,
        ];
        prop_oneof![
            8 => "\\PC{0,40}".prop_map(String::into_bytes),
            2 => select(sizes).prop_map(|size| vec![b'x'; size]),
            1 => vec(any::<u8>(), 0..20),
        ]
    }

    fn control() -> impl Strategy<Value = Vec<u8>> {
        (select(vec![0x89, 0x8a]), "[a-z]{0,9}")
            .prop_map(|(it, text)| frame(it, 0, text.as_bytes()))
    }

    /// A message in pieces, perhaps with a ping between each two.
    fn pieces() -> impl Strategy<Value = Vec<u8>> {
        let pings = vec(control(), 0..2);
        (payload(), any::<bool>(), 1..5_usize, pings).prop_map(|(payload, packs, count, pings)| {
            let (first, payload) = match packs && payload.len() < 0x1_0000 {
                true => (0x41, packed(&payload)),
                false => (0x01, payload),
            };
            let size = payload.len().div_ceil(count).max(1);
            let mut frames = frame(first, 0, &[]);
            for piece in payload.chunks(size) {
                frames.extend(pings.concat());
                frames.extend(frame(0, 0, piece));
            }
            frames.extend(frame(0x80, 0, &[]));
            frames
        })
    }

    fn message() -> impl Strategy<Value = Vec<u8>> {
        let small = vec(any::<u8>(), 0..200);
        prop_oneof![
            12 => (0..3_u8, payload()).prop_map(|(form, it)| frame(0x81, form, &it)),
            3 => pieces(),
            3 => control(),
            2 => small.clone().prop_map(|it| frame(0xc1, 0, &packed(&it))),
            1 => payload().prop_map(|it| frame(0x82, 0, &it)),
            1 => (any::<u8>(), 0..3_u8, small.clone()).prop_map(|(it, form, small)| frame(it, form, &small)),
            1 => select(vec![&b"\x88\x82\0\0\0\0\x03\xe8"[..], b"\x81\x02hi"]).prop_map(<[u8]>::to_vec),
            1 => small,
        ]
    }

    proptest! {
        #[test]
        fn a_socket_takes_what_the_library_takes(
            messages in vec(message(), 1..12),
            most in select(vec![FEW, MOST]),
            cut in 0..20_usize,
            sizes in vec(prop_oneof![1..20_usize, 1..3000_usize, 1..100_000_usize], 1..20),
        ) {
            let mut bytes = messages.concat();
            bytes.truncate(bytes.len() - cut.min(bytes.len()) / 2);
            check(&bytes, &sizes, most);
        }
    }

    fn texts(outcome: &Outcome) -> Vec<&str> {
        let texts = outcome.incoming.iter().filter_map(|it| match it {
            Incoming::Text(text) => Some(&**text),
            Incoming::Close | Incoming::Other => None,
        });
        texts.collect()
    }

    #[test]
    fn texts_in_one_piece_and_in_many_come_in_order() {
        let sent = [
            text("one"),
            frame(0x01, 0, b"tw"),
            frame(0x89, 0, b"ping"),
            frame(0x80, 0, b"o"),
            frame(0xc1, 0, &packed(b"three")),
            text("four"),
            text(&"x".repeat(INPUT)),
            text("five"),
        ];
        for size in [1, 3, 10, 1000, 100_000] {
            let outcome = check(&sent.concat(), &[size], MOST);
            let long = "x".repeat(INPUT);
            assert_eq!(
                texts(&outcome),
                ["one", "two", "three", "four", &long, "five"]
            );
            assert_eq!(outcome.heard, b"\x8a\x04ping");
        }
    }

    #[test]
    fn what_is_wrong_is_wrong_wherever_it_comes() {
        let one = text("one");
        let open = frame(0x01, 0, b"tw");
        let cases = [
            ("between pieces", [&one[..], &open, &one].concat(), 1),
            ("not masked", [&one[..], b"\x81\x03two"].concat(), 1),
            (
                "not masked, long",
                [&one[..], b"\x81\x7e\0\x80", &[b'x'; 128]].concat(),
                1,
            ),
            (
                "not UTF-8",
                [&one[..], &frame(0x81, 0, b"\xff")].concat(),
                1,
            ),
            (
                "too long",
                [&one[..], &text(&"x".repeat(FEW + 1))].concat(),
                1,
            ),
            (
                "a reserved bit",
                [&one[..], &frame(0xa1, 0, b"two")].concat(),
                1,
            ),
            ("a reserved operation", [&one[..], b"\x83\x80"].concat(), 1),
        ];
        for (what, bytes, expected) in cases {
            for size in [1, 5, 100_000] {
                let outcome = check(&[&bytes[..], &one].concat(), &[size], FEW);
                assert_eq!(texts(&outcome).len(), expected, "{what}");
            }
        }
    }

    /// The memory of a request.
    struct Buffer(Arc<[u8]>);

    impl AsRef<[u8]> for Buffer {
        fn as_ref(&self) -> &[u8] {
            &self.0
        }
    }

    #[test]
    fn a_socket_does_not_keep_the_buffer_of_its_request() {
        for read in [&b""[..], &text("early")] {
            let buffer: Arc<[u8]> = read.into();
            let read = Bytes::from_owner(Buffer(Arc::clone(&buffer)));
            let (_peer, stream) = duplex(1);
            let socket = Socket::new(stream, read, None, &options(FEW));
            assert_eq!(Arc::strong_count(&buffer), 1);
            drop(socket);
        }
    }

    #[test]
    fn texts_are_at_hand_up_to_what_is_none() {
        for (what, next) in [
            (frame(0x89, 0, b"ping"), Poll::Ready(Ok(Incoming::Other))),
            (text("two").split_at(5).0.to_vec(), Poll::Pending),
            (Vec::new(), Poll::Pending),
        ] {
            let bytes = [text("zero"), text("one"), what].concat();
            let (_peer, stream) = duplex(64);
            let mut socket = socket(&bytes, stream, FEW);
            for expected in ["zero", "one"] {
                assert_eq!(socket.text_at_hand().unwrap().unwrap(), expected);
            }
            assert!(socket.text_at_hand().is_none() && socket.text_at_hand().is_none());
            let found = socket.poll_next(&mut Context::from_waker(Waker::noop()));
            assert_eq!(found.map_err(|it| it.to_string()), next);
        }
    }

    #[tokio::test]
    async fn texts_go_past_the_library_and_pings_do_not() {
        let (mut peer, stream) = duplex(1000);
        let mut socket = socket(b"", stream, MOST);
        let texts = |socket: &mut Socket<_>| {
            let mut context = Context::from_waker(Waker::noop());
            let mut count = 0;
            while let Poll::Ready(next) = socket.poll_next(&mut context) {
                assert_eq!(next.unwrap(), Incoming::Text("hello".into()));
                count += 1;
            }
            count
        };
        let bytes = text("hello").repeat(10);
        let (some, rest) = bytes.split_at(bytes.len() - 3);
        for (bytes, expected) in [(some, 9), (rest, 1)] {
            peer.write_all(bytes).await.unwrap();
            assert_eq!(texts(&mut socket), expected);
            assert!(!socket.owes, "the library was not asked");
        }
        peer.write_all(&frame(0x89, 0, b"ping")).await.unwrap();
        let next = poll_fn(|context| socket.poll_next(context));
        assert_eq!(next.await.unwrap(), Incoming::Other);
        assert!(socket.owes && socket.answers());
        assert_eq!(texts(&mut socket), 0);
        assert!(!socket.owes && !socket.answers(), "it has answered");
    }
    #[tokio::test]
    async fn a_ping_is_answered_once_the_peer_reads() {
        let (mut peer, stream) = duplex(64);
        let mut socket = socket(b"", stream, MOST);
        let text = "x".repeat(1000);
        let most = 100;
        let count = (0..most).take_while(|_| socket.put(&text)).count();
        assert!(count < most, "there is no room for more");
        peer.write_all(&frame(0x89, 0, b"ping")).await.unwrap();
        let next = poll_fn(|context| socket.poll_next(context));
        assert_eq!(next.await.unwrap(), Incoming::Other);
        let mut heard = vec![0; count * (4 + text.len()) + 6];
        tokio::select! {
            next = poll_fn(|context| socket.poll_next(context)) => panic!("{next:?}"),
            read = peer.read_exact(&mut heard) => read.unwrap(),
        };
        assert!(heard.ends_with(b"x\x8a\x04ping"));
    }
    #[tokio::test]
    async fn two_bytes_that_begin_no_frame_are_refused_at_once() {
        let (mut peer, stream) = duplex(64);
        let mut socket = socket(b"", stream, MOST);
        peer.write_all(b"\x83\x80").await.unwrap();
        let next = poll_fn(|context| socket.poll_next(context)).now_or_never();
        assert!(matches!(next, Some(Err(WebSocketError::InvalidOpCode(3)))));
    }
}
