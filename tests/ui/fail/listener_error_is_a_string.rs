use cometd::prelude::*;

#[service("chat")]
struct Chat;

#[handlers]
impl Chat {
    #[listener("/chat")]
    fn chat(&self) -> Result<(), String> {
        Err("no".into())
    }
}

fn main() {}
