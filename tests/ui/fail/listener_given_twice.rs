use cometd::prelude::*;

#[service("chat")]
struct Chat;

#[handlers]
impl Chat {
    #[listener("/chat")]
    #[listener("/lobby")]
    fn chat(&self) {}
}

fn main() {}
