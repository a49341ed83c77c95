//! `ext.hooks`: a client says what an extension has to do with its message.
//!
//! `tests/conformance/README.md` lists what can be said.

use std::collections::VecDeque;
use std::sync::Arc;

use cometd::{
    Advice, Deferred, Exchange, Extension, Flow, FrozenMessage, Message, QueueListener, RawJson,
    Reconnect, Reply, ServerSession,
};
use serde_json::{Value, json};

use crate::clock::{advance, ms};

/// Does with a message what its `ext.hooks` says.
pub(super) struct Hooks;

/// The reply is not to be sent.
#[derive(Clone)]
struct Silent;

impl Extension for Hooks {
    fn incoming<'a>(
        &'a self,
        _: Option<&'a ServerSession>,
        exchange: &'a mut Exchange,
    ) -> Deferred<'a, Flow> {
        let Some(hooks) = exchange.message.ext_field("hooks") else {
            return Flow::Continue.into();
        };
        let mut delay = 0;
        for (hook, argument) in hooks.to_value().as_object().unwrap() {
            match hook.as_str() {
                "reconnect" => exchange.reply.set_advice(Some(advice(argument))),
                "ext" => exchange.reply.set_ext(RawJson::of(argument).ok()),
                "show" => {
                    let shown = RawJson::of(&show(exchange, argument));
                    exchange.reply.set_ext(shown.ok());
                }
                "silent" => drop(exchange.reply.notes_mut().insert(Silent)),
                "delay" => delay = argument.as_u64().unwrap(),
                "veto" => return Flow::Stop.into(),
                "fail" => panic!("on purpose"),
                other => panic!("no such hook: {other}"),
            }
        }
        Deferred::later(async move {
            if delay > 0 {
                advance(ms(delay)).await;
            }
            Flow::Continue
        })
    }

    fn reply<'a>(
        &'a self,
        _: Option<&'a ServerSession>,
        reply: &'a mut Reply,
    ) -> Deferred<'a, Flow> {
        Flow::from(reply.notes().get::<Silent>().is_none()).into()
    }
}

fn advice(reconnect: &Value) -> Advice {
    Advice::reconnect(match reconnect.as_str().unwrap() {
        "handshake" => Reconnect::Handshake,
        "none" => Reconnect::None,
        other => panic!("no such advice: {other}"),
    })
}

/// The values of a header and of a cookie of the request.
fn show(exchange: &Exchange, names: &Value) -> Value {
    let context = &exchange.context;
    let header = context.headers().get_all(names["header"].as_str().unwrap());
    let values: Vec<_> = header.iter().map(|it| it.to_str().unwrap()).collect();
    json!({"header": values, "cookie": context.cookie(names["cookie"].as_str().unwrap())})
}

/// Drops what is delivered to a session.
pub(super) struct Drops;

impl Extension for Drops {
    fn outgoing<'a>(
        &'a self,
        _: Option<&'a ServerSession>,
        _: &'a mut Message,
    ) -> Deferred<'a, Flow> {
        Flow::Stop.into()
    }
}

/// Lets the last message of a queue out only.
pub(super) struct Last;

impl QueueListener for Last {
    fn dequeue(
        &self,
        _: &ServerSession,
        messages: &mut VecDeque<Arc<FrozenMessage>>,
        _: &mut Vec<Reply>,
    ) {
        messages.drain(..messages.len().saturating_sub(1));
    }
}

/// Refuses what `maxQueue` calls too many.
pub(super) struct Strict;

impl QueueListener for Strict {
    fn queue_maxed(&self, _: &ServerSession, _: &FrozenMessage) -> Flow {
        Flow::Stop
    }
}
