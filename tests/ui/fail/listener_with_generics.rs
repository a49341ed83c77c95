use cometd::prelude::*;

#[service("chat")]
struct Chat;

#[handlers]
impl Chat {
    #[listener("/chat")]
    fn chat<'a>(&self, message: &'a Message) {
        let _ = message;
    }
}

fn main() {}
