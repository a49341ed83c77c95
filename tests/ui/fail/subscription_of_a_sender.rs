use cometd::prelude::*;

#[service("chat")]
struct Chat;

#[handlers]
impl Chat {
    #[subscription("/chat")]
    fn heard(&self, session: &ServerSession) {
        let _ = session;
    }
}

fn main() {}
