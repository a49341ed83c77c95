use cometd::prelude::*;

#[handlers]
struct Chat;

fn main() {}
