use cometd::prelude::*;

#[service("chat")]
struct Chat;

#[handlers]
impl Chat {
    #[listener("/chat")]
    fn chat(&self, text: Data<&str>, message: &mut Message) {
        let _ = (text, message);
    }
}

fn main() {}
