use cometd::prelude::*;

#[service("chat")]
struct Chat {
    rooms: std::cell::RefCell<Vec<String>>,
}

#[handlers]
impl Chat {
    #[listener("/chat")]
    fn chat(&self) {}
}

fn main() {}
