//! The id of a session.

use std::fmt;

/// Names a session on the wire: 128 random bits, written as 25 letters and digits (HS-4).
///
/// Whoever knows it may speak for the session, so it is a credential: `Debug` shows the first
/// letters only, there is no `Display`, and only the codec writes it out.
///
/// It is kept as it is written: it is made once, and read with every message.
#[derive(Clone, Copy, Eq, Hash, PartialEq)]
pub struct ClientId([u8; Self::LENGTH]);

impl ClientId {
    /// Length of the text form, in characters.
    const LENGTH: usize = 25;

    /// Makes an id of random bits.
    pub(crate) fn from_random(bits: u128) -> Self {
        let mut rest = bits;
        let mut digits = [b'0'; Self::LENGTH];
        for digit in digits.iter_mut().rev() {
            let value = u8::try_from(rest % 36).unwrap_or_default();
            *digit = match value {
                0..10 => b'0' + value,
                _ => b'a' + value - 10,
            };
            rest /= 36;
        }
        Self(digits)
    }

    /// Reads the text form; anything else names no session that this server ever made.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        Self::of_digits(text.as_bytes().try_into().ok()?)
    }

    /// Reads as many bytes as the text form has. None of them is special in JSON if they are one.
    pub(super) fn of_digits(digits: &[u8; Self::LENGTH]) -> Option<Self> {
        is_digits(digits).then_some(Self(*digits))
    }

    /// Writes the text form.
    pub(super) fn write_to(self, out: &mut String) {
        out.extend(self.0.map(char::from));
    }

    /// The first letters of the text form, for logs: enough to tell sessions apart, too few to
    /// speak for one.
    #[must_use]
    pub fn prefix(self) -> String {
        let letters = self.0.into_iter().map(char::from);
        letters.take(6).chain(['…']).collect()
    }
}

/// Whether these are digits of the text form. It looks at all of them, because that is several at once.
fn is_digits(bytes: &[u8; ClientId::LENGTH]) -> bool {
    bytes.iter().fold(true, |digits, byte| {
        digits & (byte.is_ascii_digit() | byte.is_ascii_lowercase())
    })
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
            "000000000000000000000000",
            "00000000000000000000000000",
            "0000000000000000000000A00",
            "/000000000000000000000000",
            "000000000000000000000000{",
            "00000000000é000000000000",
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
