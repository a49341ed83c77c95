use cometd::prelude::*;

#[service("chat room")]
struct Chat;

#[handlers]
impl Chat {
    #[listener("/chat")]
    fn chat(&self) {}
}

fn main() {}
