use cometd::prelude::*;

#[service("chat")]
struct Chat;

#[handlers]
impl Chat {
    #[listener("/chat", own = "true")]
    fn chat(&self) {}
}

fn main() {}
