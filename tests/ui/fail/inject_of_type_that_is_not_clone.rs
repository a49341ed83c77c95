use cometd::prelude::*;

struct Rooms;

#[service("chat")]
struct Chat {
    #[inject]
    rooms: Rooms,
}

#[handlers]
impl Chat {
    #[listener("/chat")]
    fn chat(&self) {}
}

fn main() {}
