use cometd::prelude::*;

struct Chat;

impl Chat {
    #[listener("/chat")]
    fn chat(&self) {}
}

fn main() {}
