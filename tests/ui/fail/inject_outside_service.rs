use cometd::prelude::*;

#[inject]
fn rooms() {}

fn main() {}
