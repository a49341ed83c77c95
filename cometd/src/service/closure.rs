//! Listeners without annotations.

use std::future::Future;
use std::sync::Arc;

use super::handler::bind;
use super::outcome::IntoOutcome;
use crate::protocol::{ChannelError, ChannelTemplate, Message};
use crate::server::{
    Attachment, BayeuxServer, Deferred, Exchange, Location, MessageListener, Outcome, ServerSession,
};

impl BayeuxServer {
    /// Calls a closure while the server processes a message on a channel, as a `#[listener]` method, and
    /// with the same [return values](IntoOutcome). It is not called for what code of the server publishes
    /// without a session.
    ///
    /// The channel may be a wildcard, or a template such as `/rooms/{room}`; the values of its variables
    /// are among the segments of the message's channel. The closure works on a copy of the message: only
    /// an annotated method, or a [`MessageListener`], can change it.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use cometd::{BayeuxServer, HandlerError};
    ///
    /// let server = BayeuxServer::builder().build().await?;
    /// let echo = server.on("/service/echo", |session, message| async move {
    ///     session.deliver(None, message.channel(), message.data()).await?;
    ///     Ok::<_, HandlerError>(())
    /// })?;
    /// drop(echo); // takes it off again
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// The text is neither a channel nor a template.
    #[track_caller]
    pub fn on<F, R>(&self, channel: &str, handler: F) -> Result<Attachment, ChannelError>
    where
        F: Fn(ServerSession, Message) -> R + Send + Sync + 'static,
        R: Future<Output: IntoOutcome> + Send + 'static,
    {
        let template = ChannelTemplate::parse(channel)?;
        let (channel, _) = self.core().create_channel(template.pattern(), |_| ());
        Ok(channel.attach_listener(Arc::new(Closure {
            handler,
            template,
            location: Location::here().to_string(),
        })))
    }
}

struct Closure<F> {
    handler: F,
    template: ChannelTemplate,
    /// Where it was attached.
    location: String,
}

impl<F, R> MessageListener for Closure<F>
where
    F: Fn(ServerSession, Message) -> R + Send + Sync + 'static,
    R: Future<Output: IntoOutcome> + Send + 'static,
{
    fn on_message<'a>(
        &'a self,
        sender: Option<&'a ServerSession>,
        exchange: &'a mut Exchange,
    ) -> Deferred<'a, Outcome> {
        let parameters = bind(&self.template, exchange.message.channel());
        let (Some(sender), Some(_)) = (sender, parameters) else {
            return Outcome::Continue.into();
        };
        let outcome = (self.handler)(sender.clone(), exchange.message.clone());
        Deferred::later(async { outcome.await.into_outcome() })
    }

    fn location(&self) -> Option<&str> {
        Some(&self.location)
    }
}
