use cometd::prelude::*;

#[service("chat")]
struct Chat;

#[handlers]
impl Chat {
    #[post_construct]
    async fn start(&self) -> bool {
        true
    }
}

fn main() {}
