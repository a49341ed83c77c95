use cometd::prelude::*;

#[service("chat")]
struct Chat;

#[handlers]
impl Chat {
    #[listener("/chat", "/chat")]
    fn chat(&self) {}
}

fn main() {}
