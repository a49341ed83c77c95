use cometd::prelude::*;

#[service("chat")]
struct Chat;

#[handlers]
impl Chat {
    #[listener("/chat")]
    fn chat(&self) -> Vec<String> {
        Vec::new()
    }
}

fn main() {}
