//! A service that is attached to a server, from the configuration of its channels to its end.

use std::future::{Future, ready};
use std::pin::Pin;
use std::sync::Arc;

use super::bound::{Bound, BoundKind, Configure, Handle, Step};
use super::call::Environment;
use super::handler::{Handler, Listener, RemoteCall, Subscription};
use super::method::{Completion, IfExists, REMOTE_CALL};
use crate::protocol::{ChannelPattern, ChannelTemplate};
use crate::server::hook;
use crate::server::{
    Attachment, BayeuxServer, Installed, MessageListener, Problem, Row, Running, Subscriber,
};

/// A service that is being attached.
pub(super) struct Attaching<'a> {
    server: &'a BayeuxServer,
    environment: Arc<Environment>,
    /// The listeners of channels.
    attachments: Vec<Attachment>,
    /// What the service's session is subscribed to for its methods.
    subscriptions: Vec<ChannelPattern>,
    problems: Vec<Problem>,
}

/// A service that is attached.
struct Attached {
    methods: Vec<Bound>,
    environment: Arc<Environment>,
    attachments: Vec<Attachment>,
    subscriptions: Vec<ChannelPattern>,
    /// Whether it is told of its end: not if it could not even start.
    constructed: bool,
}

impl<'a> Attaching<'a> {
    pub(super) fn new(
        server: &'a BayeuxServer,
        environment: Environment,
        problems: Vec<Problem>,
    ) -> Self {
        Self {
            server,
            environment: Arc::new(environment),
            attachments: Vec::new(),
            subscriptions: Vec::new(),
            problems,
        }
    }

    /// Configures channels, lets the service prepare itself, then adds listeners, subscriptions and remote
    /// calls (`services.md` 2.8.44), each in the order of the source.
    ///
    /// In CometD the service prepares itself last, when its methods may have been called already.
    pub(super) async fn attach(mut self, methods: Vec<Bound>) -> Installed {
        for Bound { row, kind } in &methods {
            if let BoundKind::Configure(if_exists, method) = kind {
                self.configure(row, *if_exists, &**method);
            }
        }
        let constructed = self.construct(&methods).await;
        if constructed {
            self.listen(&methods);
            for Bound { row, kind } in &methods {
                if let BoundKind::Subscription(method) = kind {
                    self.subscribe(row, method).await;
                }
            }
            self.answer(&methods);
        }
        Installed {
            rows: methods.iter().map(|it| it.row).collect(),
            running: Some(Box::new(Attached {
                methods,
                environment: self.environment,
                attachments: self.attachments,
                subscriptions: self.subscriptions,
                constructed,
            })),
            problems: self.problems,
        }
    }

    fn problem(&mut self, row: &Row, text: String) {
        self.problems.push(Problem::new(row.location, text));
    }

    fn configure(&mut self, row: &Row, if_exists: IfExists, method: &dyn Configure) {
        let method_name = row.name;
        for name in row.channels {
            let mut result = Ok(());
            let created = self
                .server
                .create_channel_if_absent(*name, |channel| result = method.configure(channel));
            match (created, if_exists) {
                (Err(error), _) => self.problem(row, format!("`{name}`: {error}")),
                (Ok((channel, false)), IfExists::Run) => {
                    channel.configure(|channel| result = method.configure(channel));
                }
                (Ok((_, false)), IfExists::Error) => {
                    let text = format!(
                        "`{name}` exists already when `{method_name}` is to configure it; `if_exists = \"run\"` configures it all the same"
                    );
                    self.problem(row, text);
                }
                (Ok((_, false)), IfExists::Skip) | (Ok((_, true)), _) => {}
            }
            if let Err(error) = result {
                let text = format!("`{method_name}` could not configure `{name}`: {error}");
                self.problem(row, text);
            }
        }
    }

    async fn construct(&mut self, methods: &[Bound]) -> bool {
        for Bound { row, kind } in methods {
            if let BoundKind::PostConstruct(method) = kind
                && let Err(error) = step(&**method).await
            {
                self.problem(row, format!("`{}` failed: {error}", row.name));
                return false;
            }
        }
        true
    }

    fn listen(&mut self, methods: &[Bound]) {
        for Bound { row, kind } in methods {
            let BoundKind::Listener(own, method) = kind else {
                continue;
            };
            for template in self.templates(row, ToOwned::to_owned) {
                let pattern = template.pattern().clone();
                let listener = Listener {
                    handler: self.handler(row, method),
                    template,
                    own: *own,
                };
                self.add_listener(&pattern, Arc::new(listener));
            }
        }
    }

    async fn subscribe(&mut self, row: &Row, method: &Arc<dyn Handle<Completion>>) {
        let templates = self.templates(row, ToOwned::to_owned);
        let patterns = templates.iter().map(|it| it.pattern().clone());
        let patterns: Vec<ChannelPattern> = patterns.collect();
        let handler = self.handler(row, method);
        let subscriber: Arc<dyn Subscriber> = Arc::new(Subscription { handler, templates });
        for pattern in patterns {
            let session = &self.environment.session;
            let subscribed = session
                .share_subscription(pattern.clone(), Arc::clone(&subscriber))
                .await;
            match subscribed {
                Ok(()) => self.subscriptions.push(pattern),
                Err(error) => {
                    let text = format!("`{}` cannot subscribe to `{pattern}`: {error}", row.name);
                    self.problem(row, text);
                }
            }
        }
    }

    fn answer(&mut self, methods: &[Bound]) {
        for Bound { row, kind } in methods {
            let BoundKind::RemoteCall(method) = kind else {
                continue;
            };
            self.check_alone(row);
            for template in self.templates(row, channel_of) {
                let pattern = template.pattern().clone();
                let handler = self.handler(row, method);
                self.add_listener(&pattern, Arc::new(RemoteCall { handler, template }));
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

    fn handler<T>(&self, row: &Row, method: &Arc<dyn Handle<T>>) -> Handler<T> {
        let Row { name, location, .. } = row;
        Handler {
            method: Arc::clone(method),
            environment: Arc::clone(&self.environment),
            location: format!("{name} in {location}").into(),
        }
    }

    fn add_listener(&mut self, pattern: &ChannelPattern, listener: Arc<dyn MessageListener>) {
        let (channel, _) = self.server.core().create_channel(pattern, |_| ());
        self.attachments.push(channel.attach_listener(listener));
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
async fn step(method: &dyn Step) -> Completion {
    hook::call(|| method.step()).await?
}

impl Running for Attached {
    fn tell(&mut self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(async move {
            for Bound { row, kind } in &self.methods {
                if let BoundKind::PreDestroy(method) = kind
                    && self.constructed
                    && let Err(error) = step(&**method).await
                {
                    let location = row.location;
                    tracing::error!(%location, %error, "a service failed at its end");
                }
            }
        })
    }

    fn leave(&mut self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(async move {
            let session = &self.environment.session;
            for pattern in self.subscriptions.drain(..) {
                if let Err(error) = session.unsubscribe(&pattern).await {
                    tracing::debug!(%session, %pattern, %error, "still subscribed");
                }
            }
            session.disconnect().await;
        })
    }

    fn stop(mut self: Box<Self>) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        self.attachments.clear();
        Box::pin(ready(()))
    }
}
