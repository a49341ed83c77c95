use cometd::prelude::*;

#[service]
struct Chat;

#[handlers]
impl Chat {
    #[listener("/chat")]
    fn chat(&self) {}
}

fn main() {}
