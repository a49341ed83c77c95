use cometd::prelude::*;

#[service("chat")]
struct Chat;

#[handlers]
impl Chat {
    #[remote_call("/service/rooms")]
    fn rooms(&self) -> u32 {
        1
    }
}

fn main() {}
