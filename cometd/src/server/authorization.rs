//! Whether a session may do something: the policy is asked, then the authorizers (AUTH-1 to AUTH-3).

use bytestring::ByteString;

use super::authorizer::{Intent, Vote};
use super::channel::ServerChannel;
use super::core::Core;
use super::exchange::Exchange;
use super::hook::{self, Deferred};
use super::policy::Decision;
use super::route::Route;
use super::session::ServerSession;
use super::settings::Guard;
use crate::channel::Operation;
use crate::protocol::ChannelPattern;

/// What a session wants to do.
#[derive(Clone, Copy)]
pub(super) struct Question<'a> {
    pub(super) operation: Operation,
    pub(super) channel: &'a ChannelPattern,
    pub(super) session: &'a ServerSession,
}

/// Sees how a question is decided.
pub(super) trait Witness {
    fn policy(&mut self, question: Question<'_>, decision: &Decision);
    fn authorizer(
        &mut self,
        question: Question<'_>,
        at: &ServerChannel,
        guard: &Guard,
        vote: &Vote,
    );
}

/// Nobody looks.
impl Witness for () {
    fn policy(&mut self, _: Question<'_>, _: &Decision) {}
    fn authorizer(&mut self, _: Question<'_>, _: &ServerChannel, _: &Guard, _: &Vote) {}
}

impl Core {
    /// Whether the session may do this; `Err` is the reason why not.
    pub(super) async fn authorize(
        &self,
        question: Question<'_>,
        exchange: &mut Exchange,
    ) -> Result<(), ByteString> {
        let route = self.matching(question.channel);
        self.authorize_on(&route, question, exchange, &mut ()).await
    }

    /// The same for a channel whose way through the tree is known.
    pub(super) async fn authorize_on(
        &self,
        route: &Route,
        question: Question<'_>,
        exchange: &mut Exchange,
        witness: &mut (impl Witness + Send),
    ) -> Result<(), ByteString> {
        let decision = match self.ask_policy(question, exchange) {
            Deferred::Now(decision) => decision,
            Deferred::Later(deciding) => deciding.await,
        };
        witness.policy(question, &decision);
        if let Decision::Deny(reason) = decision {
            return Err(reason);
        }
        if !route.is_guarded() {
            return self.unguarded();
        }
        let mut votes = Votes::default();
        for (channel, settings) in route.stops() {
            for guard in &settings.authorizers {
                let vote = ask_authorizer(question, channel, guard, exchange).await;
                witness.authorizer(question, channel, guard, &vote);
                votes.count(vote)?;
            }
        }
        votes.result(self.config().server.deny_by_default)
    }

    /// The same for a channel without authorizers: only the policy is asked.
    pub(super) fn authorize_unguarded<'a>(
        &'a self,
        question: Question<'a>,
        exchange: &'a mut Exchange,
    ) -> Deferred<'a, Result<(), ByteString>> {
        let decide = |decision| match decision {
            Decision::Grant => self.unguarded(),
            Decision::Deny(reason) => Err(reason),
        };
        match self.ask_policy(question, exchange) {
            Deferred::Now(decision) => Deferred::Now(decide(decision)),
            Deferred::Later(decision) => Deferred::later(async move { decide(decision.await) }),
        }
    }

    /// What holds where nobody votes.
    fn unguarded(&self) -> Result<(), ByteString> {
        Votes::None.result(self.config().server.deny_by_default)
    }

    fn ask_policy<'a>(
        &'a self,
        question: Question<'a>,
        exchange: &'a mut Exchange,
    ) -> Deferred<'a, Decision> {
        let Question {
            operation,
            channel,
            session,
        } = question;
        let policy = self.policy();
        hook::ask(
            move || match operation {
                Operation::Create => policy.can_create(session, channel, exchange),
                Operation::Publish => policy.can_publish(session, channel, exchange),
                Operation::Subscribe => policy.can_subscribe(session, channel, exchange),
            },
            move |error| {
                tracing::error!(%error, "the security policy failed: {operation} is denied");
                Decision::deny()
            },
        )
    }
}

async fn ask_authorizer(
    question: Question<'_>,
    at: &ServerChannel,
    guard: &Guard,
    exchange: &mut Exchange,
) -> Vote {
    let intent = Intent {
        operation: question.operation,
        channel: question.channel,
        session: question.session,
        exchange,
    };
    let vote = hook::call(|| guard.authorizer.authorize(intent)).await;
    vote.unwrap_or_else(|error| {
        let operation = question.operation;
        tracing::error!(channel = %at, authorizer = %guard, %error, "an authorizer failed: {operation} is denied");
        Vote::Deny(ByteString::from_static("denied_by_authorizer"))
    })
}

/// The votes of the authorizers so far.
#[derive(Default)]
enum Votes {
    #[default]
    None,
    Ignored,
    Granted,
}

impl Votes {
    fn count(&mut self, vote: Vote) -> Result<(), ByteString> {
        match (vote, &self) {
            (Vote::Deny(reason), _) => return Err(reason),
            (Vote::Grant, _) => *self = Self::Granted,
            (Vote::Ignore, Self::None) => *self = Self::Ignored,
            (Vote::Ignore, Self::Ignored | Self::Granted) => {}
        }
        Ok(())
    }

    fn result(self, deny_by_default: bool) -> Result<(), ByteString> {
        match self {
            Self::Granted => Ok(()),
            Self::None if !deny_by_default => Ok(()),
            Self::None | Self::Ignored => Err(ByteString::from_static("denied_by_not_granting")),
        }
    }
}
