use cometd::prelude::*;

#[service("chat")]
struct Chat;

#[handlers]
impl Chat {
    #[remote_call("rooms/*")]
    fn rooms(&self) -> u32 {
        1
    }
}

fn main() {}
