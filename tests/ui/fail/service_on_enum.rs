use cometd::prelude::*;

#[service("chat")]
enum Chat {}

fn main() {}
