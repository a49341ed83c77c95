//! Frames of a WebSocket (RFC 6455), without extensions.

/// A frame at the front of the input.
#[derive(Debug, Eq, PartialEq)]
pub(crate) struct Frame<'a> {
    pub(crate) opcode: u8,
    /// Whether it ends its message.
    pub(crate) last: bool,
    /// What the payload is combined with, if it is.
    pub(crate) mask: Option<[u8; 4]>,
    pub(crate) payload: &'a [u8],
    /// The bytes of the whole frame.
    pub(crate) length: usize,
}

pub(crate) const CONTINUATION: u8 = 0;
pub(crate) const TEXT: u8 = 1;
pub(crate) const CLOSE: u8 = 8;
pub(crate) const PING: u8 = 9;
pub(crate) const PONG: u8 = 10;

/// Who writes a frame.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Side {
    /// Masks, with zeros: the length of the header is what it costs.
    Client,
    Server,
}

/// The frame that the input starts with, once all of it is there.
pub(crate) fn parse(input: &[u8]) -> Option<Frame<'_>> {
    let (&[first, second], rest) = input.split_first_chunk()?;
    let (size, rest) = match second & 0x7f {
        126 => {
            let (size, rest) = rest.split_first_chunk()?;
            (usize::from(u16::from_be_bytes(*size)), rest)
        }
        127 => {
            let (size, rest) = rest.split_first_chunk()?;
            // A size beyond the address space is never all there.
            (usize::try_from(u64::from_be_bytes(*size)).ok()?, rest)
        }
        short => (usize::from(short), rest),
    };
    let (mask, rest) = if second & 0x80 == 0 {
        (None, rest)
    } else {
        let (mask, rest) = rest.split_first_chunk()?;
        (Some(*mask), rest)
    };
    let payload = rest.get(..size)?;
    Some(Frame {
        opcode: first & 0x0f,
        last: first & 0x80 != 0,
        mask,
        payload,
        length: input.len() - rest.len() + size,
    })
}

/// Appends a whole message as one frame.
pub(crate) fn write(out: &mut Vec<u8>, side: Side, opcode: u8, payload: &[u8]) {
    let mask_bit = match side {
        Side::Client => 0x80,
        Side::Server => 0,
    };
    out.push(0x80 | opcode);
    match (u8::try_from(payload.len()), u16::try_from(payload.len())) {
        (Ok(size @ ..126), _) => out.push(mask_bit | size),
        (_, Ok(size)) => {
            out.push(mask_bit | 126);
            out.extend(size.to_be_bytes());
        }
        _ => {
            out.push(mask_bit | 127);
            out.extend((payload.len() as u64).to_be_bytes());
        }
    }
    if let Side::Client = side {
        out.extend([0; 4]);
    }
    out.extend_from_slice(payload);
}

/// Takes the mask off, in place.
pub(crate) fn unmask(payload: &mut [u8], mask: [u8; 4]) {
    if mask != [0; 4] {
        for (byte, key) in payload.iter_mut().zip(mask.iter().cycle()) {
            *byte ^= key;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_that_was_written_is_read_back_at_every_size_of_its_header() {
        for size in [0, 1, 125, 126, 127, 65_535, 65_536, 100_000] {
            for (side, mask) in [(Side::Client, Some([0; 4])), (Side::Server, None)] {
                let payload = vec![b'x'; size];
                let mut wire = Vec::new();
                write(&mut wire, side, TEXT, &payload);
                wire.push(0x81);
                let expected = Frame {
                    opcode: TEXT,
                    last: true,
                    mask,
                    payload: &payload,
                    length: wire.len() - 1,
                };
                assert_eq!(parse(&wire), Some(expected), "{size} {side:?}");
            }
        }
    }

    #[test]
    fn a_frame_is_nothing_before_its_last_byte() {
        let mut wire = Vec::new();
        write(&mut wire, Side::Client, TEXT, &[b'x'; 300]);
        for length in 0..wire.len() {
            assert_eq!(parse(&wire[..length]), None, "{length}");
        }
        assert!(parse(&wire).is_some());
    }

    #[test]
    fn a_mask_is_taken_off() {
        // The example of RFC 6455, section 5.7.
        let wire = [
            0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58,
        ];
        let frame = parse(&wire).unwrap();
        let mut payload = frame.payload.to_vec();
        unmask(&mut payload, frame.mask.unwrap());
        assert_eq!(payload, b"Hello");
    }

    #[test]
    fn a_fragment_says_that_more_comes() {
        let frame = parse(&[0x01, 0x01, b'a']).unwrap();
        assert_eq!((frame.opcode, frame.last), (TEXT, false));
    }
}
