//! A service that is attached to a server, from the configuration of its channels to its end.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use super::bound::{Bound, Listener, RemoteCall, Subscription};
use super::call::Environment;
use super::definition::Handlers;
use super::method::{
    Completion, Configure, Handle, IfExists, Kind, OwnPublishes, REMOTE_CALL, Step,
};
use crate::protocol::{ChannelPattern, ChannelTemplate};
use crate::server::hook;
use crate::server::{
    Attachment, BayeuxServer, Installed, MessageListener, Outcome, Problem, Row, Running,
    Subscriber,
};

/// A service with everything that has been attached for it.
pub(super) struct Attached<'a, S: 'static> {
    server: &'a BayeuxServer,
    running: Service<S>,
    problems: Vec<Problem>,
}

/// A service that is attached.
struct Service<S: 'static> {
    service: Arc<S>,
    environment: Arc<Environment>,
    /// The listeners of channels.
    attachments: Vec<Attachment>,
    /// What its session is subscribed to for its methods.
    subscriptions: Vec<ChannelPattern>,
    /// Whether it is told of its end: not if it could not even start.
    constructed: bool,
}

impl<'a, S: Handlers + Send + Sync> Attached<'a, S> {
    /// Configures channels, lets the service prepare itself, then adds listeners, subscriptions and remote
    /// calls (`services.md` 2.8.44), each in the order of the source.
    ///
    /// In CometD the service prepares itself last, when its methods may have been called already.
    pub(super) async fn attach(
        server: &'a BayeuxServer,
        service: S,
        environment: Environment,
    ) -> Installed {
        let mut attached = Self {
            server,
            running: Service {
                service: Arc::new(service),
                environment: Arc::new(environment),
                attachments: Vec::new(),
                subscriptions: Vec::new(),
                constructed: false,
            },
            problems: Vec::new(),
        };
        attached.configure_all();
        if attached.construct().await {
            attached.running.constructed = true;
            attached.listen_all();
            attached.subscribe_all().await;
            attached.answer_all();
        }
        Installed {
            running: Some(Box::new(attached.running)),
            problems: attached.problems,
        }
    }

    fn configure_all(&mut self) {
        for method in S::METHODS {
            if let Kind::Configure(if_exists, call) = method.kind {
                self.configure(&method.row, if_exists, call);
            }
        }
    }

    async fn construct(&mut self) -> bool {
        for method in S::METHODS {
            if let Kind::PostConstruct(call) = method.kind
                && let Err(error) = step(&*self.running.service, call).await
            {
                let name = method.row.name;
                self.problem(&method.row, format!("`{name}` failed: {error}"));
                return false;
            }
        }
        true
    }

    fn listen_all(&mut self) {
        for method in S::METHODS {
            if let Kind::Listener(own, call) = method.kind {
                for template in self.templates(&method.row, ToOwned::to_owned) {
                    self.listen(&method.row, template, own, call);
                }
            }
        }
    }

    async fn subscribe_all(&mut self) {
        for method in S::METHODS {
            if let Kind::Subscription(call) = method.kind {
                self.subscribe(&method.row, call).await;
            }
        }
    }

    fn answer_all(&mut self) {
        for method in S::METHODS {
            if let Kind::RemoteCall(call) = method.kind {
                self.check_alone(&method.row);
                for template in self.templates(&method.row, channel_of) {
                    let pattern = template.pattern().clone();
                    let bound = self.bind(&method.row, call);
                    self.add_listener(&pattern, Arc::new(RemoteCall { bound, template }));
                }
            }
        }
    }

    /// A remote call has one answer, so there is one method for it.
    fn check_alone(&mut self, row: &Row) {
        for target in row.channels {
            let is_same = |other: &&str| overlap(target, other);
            let services = self.server.core().services();
            let other =
                services.find(|it| it.kind == REMOTE_CALL && it.channels.iter().any(is_same));
            if let Some(Row { name, location, .. }) = other {
                let text = format!("`{target}` is answered by `{name}` in {location} already");
                self.problem(row, text);
            }
        }
    }

    fn problem(&mut self, row: &Row, text: String) {
        self.problems.push(Problem::new(row.location, text));
    }

    fn configure(&mut self, row: &Row, if_exists: IfExists, call: Configure<S>) {
        let method = row.name;
        for name in row.channels {
            let service = &*self.running.service;
            let mut result = Ok(());
            let created = self
                .server
                .create_channel_if_absent(*name, |channel| result = call(service, channel));
            match (created, if_exists) {
                (Err(error), _) => self.problem(row, format!("`{name}`: {error}")),
                (Ok((channel, false)), IfExists::Run) => {
                    channel.configure(|channel| result = call(service, channel));
                }
                (Ok((_, false)), IfExists::Error) => {
                    let text = format!(
                        "`{name}` exists already when `{method}` is to configure it; `if_exists = \"run\"` configures it all the same"
                    );
                    self.problem(row, text);
                }
                (Ok((_, false)), IfExists::Skip) | (Ok((_, true)), _) => {}
            }
            if let Err(error) = result {
                self.problem(
                    row,
                    format!("`{method}` could not configure `{name}`: {error}"),
                );
            }
        }
    }

    /// The channels of a method; `channel` makes one of what the attribute says.
    fn templates(&mut self, row: &Row, channel: fn(&str) -> String) -> Vec<ChannelTemplate> {
        let mut templates = Vec::new();
        for name in row.channels {
            match ChannelTemplate::parse(&channel(name)) {
                Ok(template) => templates.push(template),
                Err(error) => self.problem(row, format!("`{name}`: {error}")),
            }
        }
        templates
    }

    fn bind<T>(&self, row: &Row, call: Handle<S, T>) -> Bound<S, T> {
        let Row { name, location, .. } = row;
        Bound {
            service: Arc::clone(&self.running.service),
            environment: Arc::clone(&self.running.environment),
            location: format!("{name} in {location}").into(),
            call,
        }
    }

    fn listen(
        &mut self,
        row: &Row,
        template: ChannelTemplate,
        own: OwnPublishes,
        call: Handle<S, Outcome>,
    ) {
        let pattern = template.pattern().clone();
        let listener = Listener {
            bound: self.bind(row, call),
            template,
            own,
        };
        self.add_listener(&pattern, Arc::new(listener));
    }

    fn add_listener(&mut self, pattern: &ChannelPattern, listener: Arc<dyn MessageListener>) {
        let (channel, _) = self.server.core().create_channel(pattern, |_| ());
        self.running
            .attachments
            .push(channel.attach_listener(listener));
    }

    async fn subscribe(&mut self, row: &Row, call: Handle<S, Completion>) {
        let templates = self.templates(row, ToOwned::to_owned);
        let patterns = templates.iter().map(|it| it.pattern().clone());
        let patterns: Vec<ChannelPattern> = patterns.collect();
        let bound = self.bind(row, call);
        let subscriber: Arc<dyn Subscriber> = Arc::new(Subscription { bound, templates });
        for pattern in patterns {
            let session = &self.running.environment.session;
            let subscribed = session
                .share_subscription(pattern.clone(), Arc::clone(&subscriber))
                .await;
            match subscribed {
                Ok(()) => self.running.subscriptions.push(pattern),
                Err(error) => {
                    let text = format!("`{}` cannot subscribe to `{pattern}`: {error}", row.name);
                    self.problem(row, text);
                }
            }
        }
    }
}

/// The channel of a remote call's target (`services.md` 2.6.30).
fn channel_of(target: &str) -> String {
    format!("/service/{}", target.strip_prefix('/').unwrap_or(target))
}

/// Whether there is a channel that two targets stand for.
fn overlap(one: &str, other: &str) -> bool {
    let (one, other) = (channel_of(one), channel_of(other));
    let (mut one, mut other) = (one.split('/'), other.split('/'));
    let is_variable = |segment: &str| segment.starts_with('{');
    loop {
        match (one.next(), other.next()) {
            (None, None) => return true,
            (Some(one), Some(other)) if one == other || is_variable(one) || is_variable(other) => {}
            _ => return false,
        }
    }
}

/// Calls a method at the start or the end of its service.
async fn step<S>(service: &S, call: Step<S>) -> Completion {
    hook::call(|| call(service)).await?
}

impl<S: Handlers + Send + Sync> Running for Service<S> {
    fn stop(mut self: Box<Self>) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(async move {
            self.attachments.clear();
            let session = &self.environment.session;
            for pattern in &self.subscriptions {
                if let Err(error) = session.unsubscribe(pattern).await {
                    tracing::debug!(%session, %pattern, %error, "still subscribed");
                }
            }
            for method in S::METHODS {
                if let Kind::PreDestroy(call) = method.kind
                    && self.constructed
                    && let Err(error) = step(&*self.service, call).await
                {
                    let location = method.row.location;
                    tracing::error!(%location, %error, "a service failed at its end");
                }
            }
            // Last, so that the service can say good-bye in its own name.
            session.disconnect().await;
        })
    }
}
