use cometd::prelude::*;

#[service("chat")]
struct Chat;

#[handlers]
impl Chat {
    fn chat(&self) {}
}

fn main() {}
