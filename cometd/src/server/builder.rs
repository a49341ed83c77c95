//! Describing a server.

use std::any::Any;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::BayeuxServer;
use super::config::{ConfigErrors, ServerConfig};
use super::core::{Core, Parts};
use super::extension::Extension;
use super::installation::Installation;
use super::listener::ServerListener;
use super::location::Location;
use super::policy::SecurityPolicy;
use super::provisions::Provisions;
use super::report::Report;
use super::timers;
use crate::protocol::Transport;
use crate::session::QueueOverflow;

/// Describes a server; [`build`](Self::build) starts it, or says everything that is wrong.
#[derive(Default)]
#[must_use = "a builder does nothing until it is built"]
pub struct Builder {
    config: ServerConfig,
    policy: Option<Box<dyn SecurityPolicy>>,
    extensions: Vec<Arc<dyn Extension>>,
    listeners: Vec<Box<dyn ServerListener>>,
    provisions: Provisions,
    installations: Vec<Box<dyn Installation>>,
    problems: Vec<Problem>,
}

/// One thing that keeps a server from starting.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Problem {
    location: Option<Location>,
    text: String,
}

impl Problem {
    pub(crate) fn new(location: impl Into<Option<Location>>, text: impl Into<String>) -> Self {
        Self {
            location: location.into(),
            text: text.into(),
        }
    }

    /// Where in the source the problem is, if that is known.
    #[must_use]
    pub const fn location(&self) -> Option<Location> {
        self.location
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.location {
            Some(location) => write!(formatter, "{location}: {}", self.text),
            None => formatter.write_str(&self.text),
        }
    }
}

/// A server could not be started; holds every reason that was found.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct BuildError(Vec<Problem>);

impl BuildError {
    /// The reasons.
    #[must_use]
    pub fn problems(&self) -> &[Problem] {
        &self.0
    }
}

impl fmt::Display for BuildError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the server cannot start:")?;
        self.0
            .iter()
            .try_for_each(|problem| write!(formatter, "\n  {problem}"))
    }
}

impl std::error::Error for BuildError {}

/// Options, by their CometD names in Rust case; see [`config::options`](super::config::options).
impl Builder {
    /// Lays a whole configuration over what has been set so far.
    pub fn config(mut self, config: ServerConfig) -> Self {
        self.config.merge(config);
        self
    }

    /// Sets an option by its CometD name, with any prefix, to a value as text.
    #[track_caller]
    pub fn option(mut self, name: &str, value: &str) -> Self {
        if let Err(error) = self.config.set(name, value) {
            self.problems
                .push(Problem::new(Location::here(), error.to_string()));
        }
        self
    }

    /// How long a connect is held when there is nothing to deliver. Default 20 s.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.config.timeout(timeout);
        self
    }

    /// How long clients pause between connects. Default zero.
    pub fn interval(mut self, interval: Duration) -> Self {
        self.config.interval(interval);
        self
    }

    /// How long a session is kept while its client is silent. Default 10 s.
    pub fn max_interval(mut self, max_interval: Duration) -> Self {
        self.config.max_interval(max_interval);
        self
    }

    /// How long lazy messages may wait; `None` delivers them at once. Default 5 s.
    pub fn max_lazy_timeout(mut self, timeout: Option<Duration>) -> Self {
        self.config.max_lazy_timeout(timeout);
        self
    }

    /// How often idle channels are looked for. Default 997 ms.
    pub fn sweep_period(mut self, period: Duration) -> Self {
        self.config.sweep_period(period);
        self
    }

    /// Longest envelope in bytes. Default 1 MiB.
    pub fn max_message_size(mut self, bytes: usize) -> Self {
        self.config.max_message_size(bytes);
        self
    }

    /// Most bytes that wait for one session, `None` for no limit. Default 16 MiB.
    pub fn max_queue_bytes(mut self, bytes: Option<usize>) -> Self {
        self.config.max_queue_bytes(bytes);
        self
    }

    /// What happens to a message beyond that. Default: the session is ended.
    pub fn queue_overflow(mut self, overflow: QueueOverflow) -> Self {
        self.config.queue_overflow(overflow);
        self
    }

    /// Whether sessions receive what they publish themselves. Default: yes.
    pub fn broadcast_to_publisher(mut self, broadcast: bool) -> Self {
        self.config.broadcast_to_publisher(broadcast);
        self
    }

    /// The connection types that clients may use, in the order in which they are advertised.
    pub fn allowed_transports(mut self, transports: impl IntoIterator<Item = Transport>) -> Self {
        self.config.allowed_transports(transports);
        self
    }

    /// The origins beside the server's own whose pages may use it, such as `https://app.example.com`;
    /// `*` and `null` let pages in without their cookies. Default: none.
    pub fn allowed_origins<S: AsRef<str>>(mut self, origins: impl IntoIterator<Item = S>) -> Self {
        self.config.allowed_origins(origins);
        self
    }

    /// Closes channels that no authorizer guards. Default: they are open.
    pub fn deny_by_default(mut self) -> Self {
        self.config.deny_by_default(true);
        self
    }
}

/// Hooks and services.
impl Builder {
    /// Replaces the [`DefaultSecurityPolicy`](crate::DefaultSecurityPolicy).
    pub fn security_policy(mut self, policy: impl SecurityPolicy) -> Self {
        self.policy = Some(Box::new(policy));
        self
    }

    /// Adds an extension that sees all messages.
    pub fn extension(mut self, extension: impl Extension) -> Self {
        self.extensions.push(Arc::new(extension));
        self
    }

    /// Adds a listener to sessions, channels and subscriptions.
    pub fn listener(mut self, listener: impl ServerListener) -> Self {
        self.listeners.push(Box::new(listener));
        self
    }

    /// Gives a value of a type to services: to fields marked `#[inject]`, and to
    /// [`ServiceContext::inject`](crate::ServiceContext::inject).
    #[track_caller]
    pub fn provide<T: Any + Clone + Send + Sync>(mut self, value: T) -> Self {
        if self.provisions.insert(value) {
            let text = format!("a `{}` is provided twice", std::any::type_name::<T>());
            self.problems.push(Problem::new(Location::here(), text));
        }
        self
    }

    pub(crate) fn install(mut self, installation: Box<dyn Installation>) -> Self {
        self.installations.push(installation);
        self
    }

    pub(crate) fn problem(mut self, problem: Problem) -> Self {
        self.problems.push(problem);
        self
    }

    /// Starts the server: from here on it has tasks and can be served.
    ///
    /// # Errors
    /// Everything that is wrong with options and services, with the places in the source. The services
    /// that could be started have been stopped again.
    ///
    /// # Cancel safety
    /// Dropped before its end, the server is stopped; services that had been started are taken off,
    /// but not told.
    pub async fn build(mut self) -> Result<BayeuxServer, BuildError> {
        self.config
            .warnings()
            .iter()
            .for_each(|warning| tracing::warn!("{warning}"));
        let config = match self.config.resolve() {
            Ok(config) => config,
            Err(errors) => {
                self.problems.extend(problems_of(&errors));
                return Err(BuildError(self.problems));
            }
        };
        let core = Core::new(Parts {
            config,
            policy: self.policy,
            extensions: self.extensions,
            listeners: self.listeners,
        });
        let server = BayeuxServer::of(Arc::clone(&core));
        let provisions = Arc::new(self.provisions);
        let services = core.services();
        self.problems.extend(
            services
                .start(self.installations, &server, &provisions)
                .await,
        );
        if !self.problems.is_empty() {
            services.stop().await;
            return Err(BuildError(self.problems));
        }
        tracing::info!("started\n{}", Report(&core));
        let timers = timers::run(
            Arc::clone(core.timers()),
            Arc::downgrade(&core),
            core.stop().clone(),
        );
        core.tasks().spawn(timers);
        Ok(server)
    }
}

fn problems_of(errors: &ConfigErrors) -> impl Iterator<Item = Problem> {
    errors
        .iter()
        .map(|error| Problem::new(None, error.to_string()))
}

impl fmt::Debug for Builder {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let services: Vec<&str> = self.installations.iter().map(|it| it.name()).collect();
        formatter
            .debug_struct("Builder")
            .field("config", &self.config)
            .field("services", &services)
            .finish_non_exhaustive()
    }
}
