use cometd::prelude::*;

#[service("chat")]
struct Chat;

#[handlers]
impl Chat {
    #[subscription("/chat")]
    fn heard() {}
}

fn main() {}
