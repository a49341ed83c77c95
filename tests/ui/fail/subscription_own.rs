use cometd::prelude::*;

#[service("chat")]
struct Chat;

#[handlers]
impl Chat {
    #[subscription("/chat", own = false)]
    fn heard(&self) {}
}

fn main() {}
