use cometd::prelude::*;

#[service("my chat", order = 1)]
struct Chat {
    #[session]
    #[inject]
    session: LocalSession,
    #[inject("rooms")]
    rooms: std::sync::Arc<Vec<String>>,
}

#[handlers]
impl Chat {
    #[listener("/chat")]
    fn chat(&self) {}
}

fn main() {}
