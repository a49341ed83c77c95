//! The methods of a service that has been made.
//!
//! Here ends what is compiled for each service: everything behind the traits is compiled once.

use std::sync::Arc;

use super::call::Call;
use super::definition::Handlers;
use super::failure::Answer;
use super::method::{self, Completion, IfExists, Kind, OwnPublishes};
use crate::server::{ChannelConfig, Deferred, Outcome, Row};

/// A method and the service that it is called on.
pub(super) struct Bound {
    pub(super) row: Row,
    pub(super) kind: BoundKind,
}

/// As [`Kind`], without the type of the service.
pub(super) enum BoundKind {
    Configure(IfExists, Box<dyn Configure>),
    Listener(OwnPublishes, Arc<dyn Handle<Outcome>>),
    PostConstruct(Box<dyn Step>),
    PreDestroy(Box<dyn Step>),
    RemoteCall(Arc<dyn Handle<Answer>>),
    Subscription(Arc<dyn Handle<Completion>>),
}

/// A method that configures channels.
pub(super) trait Configure: Send + Sync {
    fn configure(&self, channel: &mut ChannelConfig) -> Completion;
}

/// A method that is called for messages.
pub(super) trait Handle<T>: Send + Sync {
    fn handle<'a>(&'a self, call: Call<'a>) -> Deferred<'a, T>;
}

/// A method that is called at the start or the end of its service.
pub(super) trait Step: Send + Sync {
    fn step(&self) -> Deferred<'_, Completion>;
}

/// Binds the methods of a service, in the order of the source.
pub(super) fn bind<S: Handlers + Send + Sync>(service: S) -> Vec<Bound> {
    let service = Arc::new(service);
    let mut methods = Vec::with_capacity(S::METHODS.len());
    for method in S::METHODS {
        let service = Arc::clone(&service);
        let kind = match method.kind {
            Kind::Configure(if_exists, call) => {
                BoundKind::Configure(if_exists, Box::new(Of { service, call }))
            }
            Kind::Listener(own, call) => BoundKind::Listener(own, Arc::new(Of { service, call })),
            Kind::PostConstruct(call) => BoundKind::PostConstruct(Box::new(Of { service, call })),
            Kind::PreDestroy(call) => BoundKind::PreDestroy(Box::new(Of { service, call })),
            Kind::RemoteCall(call) => BoundKind::RemoteCall(Arc::new(Of { service, call })),
            Kind::Subscription(call) => BoundKind::Subscription(Arc::new(Of { service, call })),
        };
        methods.push(Bound {
            row: method.row,
            kind,
        });
    }
    methods
}

struct Of<S, C> {
    service: Arc<S>,
    call: C,
}

impl<S: Send + Sync> Configure for Of<S, method::Configure<S>> {
    fn configure(&self, channel: &mut ChannelConfig) -> Completion {
        (self.call)(&self.service, channel)
    }
}

impl<S: Send + Sync, T> Handle<T> for Of<S, method::Handle<S, T>> {
    fn handle<'a>(&'a self, call: Call<'a>) -> Deferred<'a, T> {
        (self.call)(&self.service, call)
    }
}

impl<S: Send + Sync> Step for Of<S, method::Step<S>> {
    fn step(&self) -> Deferred<'_, Completion> {
        (self.call)(&self.service)
    }
}
