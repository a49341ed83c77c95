//! Methods as the server calls them for messages: listeners of channels, subscribers of the session.

use std::sync::Arc;

use parking_lot::Mutex;

use super::bound::Handle;
use super::call::{Call, Environment, Subject};
use super::caller::PendingCall;
use super::failure::{Answer, IntoFailure};
use super::method::{Completion, OwnPublishes};
use crate::protocol::{ChannelId, ChannelTemplate, Message, Parameters};
use crate::server::hook;
use crate::server::{
    Deferred, Exchange, HandlerError, MessageListener, Outcome, ServerSession, Subscriber,
};

/// A method with what its arguments are taken from.
pub(super) struct Handler<T> {
    pub(super) method: Arc<dyn Handle<T>>,
    pub(super) environment: Arc<Environment>,
    /// The name and the place of the method.
    pub(super) location: Arc<str>,
}

impl<T> Handler<T> {
    /// Whether the service hears itself.
    fn is_own(&self, sender: &ServerSession) -> bool {
        sender == self.environment.session.server_session()
    }
}

/// The values of a template's variables in a channel that the server found for it.
pub(super) fn bind(template: &ChannelTemplate, channel: &ChannelId) -> Option<Parameters> {
    let pattern = template.pattern();
    // Mostly there is no wildcard, and then there is nothing to take apart.
    if pattern.as_str() == channel.as_str() {
        return Some(Parameters::default());
    }
    if template.has_variables() {
        return template.bind(channel);
    }
    pattern.matches(channel).then(Parameters::default)
}

/// A `#[listener]` method on one of its channels.
pub(super) struct Listener {
    pub(super) handler: Handler<Outcome>,
    pub(super) template: ChannelTemplate,
    pub(super) own: OwnPublishes,
}

impl MessageListener for Listener {
    fn on_message<'a>(
        &'a self,
        sender: Option<&'a ServerSession>,
        exchange: &'a mut Exchange,
    ) -> Deferred<'a, Outcome> {
        let Self {
            handler,
            template,
            own,
        } = self;
        if *own == OwnPublishes::Ignore && sender.is_some_and(|it| handler.is_own(it)) {
            return Outcome::Continue.into();
        }
        let Some(parameters) = bind(template, exchange.message.channel()) else {
            return Outcome::Continue.into();
        };
        handler.method.handle(Call {
            environment: &handler.environment,
            sender,
            context: &exchange.context,
            parameters,
            message: Subject::Lent(&mut exchange.message),
            pending: None,
        })
    }

    fn location(&self) -> Option<&str> {
        Some(&self.handler.location)
    }
}

/// A `#[remote_call]` method on the channel of one of its targets. It never vetoes: whatever becomes of
/// the call, its request is acknowledged (`services.md` 2.6.33).
pub(super) struct RemoteCall {
    pub(super) handler: Handler<Answer>,
    pub(super) template: ChannelTemplate,
}

impl MessageListener for RemoteCall {
    fn on_message<'a>(
        &'a self,
        sender: Option<&'a ServerSession>,
        exchange: &'a mut Exchange,
    ) -> Deferred<'a, Outcome> {
        let Self { handler, template } = self;
        let parameters = bind(template, exchange.message.channel());
        let (Some(sender), Some(parameters)) = (sender, parameters) else {
            return Outcome::Continue.into();
        };
        // services.md 2.6.34
        if handler.is_own(sender) {
            return Outcome::Continue.into();
        }
        let pending = Arc::new(PendingCall {
            sender: sender.clone(),
            channel: exchange.message.channel().clone(),
            id: exchange.message.id.clone(),
            location: Arc::clone(&handler.location),
            state: Mutex::default(),
        });
        Deferred::later(async move {
            let call = Call {
                environment: &handler.environment,
                sender: Some(sender),
                context: &exchange.context,
                parameters,
                message: Subject::Lent(&mut exchange.message),
                pending: Some(&pending),
            };
            let answer = hook::call(|| handler.method.handle(call)).await;
            let answer = answer.unwrap_or_else(|panicked| {
                Answer::Failed(HandlerError::from(panicked).into_failure())
            });
            pending.settle(answer).await;
            Outcome::Continue
        })
    }

    fn location(&self) -> Option<&str> {
        Some(&self.handler.location)
    }
}

/// A `#[subscription]` method with all its channels.
pub(super) struct Subscription {
    pub(super) handler: Handler<Completion>,
    pub(super) templates: Vec<ChannelTemplate>,
}

impl Subscription {
    /// An error of a subscription concerns nobody else (`services.md` 2.5.29).
    fn log(&self, channel: &ChannelId, completion: Completion) {
        if let Err(error) = completion {
            let location = &self.handler.location;
            tracing::error!(%channel, %location, %error, "a subscription failed");
        }
    }
}

impl Subscriber for Subscription {
    fn on_message<'a>(&'a self, channel: &'a ChannelId, message: &'a Message) -> Deferred<'a, ()> {
        let Self { handler, templates } = self;
        let Some(parameters) = templates.iter().find_map(|it| bind(it, channel)) else {
            return ().into();
        };
        let call = Call {
            environment: &handler.environment,
            sender: None,
            context: &handler.environment.context,
            parameters,
            message: Subject::Own(Box::new(message.clone())),
            pending: None,
        };
        match handler.method.handle(call) {
            Deferred::Now(completion) => {
                self.log(channel, completion);
                ().into()
            }
            Deferred::Later(later) => {
                Deferred::later(async move { self.log(channel, later.await) })
            }
        }
    }
}
