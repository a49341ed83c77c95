//! What can be wrong with a configuration, as sentences for the person who starts the server.

use std::{error, fmt, vec};

/// One mistake in a configuration.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// No option has this name.
    #[error("unknown option {name:?}{}", DidYouMean(.suggestion.as_deref()))]
    UnknownOption {
        /// The name as it was written.
        name: String,
        /// The known name that is nearest, when one is near enough.
        suggestion: Option<String>,
    },
    /// The value is not one that the option takes.
    #[error("option {name:?} expects {expected}, found {found:?}")]
    BadValue {
        /// The name of the option, with its prefix.
        name: String,
        /// What the option takes.
        expected: String,
        /// The value as it was written.
        found: String,
    },
    /// One source gives an option two different values under two spellings of its name.
    #[error("option {name:?} is set twice: {first:?} and {second:?}")]
    SetTwice {
        /// The name of the option, with its prefix.
        name: String,
        /// One value.
        first: String,
        /// The other.
        second: String,
    },
    /// Each value is good, but not together with that of another option.
    #[error("option {name:?} conflicts: {reason}")]
    Conflict {
        /// The name of the option, with its prefix.
        name: String,
        /// Which value needs what.
        reason: String,
    },
    /// The text is not TOML, or has values that no option takes, such as dates.
    #[error("expected TOML with names and values of options: {message}")]
    Syntax {
        /// Where and why.
        message: String,
    },
}

/// Every mistake that was found in a configuration, at least one.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ConfigErrors(Vec<ConfigError>);

impl ConfigErrors {
    /// `Ok(value)` when there are no problems.
    pub(super) fn check<T>(problems: Vec<ConfigError>, value: T) -> Result<T, Self> {
        if problems.is_empty() {
            Ok(value)
        } else {
            Err(Self(problems))
        }
    }

    /// The mistakes, in the order in which they were found.
    pub fn iter(&self) -> impl Iterator<Item = &ConfigError> {
        self.0.iter()
    }
}

impl From<ConfigError> for ConfigErrors {
    fn from(error: ConfigError) -> Self {
        Self(vec![error])
    }
}

impl IntoIterator for ConfigErrors {
    type IntoIter = vec::IntoIter<ConfigError>;
    type Item = ConfigError;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.0.iter().enumerate() {
            let separator = if index == 0 { "" } else { "; " };
            write!(formatter, "{separator}{problem}")?;
        }
        Ok(())
    }
}

impl error::Error for ConfigErrors {}

/// Something in a configuration that does not do what its author may expect, but need not stop the server.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ConfigWarning {
    name: String,
    reason: String,
}

impl ConfigWarning {
    pub(super) fn new(name: impl Into<String>, reason: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            reason: reason.into(),
        }
    }

    /// An environment variable that looks like an option.
    pub(super) fn unknown_variable(name: &str, suggestion: Option<&str>) -> Self {
        Self::new(
            name,
            format!("names no option and is ignored{}", DidYouMean(suggestion)),
        )
    }

    /// The name of the option with its prefix, or of the environment variable.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What will happen, and why.
    #[must_use]
    pub fn reason(&self) -> &str {
        &self.reason
    }
}

impl fmt::Display for ConfigWarning {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:?} {}", self.name, self.reason)
    }
}

struct DidYouMean<'a>(Option<&'a str>);

impl fmt::Display for DidYouMean<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(name) => write!(formatter, "; did you mean {name:?}?"),
            None => Ok(()),
        }
    }
}
