//! Who listens where: the tree of channels and the rules that need no session.

mod grant;
mod subscribers;
mod tree;

pub use self::grant::{Grant, Operation};
pub(crate) use self::subscribers::Subscribers;
pub(crate) use self::tree::Tree;
