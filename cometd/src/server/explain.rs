//! Which rule decides what a session may do.

use std::fmt;

use bytestring::ByteString;

use super::BayeuxServer;
use super::authorization::{Question, Witness};
use super::authorizer::Vote;
use super::channel::ServerChannel;
use super::exchange::Exchange;
use super::location::Location;
use super::policy::Decision;
use super::session::ServerSession;
use super::settings::Guard;
use crate::channel::Operation;
use crate::protocol::{ChannelError, ChannelPattern, Message};

/// Whether a session may do something with a channel, and who said what about it. Its text is for
/// people.
///
/// ```text
/// subscribe to /game/1 by 9x2f… (alice): denied_by_not_granting
///   subscribe: the policy grants
///   subscribe: Grant(publish) of /game/* at src/game.rs:14:17 ignores
/// ```
#[derive(Clone, Debug)]
pub struct Explanation {
    operation: Operation,
    channel: ChannelPattern,
    /// The session, and its principal if it has one.
    who: String,
    findings: Vec<Finding>,
    result: Result<(), ByteString>,
}

/// What one rule says about one operation.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Finding {
    /// What it was asked about: to publish or subscribe to a channel that does not exist also means to
    /// create it.
    pub operation: Operation,
    /// Who was asked.
    pub rule: Rule,
    /// The answer.
    pub vote: Vote,
}

/// Who decides.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Rule {
    /// The policy of the server.
    Policy,
    /// An authorizer.
    Authorizer {
        /// What it calls itself.
        name: String,
        /// The channel that it is hung on, which may be a wildcard.
        channel: ChannelPattern,
        /// Where in the source it was hung there.
        location: Location,
    },
    /// The server's `denyByDefault`, because no authorizer guards the channel.
    Unguarded,
}

impl BayeuxServer {
    /// Which rule decides whether a session may do something with a channel, and why.
    ///
    /// Policy and authorizers are asked as they would be for a message, but the message has no data and
    /// came with no request. If the channel does not exist, they are first asked whether it may be
    /// created, which it is not: who would be hung on it is not heard.
    ///
    /// # Errors
    /// The name is no channel name, or a wildcard that somebody is to publish to.
    ///
    /// # Cancel safety
    /// Nothing is changed, unless by those who are asked.
    pub async fn explain<C>(
        &self,
        operation: Operation,
        channel: C,
        session: &ServerSession,
    ) -> Result<Explanation, ChannelError>
    where
        C: TryInto<ChannelPattern>,
        ChannelError: From<C::Error>,
    {
        let channel = channel.try_into().map_err(ChannelError::from)?;
        let message = match operation {
            Operation::Publish => {
                Message::empty(channel.to_channel().ok_or(ChannelError::Wildcard)?)
            }
            Operation::Create | Operation::Subscribe => Message::subscribe(channel.as_str()),
        };
        let core = self.core();
        let mut exchange = Exchange::of_server(message, core.local_context());
        let route = core.matching(&channel);
        let exists = route.last().is_some_and(|it| *it.id() == channel);
        let operations: &[Operation] = if exists || operation == Operation::Create {
            &[operation]
        } else {
            &[Operation::Create, operation]
        };
        let mut findings = Findings(Vec::new());
        let mut result = Ok(());
        for &operation in operations {
            let question = Question {
                operation,
                channel: &channel,
                session,
            };
            let asked = core.authorize_on(&route, question, &mut exchange, &mut findings);
            result = asked.await;
            findings.conclude(operation, &result);
            if result.is_err() {
                break;
            }
        }
        let who = match session.principal() {
            Some(principal) => format!("{session} ({principal})"),
            None => session.to_string(),
        };
        Ok(Explanation {
            operation,
            channel,
            who,
            findings: findings.0,
            result,
        })
    }
}

impl Explanation {
    /// Whether the session may do it.
    #[must_use]
    pub const fn is_granted(&self) -> bool {
        self.result.is_ok()
    }

    /// Why it may not, as the reply would say.
    #[must_use]
    pub fn reason(&self) -> Option<&str> {
        self.result.as_ref().err().map(|reason| &**reason)
    }

    /// What those who were asked said, in the order in which they were asked. After a denial nobody is.
    #[must_use]
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// The finding that decides; `None` if all authorizers ignore the question, which denies.
    #[must_use]
    pub fn decisive(&self) -> Option<&Finding> {
        match self.result {
            Ok(()) => self.findings.iter().rfind(|it| it.vote == Vote::Grant),
            Err(_) => self.findings.last().filter(|it| it.is_denial()),
        }
    }
}

impl Finding {
    const fn is_denial(&self) -> bool {
        matches!(self.vote, Vote::Deny(_))
    }
}

/// Takes down who says what.
struct Findings(Vec<Finding>);

impl Findings {
    /// Notes what holds where nobody was there to ask.
    fn conclude(&mut self, operation: Operation, result: &Result<(), ByteString>) {
        let only_policy = self
            .0
            .last()
            .is_some_and(|it| it.rule == Rule::Policy && !it.is_denial());
        if only_policy {
            let vote = result
                .as_ref()
                .map_or_else(|reason| Vote::Deny(reason.clone()), |()| Vote::Grant);
            self.0.push(Finding {
                operation,
                rule: Rule::Unguarded,
                vote,
            });
        }
    }
}

impl Witness for Findings {
    fn policy(&mut self, question: Question<'_>, decision: &Decision) {
        let vote = match decision {
            Decision::Grant => Vote::Grant,
            Decision::Deny(reason) => Vote::Deny(reason.clone()),
        };
        self.0.push(Finding {
            operation: question.operation,
            rule: Rule::Policy,
            vote,
        });
    }

    fn authorizer(
        &mut self,
        question: Question<'_>,
        at: &ServerChannel,
        guard: &Guard,
        vote: &Vote,
    ) {
        self.0.push(Finding {
            operation: question.operation,
            rule: Rule::Authorizer {
                name: guard.authorizer.name().into_owned(),
                channel: at.id().clone(),
                location: guard.location,
            },
            vote: vote.clone(),
        });
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { channel, who, .. } = self;
        let verb = match self.operation {
            Operation::Create => "create",
            Operation::Publish => "publish to",
            Operation::Subscribe => "subscribe to",
        };
        let result = self.reason().unwrap_or("granted");
        write!(formatter, "{verb} {channel} by {who}: {result}")?;
        self.findings
            .iter()
            .try_for_each(|finding| write!(formatter, "\n  {finding}"))
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {} ", self.operation, self.rule)?;
        match &self.vote {
            Vote::Grant => formatter.write_str("grants"),
            Vote::Ignore => formatter.write_str("ignores"),
            Vote::Deny(reason) => write!(formatter, "denies: {reason}"),
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Policy => formatter.write_str("the policy"),
            Self::Authorizer {
                name,
                channel,
                location,
            } => write!(formatter, "{name} of {channel} at {location}"),
            Self::Unguarded => formatter.write_str("without authorizers the server"),
        }
    }
}
