use cometd::prelude::*;

#[service("chat")]
struct Chat;

#[handlers]
impl Chat {
    #[listener("/chat", receive_own = true)]
    fn chat(&self) {}
}

fn main() {}
