use cometd::prelude::*;

#[service("chat")]
struct Chat;

#[handlers]
impl Chat {
    #[remote_call("rooms")]
    fn rooms(&self) -> Result<u32, String> {
        Err("no".into())
    }
}

fn main() {}
