//! Generated code names nothing that a user could have shadowed.

#![allow(dead_code, reason = "they are there to be in the way")]

use cometd::prelude::{Data, Message, ServerSession, handlers, service};

struct Option;
struct Result;
struct Default;
struct Some;
struct Ok;
struct Service;
struct Handlers;
struct Method;

fn call() {}
fn context() {}
fn argument_0() {}
fn outcome() {}

mod core {}
mod std {}

#[service("chat")]
struct Chat {
    count: u8,
}

#[handlers]
impl Chat {
    #[cometd::prelude::listener("/chat/{call}")]
    async fn chat(
        &self,
        call: u8,
        session: &ServerSession,
        Data(service): Data<u8>,
        message: &Message,
    ) -> bool {
        let _ = (session, message);
        call > service && self.count == 0
    }
}
