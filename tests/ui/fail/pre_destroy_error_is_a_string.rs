use cometd::prelude::*;

#[service("chat")]
struct Chat;

#[handlers]
impl Chat {
    #[pre_destroy]
    fn end(&self) -> Result<(), String> {
        Ok(())
    }
}

fn main() {}
