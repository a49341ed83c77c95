//! What a service is and how one is made.

use std::any::{Any, type_name};
use std::fmt;

use super::method::Method;
use crate::server::{BayeuxServer, LocalSession, Location, Problem, Provisions};

/// What `#[service]` knows of a struct.
#[derive(Clone, Copy, Debug)]
pub struct Definition {
    pub(super) name: &'static str,
    pub(super) location: Location,
    pub(super) order: i32,
}

impl Definition {
    /// A service of this name, declared here.
    #[must_use]
    pub const fn new(name: &'static str, location: Location) -> Self {
        Self {
            name,
            location,
            order: 0,
        }
    }

    /// Services start in this order, then by name. Default 0.
    #[must_use]
    pub const fn order(mut self, order: i32) -> Self {
        self.order = order;
        self
    }
}

/// A struct with `#[service("name")]`, which implements this.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a service",
    label = "not a service",
    note = "put `#[service(\"name\")]` on the struct"
)]
pub trait Service: Sized + 'static {
    /// Its name and place.
    const DEFINITION: Definition;

    /// Makes it; `None` if something is missing, which the context has noted.
    fn construct(context: &mut ServiceContext<'_>) -> Option<Self>;
}

/// A struct with an `#[handlers]` impl, which implements this.
#[diagnostic::on_unimplemented(
    message = "the service `{Self}` has no handlers",
    label = "no `#[handlers]` impl",
    note = "put `#[handlers]` on the `impl {Self}` that has its methods"
)]
pub trait Handlers: Service {
    /// One row for each annotated method, in the order of the source.
    const METHODS: &'static [Method<Self>];
}

/// What a service is made from.
#[derive(Debug)]
pub struct ServiceContext<'a> {
    server: &'a BayeuxServer,
    session: &'a LocalSession,
    provisions: &'a Provisions,
    pub(super) problems: Vec<Problem>,
}

impl<'a> ServiceContext<'a> {
    pub(super) const fn new(
        server: &'a BayeuxServer,
        session: &'a LocalSession,
        provisions: &'a Provisions,
    ) -> Self {
        Self {
            server,
            session,
            provisions,
            problems: Vec::new(),
        }
    }

    /// The server that the service is going to be part of.
    #[must_use]
    pub const fn server(&self) -> &BayeuxServer {
        self.server
    }

    /// The service's own session.
    #[must_use]
    pub fn session(&self) -> LocalSession {
        self.session.clone()
    }

    /// What was given to [`provide`](crate::Builder::provide) for this type. What is missing is
    /// noted, and `build()` reports it with this location.
    pub fn inject<T: Any + Clone>(&mut self, location: Location) -> Option<T> {
        let value = self.provisions.get();
        if value.is_none() {
            let name = type_name::<T>();
            let text = format!(
                "nothing is provided for `{name}`: call `provide::<{name}>(..)` on the builder"
            );
            self.problems.push(Problem::new(location, text));
        }
        value
    }
}

/// A service as `inventory` collects it.
pub struct Registration {
    pub(super) definition: Definition,
    pub(super) install: fn(crate::server::Builder) -> crate::server::Builder,
}

impl Registration {
    /// The registration of a service.
    #[must_use]
    pub const fn of<S: Handlers + Send + Sync>() -> Self {
        Self {
            definition: S::DEFINITION,
            install: super::install::constructed::<S>,
        }
    }
}

impl fmt::Debug for Registration {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.definition, formatter)
    }
}

inventory::collect!(Registration);
