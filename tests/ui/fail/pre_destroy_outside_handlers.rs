use cometd::prelude::*;

struct Chat;

impl Chat {
    #[pre_destroy]
    fn end(&self) {}
}

fn main() {}
