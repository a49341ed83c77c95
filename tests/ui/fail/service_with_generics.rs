use cometd::prelude::*;

#[service("chat")]
struct Chat<T>(T);

fn main() {}
