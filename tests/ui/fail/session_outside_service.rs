use cometd::prelude::*;

#[session]
struct Chat;

fn main() {}
