//! Names of channels.

use std::fmt;
use std::str::FromStr;

use smol_str::SmolStr;

use super::error::ChannelError;

/// The name of one channel, such as `/chat/demo`: no wildcard (section 4.1 of the specification).
///
/// Surrounding spaces and one trailing slash are dropped (CH-6). A clone costs little.
#[derive(Clone, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct ChannelId {
    name: SmolStr,
    /// Told once, because it is asked for at each step of a message.
    kind: ChannelKind,
}

impl ChannelId {
    /// Reads a name.
    ///
    /// # Errors
    /// The text is no channel name, or it is a wildcard.
    pub fn parse(text: impl AsRef<str>) -> Result<Self, ChannelError> {
        let (name, breadth) = Name::parse(text.as_ref(), &Grammar::default())?;
        if breadth == Breadth::Exact {
            Ok(Self::checked(name.into()))
        } else {
            Err(ChannelError::Wildcard)
        }
    }

    /// A name that [`Name::parse`] has found to be no wildcard.
    pub(super) fn checked(name: SmolStr) -> Self {
        let kind = ChannelKind::of(&name);
        Self { name, kind }
    }

    /// The name of a meta channel.
    pub(crate) const fn meta(channel: MetaChannel) -> Self {
        Self {
            name: SmolStr::new_static(channel.name()),
            kind: ChannelKind::Meta(channel),
        }
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.name
    }

    /// The name, to be kept.
    pub(super) const fn name(&self) -> &SmolStr {
        &self.name
    }

    /// What the name's first segment makes of the channel.
    #[must_use]
    pub const fn kind(&self) -> ChannelKind {
        self.kind
    }

    /// The segments between the slashes.
    pub fn segments(&self) -> impl Iterator<Item = &str> {
        self.name.split('/').skip(1)
    }
}

/// What a channel is for, decided by its first segment (CH-7).
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum ChannelKind {
    /// `/meta/…`: the protocol itself.
    Meta(MetaChannel),
    /// `/service/…`: from a client to the server's services, never to other clients.
    Service,
    /// Everything else: to whoever subscribed.
    Broadcast,
}

impl ChannelKind {
    /// The kind of the channel with this name.
    pub(super) fn of(name: &str) -> Self {
        if let Some(rest) = name.strip_prefix("/meta/") {
            Self::Meta(MetaChannel::of(rest))
        } else if name.starts_with("/service/") {
            Self::Service
        } else {
            Self::Broadcast
        }
    }
}

/// The meta channels.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum MetaChannel {
    /// `/meta/handshake`
    Handshake,
    /// `/meta/connect`
    Connect,
    /// `/meta/subscribe`
    Subscribe,
    /// `/meta/unsubscribe`
    Unsubscribe,
    /// `/meta/disconnect`
    Disconnect,
    /// A name under `/meta/` that means nothing.
    Unknown,
}

impl MetaChannel {
    /// The five that exist from the start and are never removed (CH-11).
    pub(crate) const KNOWN: [Self; 5] = [
        Self::Handshake,
        Self::Connect,
        Self::Subscribe,
        Self::Unsubscribe,
        Self::Disconnect,
    ];

    fn of(rest: &str) -> Self {
        match rest {
            "handshake" => Self::Handshake,
            "connect" => Self::Connect,
            "subscribe" => Self::Subscribe,
            "unsubscribe" => Self::Unsubscribe,
            "disconnect" => Self::Disconnect,
            _ => Self::Unknown,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Handshake => "/meta/handshake",
            Self::Connect => "/meta/connect",
            Self::Subscribe => "/meta/subscribe",
            Self::Unsubscribe => "/meta/unsubscribe",
            Self::Disconnect => "/meta/disconnect",
            Self::Unknown => "/meta",
        }
    }
}

/// How many channels a name stands for.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Breadth {
    /// One.
    Exact,
    /// `/a/*`: every channel with exactly one further segment.
    Children,
    /// `/a/**`: every channel with at least one further segment.
    Descendants,
}

/// What a name may look like.
#[derive(Clone, Debug)]
pub(crate) struct Grammar {
    /// Longest name, in bytes.
    pub(crate) max_length: usize,
    /// Most segments.
    pub(crate) max_segments: usize,
    /// Whether only the characters of CH-1 are legal (`validateMessageFields`).
    pub(crate) strict: bool,
}

impl Default for Grammar {
    fn default() -> Self {
        Self {
            max_length: 1024,
            max_segments: 32,
            strict: true,
        }
    }
}

/// The grammar that ids, patterns and templates share.
pub(super) struct Name;

impl Name {
    /// Checks a text and strips what CH-6 drops.
    pub(super) fn parse<'a>(
        text: &'a str,
        grammar: &Grammar,
    ) -> Result<(&'a str, Breadth), ChannelError> {
        if Self::is_simple(text.as_bytes(), grammar) {
            return Ok((text, Breadth::Exact));
        }
        Self::parse_any(text, grammar)
    }

    /// Whether a text is surely a legal name as it stands: most are, and are seen to be in one pass.
    fn is_simple(text: &[u8], grammar: &Grammar) -> bool {
        let (mut rest, mut segments) = (text, 0);
        while let [b'/', path @ ..] = rest {
            let slash = path.iter().position(|byte| !is_simple(*byte));
            let end = slash.unwrap_or(path.len());
            if end == 0 {
                return false;
            }
            rest = path.get(end..).unwrap_or_default();
            segments += 1;
        }
        rest.is_empty()
            && (1..=grammar.max_segments).contains(&segments)
            && text.len() <= grammar.max_length
    }

    fn parse_any<'a>(text: &'a str, grammar: &Grammar) -> Result<(&'a str, Breadth), ChannelError> {
        let trimmed = text.trim_matches(' ');
        let name = match trimmed.strip_suffix('/') {
            Some(rest) if !rest.is_empty() => rest,
            _ => trimmed,
        };
        if name.len() < 2 || name.len() > grammar.max_length {
            return Err(ChannelError::Length {
                limit: grammar.max_length,
            });
        }
        let Some(path) = name.strip_prefix('/') else {
            return Err(ChannelError::NotAbsolute);
        };
        if grammar.strict
            && let Some(illegal) = name.bytes().position(|byte| !is_legal(byte))
            && let Some(character) = name.get(illegal..).and_then(|it| it.chars().next())
        {
            return Err(ChannelError::IllegalCharacter { character });
        }
        let breadth = Self::check_segments(path, grammar)?;
        Ok((name, breadth))
    }

    fn check_segments(path: &str, grammar: &Grammar) -> Result<Breadth, ChannelError> {
        let mut breadth = Breadth::Exact;
        for (index, segment) in path.as_bytes().split(|byte| *byte == b'/').enumerate() {
            if index >= grammar.max_segments {
                return Err(ChannelError::TooManySegments {
                    limit: grammar.max_segments,
                });
            }
            if breadth != Breadth::Exact {
                return Err(ChannelError::WildcardNotLast);
            }
            if segment.iter().all(|byte| *byte == b' ') {
                return Err(ChannelError::BlankSegment);
            }
            breadth = match segment {
                b"*" => Breadth::Children,
                b"**" => Breadth::Descendants,
                _ => Breadth::Exact,
            };
        }
        Ok(breadth)
    }
}

/// Whether a byte is legal and stands for nothing but itself, wherever it is.
fn is_simple(byte: u8) -> bool {
    /// A table, because it is asked for each byte of a name.
    #[expect(clippy::indexing_slicing, reason = "it is the compiler that runs this")]
    const SIMPLE: [bool; 256] = {
        let mut simple = [false; 256];
        let mut byte = 0_u8;
        while byte < 128 {
            simple[byte as usize] = is_legal(byte) && !matches!(byte, b' ' | b'*' | b'/');
            byte += 1;
        }
        simple
    };
    SIMPLE.get(usize::from(byte)) == Some(&true)
}

/// The character set of CH-1.
const fn is_legal(byte: u8) -> bool {
    matches!(
        byte,
        b'a'..=b'z'
            | b'A'..=b'Z'
            | b'0'..=b'9'
            | b' '
            | b'!'
            | b'#'
            | b'$'
            | b'('
            | b')'
            | b'*'
            | b'+'
            | b'-'
            | b'.'
            | b'/'
            | b'@'
            | b'_'
            | b'{'
            | b'~'
            | b'}'
    )
}

impl AsRef<str> for ChannelId {
    fn as_ref(&self) -> &str {
        &self.name
    }
}

impl fmt::Debug for ChannelId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.name)
    }
}

impl fmt::Display for ChannelId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.name)
    }
}

impl FromStr for ChannelId {
    type Err = ChannelError;

    fn from_str(text: &str) -> Result<Self, ChannelError> {
        Self::parse(text)
    }
}

impl TryFrom<&str> for ChannelId {
    type Error = ChannelError;

    fn try_from(text: &str) -> Result<Self, ChannelError> {
        Self::parse(text)
    }
}

impl TryFrom<String> for ChannelId {
    type Error = ChannelError;

    fn try_from(text: String) -> Result<Self, ChannelError> {
        Self::parse(text)
    }
}

impl TryFrom<&Self> for ChannelId {
    type Error = ChannelError;

    fn try_from(channel: &Self) -> Result<Self, ChannelError> {
        Ok(channel.clone())
    }
}

impl From<std::convert::Infallible> for ChannelError {
    fn from(never: std::convert::Infallible) -> Self {
        match never {}
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn legal_names_are_accepted() {
        // CH-1, CH-3: T-CH-1
        for name in [
            "/a b", "/a!b", "/a#b", "/a$b", "/(a)", "/a+b", "/a-b", "/a.b", "/a@b", "/a_b", "/a~b",
            "/a*", "/***", "/t/{id}",
        ] {
            assert_eq!(
                ChannelId::parse(name).map(|it| it.to_string()),
                Ok(name.to_owned())
            );
        }
    }

    #[test]
    fn illegal_names_are_rejected() {
        // CH-1, CH-2, CH-3: T-CH-2
        for name in [
            "/a&b", "/a:b", "/a%b", "/a\"b", "/é", "/a\\b", "a/b", "/", "", "//", "/a//b",
            "/a/ /b", "/a/*/b", "/**/b", "/*/*", "/a/**/*", "/a/*", "//a", "a",
        ] {
            assert!(ChannelId::parse(name).is_err(), "{name}");
        }
    }

    #[test]
    fn spaces_around_a_name_and_one_trailing_slash_are_dropped() {
        // CH-6
        for name in ["/a/", " /a", "/a ", " /a/ "] {
            assert_eq!(ChannelId::parse(name).unwrap().as_str(), "/a", "{name}");
        }
        assert!(ChannelId::parse("/a//").is_err());
    }

    #[test]
    fn the_kind_follows_the_first_segment() {
        // CH-7
        let kind = |name: &str| ChannelId::parse(name).unwrap().kind();
        assert_eq!(
            kind("/meta/connect"),
            ChannelKind::Meta(MetaChannel::Connect)
        );
        assert_eq!(kind("/meta/foo"), ChannelKind::Meta(MetaChannel::Unknown));
        assert_eq!(kind("/service/echo"), ChannelKind::Service);
        for name in ["/meta", "/service", "/chat/demo"] {
            assert_eq!(kind(name), ChannelKind::Broadcast, "{name}");
        }
    }

    #[test]
    fn length_and_depth_are_limited() {
        let longest = format!("/{}", "a".repeat(1023));
        assert!(ChannelId::parse(longest.clone()).is_ok());
        assert_eq!(
            ChannelId::parse(format!("{longest}a")),
            Err(ChannelError::Length { limit: 1024 })
        );
        assert!(ChannelId::parse("/a".repeat(32)).is_ok());
        assert_eq!(
            ChannelId::parse("/a".repeat(33)),
            Err(ChannelError::TooManySegments { limit: 32 })
        );
    }

    proptest! {
        #[test]
        fn what_is_seen_to_be_a_name_in_one_pass_is_one(text in "/?([ab~/* é&]{0,3}/?){0,6}") {
            let grammar = Grammar {
                max_length: 12,
                max_segments: 4,
                strict: true,
            };
            let parsed = Name::parse_any(&text, &grammar);
            if Name::is_simple(text.as_bytes(), &grammar) {
                prop_assert_eq!(parsed, Ok((&*text, Breadth::Exact)));
            } else if let Ok((name, Breadth::Exact)) = parsed {
                let special = text.contains([' ', '*']);
                prop_assert!(special || name != text, "{} is simple", text);
            }
        }
    }
}
