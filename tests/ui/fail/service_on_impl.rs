use cometd::prelude::*;

struct Chat;

#[service("chat")]
impl Chat {}

fn main() {}
