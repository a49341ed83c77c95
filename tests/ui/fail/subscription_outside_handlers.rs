use cometd::prelude::*;

struct Chat;

impl Chat {
    #[subscription("/chat")]
    fn chat(&self) {}
}

fn main() {}
