//! `/service/control`: a client says what the server has to do.
//!
//! The data is an object with one field, the command; `tests/conformance/README.md` lists them.

use std::sync::Arc;

use cometd::{
    BayeuxServer, ChannelConfig, Deferred, Exchange, Flow, Grant, Intent, Message, ServerListener,
    ServerSession, Vote,
};
use parking_lot::Mutex;
use serde_json::Value;

use super::hooks::{Drops, Last, Strict};
use crate::application::listener;
use crate::clock::ms;

/// Delivers something to every new session.
#[derive(Clone, Default)]
pub(super) struct Greeter(Arc<Mutex<Vec<Value>>>);

impl ServerListener for Greeter {
    fn session_added<'a>(
        &'a self,
        session: &'a ServerSession,
        _: &'a mut Exchange,
    ) -> Deferred<'a, ()> {
        Deferred::later(async move {
            let greetings = self.0.lock().clone();
            for data in greetings {
                session.deliver(None, "/hs", data).await.unwrap();
            }
        })
    }
}

/// Puts the channel into a server.
pub(super) fn install(server: &BayeuxServer, greeter: &Greeter) {
    let (own, greeter) = (server.clone(), greeter.clone());
    let listener = listener(move |sender: ServerSession, message: Message| {
        let (server, greeter) = (own.clone(), greeter.clone());
        async move {
            let commands: Value = message.data_as().unwrap();
            for (command, arguments) in commands.as_object().unwrap() {
                match command.as_str() {
                    "answer" => answer(&sender, &message, arguments).await,
                    _ => run(&server, &greeter, command, arguments).await,
                }
            }
        }
    });
    server
        .create_channel_if_absent("/service/control", |it| {
            it.listener(listener);
        })
        .unwrap();
}

/// Delivers to the sender on the channel and with the id of its message.
async fn answer(sender: &ServerSession, message: &Message, data: &Value) {
    let mut answer = Message::new(message.channel(), data.clone()).unwrap();
    answer.set_id(message.id().unwrap());
    sender.deliver_message(None, answer).await.unwrap();
}

async fn run(server: &BayeuxServer, greeter: &Greeter, command: &str, arguments: &Value) {
    let text = |name: &str| arguments[name].as_str().unwrap().to_owned();
    let session = || find(server, arguments["session"].as_str().unwrap());
    match command {
        "greet" => *greeter.0.lock() = arguments.as_array().unwrap().clone(),
        "disconnect" => session().disconnect().await,
        "kick" => {
            let session = session();
            let kick = async {
                session.deliver(None, "/kick", "kick").await.unwrap();
                session.disconnect().await;
            };
            session.batch(kick).await;
        }
        "max_interval" => {
            session().set_max_interval(arguments["milliseconds"].as_u64().map(ms));
        }
        "deliver" => {
            let mut message = Message::new(text("channel"), arguments["data"].clone()).unwrap();
            message.set_lazy(arguments["lazy"] == true);
            let session = session();
            let origin = (arguments["own"] == true).then_some(&session);
            session.deliver_message(origin, message).await.unwrap();
        }
        "publish" => {
            let data = arguments["data"].clone();
            server.publish(None, text("channel"), data).await.unwrap();
        }
        "drop" => session().add_extension(Drops).keep(),
        "keep_last" => session().add_queue_listener(Last).keep(),
        "strict" => session().add_queue_listener(Strict).keep(),
        "channel" => {
            let name = text("name");
            let (channel, _) = server.create_channel_if_absent(name, |_| {}).unwrap();
            channel.configure(|it| configure(it, arguments));
        }
        other => panic!("no such command: {other}"),
    }
}

fn configure(channel: &mut ChannelConfig, arguments: &Value) {
    for (setting, value) in arguments.as_object().unwrap() {
        match setting.as_str() {
            "name" => (),
            "persistent" => drop(channel.persistent(value == true)),
            "lazy" => drop(channel.lazy(value == true)),
            "lazy_timeout" => drop(channel.lazy_timeout(ms(value.as_u64().unwrap()))),
            "broadcast_to_publisher" => drop(channel.broadcast_to_publisher(value == true)),
            "append" => append(channel, value.as_str().unwrap().to_owned()),
            "fails" => drop(channel.listener(fail)),
            "disconnects" => {
                let disconnect = async |sender: ServerSession, _| sender.disconnect().await;
                channel.listener(listener(disconnect));
            }
            "authorizer" => authorize(channel, value.as_str().unwrap()),
            other => panic!("no such setting: {other}"),
        }
    }
}

/// A listener puts a text at the end of the data.
fn append(channel: &mut ChannelConfig, text: String) {
    channel.listener(move |_: Option<&ServerSession>, message: &mut Message| {
        let data: String = message.data_as().unwrap();
        message.set_data(data + &text).unwrap();
        Flow::Continue
    });
}

fn fail(_: Option<&ServerSession>, _: &mut Message) -> Flow {
    panic!("on purpose");
}

fn authorize(channel: &mut ChannelConfig, vote: &str) {
    match vote {
        "grant all" => drop(channel.authorizer(Grant::ALL)),
        "grant publish" => drop(channel.authorizer(Grant::PUBLISH)),
        "grant create and subscribe" => drop(channel.authorizer(Grant::CREATE_SUBSCRIBE)),
        "ignore" => drop(channel.authorizer(|_: &Intent<'_>| Vote::Ignore)),
        "deny why" => drop(channel.authorizer(|_: &Intent<'_>| Vote::Deny("why".into()))),
        other => panic!("no such vote: {other}"),
    }
}

fn find(server: &BayeuxServer, id: &str) -> ServerSession {
    // The id itself is a credential, which the server does not tell.
    let is_it = |it: &ServerSession| id.starts_with(it.id().prefix().trim_end_matches('…'));
    server.sessions().into_iter().find(is_it).unwrap()
}
