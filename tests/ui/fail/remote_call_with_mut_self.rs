use cometd::prelude::*;

#[service("chat")]
struct Chat;

#[handlers]
impl Chat {
    #[remote_call("rooms")]
    fn rooms(&mut self) -> u32 {
        1
    }
}

fn main() {}
