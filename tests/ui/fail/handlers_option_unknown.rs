use cometd::prelude::*;

#[service("chat")]
struct Chat;

#[handlers("chat")]
impl Chat {
    #[listener("/chat")]
    fn chat(&self) {}
}

fn main() {}
