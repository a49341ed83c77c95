//! The extensions that CometD's clients carry.
//!
//! | extension | what it does | client |
//! | --- | --- | --- |
//! | [`Acknowledge`] | sends again what a client did not receive, in order | `AckExtension` |
//! | [`TimeSync`] | lets clients reckon the time of the server | `TimeSyncExtension` |
//! | [`Timestamp`] | says when a message left | `TimeStampExtension` |
//! | [`Activity`] | ends sessions whose users do nothing | none |
//! | [`Binary`] | bytes in messages, as [`BinaryData`] | `BinaryExtension` |
//!
//! An extension is installed for all sessions with [`Builder::extension`](crate::Builder::extension).
//! Clients that do not ask for one notice nothing of it, [`Timestamp::default`] and [`Activity`] apart.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use cometd::BayeuxServer;
//! use cometd::extensions::{Acknowledge, Binary, TimeSync, Timestamp};
//!
//! let server = BayeuxServer::builder()
//!     .extension(TimeSync::default())
//!     .extension(Timestamp::on_request())
//!     .extension(Binary::default())
//!     .extension(Acknowledge::default())
//!     .build()
//!     .await?;
//! # Ok(())
//! # }
//! ```
//!
//! [`Extension`](crate::Extension) is what to implement for one of your own.

mod acknowledge;
mod activity;
mod binary;
mod timestamp;
mod timesync;
mod z85;

pub use self::acknowledge::{Acknowledge, BatchListener};
pub use self::activity::{Activity, ActivityKind};
pub use self::binary::{Binary, BinaryData};
pub use self::timestamp::Timestamp;
pub use self::timesync::TimeSync;
