use cometd::prelude::*;

#[service("chat")]
struct Chat;

#[handlers]
impl Chat {
    #[subscription("/chat", "/meta/connect")]
    fn heard(&self) {}
}

fn main() {}
