use cometd::prelude::*;

#[service("chat")]
struct Chat {
    #[session]
    #[session]
    session: LocalSession,
}

#[handlers]
impl Chat {
    #[listener("/chat")]
    fn chat(&self) {}
}

fn main() {}
