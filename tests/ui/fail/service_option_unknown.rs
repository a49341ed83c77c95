use cometd::prelude::*;

#[service("chat", ordre = 1)]
struct Chat;

#[handlers]
impl Chat {
    #[listener("/chat")]
    fn chat(&self) {}
}

fn main() {}
