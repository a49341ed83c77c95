use cometd::prelude::*;

struct NoSuchRoom;

#[service("chat")]
struct Chat;

#[handlers]
impl Chat {
    #[remote_call("rooms")]
    async fn rooms(&self) -> Result<u32, NoSuchRoom> {
        Err(NoSuchRoom)
    }
}

fn main() {}
