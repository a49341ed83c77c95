use cometd::prelude::*;

struct Members;

#[service("chat")]
struct Chat {
    members: Members,
}

#[handlers]
impl Chat {
    #[listener("/chat")]
    fn chat(&self) {}
}

fn main() {}
