use cometd::prelude::*;

#[service("chat")]
struct Chat;

fn main() {}
