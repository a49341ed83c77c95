//! Channel names with variables, for handlers.

use std::fmt;

use smol_str::SmolStr;

use super::channel::{ChannelId, Grammar, Name};
use super::error::ChannelError;
use super::pattern::ChannelPattern;

/// A channel name in which whole segments may be variables, such as `/chat/{room}`.
///
/// It binds to channels of the same depth whose other segments are equal, wherever in the path the
/// variables are (`services.md` 1.7, 1.8, 2.7.41).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ChannelTemplate {
    segments: Vec<Segment>,
    /// What a server listens on to see every channel that may bind.
    pattern: ChannelPattern,
}

#[derive(Clone, Debug, Eq, PartialEq)]
enum Segment {
    Literal(String),
    Variable(SmolStr),
}

impl ChannelTemplate {
    /// Reads a name with or without variables; without any it may end in a wildcard.
    ///
    /// # Errors
    /// The text is no channel name, or a template with a wildcard or with a variable twice.
    pub fn parse(text: &str) -> Result<Self, ChannelError> {
        let (name, _) = Name::parse(text, &Grammar::default())?;
        let pattern = ChannelPattern::parse(name)?;
        let segments: Vec<Segment> = name.split('/').skip(1).map(Segment::parse).collect();
        let mut variables: Vec<&str> = segments.iter().filter_map(Segment::variable).collect();
        if variables.is_empty() {
            return Ok(Self { segments, pattern });
        }
        let count = variables.len();
        variables.sort_unstable();
        variables.dedup();
        if pattern.to_channel().is_none() || variables.len() != count {
            return Err(ChannelError::Template);
        }
        let pattern = Self::widest_match(&segments)?;
        Ok(Self { segments, pattern })
    }

    /// The longest literal prefix and `/*` if only the last segment varies, else `/**`.
    fn widest_match(segments: &[Segment]) -> Result<ChannelPattern, ChannelError> {
        let mut name = String::new();
        let literal = segments.iter().map_while(Segment::literal);
        let mut depth = 0;
        for segment in literal {
            name.push('/');
            name.push_str(segment);
            depth += 1;
        }
        name.push_str(if depth + 1 == segments.len() {
            "/*"
        } else {
            "/**"
        });
        ChannelPattern::parse(name)
    }

    /// The channel or wildcard that covers all channels which the template binds to.
    #[must_use]
    pub const fn pattern(&self) -> &ChannelPattern {
        &self.pattern
    }

    /// The values of the variables in this channel, or `None` if it is not of this form.
    #[must_use]
    pub fn bind(&self, channel: &ChannelId) -> Option<Parameters> {
        let mut values = Vec::new();
        let mut rest = channel.segments();
        for segment in &self.segments {
            match (segment, rest.next()?) {
                (Segment::Literal(expected), found) if expected == found => {}
                (Segment::Literal(_), _) => return None,
                (Segment::Variable(name), found) => values.push((name.clone(), found.into())),
            }
        }
        rest.next().is_none().then_some(Parameters(values))
    }

    /// Whether there are variables to bind.
    #[must_use]
    pub fn has_variables(&self) -> bool {
        self.segments
            .iter()
            .any(|segment| segment.variable().is_some())
    }
}

impl Segment {
    fn parse(text: &str) -> Self {
        let word = text
            .strip_prefix('{')
            .and_then(|rest| rest.strip_suffix('}'));
        match word {
            Some(name) if !name.is_empty() && name.bytes().all(is_word) => {
                Self::Variable(name.into())
            }
            _ => Self::Literal(text.to_owned()),
        }
    }

    fn literal(&self) -> Option<&str> {
        match self {
            Self::Literal(text) => Some(text),
            Self::Variable(_) => None,
        }
    }

    fn variable(&self) -> Option<&str> {
        match self {
            Self::Literal(_) => None,
            Self::Variable(name) => Some(name),
        }
    }
}

const fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

impl fmt::Display for ChannelTemplate {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for segment in &self.segments {
            match segment {
                Segment::Literal(text) => write!(formatter, "/{text}")?,
                Segment::Variable(name) => write!(formatter, "/{{{name}}}")?,
            }
        }
        Ok(())
    }
}

/// The values that a channel has for the variables of a template.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Parameters(Vec<(SmolStr, SmolStr)>);

impl Parameters {
    /// The text of a variable.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&SmolStr> {
        self.0
            .iter()
            .find(|(it, _)| it == name)
            .map(|(_, value)| value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_pattern(template: &str, expected: &str) {
        assert_eq!(
            ChannelTemplate::parse(template).unwrap().pattern().as_str(),
            expected
        );
    }

    #[test]
    fn variables_bind_anywhere_in_the_path() {
        // services.md 2.7.41
        let template = ChannelTemplate::parse("/a/{b}/c/{d}").unwrap();
        let bound = template
            .bind(&ChannelId::parse("/a/1/c/2").unwrap())
            .unwrap();
        let text = |name| bound.get(name).map(|value| &**value);
        assert_eq!(
            (text("b"), text("d"), text("c")),
            (Some("1"), Some("2"), None)
        );
        for other in ["/a/1/c", "/a/1/x/2", "/a/1/c/2/3", "/a"] {
            assert_eq!(
                template.bind(&ChannelId::parse(other).unwrap()),
                None,
                "{other}"
            );
        }
    }

    #[test]
    fn the_server_listens_on_the_longest_literal_prefix() {
        check_pattern("/{x}", "/*");
        check_pattern("/chat/{room}", "/chat/*");
        check_pattern("/a/{b}/c", "/a/**");
        check_pattern("/a/b", "/a/b");
        check_pattern("/a/**", "/a/**");
    }

    #[test]
    fn a_template_has_no_wildcard_and_no_variable_twice() {
        for text in ["/a/{b}/*", "/a/{b}/**", "/a/{b}/{b}", "/a/*/{b}"] {
            assert!(ChannelTemplate::parse(text).is_err(), "{text}");
        }
        assert!(!ChannelTemplate::parse("/a/{b-c}").unwrap().has_variables());
    }
}
