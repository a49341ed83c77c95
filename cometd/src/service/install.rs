//! Attaching services to a server.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use super::attached::Attaching;
use super::bound::{self, Bound};
use super::call::Environment;
use super::definition::{Definition, Handlers, Registration, ServiceContext};
use crate::server::{
    BayeuxServer, Builder, Installation, Installed, Location, Problem, Provisions,
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
        make: Box::new(|context| make(context).map(bound::bind)),
    }))
}

/// A service that is going to be made.
struct Plan {
    definition: Definition,
    make: Make,
}

/// Makes a service and binds its methods; `None` if something is missing, which the context has noted.
type Make = Box<dyn FnOnce(&mut ServiceContext<'_>) -> Option<Vec<Bound>> + Send>;

impl Installation for Plan {
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
    ) -> Pin<Box<dyn Future<Output = Installed> + Send + 'a>> {
        Box::pin(async move {
            let Definition { name, location, .. } = self.definition;
            let session = match server.local_session(name).await {
                Ok(session) => session,
                Err(error) => {
                    let text =
                        format!("the session of the service `{name}` cannot handshake: {error}");
                    return Installed::nothing(vec![Problem::new(location, text)]);
                }
            };
            let mut context = ServiceContext::new(server, &session, provisions);
            let made = (self.make)(&mut context);
            let problems = context.problems;
            let Some(methods) = made else {
                session.disconnect().await;
                return Installed::nothing(problems);
            };
            let environment = Environment {
                session,
                provisions: Arc::clone(provisions),
                context: Arc::clone(server.core().local_context()),
            };
            Attaching::new(server, environment, problems)
                .attach(methods)
                .await
        })
    }
}
