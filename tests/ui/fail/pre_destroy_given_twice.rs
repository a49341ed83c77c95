use cometd::prelude::*;

#[service("chat")]
struct Chat;

#[handlers]
impl Chat {
    #[pre_destroy]
    fn end(&self) {}

    #[pre_destroy]
    fn end_again(&self) {}
}

fn main() {}
