use cometd::prelude::*;

#[service("chat")]
struct Chat;

#[handlers]
impl Chat {
    #[listener()]
    fn chat(&self) {}
}

fn main() {}
