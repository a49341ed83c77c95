use cometd::prelude::*;

#[service("chat")]
struct Chat;

#[handlers]
impl Chat {
    #[listener("/service/chat")]
    fn chat(&self, caller: Caller) {
        drop(caller);
    }
}

fn main() {}
