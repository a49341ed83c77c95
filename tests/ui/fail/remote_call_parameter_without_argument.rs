use cometd::prelude::*;

#[service("chat")]
struct Chat;

#[handlers]
impl Chat {
    #[remote_call("rooms/{room}/history")]
    fn history(&self) -> u32 {
        1
    }
}

fn main() {}
