use cometd::prelude::*;

#[service("chat")]
struct Chat;

#[handlers]
impl Chat {
    #[listener("/chat/a&b")]
    fn chat(&self) {}
}

fn main() {}
