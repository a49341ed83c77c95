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
}

/// A segment `{name}` of a channel.
pub(crate) struct Parameter {
    /// The name, which is also the name of an argument.
    pub(crate) name: String,
    /// The segment, or the whole literal where the compiler cannot point into it.
    pub(crate) span: Span,
}

impl Channel {
    /// Reads `literal`, up to the first mistake in it.
    pub(crate) fn parse(literal: &LitStr) -> syn::Result<Self> {
        let text = literal.value();
        check_whole(literal, &text)?;
        let mut parameters: Vec<Parameter> = Vec::new();
        // Skips the leading slash, so that every separator that is left stands between two segments.
        let mut start = 1;
        for segment in text.split('/').skip(1) {
            let range = start..start + segment.len();
            start = range.end + 1;
            check_segment(literal, segment, &range)?;
            let Some(name) = parameter_name(literal, segment, &range)? else {
                if is_wildcard(segment) && !parameters.is_empty() {
                    return Err(error_at(literal, range, wildcard_after_parameter(segment)));
                }
                continue;
            };
            if parameters.iter().any(|it| it.name == name) {
                return Err(error_at(
                    literal,
                    range,
                    &format!(
                        "the template parameter `{{{name}}}` occurs twice: give the second one another name"
                    ),
                ));
            }
            let span = span_of(literal, range);
            parameters.push(Parameter { name, span });
        }
        Ok(Self {
            literal: literal.clone(),
            parameters,
        })
    }

    /// Whether there is a parameter of this name.
    pub(crate) fn has_parameter(&self, name: &str) -> bool {
        self.parameters.iter().any(|it| it.name == name)
    }
}

fn check_whole(literal: &LitStr, text: &str) -> syn::Result<()> {
    if text.is_empty() {
        return Err(syn::Error::new(
            literal.span(),
            "the channel is empty: write a name such as \"/chat\"",
        ));
    }
    if !text.starts_with('/') {
        let name = text.trim();
        let message = format!("a channel starts with `/`: write \"/{name}\"");
        return Err(syn::Error::new(literal.span(), message));
    }
    if let Some((position, character)) = text.char_indices().find(|(_, it)| !is_legal(*it)) {
        let message = format!("{character:?} is not allowed in a channel, only {LEGAL}");
        return Err(error_at(
            literal,
            position..position + character.len_utf8(),
            &message,
        ));
    }
    if text == "/" {
        return Err(syn::Error::new(
            literal.span(),
            "the channel has no segment: write a name such as \"/chat\"",
        ));
    }
    let trimmed = text.trim_end_matches(['/', ' ']);
    if trimmed.len() < text.len() && !trimmed.is_empty() {
        let message = format!("a channel ends in a segment: write \"{trimmed}\"");
        return Err(error_at(literal, trimmed.len()..text.len(), &message));
    }
    Ok(())
}

fn check_segment(literal: &LitStr, segment: &str, range: &Range<usize>) -> syn::Result<()> {
    if segment.trim().is_empty() {
        // The slash that opens the segment is there to be pointed at, the segment may not be.
        return Err(error_at(
            literal,
            range.start - 1..range.end,
            "a channel has no empty segments: remove this one with its `/`",
        ));
    }
    let is_last = range.end == literal.value().len();
    if is_wildcard(segment) && !is_last {
        let message = format!(
            "the wildcard `{segment}` is only allowed as the last segment: end the channel with it"
        );
        return Err(error_at(literal, range.clone(), &message));
    }
    Ok(())
}

fn wildcard_after_parameter(wildcard: &str) -> &'static str {
    if wildcard == "*" {
        "a channel with template parameters cannot end in the wildcard `*`: name that segment, too, as in `{name}`"
    } else {
        "a channel with template parameters cannot end in the wildcard `**`: list a channel for each depth"
    }
}

/// The name in a segment `{name}`, or none if the segment is an ordinary one.
///
/// Bayeux has braces in ordinary names; here they are always meant as a parameter, so anything else is a mistake.
fn parameter_name(
    literal: &LitStr,
    segment: &str,
    range: &Range<usize>,
) -> syn::Result<Option<String>> {
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
        return Err(error_at(literal, range.clone(), &message));
    };
    if let Some(position) = name.find(|it: char| !it.is_ascii_alphanumeric() && it != '_') {
        let start = range.start + 1 + position;
        let message = "the name of a template parameter holds letters, digits and `_` only";
        return Err(error_at(literal, start..start + 1, message));
    }
    // `{1}` is legal in Bayeux, but no argument can have that name.
    let can_be_argument =
        Ident::parse_any.parse_str(name).is_ok() && !PATH_KEYWORDS.contains(&name);
    if !can_be_argument {
        let message = format!(
            "the template parameter `{segment}` cannot be the name of an argument: rename it"
        );
        return Err(error_at(literal, range.clone(), &message));
    }
    Ok(Some(name.to_owned()))
}

fn is_wildcard(segment: &str) -> bool {
    matches!(segment, "*" | "**")
}

// CH-1
fn is_legal(character: char) -> bool {
    character.is_ascii_alphanumeric() || " !#$()*+-./@_{~}".contains(character)
}

/// An error at a range of bytes of the text of `literal`.
///
/// The text says where, because a stable compiler cannot point into a literal.
fn error_at(literal: &LitStr, range: Range<usize>, message: &str) -> syn::Error {
    let text = literal.value();
    let number = text
        .char_indices()
        .filter(|(position, _)| *position < range.start)
        .count()
        + 1;
    syn::Error::new(
        span_of(literal, range),
        format!("{message} (at character {number} of {text:?})"),
    )
}

/// The place of a range of bytes of the text of `literal`, as near as the compiler allows.
fn span_of(literal: &LitStr, range: Range<usize>) -> Span {
    let token = literal.token();
    // A literal with escapes does not contain its own text, and is pointed at as a whole.
    let offset = token.to_string().find(&literal.value());
    offset
        .and_then(|offset| token.subspan(offset + range.start..offset + range.end))
        .unwrap_or_else(|| literal.span())
}

const LEGAL: &str =
    "letters, digits, spaces and `!` `#` `$` `(` `)` `*` `+` `-` `.` `/` `@` `_` `~`";

/// The identifiers that even `r#` does not turn into a name.
const PATH_KEYWORDS: [&str; 5] = ["_", "Self", "crate", "self", "super"];

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> syn::Result<Channel> {
        Channel::parse(&LitStr::new(text, Span::call_site()))
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
}
