use cometd::prelude::*;

#[service("chat")]
struct Chat;

#[handlers]
impl Chat {
    #[remote_call("rooms")]
    fn rooms(&self, caller: Caller) -> u32 {
        drop(caller);
        1
    }
}

fn main() {}
