//! The runtime can be re-exported from a module.

#![deny(warnings)]

mod bayeux {
    pub(crate) use ::cometd::*;
}

mod cometd {}

use bayeux::prelude::*;

#[service("chat", crate = "crate::crate_path::bayeux")]
struct Chat;

#[handlers(crate = "crate::crate_path::bayeux")]
impl Chat {
    #[listener("/chat")]
    fn chat(&self) {}
}
