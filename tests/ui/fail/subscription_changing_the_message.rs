use cometd::prelude::*;

#[service("chat")]
struct Chat;

#[handlers]
impl Chat {
    #[subscription("/chat")]
    fn heard(&self, message: &mut Message) {
        let _ = message;
    }
}

fn main() {}
