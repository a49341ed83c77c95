use cometd::prelude::*;

#[service("chat", order = "first")]
struct Chat;

#[handlers]
impl Chat {
    #[listener("/chat")]
    fn chat(&self) {}
}

fn main() {}
