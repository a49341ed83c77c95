//! What tells one published message from another: a token that is found in the bytes that a server
//! sends, however it writes its JSON.

use std::fmt::Write;

/// Names one message: `~`, four digits of its stream, nine of its number there.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Token {
    /// Who published it, and to which channel.
    pub(crate) stream: usize,
    /// Its place among the messages of its stream, from 0.
    pub(crate) number: u32,
}

/// Starts a token; nothing else that a server sends contains it.
const MARK: u8 = b'~';
const STREAM_DIGITS: usize = 4;
const NUMBER_DIGITS: usize = 9;

/// The bytes of a token.
pub(crate) const LENGTH: usize = 1 + STREAM_DIGITS + NUMBER_DIGITS;

/// Something that starts like a token and is none.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Malformed;

impl Token {
    pub(crate) fn write(self, out: &mut String) {
        // Writing to a string does not fail.
        let _ = write!(out, "~{:04}{:09}", self.stream, self.number);
    }

    fn parse(digits: &[u8]) -> Option<Self> {
        let (stream, rest) = digits.split_at_checked(STREAM_DIGITS)?;
        let number = rest.get(..NUMBER_DIGITS)?;
        Some(Self {
            stream: value(stream)? as usize,
            number: value(number)?,
        })
    }
}

/// The tokens in a text.
pub(crate) fn find(text: &[u8]) -> impl Iterator<Item = Result<Token, Malformed>> {
    memchr::memchr_iter(MARK, text).map(|at| {
        let digits = text.get(at + 1..).unwrap_or_default();
        Token::parse(digits).ok_or(Malformed)
    })
}

/// Nine digits at most, so that the value fits.
fn value(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0, |value, digit| {
        digit
            .is_ascii_digit()
            .then(|| value * 10 + u32::from(digit - b'0'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(stream: usize, number: u32) -> Token {
        Token { stream, number }
    }

    #[test]
    fn tokens_are_found_wherever_they_stand() {
        let mut text = String::from("[{\"data\":\"");
        token(0, 0).write(&mut text);
        text.push_str("\"},{\"data\" : {\"a\":\"");
        token(9999, 999_999_999).write(&mut text);
        text.push_str("\"}}]");
        let found: Vec<_> = find(text.as_bytes()).collect();
        assert_eq!(found, [Ok(token(0, 0)), Ok(token(9999, 999_999_999))]);
    }

    #[test]
    fn a_token_has_one_length() {
        for token in [token(0, 0), token(9999, 999_999_999)] {
            let mut text = String::new();
            token.write(&mut text);
            assert_eq!(text.len(), LENGTH);
        }
    }

    #[test]
    fn what_only_starts_like_a_token_is_told() {
        for text in ["~", "~000000000000", "~0000x00000000"] {
            assert_eq!(find(text.as_bytes()).collect::<Vec<_>>(), [Err(Malformed)]);
        }
    }
}
