//! The id of a session.

use std::fmt;

use bytestring::ByteString;

/// Names a session on the wire: 128 random bits, written as 25 letters and digits (HS-4).
///
/// Whoever knows it may speak for the session, so it is a credential: `Debug` shows the first
/// letters only, there is no `Display`, and only the codec writes it out.
#[derive(Clone, Copy, Eq, Hash, PartialEq)]
pub struct ClientId(u128);

impl ClientId {
    /// Length of the text form, in characters.
    const LENGTH: usize = 25;

    /// Makes an id of random bits.
    pub(crate) const fn from_random(bits: u128) -> Self {
        Self(bits)
    }

    /// Reads the text form; anything else names no session that this server ever made.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        if text.len() != Self::LENGTH {
            return None;
        }
        // Numbers of the machine's size are faster, and hold twelve digits.
        let mut parts = text.as_bytes().chunks(12);
        parts
            .try_fold(0_u128, |value, part| {
                let number = part.iter().try_fold(0_u64, |number, byte| {
                    Some(number * 36 + u64::from(digit(*byte)?))
                })?;
                let places = part.iter().fold(1_u64, |places, _| places * 36);
                let value = value.checked_mul(u128::from(places))?;
                value.checked_add(u128::from(number))
            })
            .map(Self)
    }

    /// Writes the text form.
    pub(super) fn write_to(self, out: &mut String) {
        let mut digits = [0_u8; Self::LENGTH];
        let mut rest = self.0;
        for digit in digits.iter_mut().rev() {
            let value = u8::try_from(rest % 36).unwrap_or_default();
            *digit = if value < 10 {
                b'0' + value
            } else {
                b'a' + value - 10
            };
            rest /= 36;
        }
        out.extend(digits.map(char::from));
    }

    /// The text form, for a client in this process.
    pub(crate) fn to_text(self) -> ByteString {
        let mut text = String::with_capacity(Self::LENGTH);
        self.write_to(&mut text);
        text.into()
    }

    /// The first letters of the text form, for logs: enough to tell sessions apart, too few to
    /// speak for one.
    #[must_use]
    pub fn prefix(self) -> String {
        self.to_text().chars().take(6).chain(['…']).collect()
    }
}

/// The value of a digit of the text form.
const fn digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'z' => Some(byte - b'a' + 10),
        _ => None,
    }
}

impl fmt::Debug for ClientId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "ClientId({})", self.prefix())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(id: ClientId) -> String {
        let mut out = String::new();
        id.write_to(&mut out);
        out
    }

    #[test]
    fn the_text_form_is_letters_and_digits_and_reads_back() {
        for bits in [0, 1, 35, 36, u128::MAX, 0x1234_5678_9abc_def0] {
            let id = ClientId::from_random(bits);
            let written = text(id);
            assert_eq!(written.len(), 25);
            assert!(written.bytes().all(|byte| byte.is_ascii_alphanumeric()));
            assert_eq!(ClientId::parse(&written), Some(id));
        }
    }

    #[test]
    fn other_texts_name_no_session() {
        for text in [
            "",
            "a",
            "zzzzzzzzzzzzzzzzzzzzzzzzz",
            "0000000000000000000000A00",
        ] {
            assert_eq!(ClientId::parse(text), None, "{text}");
        }
    }

    #[test]
    fn debug_does_not_reveal_the_id() {
        let id = ClientId::from_random(u128::MAX / 3);
        assert!(format!("{id:?}").len() < text(id).len());
    }
}
