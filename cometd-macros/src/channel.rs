//! Channel names in attributes: their grammar, with errors that point into the literal.

use std::ops::Range;

use proc_macro2::Span;
use syn::{Ident, LitStr, ext::IdentExt, parse::Parser};

/// A channel that an attribute names.
pub(crate) struct Channel {
    /// The literal, for errors and for the generated row.
    pub(crate) literal: LitStr,
    /// The template parameters, from left to right, each once.
    pub(crate) parameters: Vec<Parameter>,
    /// The name with its leading slash.
    name: String,
}

/// A segment `{name}` of a channel.
pub(crate) struct Parameter {
    /// The name, which is also the name of an argument.
    pub(crate) name: String,
    /// The segment, or the whole literal where the compiler cannot point into it.
    pub(crate) span: Span,
}

/// What a literal is the name of.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Grammar {
    /// A channel.
    Channel,
    /// The target of a remote call: the rest of a channel below `/service`, which has one listener.
    Target,
}

impl Grammar {
    /// What such a name is called.
    pub(crate) fn noun(self) -> &'static str {
        match self {
            Self::Channel => "channel",
            Self::Target => "target",
        }
    }

    /// What such a name looks like.
    pub(crate) fn example(self) -> &'static str {
        match self {
            Self::Channel => "/chat",
            Self::Target => "contacts",
        }
    }
}

impl Channel {
    /// Reads `literal`, up to the first mistake in it.
    pub(crate) fn parse(literal: &LitStr, grammar: Grammar) -> syn::Result<Self> {
        let source = Source::new(literal, grammar);
        source.check_whole()?;
        let mut parameters: Vec<Parameter> = Vec::new();
        // Skips the leading slash, so that every separator that is left stands between two segments.
        let mut start = 1;
        for segment in source.text.split('/').skip(1) {
            let range = start..start + segment.len();
            start = range.end + 1;
            source.check_segment(segment, &range)?;
            let Some(name) = source.parameter_name(segment, &range)? else {
                if is_wildcard(segment) && !parameters.is_empty() {
                    return Err(source.error_at(range, wildcard_after_parameter(segment)));
                }
                continue;
            };
            if parameters.iter().any(|it| it.name == name) {
                let message = format!(
                    "the template parameter `{{{name}}}` occurs twice: give the second one another name"
                );
                return Err(source.error_at(range, &message));
            }
            let span = source.span_of(&range);
            parameters.push(Parameter { name, span });
        }
        Ok(Self {
            literal: literal.clone(),
            parameters,
            name: source.text,
        })
    }

    /// Whether there is a parameter of this name.
    pub(crate) fn has_parameter(&self, name: &str) -> bool {
        self.parameters.iter().any(|it| it.name == name)
    }

    pub(crate) fn is_meta(&self) -> bool {
        self.name.starts_with("/meta/")
    }

    /// A name that both stand for, if there is one.
    pub(crate) fn overlap(&self, other: &Self) -> Option<String> {
        let mut common = String::new();
        let mut segments = (self.name.split('/').skip(1), other.name.split('/').skip(1));
        loop {
            let segment = match (segments.0.next(), segments.1.next()) {
                (None, None) => return Some(common),
                (Some(one), Some(other)) if one == other || other.starts_with('{') => one,
                (Some(one), Some(other)) if one.starts_with('{') => other,
                _ => return None,
            };
            if !common.is_empty() {
                common.push('/');
            }
            common.push_str(segment);
        }
    }
}

/// A literal, and the name that it stands for.
struct Source<'a> {
    literal: &'a LitStr,
    grammar: Grammar,
    text: String,
    /// How many bytes `text` has in front of the text of the literal.
    shift: usize,
}

impl<'a> Source<'a> {
    fn new(literal: &'a LitStr, grammar: Grammar) -> Self {
        let value = literal.value();
        let implied = grammar == Grammar::Target && !value.is_empty() && !value.starts_with('/');
        let (text, shift) = if implied {
            (format!("/{value}"), 1)
        } else {
            (value, 0)
        };
        Self {
            literal,
            grammar,
            text,
            shift,
        }
    }

    fn check_whole(&self) -> syn::Result<()> {
        let Self { text, grammar, .. } = self;
        let (noun, example) = (grammar.noun(), grammar.example());
        let error = |message: String| Err(syn::Error::new(self.literal.span(), message));
        if text.is_empty() {
            return error(format!(
                "the {noun} is empty: write a name such as \"{example}\""
            ));
        }
        if !text.starts_with('/') {
            let name = text.trim();
            return error(format!("a channel starts with `/`: write \"/{name}\""));
        }
        if let Some((position, character)) = text.char_indices().find(|(_, it)| !is_legal(*it)) {
            let message = format!("{character:?} is not allowed in a {noun}, only {LEGAL}");
            return Err(self.error_at(position..position + character.len_utf8(), &message));
        }
        if text == "/" {
            return error(format!(
                "the {noun} has no segment: write a name such as \"{example}\""
            ));
        }
        let trimmed = text.trim_end_matches(['/', ' ']);
        if trimmed.len() < text.len() && !trimmed.is_empty() {
            let shown = trimmed.get(self.shift..).unwrap_or_default();
            let message = format!("a {noun} ends in a segment: write \"{shown}\"");
            return Err(self.error_at(trimmed.len()..text.len(), &message));
        }
        if *grammar == Grammar::Target
            && let Some(rest) = text.strip_prefix("/service/")
        {
            let message = format!("a target is below `/service` by itself: write \"{rest}\"");
            return Err(self.error_at(1.."/service".len(), &message));
        }
        Ok(())
    }

    fn check_segment(&self, segment: &str, range: &Range<usize>) -> syn::Result<()> {
        if segment.trim().is_empty() {
            let message = format!(
                "a {} has no empty segments: remove this one with its `/`",
                self.grammar.noun()
            );
            // The slash that opens the segment is there to be pointed at, the segment may not be.
            return Err(self.error_at(range.start - 1..range.end, &message));
        }
        if !is_wildcard(segment) {
            return Ok(());
        }
        if self.grammar == Grammar::Target {
            let message = format!(
                "a remote call is for one target, not for all of `{segment}`: name the segment, as in `{{name}}`"
            );
            return Err(self.error_at(range.clone(), &message));
        }
        if range.end < self.text.len() {
            let message = format!(
                "the wildcard `{segment}` is only allowed as the last segment: end the channel with it"
            );
            return Err(self.error_at(range.clone(), &message));
        }
        Ok(())
    }

    /// The name in a segment `{name}`, or none if the segment is an ordinary one.
    ///
    /// Bayeux has braces in ordinary names; here they are always meant as a parameter, so anything else is a mistake.
    fn parameter_name(&self, segment: &str, range: &Range<usize>) -> syn::Result<Option<String>> {
        if !segment.contains(['{', '}']) {
            return Ok(None);
        }
        let Some(name) = segment
            .strip_prefix('{')
            .and_then(|it| it.strip_suffix('}'))
        else {
            let message = format!(
                "a template parameter is a whole segment such as `/{{room}}`, not a part of `{segment}`"
            );
            return Err(self.error_at(range.clone(), &message));
        };
        if let Some(position) = name.find(|it: char| !it.is_ascii_alphanumeric() && it != '_') {
            let start = range.start + 1 + position;
            let message = "the name of a template parameter holds letters, digits and `_` only";
            return Err(self.error_at(start..start + 1, message));
        }
        // `{1}` is legal in Bayeux, but no argument can have that name.
        let can_be_argument =
            Ident::parse_any.parse_str(name).is_ok() && !PATH_KEYWORDS.contains(&name);
        if !can_be_argument {
            let message = format!(
                "the template parameter `{segment}` cannot be the name of an argument: rename it"
            );
            return Err(self.error_at(range.clone(), &message));
        }
        Ok(Some(name.to_owned()))
    }

    /// An error at a range of bytes of the name.
    ///
    /// The text says where, because a stable compiler cannot point into a literal.
    fn error_at(&self, range: Range<usize>, message: &str) -> syn::Error {
        let number = self
            .text
            .char_indices()
            .filter(|(position, _)| (self.shift..range.start).contains(position))
            .count()
            + 1;
        let text = self.literal.value();
        syn::Error::new(
            self.span_of(&range),
            format!("{message} (at character {number} of {text:?})"),
        )
    }

    /// The place of a range of bytes of the name, as near as the compiler allows.
    fn span_of(&self, range: &Range<usize>) -> Span {
        let token = self.literal.token();
        // A literal with escapes does not contain its own text, and is pointed at as a whole.
        let offset = token.to_string().find(&self.literal.value());
        let within = |at: usize| at.saturating_sub(self.shift);
        offset
            .and_then(|offset| {
                token.subspan(offset + within(range.start)..offset + within(range.end))
            })
            .unwrap_or_else(|| self.literal.span())
    }
}

fn wildcard_after_parameter(wildcard: &str) -> &'static str {
    if wildcard == "*" {
        "a channel with template parameters cannot end in the wildcard `*`: name that segment, too, as in `{name}`"
    } else {
        "a channel with template parameters cannot end in the wildcard `**`: list a channel for each depth"
    }
}

fn is_wildcard(segment: &str) -> bool {
    matches!(segment, "*" | "**")
}

// CH-1
fn is_legal(character: char) -> bool {
    character.is_ascii_alphanumeric() || " !#$()*+-./@_{~}".contains(character)
}

const LEGAL: &str =
    "letters, digits, spaces and `!` `#` `$` `(` `)` `*` `+` `-` `.` `/` `@` `_` `~`";

/// The identifiers that even `r#` does not turn into a name.
const PATH_KEYWORDS: [&str; 5] = ["_", "Self", "crate", "self", "super"];

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> syn::Result<Channel> {
        parse_as(text, Grammar::Channel)
    }

    fn parse_as(text: &str, grammar: Grammar) -> syn::Result<Channel> {
        Channel::parse(&LitStr::new(text, Span::call_site()), grammar)
    }

    fn check_parameters(text: &str, expected: &[&str]) {
        let channel = parse(text).unwrap_or_else(|error| panic!("{text:?}: {error}"));
        let names: Vec<_> = channel
            .parameters
            .iter()
            .map(|it| it.name.as_str())
            .collect();
        assert_eq!(names, expected, "{text:?}");
    }

    fn check_error(text: &str, expected: &str) {
        let error = parse(text)
            .err()
            .unwrap_or_else(|| panic!("{text:?} was accepted"));
        assert_eq!(error.to_string(), expected, "{text:?}");
    }

    #[test]
    fn legal_channels_are_accepted() {
        for text in [
            "/a",
            "/a/b",
            "/a/*",
            "/**",
            "/*",
            "/a b/c",
            "/a*",
            "/***",
            "/meta/handshake",
            "/!#$()+-.@_~",
        ] {
            check_parameters(text, &[]);
        }
    }

    #[test]
    fn template_parameters_are_whole_segments() {
        check_parameters("/chat/{room}", &["room"]);
        check_parameters("/{a}/b/{c_1}", &["a", "c_1"]);
        check_parameters("/{type}", &["type"]);
        check_error(
            "/chat/room-{id}",
            "a template parameter is a whole segment such as `/{room}`, not a part of `room-{id}` \
             (at character 7 of \"/chat/room-{id}\")",
        );
        check_error(
            "/chat/{room-id}",
            "the name of a template parameter holds letters, digits and `_` only (at character 12 of \"/chat/{room-id}\")",
        );
    }

    #[test]
    fn a_template_parameter_can_be_the_name_of_an_argument() {
        for segment in ["{}", "{1}", "{_}", "{self}"] {
            check_error(
                &format!("/{segment}"),
                &format!(
                    "the template parameter `{segment}` cannot be the name of an argument: rename it \
                     (at character 2 of \"/{segment}\")"
                ),
            );
        }
    }

    #[test]
    fn a_template_parameter_occurs_once() {
        check_error(
            "/{a}/{a}",
            "the template parameter `{a}` occurs twice: give the second one another name (at character 6 of \"/{a}/{a}\")",
        );
    }

    #[test]
    fn a_template_cannot_end_in_a_wildcard() {
        check_error(
            "/a/{b}/*",
            "a channel with template parameters cannot end in the wildcard `*`: \
             name that segment, too, as in `{name}` (at character 8 of \"/a/{b}/*\")",
        );
        check_error(
            "/a/{b}/**",
            "a channel with template parameters cannot end in the wildcard `**`: \
             list a channel for each depth (at character 8 of \"/a/{b}/**\")",
        );
    }

    #[test]
    fn a_wildcard_is_the_last_segment() {
        check_error(
            "/a/*/b",
            "the wildcard `*` is only allowed as the last segment: end the channel with it (at character 4 of \"/a/*/b\")",
        );
        check_error(
            "/**/*",
            "the wildcard `**` is only allowed as the last segment: end the channel with it (at character 2 of \"/**/*\")",
        );
    }

    #[test]
    fn an_illegal_character_is_shown_with_its_place() {
        check_error(
            "/a/b&c",
            "'&' is not allowed in a channel, only letters, digits, spaces and \
             `!` `#` `$` `(` `)` `*` `+` `-` `.` `/` `@` `_` `~` (at character 5 of \"/a/b&c\")",
        );
        check_error(
            "/é",
            "'é' is not allowed in a channel, only letters, digits, spaces and \
             `!` `#` `$` `(` `)` `*` `+` `-` `.` `/` `@` `_` `~` (at character 2 of \"/é\")",
        );
    }

    #[test]
    fn segments_are_not_empty() {
        check_error("", "the channel is empty: write a name such as \"/chat\"");
        check_error(
            "/",
            "the channel has no segment: write a name such as \"/chat\"",
        );
        check_error(
            "/a//b",
            "a channel has no empty segments: remove this one with its `/` (at character 3 of \"/a//b\")",
        );
        check_error(
            "//",
            "a channel has no empty segments: remove this one with its `/` (at character 1 of \"//\")",
        );
        check_error(
            "/a/ /b",
            "a channel has no empty segments: remove this one with its `/` (at character 3 of \"/a/ /b\")",
        );
    }

    #[test]
    fn a_channel_has_one_spelling() {
        check_error("chat", "a channel starts with `/`: write \"/chat\"");
        check_error(
            "/chat/",
            "a channel ends in a segment: write \"/chat\" (at character 6 of \"/chat/\")",
        );
        check_error(
            "/chat ",
            "a channel ends in a segment: write \"/chat\" (at character 6 of \"/chat \")",
        );
    }

    #[test]
    fn a_target_is_a_channel_below_service() {
        // services.md 2.6.30
        let check_error = |text, expected: &str| {
            let error = parse_as(text, Grammar::Target).err();
            assert_eq!(error.map(|it| it.to_string()).as_deref(), Some(expected));
        };
        for text in ["contacts", "/contacts", "contacts/{user}", "a b/c.d"] {
            assert!(parse_as(text, Grammar::Target).is_ok(), "{text}");
        }
        check_error("", "the target is empty: write a name such as \"contacts\"");
        check_error(
            "/",
            "the target has no segment: write a name such as \"contacts\"",
        );
        check_error(
            "rooms//history",
            "a target has no empty segments: remove this one with its `/` (at character 6 of \"rooms//history\")",
        );
        check_error(
            "rooms/",
            "a target ends in a segment: write \"rooms\" (at character 6 of \"rooms/\")",
        );
        check_error(
            "rooms/**",
            "a remote call is for one target, not for all of `**`: name the segment, as in `{name}` \
             (at character 7 of \"rooms/**\")",
        );
        check_error(
            "/service/rooms",
            "a target is below `/service` by itself: write \"rooms\" (at character 2 of \"/service/rooms\")",
        );
    }

    #[test]
    fn targets_overlap_where_a_parameter_can_be_the_literal() {
        let check = |one, other, expected: Option<&str>| {
            let parse = |text| parse_as(text, Grammar::Target).unwrap();
            let common = parse(one).overlap(&parse(other));
            assert_eq!(common.as_deref(), expected, "{one} {other}");
        };
        check("a", "/a", Some("a"));
        check("a/{b}", "a/{c}", Some("a/{b}"));
        check("a/{b}/c", "a/x/{y}", Some("a/x/c"));
        check("a/{b}", "a", None);
        check("a/b", "a/c", None);
    }
}
