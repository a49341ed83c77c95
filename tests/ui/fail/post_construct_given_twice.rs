use cometd::prelude::*;

#[service("chat")]
struct Chat;

#[handlers]
impl Chat {
    #[post_construct]
    fn start(&self) {}

    #[post_construct]
    async fn start_again(&self) {}
}

fn main() {}
