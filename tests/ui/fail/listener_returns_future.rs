use cometd::prelude::*;

#[service("chat")]
struct Chat;

#[handlers]
impl Chat {
    #[listener("/chat")]
    fn chat(&self) -> impl Future<Output = bool> {
        std::future::ready(true)
    }
}

fn main() {}
