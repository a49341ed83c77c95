use cometd::prelude::*;

#[service("chat")]
struct Chat {
    #[session]
    session: ServerSession,
}

#[handlers]
impl Chat {
    #[listener("/chat")]
    fn chat(&self) {}
}

fn main() {}
