use cometd::prelude::*;

struct Chat;

impl Chat {
    #[remote_call("rooms")]
    fn rooms(&self) -> u32 {
        1
    }
}

fn main() {}
