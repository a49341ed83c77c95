//! Options whose value is one of a few names.

use crate::protocol::Transport;
use crate::session::QueueOverflow;

/// The `SameSite` attribute of the session cookie.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum SameSite {
    /// Sent with requests from the same site only.
    Strict,
    /// Sent also when a link of another site is followed.
    Lax,
    /// Sent with every request; browsers ask for `Secure` with it.
    None,
}

/// A closed set of names, matched without regard to case.
pub(super) trait Choice: Copy + 'static {
    const ALL: &'static [Self];

    fn name(self) -> &'static str;

    fn parse(text: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .copied()
            .find(|it| it.name().eq_ignore_ascii_case(text))
    }

    /// `one, two or three`.
    fn names() -> String {
        let names: Vec<_> = Self::ALL.iter().map(|it| it.name()).collect();
        match names.split_last() {
            Some((last, rest)) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
            _ => names.concat(),
        }
    }
}

impl Choice for Transport {
    const ALL: &'static [Self] = &Self::ALL;

    fn name(self) -> &'static str {
        self.name()
    }
}

impl Choice for SameSite {
    const ALL: &'static [Self] = &[Self::Strict, Self::Lax, Self::None];

    fn name(self) -> &'static str {
        match self {
            Self::Strict => "Strict",
            Self::Lax => "Lax",
            Self::None => "None",
        }
    }
}

impl SameSite {
    /// The value of the attribute: `Strict`, `Lax` or `None`.
    #[must_use]
    pub fn name(self) -> &'static str {
        Choice::name(self)
    }
}

impl Choice for QueueOverflow {
    const ALL: &'static [Self] = &[Self::Disconnect, Self::DropOldest, Self::DropNewest];

    fn name(self) -> &'static str {
        match self {
            Self::Disconnect => "disconnect",
            Self::DropOldest => "dropOldest",
            Self::DropNewest => "dropNewest",
        }
    }
}
