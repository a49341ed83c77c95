//! Bytes in, bytes out.

mod body;
mod browser;
mod cookie;
mod http;
mod origin;
mod response;
#[cfg(feature = "serve")]
mod rewound;
mod service;
mod waiting;
mod websocket;

pub use self::response::Body;
pub use self::service::{BayeuxService, Secure};
#[cfg(feature = "serve")]
pub(crate) use self::{rewound::Rewound, waiting::Waiting};
