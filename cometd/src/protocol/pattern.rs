//! Names of channels and of families of channels.

use std::fmt;
use std::str::FromStr;

use smol_str::SmolStr;

pub use super::channel::Breadth;
use super::channel::{ChannelId, ChannelKind, Grammar, Name};
use super::error::ChannelError;

/// A channel name that may end in a wildcard: what one subscribes to and hangs authorizers on.
#[derive(Clone, Eq, Hash, PartialEq)]
pub struct ChannelPattern {
    name: SmolStr,
    breadth: Breadth,
    kind: ChannelKind,
}

impl ChannelPattern {
    /// Reads a name.
    ///
    /// # Errors
    /// The text is no channel name (CH-1 to CH-3).
    pub fn parse(text: impl AsRef<str>) -> Result<Self, ChannelError> {
        Self::parse_by(text.as_ref(), &Grammar::default())
    }

    pub(crate) fn parse_by(text: &str, grammar: &Grammar) -> Result<Self, ChannelError> {
        let (name, breadth) = Name::parse(text, grammar)?;
        Ok(Self {
            name: name.into(),
            breadth,
            kind: ChannelKind::of(name),
        })
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.name
    }

    /// How many channels the name stands for.
    #[must_use]
    pub const fn breadth(&self) -> Breadth {
        self.breadth
    }

    /// What the name's first segment makes of the channel; `/**` is broadcast.
    #[must_use]
    pub const fn kind(&self) -> ChannelKind {
        self.kind
    }

    /// The segments before the wildcard, if there is one.
    pub fn literal_segments(&self) -> impl Iterator<Item = &str> {
        let wildcard = usize::from(self.breadth != Breadth::Exact);
        let count = self.name.split('/').count() - wildcard;
        self.name.split('/').take(count).skip(1)
    }

    /// Whether the pattern stands for the channel (CH-8).
    #[must_use]
    pub fn matches(&self, channel: &ChannelId) -> bool {
        let mut rest = channel.segments();
        if !self
            .literal_segments()
            .all(|segment| rest.next() == Some(segment))
        {
            return false;
        }
        let further = rest.count();
        match self.breadth {
            Breadth::Exact => further == 0,
            Breadth::Children => further == 1,
            Breadth::Descendants => further >= 1,
        }
    }

    /// Whether a segment looks like a template variable in front of a wildcard (CH-4).
    pub(crate) fn mixes_template_and_wildcard(&self) -> bool {
        self.breadth != Breadth::Exact
            && self
                .literal_segments()
                .any(|it| it.starts_with('{') && it.ends_with('}'))
    }

    /// The channel, if the name stands for just one.
    #[must_use]
    pub fn to_channel(&self) -> Option<ChannelId> {
        (self.breadth == Breadth::Exact).then(|| ChannelId::checked(self.name.clone()))
    }
}

impl From<ChannelId> for ChannelPattern {
    fn from(channel: ChannelId) -> Self {
        Self {
            name: channel.name().clone(),
            breadth: Breadth::Exact,
            kind: channel.kind(),
        }
    }
}

impl From<&ChannelId> for ChannelPattern {
    fn from(channel: &ChannelId) -> Self {
        channel.clone().into()
    }
}

impl AsRef<str> for ChannelPattern {
    fn as_ref(&self) -> &str {
        &self.name
    }
}

impl fmt::Debug for ChannelPattern {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.name)
    }
}

impl fmt::Display for ChannelPattern {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.name)
    }
}

impl FromStr for ChannelPattern {
    type Err = ChannelError;

    fn from_str(text: &str) -> Result<Self, ChannelError> {
        Self::parse(text)
    }
}

impl TryFrom<&str> for ChannelPattern {
    type Error = ChannelError;

    fn try_from(text: &str) -> Result<Self, ChannelError> {
        Self::parse(text)
    }
}

impl TryFrom<String> for ChannelPattern {
    type Error = ChannelError;

    fn try_from(text: String) -> Result<Self, ChannelError> {
        Self::parse(text)
    }
}

impl TryFrom<&Self> for ChannelPattern {
    type Error = ChannelError;

    fn try_from(pattern: &Self) -> Result<Self, ChannelError> {
        Ok(pattern.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(pattern: &str, channel: &str, expected: bool) {
        let matches = ChannelPattern::parse(pattern)
            .unwrap()
            .matches(&ChannelId::parse(channel).unwrap());
        assert_eq!(matches, expected, "{pattern} and {channel}");
    }

    #[test]
    fn a_wildcard_matches_further_segments_but_not_its_own_root() {
        // CH-8
        check("/foo/*", "/foo/bar", true);
        check("/foo/*", "/foo", false);
        check("/foo/*", "/foobar", false);
        check("/foo/*", "/foo/bar/boo", false);
        check("/foo/**", "/foo/bar", true);
        check("/foo/**", "/foo/bar/boo", true);
        check("/foo/**", "/foo", false);
        check("/*", "/foo", true);
        check("/*", "/foo/bar", false);
        check("/**", "/foo/bar", true);
    }

    #[test]
    fn a_plain_name_matches_itself() {
        check("/foo/bar", "/foo/bar", true);
        check("/foo/bar", "/foo/ba", false);
        check("/foo", "/foo/bar", false);
        check("/t/{id}", "/t/5", false); // CH-4
    }

    #[test]
    fn only_an_exact_name_is_a_channel() {
        assert!(
            ChannelPattern::parse("/a/*")
                .unwrap()
                .to_channel()
                .is_none()
        );
        assert_eq!(
            ChannelPattern::parse("/a/b")
                .unwrap()
                .to_channel()
                .unwrap()
                .as_str(),
            "/a/b"
        );
    }
}
