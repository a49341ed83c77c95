use cometd::prelude::*;

#[service("chat")]
struct Chat;

trait Room {
    fn chat(&self);
}

#[handlers]
impl Room for Chat {
    #[listener("/chat")]
    fn chat(&self) {}
}

fn main() {}
