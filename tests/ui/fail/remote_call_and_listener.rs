use cometd::prelude::*;

#[service("chat")]
struct Chat;

#[handlers]
impl Chat {
    #[remote_call("rooms")]
    #[listener("/service/rooms")]
    fn rooms(&self) -> bool {
        true
    }
}

fn main() {}
