//! What one may do with a channel.

use std::fmt;
use std::ops::BitOr;

/// Something that a session wants to do with a channel.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Operation {
    /// Make a channel that does not exist.
    Create,
    /// Publish a message to it.
    Publish,
    /// Receive what is published to it.
    Subscribe,
}

impl fmt::Display for Operation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Create => "create",
            Self::Publish => "publish",
            Self::Subscribe => "subscribe",
        })
    }
}

/// A set of operations: as an authorizer it grants these to everyone and ignores the others.
///
/// Sets are joined with `|`. A channel whose authorizers all ignore an operation denies it.
#[derive(Clone, Copy, Eq, Hash, PartialEq)]
pub struct Grant(u8);

impl Grant {
    /// Grants nothing: turns a channel, or with a wildcard a whole subtree, into one where
    /// everything needs another authorizer's grant.
    pub const NONE: Self = Self(0);
    /// Grants creation.
    pub const CREATE: Self = Self(1);
    /// Grants publishing.
    pub const PUBLISH: Self = Self(2);
    /// Grants subscribing.
    pub const SUBSCRIBE: Self = Self(4);
    /// Grants creation and publishing.
    pub const CREATE_PUBLISH: Self = Self(1 | 2);
    /// Grants creation and subscribing.
    pub const CREATE_SUBSCRIBE: Self = Self(1 | 4);
    /// Grants subscribing and publishing.
    pub const SUBSCRIBE_PUBLISH: Self = Self(2 | 4);
    /// Grants everything.
    pub const ALL: Self = Self(1 | 2 | 4);

    /// Whether the operation is in the set.
    #[must_use]
    pub const fn grants(self, operation: Operation) -> bool {
        let bit = match operation {
            Operation::Create => Self::CREATE,
            Operation::Publish => Self::PUBLISH,
            Operation::Subscribe => Self::SUBSCRIBE,
        };
        self.0 & bit.0 != 0
    }
}

impl BitOr for Grant {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl fmt::Debug for Grant {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let operations = [Operation::Create, Operation::Publish, Operation::Subscribe];
        formatter.write_str("Grant(")?;
        for (index, operation) in operations
            .into_iter()
            .filter(|it| self.grants(*it))
            .enumerate()
        {
            write!(
                formatter,
                "{}{operation}",
                if index == 0 { "" } else { ", " }
            )?;
        }
        formatter.write_str(")")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_grants_what_is_in_it() {
        let set = Grant::CREATE | Grant::SUBSCRIBE;
        assert_eq!(set, Grant::CREATE_SUBSCRIBE);
        assert!(set.grants(Operation::Create) && set.grants(Operation::Subscribe));
        assert!(!set.grants(Operation::Publish));
        assert_eq!(format!("{set:?}"), "Grant(create, subscribe)");
    }
}
