use cometd::prelude::*;

#[service("chat")]
struct Chat {
    #[inject("rooms")]
    rooms: std::sync::Arc<Vec<String>>,
}

#[handlers]
impl Chat {
    #[listener("/chat")]
    fn chat(&self) {}
}

fn main() {}
