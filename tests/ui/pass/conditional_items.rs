//! Fields and methods that are not compiled leave nothing behind.

#![deny(warnings)]

use cometd::prelude::*;

#[service("chat")]
struct Chat {
    #[cfg(any())]
    #[session]
    absent: LocalSession,
    #[cfg(not(any()))]
    present: u8,
}

#[handlers]
impl Chat {
    #[cfg(any())]
    #[listener("/absent")]
    fn heard(&self, absent: Absent) {}

    #[cfg(not(any()))]
    #[listener("/present")]
    fn heard(&self) -> bool {
        self.present > 0
    }

    #[cfg(any())]
    #[configure("/present")]
    fn open(channel: &mut Absent) {}

    #[cfg(not(any()))]
    #[configure("/present")]
    fn open(channel: &mut ChannelConfig) {
        channel.authorizer(Grant::ALL);
    }
}
