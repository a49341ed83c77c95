//! Attaching services to a server.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use super::attached::Attached;
use super::call::Environment;
use super::definition::{Definition, Handlers, Registration, ServiceContext};
use crate::server::{
    BayeuxServer, Builder, Installation, Installed, Location, Problem, Provisions, Row,
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

    fn rows(&self) -> Vec<Row> {
        S::METHODS.iter().map(|method| method.row).collect()
    }

    fn install<'a>(
        self: Box<Self>,
        server: &'a BayeuxServer,
        provisions: &'a Arc<Provisions>,
    ) -> Pin<Box<dyn Future<Output = Installed> + Send + 'a>> {
        Box::pin(async move {
            let Definition { name, location, .. } = self.definition;
            let nothing = |problems| Installed {
                running: None,
                problems,
            };
            let session = match server.local_session(name).await {
                Ok(session) => session,
                Err(error) => {
                    let text =
                        format!("the session of the service `{name}` cannot handshake: {error}");
                    return nothing(vec![Problem::new(location, text)]);
                }
            };
            let mut context = ServiceContext::new(server, &session, provisions);
            let made = (self.make)(&mut context);
            let problems = context.problems;
            let Some(service) = made else {
                session.disconnect().await;
                return nothing(problems);
            };
            let environment = Environment {
                session,
                provisions: Arc::clone(provisions),
                context: Arc::clone(server.core().local_context()),
            };
            let mut installed = Attached::attach(server, service, environment).await;
            installed.problems.splice(..0, problems);
            installed
        })
    }
}
