use cometd::prelude::*;

#[service("chat")]
struct Chat;

#[handlers]
impl Chat {
    #[remote_call("rooms")]
    fn rooms(&self) -> impl Future<Output = u32> {
        async { 1 }
    }
}

fn main() {}
