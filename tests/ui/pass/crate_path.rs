#![deny(warnings)]

mod bayeux {
    pub use ::cometd::*;
}

mod cometd {}

use bayeux::prelude::*;

#[service("chat", crate = "crate::bayeux")]
struct Chat;

#[handlers(crate = "crate::bayeux")]
impl Chat {
    #[listener("/chat")]
    fn chat(&self) {}
}

fn main() {}
