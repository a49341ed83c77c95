use cometd::prelude::*;

#[service("chat")]
struct Chat;

#[handlers]
impl Chat {
    #[listener("/chat")]
    fn chat(&self, line: Data<Line>) {
        let _ = line;
    }
}

fn main() {}
