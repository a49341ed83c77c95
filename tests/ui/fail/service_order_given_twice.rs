use cometd::prelude::*;

#[service("chat", order = 1, order = 2)]
struct Chat;

#[handlers]
impl Chat {
    #[listener("/chat")]
    fn chat(&self) {}
}

fn main() {}
