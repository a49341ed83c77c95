use cometd::prelude::*;

#[service("chat")]
struct Chat;

#[handlers]
impl Chat {
    #[listener("/chat/{1}")]
    fn chat(&self) {}
}

fn main() {}
