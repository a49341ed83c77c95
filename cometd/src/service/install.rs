//! Attaching services to a server.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use super::call::{Call, Environment};
use super::definition::{Definition, Handlers, Registration, Service, ServiceContext};
use super::method::{Configure, IfExists, Kind, Listen, Method, OwnPublishes};
use crate::protocol::{ChannelPattern, ChannelTemplate, Parameters};
use crate::server::{
    BayeuxServer, Builder, Deferred, Exchange, Installation, Location, MessageListener, Outcome,
    Problem, Provisions, ServerSession,
};

/// Services.
impl Builder {
    /// Takes every `#[service]` that is linked into this binary.
    pub fn discover(self) -> Self {
        inventory::iter::<Registration>().fold(self, |builder, registration| {
            (registration.install)(builder)
        })
    }

    /// Takes the named ones only.
    #[track_caller]
    pub fn discover_only<'a>(mut self, names: impl IntoIterator<Item = &'a str>) -> Self {
        let here = Location::here();
        for name in names {
            let mut found = inventory::iter::<Registration>()
                .filter(|it| it.definition.name == name)
                .peekable();
            if found.peek().is_none() {
                let known: Vec<&str> = inventory::iter::<Registration>()
                    .map(|it| it.definition.name)
                    .collect();
                let text = format!("no service is called `{name}`; there are {known:?}");
                self = self.problem(Problem::new(here, text));
            }
            self = found.fold(self, |builder, registration| {
                (registration.install)(builder)
            });
        }
        self
    }

    /// Takes a service that has been made by hand.
    pub fn service<S: Handlers + Send + Sync>(self, service: S) -> Self {
        self.service_with(move |_| service)
    }

    /// Takes a service that is made from its context, which has its session.
    pub fn service_with<S: Handlers + Send + Sync>(
        self,
        make: impl FnOnce(&mut ServiceContext<'_>) -> S + Send + 'static,
    ) -> Self {
        plan(self, |context| Some(make(context)))
    }
}

/// Takes a service that `#[service]` knows how to make.
pub(super) fn constructed<S: Handlers + Send + Sync>(builder: Builder) -> Builder {
    plan(builder, S::construct)
}

fn plan<S: Handlers + Send + Sync>(
    builder: Builder,
    make: impl FnOnce(&mut ServiceContext<'_>) -> Option<S> + Send + 'static,
) -> Builder {
    builder.install(Box::new(Plan {
        definition: S::DEFINITION,
        make,
    }))
}

/// A service that is going to be made.
struct Plan<F> {
    definition: Definition,
    make: F,
}

impl<S, F> Installation for Plan<F>
where
    S: Handlers + Send + Sync,
    F: FnOnce(&mut ServiceContext<'_>) -> Option<S> + Send + 'static,
{
    fn order(&self) -> i32 {
        self.definition.order
    }

    fn name(&self) -> &str {
        self.definition.name
    }

    fn location(&self) -> Option<Location> {
        Some(self.definition.location)
    }

    fn install<'a>(
        self: Box<Self>,
        server: &'a BayeuxServer,
        provisions: &'a Arc<Provisions>,
    ) -> Pin<Box<dyn Future<Output = Vec<Problem>> + Send + 'a>> {
        Box::pin(async move {
            let Definition { name, location, .. } = self.definition;
            let session = match server.local_session(name).await {
                Ok(session) => session,
                Err(error) => {
                    let text =
                        format!("the session of the service `{name}` cannot handshake: {error}");
                    return vec![Problem::new(location, text)];
                }
            };
            let mut context = ServiceContext::new(server, &session, provisions);
            let made = (self.make)(&mut context);
            let mut problems = context.problems;
            if let Some(service) = made {
                let environment = Environment {
                    session,
                    provisions: Arc::clone(provisions),
                };
                problems.extend(attach(server, &Arc::new(service), &Arc::new(environment)));
            }
            problems
        })
    }
}

/// Configures the channels of a service, then adds its listeners, each in the order of the source.
fn attach<S: Handlers + Send + Sync>(
    server: &BayeuxServer,
    service: &Arc<S>,
    environment: &Arc<Environment>,
) -> Vec<Problem> {
    let mut problems = Vec::new();
    for method in S::METHODS {
        if let Kind::Configure { if_exists, call } = method.kind {
            problems.extend(configure::<S>(server, service, method, if_exists, call));
        }
    }
    for method in S::METHODS {
        if let Kind::Listener { own, call } = method.kind {
            problems.extend(listen(server, service, environment, method, own, call));
        }
    }
    problems
}

fn configure<S>(
    server: &BayeuxServer,
    service: &S,
    method: &Method<S>,
    if_exists: IfExists,
    call: Configure<S>,
) -> Vec<Problem> {
    let problem = |text: String| Problem::new(method.location, text);
    let mut problems = Vec::new();
    for name in method.channels {
        let mut result = Ok(());
        let created =
            server.create_channel_if_absent(*name, |channel| result = call(service, channel));
        match (created, if_exists) {
            (Err(error), _) => problems.push(problem(format!("`{name}`: {error}"))),
            (Ok((channel, false)), IfExists::Run) => {
                channel.configure(|channel| result = call(service, channel));
            }
            (Ok((_, false)), IfExists::Error) => {
                let text = format!(
                    "`{name}` exists already when `{}` is to configure it; `if_exists = \"run\"` configures it all the same",
                    method.name
                );
                problems.push(problem(text));
            }
            (Ok((_, false)), IfExists::Skip) | (Ok((_, true)), _) => {}
        }
        if let Err(error) = result {
            problems.push(problem(format!(
                "`{}` could not configure `{name}`: {error}",
                method.name
            )));
        }
    }
    problems
}

fn listen<S: Service + Send + Sync>(
    server: &BayeuxServer,
    service: &Arc<S>,
    environment: &Arc<Environment>,
    method: &'static Method<S>,
    own: OwnPublishes,
    call: Listen<S>,
) -> Vec<Problem> {
    let mut problems = Vec::new();
    for name in method.channels {
        let template = match ChannelTemplate::parse(name) {
            Ok(template) => template,
            Err(error) => {
                problems.push(Problem::new(method.location, format!("`{name}`: {error}")));
                continue;
            }
        };
        let pattern = template.pattern().clone();
        let listener = Arc::new(Handler {
            service: Arc::clone(service),
            environment: Arc::clone(environment),
            template: template.has_variables().then_some(template),
            location: format!("{} in {}", method.name, method.location),
            own,
            call,
        });
        add_listener(server, &pattern, listener);
    }
    problems
}

fn add_listener(
    server: &BayeuxServer,
    pattern: &ChannelPattern,
    listener: Arc<dyn MessageListener>,
) {
    let (channel, _) = server.core().create_channel(pattern, |_| ());
    channel.attach_listener(listener).keep();
}

/// A method of a service as a listener of a channel.
struct Handler<S> {
    service: Arc<S>,
    environment: Arc<Environment>,
    template: Option<ChannelTemplate>,
    location: String,
    own: OwnPublishes,
    call: Listen<S>,
}

impl<S> Handler<S> {
    /// Whether the service hears itself and did not ask to.
    fn is_own(&self, sender: Option<&ServerSession>) -> bool {
        self.own == OwnPublishes::Ignore
            && sender == Some(self.environment.session.server_session())
    }
}

impl<S: Service + Send + Sync> MessageListener for Handler<S> {
    fn on_message<'a>(
        &'a self,
        sender: Option<&'a ServerSession>,
        exchange: &'a mut Exchange,
    ) -> Deferred<'a, Outcome> {
        let message = &mut exchange.message;
        if self.is_own(sender) {
            return Outcome::Continue.into();
        }
        let parameters = match &self.template {
            None => Parameters::default(),
            Some(template) => match template.bind(message.channel()) {
                Some(parameters) => parameters,
                None => return Outcome::Continue.into(),
            },
        };
        let call = Call {
            environment: &self.environment,
            sender,
            context: &exchange.context,
            parameters,
            message,
        };
        (self.call)(&self.service, call)
    }

    fn location(&self) -> Option<&str> {
        Some(&self.location)
    }
}
