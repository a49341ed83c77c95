use cometd::prelude::*;

#[service("chat")]
struct Chat;

#[handlers]
impl Chat {
    #[post_construct]
    #[post_construct]
    fn start(&self) {}
}

fn main() {}
