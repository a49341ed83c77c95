use cometd::prelude::*;

#[service("chat")]
struct Chat;

#[handlers]
impl Chat {
    #[listener("/chat")]
    async fn chat(&self) {
        let text = std::rc::Rc::new(1);
        std::future::ready(()).await;
        drop(text);
    }
}

fn main() {}
