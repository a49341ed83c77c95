//! The attributes work on items that a macro makes.

use cometd::prelude::*;

macro_rules! rooms {
    ($($name:ident: $key:ty, $message:ty => $channel:literal;)*) => {
        $(
            #[service($channel)]
            struct $name;

            #[handlers]
            impl $name {
                #[listener("/rooms/{key}")]
                fn heard(&self, key: $key, message: $message) {
                    let _ = (key, message);
                }
            }
        )*
    };
}

rooms! {
    First: u32, &Message => "first";
    Second: String, &mut Message => "second";
}
