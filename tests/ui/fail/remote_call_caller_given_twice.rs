use cometd::prelude::*;

#[service("chat")]
struct Chat;

#[handlers]
impl Chat {
    #[remote_call("rooms")]
    fn rooms(&self, caller: Caller, again: Caller) {
        drop((caller, again));
    }
}

fn main() {}
