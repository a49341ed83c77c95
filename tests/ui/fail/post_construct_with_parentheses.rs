use cometd::prelude::*;

#[service("chat")]
struct Chat;

#[handlers]
impl Chat {
    #[post_construct("/chat")]
    fn start(&self) {}
}

fn main() {}
