use cometd::prelude::*;

#[service("chat")]
struct Chat;

#[handlers]
impl Chat {
    #[subscription()]
    fn heard(&self) {}
}

fn main() {}
