//! Hooks that every message passes.

use std::ops::Deref;

use super::exchange::Exchange;
use super::hook::{self, Deferred, Flow};
use super::session::ServerSession;
use crate::protocol::{Message, Reply};

/// Sees, changes or vetoes messages: all of a server
/// ([`extension`](crate::Builder::extension)) or those of one session
/// ([`add_extension`](ServerSession::add_extension)).
///
/// Every method has a default that lets the message pass. Incoming messages meet extensions in the
/// order in which these were added, outgoing ones in the reverse order; those of the server come
/// before those of the session in both directions. A method that panics counts as "go on".
pub trait Extension: Send + Sync + 'static {
    /// Whether the extension has to do with meta messages and their replies only. One of the server is
    /// not called for other messages then, which cost nothing by that. Asked once. Default: it has to do
    /// with all.
    fn is_meta_only(&self) -> bool {
        false
    }

    /// A client sent a message. [`Flow::Stop`] answers it with `404::message_deleted`.
    ///
    /// The session is absent if the message names one that does not exist.
    fn incoming<'a>(
        &'a self,
        session: Option<&'a ServerSession>,
        exchange: &'a mut Exchange,
    ) -> Deferred<'a, Flow> {
        let _ = (session, exchange);
        Flow::Continue.into()
    }

    /// A message is about to be delivered. [`Flow::Stop`] drops it.
    ///
    /// An extension of the server sees a broadcast once, without a receiver, and what is delivered
    /// to one session with that session. An extension of a session sees what goes to it. The
    /// `/meta/disconnect` that tells a client of its session's end passes here, too, but the end waits
    /// for nobody: an extension that does not answer at once is passed over.
    fn outgoing<'a>(
        &'a self,
        receiver: Option<&'a ServerSession>,
        message: &'a mut Message,
    ) -> Deferred<'a, Flow> {
        let _ = (receiver, message);
        Flow::Continue.into()
    }

    /// A message is about to be answered. [`Flow::Stop`] drops the reply: the client gets none.
    fn reply<'a>(
        &'a self,
        session: Option<&'a ServerSession>,
        reply: &'a mut Reply,
    ) -> Deferred<'a, Flow> {
        let _ = (session, reply);
        Flow::Continue.into()
    }
}

/// Shows an incoming message to extensions.
pub(super) async fn incoming<E: Deref<Target = dyn Extension>>(
    extensions: &[E],
    session: Option<&ServerSession>,
    exchange: &mut Exchange,
) -> Flow {
    for extension in extensions {
        match hook::call(|| extension.incoming(session, exchange)).await {
            Ok(Flow::Continue) => {}
            Ok(Flow::Stop) => return Flow::Stop,
            Err(error) => tracing::error!(%error, "an extension failed on an incoming message"),
        }
    }
    Flow::Continue
}

/// Shows a reply to extensions, the last one first.
pub(super) async fn replied<E: Deref<Target = dyn Extension>>(
    extensions: &[E],
    session: Option<&ServerSession>,
    reply: &mut Reply,
) -> Flow {
    for extension in extensions.iter().rev() {
        match hook::call(|| extension.reply(session, reply)).await {
            Ok(Flow::Continue) => {}
            Ok(Flow::Stop) => return Flow::Stop,
            Err(error) => tracing::error!(%error, "an extension failed on a reply"),
        }
    }
    Flow::Continue
}

/// Shows a message that is about to leave to extensions, the last one first.
pub(super) async fn outgoing<E>(
    extensions: &[E],
    receiver: Option<&ServerSession>,
    message: &mut Message,
) -> Flow
where
    E: Deref<Target = dyn Extension>,
{
    for extension in extensions.iter().rev() {
        match hook::call(|| extension.outgoing(receiver, message)).await {
            Ok(Flow::Continue) => {}
            Ok(Flow::Stop) => return Flow::Stop,
            Err(error) => tracing::error!(%error, "an extension failed on a delivery"),
        }
    }
    Flow::Continue
}
