//! Which characters text may have, so that it is safe where it ends up: in headers and queries.

use super::value::Value;

/// Which characters a text may have.
#[derive(Clone, Copy, Debug)]
pub(super) enum Alphabet {
    /// What HTTP calls a token: the name of a cookie.
    Token,
    /// Part of a cookie, where `;` ends it and control characters would end the header.
    CookieAttribute,
    /// An element of a list in a header.
    ListElement,
    /// A name in a query that needs no escapes.
    QueryName,
}

impl Alphabet {
    /// `None` when the text does not fit, `Some(None)` when it is empty.
    pub(super) fn read(self, value: &Value) -> Option<Option<String>> {
        let text = value.to_string();
        let fits = match self {
            Self::Token => text.bytes().all(is_token_byte),
            Self::CookieAttribute => text
                .bytes()
                .all(|it| it != b';' && (it == b' ' || it.is_ascii_graphic())),
            Self::ListElement => text
                .bytes()
                .all(|it| !b",;\"".contains(&it) && it.is_ascii_graphic()),
            Self::QueryName => text
                .bytes()
                .all(|it| it.is_ascii_alphanumeric() || b"._-".contains(&it)),
        };
        fits.then(|| (!text.is_empty()).then_some(text))
    }

    /// The same as an English phrase.
    pub(super) const fn expected(self) -> &'static str {
        match self {
            Self::Token => "an HTTP token",
            Self::CookieAttribute => "printable ASCII without ;",
            Self::ListElement => "printable ASCII without spaces, quotes, commas and semicolons",
            Self::QueryName => "ASCII letters, digits, dots, underscores and hyphens",
        }
    }
}

/// Whether HTTP calls this text a token.
pub(super) fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(is_token_byte)
}

const fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(byte, b'!' | b'#'..=b'\'' | b'*' | b'+' | b'-' | b'.' | b'^'..=b'`' | b'|' | b'~')
}
