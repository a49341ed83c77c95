use cometd::prelude::*;

struct Chat<T>(T);

#[handlers]
impl<T> Chat<T> {
    #[listener("/chat")]
    fn chat(&self) {}
}

fn main() {}
