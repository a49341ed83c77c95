use cometd::prelude::*;

#[service("chat")]
struct Chat;

#[handlers]
impl Chat {
    #[listener("/chat")]
    async fn chat(&self) -> Result<String, HandlerError> {
        Ok(String::new())
    }
}

fn main() {}
