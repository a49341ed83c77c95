use cometd::prelude::*;

#[service("chat")]
struct Chat;

#[handlers]
impl Chat {
    #[subscription("/chat")]
    fn heard(&self) -> bool {
        true
    }
}

fn main() {}
