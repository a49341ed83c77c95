use cometd::prelude::*;

#[service("chat")]
struct Chat;

#[handlers]
impl Chat {
    #[listener("/chat")]
    fn chat(&self, before: &Message, after: &mut Message) {
        let _ = (before, after);
    }
}

fn main() {}
