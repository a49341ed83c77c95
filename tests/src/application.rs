//! The application of the default set-up: who may do what, and what listens.

use cometd::{
    BayeuxServer, ChannelPattern, Decision, DefaultSecurityPolicy, Deferred, Exchange, Flow,
    Message, MessageListener, Outcome, SecurityPolicy, ServerSession,
};

use crate::clock::ms;

/// The default policy, with families of channels in which one thing each is refused.
pub(crate) struct Policy;

impl SecurityPolicy for Policy {
    fn can_handshake<'a>(
        &'a self,
        _: &'a ServerSession,
        exchange: &'a mut Exchange,
    ) -> Deferred<'a, Decision> {
        let deny = exchange
            .message
            .ext()
            .is_some_and(|it| it.as_str().contains("\"deny\""));
        Decision::from(!deny).into()
    }

    fn can_create<'a>(
        &'a self,
        session: &'a ServerSession,
        channel: &'a ChannelPattern,
        exchange: &'a mut Exchange,
    ) -> Deferred<'a, Decision> {
        if channel.as_str().starts_with("/nocreate/") {
            return Decision::deny().into();
        }
        DefaultSecurityPolicy.can_create(session, channel, exchange)
    }

    fn can_publish<'a>(
        &'a self,
        session: &'a ServerSession,
        channel: &'a ChannelPattern,
        exchange: &'a mut Exchange,
    ) -> Deferred<'a, Decision> {
        if channel.as_str().starts_with("/nopublish/") {
            return Decision::deny().into();
        }
        DefaultSecurityPolicy.can_publish(session, channel, exchange)
    }

    fn can_subscribe<'a>(
        &'a self,
        session: &'a ServerSession,
        channel: &'a ChannelPattern,
        exchange: &'a mut Exchange,
    ) -> Deferred<'a, Decision> {
        if channel.as_str().starts_with("/nosub/") {
            return Decision::deny().into();
        }
        DefaultSecurityPolicy.can_subscribe(session, channel, exchange)
    }
}

/// A listener that is an asynchronous function of the sender and the message.
pub struct OnMessage<F>(F);

/// Makes a listener of a closure that returns a future; the message goes on.
pub fn listener<F, R>(call: F) -> OnMessage<F>
where
    F: Fn(ServerSession, Message) -> R + Send + Sync + 'static,
    R: Future<Output = ()> + Send + 'static,
{
    OnMessage(call)
}

impl<F> std::fmt::Debug for OnMessage<F> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("OnMessage")
    }
}

impl<F, R> MessageListener for OnMessage<F>
where
    F: Fn(ServerSession, Message) -> R + Send + Sync + 'static,
    R: Future<Output = ()> + Send + 'static,
{
    fn on_message<'a>(
        &'a self,
        sender: Option<&'a ServerSession>,
        exchange: &'a mut Exchange,
    ) -> Deferred<'a, Outcome> {
        let Some(sender) = sender.cloned() else {
            return Outcome::Continue.into();
        };
        let message = exchange.message.clone();
        Deferred::later(async move {
            (self.0)(sender, message).await;
            Outcome::Continue
        })
    }
}

/// Puts the channels of the default set-up into a server.
pub(crate) fn install(server: &BayeuxServer) {
    let make = |name: &str, configure: &dyn Fn(&mut cometd::ChannelConfig)| {
        server
            .create_channel_if_absent(name, |channel| configure(channel))
            .unwrap();
    };
    make("/service/echo", &|channel| {
        channel.listener(listener(
            async |session: ServerSession, message: Message| {
                let data = message.data().clone();
                session
                    .deliver(None, message.channel(), data)
                    .await
                    .unwrap();
            },
        ));
    });
    make("/service/cmd", &|channel| {
        channel.listener(listener(command));
    });
    make("/lazy", &|channel| {
        channel.persistent(true).lazy(true);
    });
    make("/veto", &|channel| {
        channel.listener(|_: Option<&ServerSession>, _: &mut Message| Flow::Stop);
    });
}

async fn command(session: ServerSession, message: Message) {
    match message.data_as::<String>().unwrap().as_str() {
        "disconnect" => session.disconnect().await,
        "kick" => {
            let kick = async {
                session.deliver(None, "/kick", "kick").await.unwrap();
                session.disconnect().await;
            };
            session.batch(kick).await;
        }
        "timeout500" => session.set_timeout(Some(ms(500))),
        "interval500" => session.set_interval(Some(ms(500))),
        other => panic!("no such command: {other}"),
    }
}
