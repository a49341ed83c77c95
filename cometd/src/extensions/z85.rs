//! Bytes as printable text: Z85 (ZeroMQ RFC 32), with CometD's extension to lengths that are no multiple
//! of four.
//!
//! Four bytes are five digits of base 85. The last group may be short: it is padded, and as many
//! characters are left out as bytes were added.

/// The digits, of which none has to be escaped in JSON.
const DIGITS: &[u8; 85] =
    b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#";

/// Writes bytes as text.
pub(super) fn encode(bytes: &[u8], out: &mut String) {
    out.reserve(bytes.len().div_ceil(4) * 5);
    for group in bytes.chunks(4) {
        let mut padded = [0; 4];
        for (place, byte) in padded.iter_mut().zip(group) {
            *place = *byte;
        }
        let mut value = u32::from_be_bytes(padded);
        let mut digits = [0; 5];
        for digit in digits.iter_mut().rev() {
            *digit = value % 85;
            value /= 85;
        }
        let digits = digits.iter().take(group.len() + 1);
        out.extend(digits.filter_map(|digit| DIGITS.get(*digit as usize).copied().map(char::from)));
    }
}

/// The bytes of a text, group by group; `None` stands for a group that is none.
pub(super) fn decode(text: &str) -> impl Iterator<Item = Option<Group>> {
    text.as_bytes().chunks(5).map(decode_group)
}

/// Up to four bytes.
pub(super) struct Group {
    bytes: [u8; 4],
    length: usize,
}

impl AsRef<[u8]> for Group {
    fn as_ref(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }
}

fn decode_group(group: &[u8]) -> Option<Group> {
    // One character alone is less than a byte.
    let length = group.len().checked_sub(1).filter(|length| *length > 0)?;
    let padding = std::iter::repeat_n(Some(84), 4 - length);
    let digits = group.iter().map(|byte| digit(*byte)).chain(padding);
    let value = digits.into_iter().try_fold(0_u32, |value, digit| {
        value.checked_mul(85)?.checked_add(digit?)
    })?;
    Some(Group {
        bytes: value.to_be_bytes(),
        length,
    })
}

fn digit(byte: u8) -> Option<u32> {
    const VALUES: [u8; 256] = values();
    let value = VALUES.get(usize::from(byte)).copied()?;
    (value < 85).then(|| u32::from(value))
}

/// The value of each byte as a digit; 255 for those that are none.
#[expect(clippy::indexing_slicing, reason = "evaluated by the compiler")]
const fn values() -> [u8; 256] {
    let mut values = [255; 256];
    let mut value = 0;
    while value < DIGITS.len() {
        values[DIGITS[value] as usize] = value as u8;
        value += 1;
    }
    values
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn encoded(bytes: &[u8]) -> String {
        let mut out = String::new();
        encode(bytes, &mut out);
        out
    }

    fn decoded(text: &str) -> Option<Vec<u8>> {
        let mut bytes = Vec::new();
        for group in decode(text) {
            bytes.extend_from_slice(group?.as_ref());
        }
        Some(bytes)
    }

    #[track_caller]
    fn check(bytes: &[u8], text: &str) {
        assert_eq!(encoded(bytes), text);
        assert_eq!(decoded(text).as_deref(), Some(bytes));
    }

    #[test]
    fn a_short_group_leaves_out_as_many_characters_as_it_lacks_bytes() {
        // extensions 6.1, 6.3
        check(
            &[0x86, 0x4f, 0xd2, 0x6f, 0xb5, 0x59, 0xf7, 0x5b],
            "HelloWorld",
        );
        check(&[], "");
        check(&[0x86], "H5");
        check(&[0x86, 0x4f], "Hed");
        check(&[0x86, 0x4f, 0xd2], "Helj");
        check(&[0, 0, 0, 0, 0], "0000000");
        check(&[255; 5], "%nSc0@@");
    }

    #[test]
    fn what_no_bytes_are_written_as_is_not_read() {
        for text in ["0", "Hello0", "Hell~", "Hel\"o", "#####", "##", "é000"] {
            assert_eq!(decoded(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn bytes_are_read_as_they_were_written(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
            prop_assert_eq!(decoded(&encoded(&bytes)), Some(bytes));
        }

        #[test]
        fn any_text_is_read_or_refused(text in ".{0,20}") {
            decoded(&text);
        }
    }
}
