use cometd::prelude::*;

#[service("chat")]
struct Chat;

#[handlers]
impl Chat {
    #[listener("/chat")]
    extern "C" fn chat(&self) {}
}

fn main() {}
