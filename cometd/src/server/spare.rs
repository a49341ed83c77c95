//! What messages have in common that are worked off together.

use std::sync::Arc;

use super::context::Context;
use super::core::Core;
use super::fanout::Fanout;
use super::route::Route;
use super::session::ServerSession;

/// What a message leaves to the next one that is worked off together with it.
///
/// To be [given up](Self::give_up) before a reply leaves and before anybody is waited for who has nothing to do
/// with the messages.
#[derive(Debug, Default)]
pub(crate) struct Spare {
    /// The way of the last publish.
    route: Option<Box<Route>>,
    /// The request that carried it, which may stay: to hand it on costs less than to count one more reference.
    context: Option<Arc<Context>>,
    /// What has been published and is not queued yet.
    pub(super) fanout: Fanout,
}

impl Spare {
    #[inline]
    pub(super) fn take_route(&mut self) -> Option<Box<Route>> {
        self.route.take()
    }

    #[inline]
    pub(super) fn keep_route(&mut self, route: Box<Route>) {
        self.route = Some(route);
    }

    /// A reference to this context.
    pub(super) fn context(&mut self, context: &Arc<Context>) -> Arc<Context> {
        let spare = self.context.take().filter(|it| Arc::ptr_eq(it, context));
        spare.unwrap_or_else(|| Arc::clone(context))
    }

    pub(super) fn keep_context(&mut self, context: Arc<Context>) {
        self.context = Some(context);
    }

    /// Whether there is nothing left to be given up.
    pub(crate) const fn is_given_up(&self) -> bool {
        self.fanout.is_empty() && self.route.is_none()
    }

    /// Queues what has been published, and leaves the way of the last publish to the session, which is going
    /// to publish there again.
    pub(crate) async fn give_up(&mut self, core: &Core, session: Option<&ServerSession>) {
        self.fanout.finish(core).await;
        if let Some(route) = self.route.take()
            && let Some(session) = session.filter(|it| it.is_handshook())
        {
            session.keep_route(route.into_known());
        }
    }
}
