//! Methods of a service as the server calls them: listeners of channels, subscribers of the session.

use std::sync::Arc;

use parking_lot::Mutex;

use super::call::{Call, Environment, Subject};
use super::caller::Question;
use super::failure::{Answer, IntoFailure};
use super::method::{Completion, Handle, OwnPublishes};
use crate::protocol::{ChannelId, ChannelTemplate, Message, Parameters};
use crate::server::hook;
use crate::server::{
    Deferred, Exchange, HandlerError, MessageListener, Outcome, ServerSession, Subscriber,
};

/// A method of a service with what its arguments are taken from.
pub(super) struct Bound<S: 'static, T> {
    pub(super) service: Arc<S>,
    pub(super) environment: Arc<Environment>,
    /// The name and the place of the method.
    pub(super) location: Arc<str>,
    pub(super) call: Handle<S, T>,
}

impl<S, T> Bound<S, T> {
    /// Whether the service hears itself.
    fn is_own(&self, sender: &ServerSession) -> bool {
        sender == self.environment.session.server_session()
    }
}

/// The values of a template's variables in a channel that the server found for it.
pub(super) fn bind(template: &ChannelTemplate, channel: &ChannelId) -> Option<Parameters> {
    if template.has_variables() {
        template.bind(channel)
    } else {
        template
            .pattern()
            .matches(channel)
            .then(Parameters::default)
    }
}

/// A `#[listener]` method on one of its channels.
pub(super) struct Listener<S: 'static> {
    pub(super) bound: Bound<S, Outcome>,
    pub(super) template: ChannelTemplate,
    pub(super) own: OwnPublishes,
}

impl<S: Send + Sync> MessageListener for Listener<S> {
    fn on_message<'a>(
        &'a self,
        sender: Option<&'a ServerSession>,
        exchange: &'a mut Exchange,
    ) -> Deferred<'a, Outcome> {
        let Self {
            bound,
            template,
            own,
        } = self;
        if *own == OwnPublishes::Ignore && sender.is_some_and(|it| bound.is_own(it)) {
            return Outcome::Continue.into();
        }
        let Some(parameters) = bind(template, exchange.message.channel()) else {
            return Outcome::Continue.into();
        };
        let call = Call {
            environment: &bound.environment,
            sender,
            context: &exchange.context,
            parameters,
            message: Subject::Lent(&mut exchange.message),
            question: None,
        };
        (bound.call)(&bound.service, call)
    }

    fn location(&self) -> Option<&str> {
        Some(&self.bound.location)
    }
}

/// A `#[remote_call]` method on the channel of one of its targets. It never vetoes: whatever becomes of
/// the call, its request is acknowledged (`services.md` 2.6.33).
pub(super) struct RemoteCall<S: 'static> {
    pub(super) bound: Bound<S, Answer>,
    pub(super) template: ChannelTemplate,
}

impl<S: Send + Sync> MessageListener for RemoteCall<S> {
    fn on_message<'a>(
        &'a self,
        sender: Option<&'a ServerSession>,
        exchange: &'a mut Exchange,
    ) -> Deferred<'a, Outcome> {
        let Self { bound, template } = self;
        let parameters = bind(template, exchange.message.channel());
        let (Some(sender), Some(parameters)) = (sender, parameters) else {
            return Outcome::Continue.into();
        };
        // services.md 2.6.34
        if bound.is_own(sender) {
            return Outcome::Continue.into();
        }
        let question = Arc::new(Question {
            sender: sender.clone(),
            answer: Message {
                id: exchange.message.id.clone(),
                ..Message::empty(exchange.message.channel().clone())
            },
            location: Arc::clone(&bound.location),
            state: Mutex::default(),
        });
        Deferred::later(async move {
            let call = Call {
                environment: &bound.environment,
                sender: Some(sender),
                context: &exchange.context,
                parameters,
                message: Subject::Lent(&mut exchange.message),
                question: Some(&question),
            };
            let answer = hook::call(|| (bound.call)(&bound.service, call)).await;
            let answer = answer.unwrap_or_else(|panicked| {
                Answer::Failed(HandlerError::from(panicked).into_failure())
            });
            question.settle(answer).await;
            Outcome::Continue
        })
    }

    fn location(&self) -> Option<&str> {
        Some(&self.bound.location)
    }
}

/// A `#[subscription]` method with all its channels.
pub(super) struct Subscription<S: 'static> {
    pub(super) bound: Bound<S, Completion>,
    pub(super) templates: Vec<ChannelTemplate>,
}

impl<S: Send + Sync> Subscriber for Subscription<S> {
    fn on_message<'a>(&'a self, channel: &'a ChannelId, message: &'a Message) -> Deferred<'a, ()> {
        let Self { bound, templates } = self;
        let Some(parameters) = templates.iter().find_map(|it| bind(it, channel)) else {
            return ().into();
        };
        let call = Call {
            environment: &bound.environment,
            sender: None,
            context: &bound.environment.context,
            parameters,
            message: Subject::Own(Box::new(message.clone())),
            question: None,
        };
        match (bound.call)(&bound.service, call) {
            Deferred::Now(completion) => {
                bound.log(channel, completion);
                ().into()
            }
            Deferred::Later(later) => {
                Deferred::later(async move { bound.log(channel, later.await) })
            }
        }
    }
}

impl<S> Bound<S, Completion> {
    /// An error of a subscription concerns nobody else (`services.md` 2.5.29).
    fn log(&self, channel: &ChannelId, completion: Completion) {
        if let Err(error) = completion {
            tracing::error!(%channel, location = %self.location, %error, "a subscription failed");
        }
    }
}
