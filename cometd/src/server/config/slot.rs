//! Where the value of an option goes, which is also what it must look like.

use std::{collections::BTreeSet, ops::RangeInclusive, time::Duration};

use super::{
    alphabet::Alphabet,
    choice::{Choice, SameSite},
    origins::AllowedOrigins,
    resolved::Draft,
    value::Value,
};
use crate::protocol::Transport;
use crate::session::QueueOverflow;

/// The place of a value in a draft.
type Place<T> = fn(&mut Draft) -> &mut T;

/// A place, named for how its value is written.
#[derive(Clone, Copy, Debug)]
pub(super) enum Slot {
    /// `true` or `false`.
    Flag(Place<bool>),
    /// Milliseconds, not negative.
    Duration(Place<Duration>),
    /// Milliseconds; 0 and less is "off".
    OptionalDuration(Place<Option<Duration>>),
    /// Milliseconds, not 0; negative is the default (CFG-6).
    Period(Place<Duration>),
    /// Seconds; negative is "none".
    Seconds(Place<Option<Duration>>),
    /// A number whose 0 has a meaning of its own.
    Limit(Zero, Place<Option<usize>>),
    /// Bytes; 0 and less is `usize::MAX`.
    Size(Place<usize>),
    /// A number that always has a limit.
    Bounded(Bounds, Place<usize>),
    /// The status of an HTTP error.
    ErrorStatus(Place<u16>),
    /// Text that fits the alphabet and is not empty.
    Name(Alphabet, Place<String>),
    /// Text that fits the alphabet; empty is "none".
    Text(Alphabet, Place<Option<String>>),
    /// Names with commas between them.
    Transports(Place<Vec<Transport>>),
    /// Origins with commas between them.
    Origins(Place<AllowedOrigins>),
    SameSite(Place<Option<SameSite>>),
    QueueOverflow(Place<QueueOverflow>),
    /// `false` adds the end of the option's name to the set.
    DisabledName(Place<BTreeSet<String>>),
    /// Accepted, so that a configuration carries over, without effect.
    Ignored,
}

/// What 0 means to a limit; negative numbers always mean "no limit".
#[derive(Clone, Copy, Debug)]
pub(super) enum Zero {
    /// Nothing is let through.
    Nothing,
    /// As for negative numbers.
    NoLimit,
    /// A mistake.
    Refused,
}

/// The least and the greatest value.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds(pub(super) usize, pub(super) usize);

impl Slot {
    /// Writes the value, or says with `None` that it is not one for this place.
    /// `name` is the end of the option's name where the user chooses it, otherwise empty.
    pub(super) fn assign(self, draft: &mut Draft, name: &str, value: &Value) -> Option<()> {
        match self {
            Self::Flag(place) => *place(draft) = value.flag()?,
            Self::Duration(place) => *place(draft) = duration(value)?,
            Self::OptionalDuration(place) => *place(draft) = if_positive(value)?,
            Self::Period(place) => {
                let period = if negative(value)? {
                    *place(&mut Draft::default())
                } else {
                    if_positive(value)??
                };
                *place(draft) = period;
            }
            Self::Seconds(place) => *place(draft) = seconds(value)?,
            Self::Limit(zero, place) => *place(draft) = limit(zero, value)?,
            Self::Size(place) => *place(draft) = limit(Zero::NoLimit, value)?.unwrap_or(usize::MAX),
            Self::Bounded(bounds, place) => *place(draft) = bounded(bounds, value)?,
            Self::ErrorStatus(place) => {
                *place(draft) = in_range(value, ERROR_STATUS)?.try_into().ok()?
            }
            Self::Name(alphabet, place) => *place(draft) = alphabet.read(value)??,
            Self::Text(alphabet, place) => *place(draft) = alphabet.read(value)?,
            Self::Transports(place) => *place(draft) = transports(value)?,
            Self::Origins(place) => *place(draft) = AllowedOrigins::read(names(value))?,
            Self::SameSite(place) => *place(draft) = same_site(value)?,
            Self::QueueOverflow(place) => *place(draft) = QueueOverflow::parse(&value.to_string())?,
            Self::DisabledName(place) => {
                // Extension names are compared without regard to case.
                let name = name.to_ascii_lowercase();
                if value.flag()? {
                    place(draft).remove(&name);
                } else {
                    place(draft).insert(name);
                }
            }
            Self::Ignored => (),
        }
        Some(())
    }

    /// The value in the draft as text that `assign` reads back.
    pub(super) fn show(self, draft: &mut Draft) -> String {
        match self {
            Self::Flag(place) => place(draft).to_string(),
            Self::Duration(place) | Self::Period(place) => Value::from(*place(draft)).to_string(),
            Self::OptionalDuration(place) => Value::from(*place(draft)).to_string(),
            Self::Seconds(place) => {
                place(draft).map_or("-1".to_owned(), |it| it.as_secs().to_string())
            }
            Self::Limit(_, place) => Value::from(*place(draft)).to_string(),
            Self::Size(place) | Self::Bounded(_, place) => Value::from(*place(draft)).to_string(),
            Self::ErrorStatus(place) => place(draft).to_string(),
            Self::Name(_, place) => place(draft).clone(),
            Self::Text(_, place) => place(draft).clone().unwrap_or_default(),
            Self::Transports(place) => place(draft)
                .iter()
                .map(|it| it.name())
                .collect::<Vec<_>>()
                .join(","),
            Self::Origins(place) => place(draft).to_string(),
            Self::SameSite(place) => place(draft).map_or("", SameSite::name).to_owned(),
            Self::QueueOverflow(place) => place(draft).name().to_owned(),
            Self::DisabledName(_) => "true".to_owned(),
            Self::Ignored => String::new(),
        }
    }

    /// What `assign` takes, as an English phrase.
    pub(super) fn expected(self) -> String {
        match self {
            Self::Flag(_) | Self::DisabledName(_) => "true or false".to_owned(),
            Self::Duration(_) => format!("milliseconds from 0 to {LONGEST}"),
            Self::OptionalDuration(_) => {
                format!("milliseconds up to {LONGEST}, 0 or less for none")
            }
            Self::Period(_) => format!("milliseconds from 1 to {LONGEST}, or -1 for the default"),
            Self::Seconds(_) => format!("seconds up to {LONGEST}, or -1 for none"),
            Self::Limit(Zero::Nothing, _) => "a whole number, or -1 for no limit".to_owned(),
            Self::Limit(Zero::NoLimit, _) => "a whole number, 0 or less for no limit".to_owned(),
            Self::Limit(Zero::Refused, _) => "a whole number from 1, or -1 for no limit".to_owned(),
            Self::Size(_) => "bytes, 0 or less for no limit".to_owned(),
            Self::Bounded(Bounds(least, greatest), _) => {
                format!("a whole number from {least} to {greatest}")
            }
            Self::ErrorStatus(_) => "the status of an HTTP error, from 400 to 599".to_owned(),
            Self::Name(alphabet, _) => alphabet.expected().to_owned(),
            Self::Text(alphabet, _) => format!("{}, or nothing", alphabet.expected()),
            Self::Transports(_) => format!(
                "a list with commas of one or more of {}",
                Transport::names()
            ),
            Self::Origins(_) => {
                "a list with commas of origins such as https://app.example.com, or null or *"
                    .to_owned()
            }
            Self::SameSite(_) => format!("{}, or nothing", SameSite::names()),
            Self::QueueOverflow(_) => QueueOverflow::names(),
            Self::Ignored => "anything".to_owned(),
        }
    }
}

/// The names of a list of transports that are none.
pub(super) fn unknown_transports(value: &Value) -> Vec<String> {
    let is_unknown = |name: &String| <Transport as Choice>::parse(name).is_none();
    names(value).filter(is_unknown).collect()
}

fn negative(value: &Value) -> Option<bool> {
    value.integer().map(|it| it < 0)
}

fn in_range(value: &Value, range: RangeInclusive<i64>) -> Option<u64> {
    let number = value.integer().filter(|it| range.contains(it))?;
    u64::try_from(number).ok()
}

fn duration(value: &Value) -> Option<Duration> {
    in_range(value, 0..=LONGEST).map(Duration::from_millis)
}

fn if_positive(value: &Value) -> Option<Option<Duration>> {
    if value.integer()? <= 0 {
        Some(None)
    } else {
        duration(value).map(Some)
    }
}

fn seconds(value: &Value) -> Option<Option<Duration>> {
    if negative(value)? {
        Some(None)
    } else {
        in_range(value, 0..=LONGEST).map(|it| Some(Duration::from_secs(it)))
    }
}

fn limit(zero: Zero, value: &Value) -> Option<Option<usize>> {
    match (value.integer()?, zero) {
        (..0, _) | (0, Zero::NoLimit) => Some(None),
        (0, Zero::Refused) => None,
        (number, _) => usize::try_from(number).ok().map(Some),
    }
}

fn bounded(Bounds(least, greatest): Bounds, value: &Value) -> Option<usize> {
    let number = usize::try_from(value.integer()?).ok()?;
    (least..=greatest).contains(&number).then_some(number)
}

fn same_site(value: &Value) -> Option<Option<SameSite>> {
    let text = value.to_string();
    if text.is_empty() {
        Some(None)
    } else {
        SameSite::parse(&text).map(Some)
    }
}

/// CFG-1: in the order given, unknown names left out, at least one known.
fn transports(value: &Value) -> Option<Vec<Transport>> {
    let mut transports = Vec::new();
    for transport in names(value).filter_map(|it| <Transport as Choice>::parse(&it)) {
        if !transports.contains(&transport) {
            transports.push(transport);
        }
    }
    (!transports.is_empty()).then_some(transports)
}

fn names(value: &Value) -> impl Iterator<Item = String> {
    let names: Vec<_> = value
        .to_string()
        .split(',')
        .map(|it| it.trim().to_owned())
        .collect();
    names.into_iter().filter(|it| !it.is_empty())
}

/// Ten years in milliseconds. A longer time is a mistake in units, and a deadline that far away may overflow the clock.
const LONGEST: i64 = 10 * 365 * 24 * 60 * 60 * 1000;

const ERROR_STATUS: RangeInclusive<i64> = 400..=599;
