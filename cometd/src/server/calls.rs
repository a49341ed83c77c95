//! The remote calls whose answers a local session waits for.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;
use smol_str::{SmolStr, ToSmolStr};
use tokio::sync::oneshot;

use crate::protocol::{ChannelKind, FrozenMessage, RawJson};

/// The result of a remote call, or its failure.
pub(super) type Answer = Result<RawJson, RawJson>;

/// The calls of one local session, by the id of the request.
#[derive(Debug, Default)]
pub(crate) struct Calls {
    last: AtomicU64,
    waiting: Mutex<HashMap<SmolStr, Waiting>>,
}

#[derive(Debug)]
struct Waiting {
    answer: oneshot::Sender<Answer>,
    /// Somebody has promised to answer later.
    promised: bool,
}

/// A call that is under way. Dropping it gives it up.
#[derive(Debug)]
pub(super) struct OpenCall<'a> {
    calls: &'a Calls,
    id: SmolStr,
    answer: oneshot::Receiver<Answer>,
}

impl Calls {
    pub(super) fn open(&self) -> OpenCall<'_> {
        let id = self.last.fetch_add(1, Ordering::Relaxed) + 1;
        let id = id.to_smolstr();
        let (sender, answer) = oneshot::channel();
        let waiting = Waiting {
            answer: sender,
            promised: false,
        };
        self.waiting.lock().insert(id.clone(), waiting);
        OpenCall {
            calls: self,
            id,
            answer,
        }
    }

    /// The answer to the request of this id will come, but not at once.
    pub(crate) fn promise(&self, id: &str) {
        if let Some(waiting) = self.waiting.lock().get_mut(id) {
            waiting.promised = true;
        }
    }

    /// The request of this id will not be answered any more; nothing happens if it has been.
    pub(crate) fn give_up(&self, id: &str) {
        let waiting = self.waiting.lock().remove(id);
        drop(waiting);
    }

    /// No request will be answered any more.
    pub(crate) fn give_up_all(&self) {
        let waiting = std::mem::take(&mut *self.waiting.lock());
        drop(waiting);
    }

    /// Takes a message that is an answer; whether it was one.
    pub(super) fn take(&self, message: &FrozenMessage) -> bool {
        if message.channel().kind() != ChannelKind::Service {
            return false;
        }
        let (Some(id), Some(successful)) = (message.id(), message.successful()) else {
            return false;
        };
        let Some(waiting) = self.waiting.lock().remove(id) else {
            return false;
        };
        let data = message.data().clone();
        // Who has given up does not want it any more.
        let _ = waiting
            .answer
            .send(if successful { Ok(data) } else { Err(data) });
        true
    }
}

impl OpenCall<'_> {
    pub(super) const fn id(&self) -> &SmolStr {
        &self.id
    }

    /// The answer to a request that has been acknowledged; `None` if nobody is going to give one.
    pub(super) async fn answer(mut self) -> Option<Answer> {
        self.give_up_unless_promised();
        (&mut self.answer).await.ok()
    }

    fn give_up_unless_promised(&self) {
        let mut waiting = self.calls.waiting.lock();
        if waiting.get(&self.id).is_some_and(|it| !it.promised) {
            waiting.remove(&self.id);
        }
    }
}

impl Drop for OpenCall<'_> {
    fn drop(&mut self) {
        self.calls.give_up(&self.id);
    }
}
