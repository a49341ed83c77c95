//! What is attached to a server before it serves anyone, and taken off at its end: services.

use std::fmt;
use std::future::{Future, ready};
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

/// A service that is attached. It ends in three steps: one that has nothing to do there leaves it out, and
/// one that is dropped before its end is not repeated.
pub(crate) trait Running: Send {
    /// Tells it that it ends, when everything still is as ever.
    fn tell(&mut self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(ready(()))
    }

    /// Ends its session. Its handlers stay.
    fn leave(&mut self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(ready(()))
    }

    /// Takes it off.
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
    /// Locked through each step of their end, so that everyone who asks for it waits for that.
    running: tokio::sync::Mutex<Ending>,
}

/// What people can know of a service.
struct Started {
    name: String,
    location: Option<Location>,
    rows: Vec<Row>,
}

/// The services that are attached, in the order of their start; all but the first `untold` have been
/// told of their end.
#[derive(Default)]
struct Ending {
    running: Vec<Box<dyn Running>>,
    untold: usize,
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
                });
                let mut attached = self.running.lock().await;
                attached.running.push(running);
                attached.untold += 1;
            }
        }
        problems
    }

    /// Tells all services that they end, the last one first, each once.
    ///
    /// Dropped before its end, the service at hand is not told the rest, and the others go on.
    pub(super) async fn tell(&self) {
        let Ending { running, untold } = &mut *self.running.lock().await;
        while let Some(last) = running.iter_mut().take(*untold).next_back() {
            *untold -= 1;
            last.tell().await;
        }
    }

    /// Ends the sessions of all services, the last one first.
    pub(super) async fn leave(&self) {
        for running in self.running.lock().await.running.iter_mut().rev() {
            running.leave().await;
        }
    }

    /// Takes all services off, the last one first.
    pub(super) async fn take_off(&self) {
        let mut attached = self.running.lock().await;
        while let Some(last) = attached.running.pop() {
            last.stop().await;
            let last = self.started.lock().pop();
            tracing::debug!(service = last.map(|it| it.name), "stopped");
        }
    }

    /// Goes through the whole end of services whose server has served nobody.
    pub(super) async fn stop(&self) {
        self.tell().await;
        self.leave().await;
        self.take_off().await;
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
