//! Frames (RFC 6455, section 5.2): of clients, as far as they are told apart before somebody reads them, and
//! texts of the server.

/// The head of a frame.
#[derive(Clone, Copy, Debug)]
pub(super) struct Head {
    /// Whether the frame ends its message, reserved bits, and the operation.
    first: u8,
    /// What the payload is combined with, as clients have to.
    pub(super) mask: Option<[u8; 4]>,
    /// Bytes of the head.
    pub(super) length: usize,
    /// Bytes of the payload.
    pub(super) payload: u64,
}

impl Head {
    /// The head that the input starts with, once all of it is there.
    pub(super) fn parse(input: &[u8]) -> Option<Self> {
        let (&[first, second], rest) = input.split_first_chunk()?;
        let (payload, rest) = match second & 0x7f {
            126 => {
                let (payload, rest) = rest.split_first_chunk()?;
                (u64::from(u16::from_be_bytes(*payload)), rest)
            }
            127 => {
                let (payload, rest) = rest.split_first_chunk()?;
                (u64::from_be_bytes(*payload), rest)
            }
            short => (u64::from(short), rest),
        };
        let (mask, rest) = if second & MASKED == 0 {
            (None, rest)
        } else {
            let (mask, rest) = rest.split_first_chunk()?;
            (Some(*mask), rest)
        };
        Some(Self {
            first,
            mask,
            length: input.len() - rest.len(),
            payload,
        })
    }

    /// Whether the frame is a text, and nothing about it is agreed on in extensions.
    pub(super) const fn is_whole_text(self) -> bool {
        self.first == LAST | TEXT
    }

    /// Whether a message is open behind the frame, which says more of it comes, if one is before it.
    pub(super) const fn leaves_open(self, is_open: bool) -> bool {
        match self.first & OPERATION {
            CONTINUATION | TEXT | BINARY => self.first & LAST == 0,
            _ => is_open,
        }
    }

    /// Bytes of the frame.
    pub(super) const fn frame(self) -> u64 {
        self.payload.saturating_add(self.length as u64)
    }
}

/// Whether the first bytes of a frame rule out that it is one, whatever follows them.
pub(super) const fn is_refused(input: &[u8]) -> bool {
    let &[first, _, ..] = input else {
        return false;
    };
    let is_known = matches!(
        first & OPERATION,
        CONTINUATION | TEXT | BINARY | CLOSE | PING | PONG
    );
    first & RESERVED != 0 || !is_known
}

/// Takes a mask off, or puts it on.
pub(super) fn unmask(payload: &mut [u8], mask: [u8; 4]) {
    let key = u64::from(u32::from_ne_bytes(mask));
    let key = key << 32 | key;
    let (words, rest) = payload.as_chunks_mut();
    for word in words {
        *word = (u64::from_ne_bytes(*word) ^ key).to_ne_bytes();
    }
    for (byte, key) in rest.iter_mut().zip(key.to_ne_bytes()) {
        *byte ^= key;
    }
}

/// Adds a text frame, unmasked as servers send it.
pub(super) fn put_text(out: &mut Vec<u8>, text: &str) {
    if let Ok(length @ ..126) = u8::try_from(text.len()) {
        extend(out, [LAST | TEXT, length], text);
    } else if let Ok(length) = u16::try_from(text.len()) {
        let [high, low] = length.to_be_bytes();
        extend(out, [LAST | TEXT, 126, high, low], text);
    } else {
        let [a, b, c, d, e, f, g, h] = (text.len() as u64).to_be_bytes();
        extend(out, [LAST | TEXT, 127, a, b, c, d, e, f, g, h], text);
    }
}

fn extend<const LENGTH: usize>(out: &mut Vec<u8>, head: [u8; LENGTH], text: &str) {
    out.reserve(LENGTH + text.len());
    out.extend_from_slice(&head);
    out.extend_from_slice(text.as_bytes());
}

/// Most bytes before the text in such a frame.
pub(super) const MOST_HEAD: usize = 10;

/// The frame is the last of its message.
const LAST: u8 = 0x80;

/// Bits that no extension of ours uses; that of compression is not among them.
const RESERVED: u8 = 0x30;

const OPERATION: u8 = 0x0f;
const CONTINUATION: u8 = 0;
const TEXT: u8 = 1;
const BINARY: u8 = 2;
const CLOSE: u8 = 8;
const PING: u8 = 9;
const PONG: u8 = 10;

/// In the second byte.
const MASKED: u8 = 0x80;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_parsed_once_all_of_it_is_there() {
        let long = [0x81, 0xff, 0, 0, 0, 0, 0, 1, 0, 0, 1, 2, 3, 4];
        let cases: [(&[u8], bool, u64); 5] = [
            (&[0x81, 0x85, 1, 2, 3, 4], true, 5),
            (&[0x81, 0xfe, 1, 0, 1, 2, 3, 4], true, 256),
            (&long, true, 0x10000),
            (&[0x89, 0], false, 0),
            (&[0x02, 126, 0xff, 0xff], false, 0xffff),
        ];
        for (bytes, is_masked, payload) in cases {
            for length in 0..bytes.len() {
                assert!(Head::parse(&bytes[..length]).is_none(), "{bytes:?}");
            }
            let head = Head::parse(&[bytes, b"payload"].concat()).unwrap();
            let mask = is_masked.then_some([1, 2, 3, 4]);
            assert_eq!((head.mask, head.payload), (mask, payload));
            assert_eq!(head.frame(), bytes.len() as u64 + payload);
        }
    }

    #[test]
    fn a_message_is_open_from_its_first_piece_to_its_last() {
        let frames = [
            (0x01, true),
            (0x89, true),
            (0x00, true),
            (0x80, false),
            (0x8a, false),
            (0x42, true),
            (0x80, false),
            (0x81, false),
        ];
        let mut is_open = false;
        for (first, expected) in frames {
            is_open = Head::parse(&[first, 0]).unwrap().leaves_open(is_open);
            assert_eq!(is_open, expected, "{first:#x}");
        }
    }

    #[test]
    fn only_what_is_whole_and_as_it_was_written_is_a_whole_text() {
        for first in 0..=u8::MAX {
            let head = Head::parse(&[first, 0]).unwrap();
            assert_eq!(head.is_whole_text(), first == 0x81, "{first:#x}");
        }
    }

    #[test]
    fn two_bytes_may_be_enough_to_refuse_a_frame() {
        for first in [0x00, 0x01, 0x81, 0xc1, 0x82, 0x88, 0x89, 0x8a] {
            assert!(!is_refused(&[first, 0]), "{first:#x}");
        }
        for first in [0x83, 0x8b, 0x91, 0xa1, 0x8f] {
            assert!(is_refused(&[first, 0]), "{first:#x}");
            assert!(!is_refused(&[first]), "{first:#x}");
        }
    }

    #[test]
    fn the_length_of_a_frame_has_its_shortest_form() {
        for (length, head) in [
            (125, &[0x81, 125][..]),
            (126, &[0x81, 126, 0, 126]),
            (0xffff, &[0x81, 126, 0xff, 0xff]),
            (0x10000, &[0x81, 127, 0, 0, 0, 0, 0, 1, 0, 0]),
        ] {
            let mut out = b"before".to_vec();
            put_text(&mut out, &"x".repeat(length));
            assert!(out.starts_with(&[b"before", head].concat()), "{length}");
            assert_eq!(out.len(), "before".len() + head.len() + length);
        }
    }

    #[test]
    fn a_mask_is_taken_off_at_every_length() {
        // The example of RFC 6455, section 5.7.
        let mut hello = [0x7f, 0x9f, 0x4d, 0x51, 0x58];
        unmask(&mut hello, [0x37, 0xfa, 0x21, 0x3d]);
        assert_eq!(&hello, b"Hello");
        let mask = [1, 2, 3, 4];
        for length in 0..40 {
            let mut payload = vec![b'x'; length];
            unmask(&mut payload, mask);
            let expected = mask.iter().cycle().map(|key| b'x' ^ key);
            assert_eq!(payload, expected.take(length).collect::<Vec<_>>());
        }
    }
}
