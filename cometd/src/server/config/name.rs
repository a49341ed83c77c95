//! Names of options: prefixes, spelling in the environment, and the nearest known name of a misspelt one.

use std::fmt;

use super::{alphabet::is_token, option::OptionDescription, table::options};
use crate::protocol::Transport;

/// Which transports a setting is for. In order from general to specific, and so is the map of settings: applying its
/// entries in order makes the most specific one win.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Prefix {
    None,
    LongPolling,
    Json,
    Jsonp,
    WebSocket,
}

impl Prefix {
    pub(super) const fn spelling(self) -> &'static str {
        match self {
            Self::None => "",
            Self::LongPolling => "long-polling.",
            Self::Json => "long-polling.json.",
            Self::Jsonp => "long-polling.jsonp.",
            Self::WebSocket => "ws.",
        }
    }

    /// The prefixes that a transport looks at.
    pub(super) const fn layers(transport: Transport) -> &'static [Self] {
        match transport {
            Transport::WebSocket => &[Self::None, Self::WebSocket],
            Transport::LongPolling => &[Self::None, Self::LongPolling, Self::Json],
            Transport::CallbackPolling => &[Self::None, Self::LongPolling, Self::Jsonp],
        }
    }
}

/// The name of a setting: an option for some transports.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) struct Key {
    pub(super) prefix: Prefix,
    /// Without prefix.
    pub(super) name: String,
}

impl Key {
    /// An option for all transports.
    pub(super) fn general(name: &str) -> Self {
        Self {
            prefix: Prefix::None,
            name: name.to_owned(),
        }
    }

    /// Reads a name as it is written in a file, with any prefix.
    pub(super) fn parse(text: &str) -> Option<Self> {
        SPELLINGS.iter().find_map(|&(spelling, prefix)| {
            let name = text.strip_prefix(spelling)?;
            find(name).map(|_| Self {
                prefix,
                name: name.to_owned(),
            })
        })
    }

    /// Reads a name as it is written in the environment, without `COMETD_`.
    pub(super) fn parse_variable(text: &str) -> Option<Self> {
        SPELLINGS.iter().find_map(|&(spelling, prefix)| {
            let rest = text.strip_prefix(&upper_snake(spelling))?;
            let name = options().find_map(|option| match option.stem() {
                Some(stem) => {
                    let extension = rest.strip_prefix(&upper_snake(stem))?;
                    let name =
                        format!("{stem}{}", extension.to_ascii_lowercase().replace('_', "-"));
                    find(&name).map(|_| name)
                }
                None => (rest == upper_snake(option.name())).then(|| option.name().to_owned()),
            })?;
            Some(Self { prefix, name })
        })
    }

    /// The row of the table.
    pub(super) fn option(&self) -> Option<&'static OptionDescription> {
        find(&self.name)
    }
}

impl fmt::Display for Key {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}{}", self.prefix.spelling(), self.name)
    }
}

/// The known name that the author of an unknown one may have meant.
pub(super) fn nearest(name: &str) -> Option<String> {
    nearest_of(name, known_names())
}

/// The same for the environment, without `COMETD_`.
pub(super) fn nearest_variable(name: &str) -> Option<String> {
    nearest_of(name, known_names().map(|it| upper_snake(&it)))
}

/// `maxInterval` as `MAX_INTERVAL`, `long-polling.json.` as `LONG_POLLING_JSON_`, `cometdURLMapping` as
/// `COMETD_URL_MAPPING`.
pub(super) fn upper_snake(name: &str) -> String {
    let mut snake = String::with_capacity(name.len() + 8);
    let mut previous = None;
    let mut characters = name.chars().peekable();
    while let Some(character) = characters.next() {
        let after_word =
            previous.is_some_and(|it: char| !it.is_ascii_uppercase() && it.is_ascii_alphanumeric());
        let after_acronym = previous.is_some_and(|it| it.is_ascii_uppercase())
            && characters.peek().is_some_and(char::is_ascii_lowercase);
        if character.is_ascii_uppercase() && (after_word || after_acronym) {
            snake.push('_');
        }
        snake.push(if character.is_ascii_alphanumeric() {
            character.to_ascii_uppercase()
        } else {
            '_'
        });
        previous = Some(character);
    }
    snake
}

fn find(name: &str) -> Option<&'static OptionDescription> {
    options().find(|option| match option.stem() {
        Some(stem) => name.strip_prefix(stem).is_some_and(is_token),
        None => option.name() == name,
    })
}

/// Every name worth suggesting: those of options that do something, with each prefix.
fn known_names() -> impl Iterator<Item = String> {
    options()
        .filter(|option| option.ignored().is_none())
        .flat_map(|option| {
            SPELLINGS
                .iter()
                .filter(|(_, prefix)| option.looks_at(*prefix))
                .map(|(spelling, _)| format!("{spelling}{}", option.name()))
        })
}

fn nearest_of(name: &str, candidates: impl Iterator<Item = String>) -> Option<String> {
    // One letter in three may differ. Longer names than any option has are not worth comparing.
    let allowed = (name.len() / 3).max(1);
    if name.len() > LONGEST_NAME {
        return None;
    }
    let name = name.to_ascii_lowercase();
    candidates
        .map(|it| {
            (
                strsim::damerau_levenshtein(&name, &it.to_ascii_lowercase()),
                it,
            )
        })
        .min_by_key(|(distance, _)| *distance)
        .filter(|(distance, _)| *distance <= allowed)
        .map(|(_, it)| it)
}

/// How prefixes may be written. The CometD documentation says `callback-polling.jsonp.`, its code looks up
/// `long-polling.jsonp.`; we read both.
const SPELLINGS: [(&str, Prefix); 6] = [
    ("", Prefix::None),
    (Prefix::LongPolling.spelling(), Prefix::LongPolling),
    (Prefix::Json.spelling(), Prefix::Json),
    (Prefix::Jsonp.spelling(), Prefix::Jsonp),
    ("callback-polling.jsonp.", Prefix::Jsonp),
    (Prefix::WebSocket.spelling(), Prefix::WebSocket),
];

const LONGEST_NAME: usize = 128;
