use cometd::prelude::*;

struct Chat;

trait Room {
    fn chat(&self);
}

#[handlers]
impl Room for Chat {
    #[listener("/chat")]
    fn chat(&self) {}
}

fn main() {}
