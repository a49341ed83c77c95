use cometd::prelude::*;

#[service("chat", order = 3_000_000_000)]
struct Chat;

#[handlers]
impl Chat {
    #[listener("/chat")]
    fn chat(&self) {}
}

fn main() {}
