//! What is attached to a server before it serves anyone, and taken off at its end: services.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use parking_lot::Mutex;

use super::BayeuxServer;
use super::builder::Problem;
use super::location::Location;
use super::provisions::Provisions;

/// A service that is going to be attached to a server.
pub(crate) trait Installation: Send {
    /// Installations happen in this order, then by name.
    fn order(&self) -> i32;

    /// The name, which is unique within a server.
    fn name(&self) -> &str;

    /// Where it is declared.
    fn location(&self) -> Option<Location>;

    /// Attaches it.
    fn install<'a>(
        self: Box<Self>,
        server: &'a BayeuxServer,
        provisions: &'a Arc<Provisions>,
    ) -> Pin<Box<dyn Future<Output = Installed> + Send + 'a>>;
}

/// What came of an installation.
pub(crate) struct Installed {
    /// What has been attached, unless it came to nothing at all.
    pub(crate) running: Option<Box<dyn Running>>,
    /// Its methods, in the order of the source.
    pub(crate) rows: Vec<Row>,
    /// What is wrong with it.
    pub(crate) problems: Vec<Problem>,
}

impl Installed {
    /// It came to nothing.
    pub(crate) const fn nothing(problems: Vec<Problem>) -> Self {
        Self {
            running: None,
            rows: Vec::new(),
            problems,
        }
    }
}

/// A service that is attached.
pub(crate) trait Running: Send {
    /// Takes it off, and tells it.
    fn stop(self: Box<Self>) -> Pin<Box<dyn Future<Output = ()> + Send>>;
}

/// A method of a service, for people.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row {
    /// The attribute of the method.
    pub(crate) kind: &'static str,
    /// The name of the method.
    pub(crate) name: &'static str,
    /// The channels or targets, as they are written in the attribute.
    pub(crate) channels: &'static [&'static str],
    /// The place of the method.
    pub(crate) location: Location,
}

/// The services of a server, in the order of their start.
#[derive(Default)]
pub(crate) struct Services {
    started: Mutex<Vec<Started>>,
    /// Held while services are stopped, so that everyone who asks for it waits for the end.
    stopping: tokio::sync::Mutex<()>,
}

struct Started {
    name: String,
    location: Option<Location>,
    rows: Vec<Row>,
    running: Box<dyn Running>,
}

impl Services {
    /// Installs in order; two of one name are a problem of both.
    pub(super) async fn start(
        &self,
        mut installations: Vec<Box<dyn Installation>>,
        server: &BayeuxServer,
        provisions: &Arc<Provisions>,
    ) -> Vec<Problem> {
        installations
            .sort_by(|one, other| (one.order(), one.name()).cmp(&(other.order(), other.name())));
        let mut problems = Vec::new();
        let mut names: Vec<(String, Option<Location>)> = Vec::new();
        for installation in installations {
            let (name, location) = (installation.name().to_owned(), installation.location());
            if let Some((_, first)) = names.iter().find(|(it, _)| *it == name) {
                let first = first
                    .map(|it| format!("; the other one is at {it}"))
                    .unwrap_or_default();
                let text = format!("two services are called `{name}`{first}");
                problems.push(Problem::new(location, text));
                continue;
            }
            let installed = installation.install(server, provisions).await;
            problems.extend(installed.problems);
            names.push((name.clone(), location));
            if let Some(running) = installed.running {
                let rows = installed.rows;
                self.started.lock().push(Started {
                    name,
                    location,
                    rows,
                    running,
                });
            }
        }
        problems
    }

    /// Stops all services, the last one first. Nothing happens to those that have been stopped.
    ///
    /// Dropped before its end, the service at hand is taken off without being told the rest, and the
    /// others go on.
    pub(super) async fn stop(&self) {
        let _alone = self.stopping.lock().await;
        loop {
            let last = self.started.lock().pop();
            let Some(last) = last else { break };
            last.running.stop().await;
            tracing::debug!(service = last.name, "stopped");
        }
    }

    /// A method of a service that has been started.
    pub(crate) fn find(&self, is_it: impl FnMut(&Row) -> bool) -> Option<Row> {
        let started = self.started.lock();
        let mut rows = started.iter().flat_map(|it| &it.rows).copied();
        rows.find(is_it)
    }
}

/// A table of the services.
impl fmt::Display for Services {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let started = self.started.lock();
        write!(formatter, "services: {}", started.len())?;
        for Started {
            name,
            location,
            rows,
            ..
        } in started.iter()
        {
            write!(formatter, "\n  {name}")?;
            if let Some(location) = location {
                write!(formatter, " at {location}")?;
            }
            for row in rows {
                write!(formatter, "{row}")?;
            }
        }
        Ok(())
    }
}

/// A line for each channel of the method, or one line if it has none.
impl fmt::Display for Row {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            kind,
            name,
            channels,
            location,
        } = self;
        let mut line = |channel| {
            write!(
                formatter,
                "\n    {kind:<14} {channel:<32} {name} at {location}"
            )
        };
        if channels.is_empty() {
            return line("");
        }
        channels.iter().copied().try_for_each(line)
    }
}
