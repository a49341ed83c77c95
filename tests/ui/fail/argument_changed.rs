use cometd::prelude::*;

#[service("chat")]
struct Chat;

#[handlers]
impl Chat {
    #[listener("/chat")]
    fn chat(&self, session: &mut ServerSession) {
        let _ = session;
    }
}

fn main() {}
