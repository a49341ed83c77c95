use cometd::prelude::*;

#[service("chat")]
struct Chat;

#[handlers]
impl Chat {
    #[listener("/chat")]
    fn chat(&self) {}
}

#[handlers]
impl Chat {
    #[listener("/lobby")]
    fn lobby(&self) {}
}

fn main() {}
