use cometd::prelude::*;

#[service("chat", crate = "my cometd")]
struct Chat;

#[handlers]
impl Chat {
    #[listener("/chat")]
    fn chat(&self) {}
}

fn main() {}
