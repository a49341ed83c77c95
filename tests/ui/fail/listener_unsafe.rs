use cometd::prelude::*;

#[service("chat")]
struct Chat;

#[handlers]
impl Chat {
    #[listener("/chat")]
    unsafe fn chat(&self) {}
}

fn main() {}
