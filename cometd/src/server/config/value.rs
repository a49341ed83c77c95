//! A value as a source gives it, before an option has looked at it.

use std::{collections::BTreeMap, fmt, time::Duration};

use serde::Deserialize;

/// Text, a number or a flag. Text that reads as a number or a flag becomes one, so that sources that only have text
/// and sources that have types end in equal configurations.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Value {
    Flag(bool),
    Integer(i64),
    Text(String),
}

impl Value {
    pub(super) fn flag(&self) -> Option<bool> {
        match self {
            Self::Flag(flag) => Some(*flag),
            Self::Text(text) if text.eq_ignore_ascii_case("true") => Some(true),
            Self::Text(text) if text.eq_ignore_ascii_case("false") => Some(false),
            Self::Integer(_) | Self::Text(_) => None,
        }
    }

    pub(super) fn integer(&self) -> Option<i64> {
        match self {
            Self::Integer(number) => Some(*number),
            Self::Text(text) => text.parse().ok(),
            Self::Flag(_) => None,
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(flag) => flag.fmt(formatter),
            Self::Integer(number) => number.fmt(formatter),
            Self::Text(text) => text.fmt(formatter),
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        let text = text.trim();
        match (text, text.parse::<i64>()) {
            ("true", _) => Self::Flag(true),
            ("false", _) => Self::Flag(false),
            // `007` stays text: an option that takes text must get it back unchanged.
            (_, Ok(number)) if number.to_string() == text => Self::Integer(number),
            _ => Self::Text(text.to_owned()),
        }
    }
}

impl From<bool> for Value {
    fn from(flag: bool) -> Self {
        Self::Flag(flag)
    }
}

impl From<usize> for Value {
    fn from(number: usize) -> Self {
        Self::Integer(i64::try_from(number).unwrap_or(i64::MAX))
    }
}

impl From<Option<usize>> for Value {
    fn from(number: Option<usize>) -> Self {
        number.map_or(OFF, Self::from)
    }
}

impl From<Duration> for Value {
    /// Milliseconds, rounded up so that a short duration does not become zero, which often means "off".
    fn from(duration: Duration) -> Self {
        let milliseconds = duration.as_nanos().div_ceil(1_000_000);
        Self::Integer(i64::try_from(milliseconds).unwrap_or(i64::MAX))
    }
}

impl From<Option<Duration>> for Value {
    fn from(duration: Option<Duration>) -> Self {
        duration.map_or(OFF, Self::from)
    }
}

/// The same as `serde` reads it. A list is text with commas, a table adds a prefix to the names in it.
#[derive(Debug, Deserialize)]
#[serde(
    untagged,
    expecting = "expected text, a number, true, false, a list of text or a table"
)]
pub(super) enum RawValue {
    Flag(bool),
    Integer(i64),
    Float(f64),
    Text(String),
    List(Vec<String>),
    Table(BTreeMap<String, Self>),
}

/// How CometD writes "no limit" and "off" in numbers.
const OFF: Value = Value::Integer(-1);
