//! Who may do what with one channel or family of channels.

use std::any::Any;
use std::borrow::Cow;

use bytestring::ByteString;

use super::exchange::Exchange;
use super::hook::Deferred;
use super::principal::Principal;
use super::session::ServerSession;
use crate::channel::{Grant, Operation};
use crate::protocol::ChannelPattern;

/// The vote of an [`Authorizer`].
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Vote {
    /// Yes, unless somebody denies.
    Grant,
    /// No opinion. If all ignore, the operation is denied.
    Ignore,
    /// No, whatever the others say; the reason goes into the error of the reply.
    Deny(ByteString),
}

/// What somebody wants to do with a channel.
#[derive(Debug)]
#[non_exhaustive]
pub struct Intent<'a> {
    /// What is to be done.
    pub operation: Operation,
    /// The channel: not necessarily the one of the message, which for a subscription is
    /// `/meta/subscribe`.
    pub channel: &'a ChannelPattern,
    /// Who wants it.
    pub session: &'a ServerSession,
    /// The message that says so, and the reply to it.
    pub exchange: &'a mut Exchange,
}

/// Votes on what is done with the channels that it is hung on.
///
/// All authorizers of the channel and of the wildcards above it are asked, the widest first: one
/// denial denies; else one grant is needed. A channel without any is open (AUTH-2, AUTH-3).
pub trait Authorizer: Send + Sync + 'static {
    /// Votes on one operation. A panic denies.
    fn authorize<'a>(&'a self, intent: Intent<'a>) -> Deferred<'a, Vote>;

    /// What [`explain`](crate::BayeuxServer::explain) and the log call it, without secrets. By default
    /// the name of its type.
    fn name(&self) -> Cow<'_, str> {
        std::any::type_name::<Self>().into()
    }
}

impl Authorizer for Grant {
    fn authorize<'a>(&'a self, intent: Intent<'a>) -> Deferred<'a, Vote> {
        let vote = if self.grants(intent.operation) {
            Vote::Grant
        } else {
            Vote::Ignore
        };
        vote.into()
    }

    fn name(&self) -> Cow<'_, str> {
        format!("{self:?}").into()
    }
}

/// Authorizers that grant the set to some sessions, and ignore others.
///
/// ```
/// use cometd::{ChannelConfig, Grant, Principal};
///
/// #[derive(PartialEq)]
/// enum Role {
///     Staff,
///     Guest,
/// }
///
/// fn configure(channel: &mut ChannelConfig) {
///     channel
///         .authorizer(Grant::SUBSCRIBE.to_everybody_known())
///         .authorizer(Grant::PUBLISH.to_principals(|it| it.attribute() == Some(&Role::Staff)))
///         .authorizer(Grant::PUBLISH.to_attribute("invited", |until: &u64| *until > 0))
///         .authorizer(Grant::CREATE.to(|session| session.is_local()));
/// }
/// ```
impl Grant {
    /// Grants to the sessions that fulfil a condition.
    pub fn to(
        self,
        condition: impl Fn(&ServerSession) -> bool + Send + Sync + 'static,
    ) -> impl Authorizer {
        self.to_some("sessions", condition)
    }

    /// Grants to the sessions that have a principal, whoever that is.
    #[must_use]
    pub fn to_everybody_known(self) -> impl Authorizer {
        self.to_some("everybody known", |session: &ServerSession| {
            session.principal().is_some()
        })
    }

    /// Grants to the sessions whose principal fulfils a condition.
    pub fn to_principals(
        self,
        condition: impl Fn(&Principal) -> bool + Send + Sync + 'static,
    ) -> impl Authorizer {
        self.to_some("principals", move |session: &ServerSession| {
            session.principal().is_some_and(|it| condition(&it))
        })
    }

    /// Grants to the sessions that have an attribute of this name and type which fulfils a condition.
    pub fn to_attribute<T: Any + Send + Sync>(
        self,
        name: &'static str,
        condition: impl Fn(&T) -> bool + Send + Sync + 'static,
    ) -> impl Authorizer {
        self.to_some(name, move |session: &ServerSession| {
            session
                .attribute::<T>(name)
                .is_some_and(|it| condition(&it))
        })
    }

    const fn to_some<F>(self, whom: &'static str, condition: F) -> GrantTo<F> {
        GrantTo {
            grant: self,
            whom,
            condition,
        }
    }
}

/// Grants a set of operations to those who fulfil a condition.
struct GrantTo<F> {
    grant: Grant,
    /// Who these are, for people.
    whom: &'static str,
    condition: F,
}

impl<F> Authorizer for GrantTo<F>
where
    F: Fn(&ServerSession) -> bool + Send + Sync + 'static,
{
    fn authorize<'a>(&'a self, intent: Intent<'a>) -> Deferred<'a, Vote> {
        let granted = self.grant.grants(intent.operation) && (self.condition)(intent.session);
        let vote = if granted { Vote::Grant } else { Vote::Ignore };
        vote.into()
    }

    fn name(&self) -> Cow<'_, str> {
        format!("{:?} to {}", self.grant, self.whom).into()
    }
}

/// A closure that has its vote at once.
impl<F> Authorizer for F
where
    F: Fn(&Intent<'_>) -> Vote + Send + Sync + 'static,
{
    fn authorize<'a>(&'a self, intent: Intent<'a>) -> Deferred<'a, Vote> {
        self(&intent).into()
    }
}
