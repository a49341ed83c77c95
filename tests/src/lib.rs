//! The kit of the wire tests: a server in memory, clients that speak Bayeux to it byte by byte, and a
//! clock that is moved by hand.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() {
//! use cometd_tests::{delivery, ms, ok, setup};
//!
//! let app = setup().start().await;
//! let (alice, bob) = (app.client().up().await, app.client().up().await);
//! alice.subscribe("/room/1").await.expect([ok("/meta/subscribe").with("subscription", "/room/1")]);
//! let held = alice.hold().await;
//! bob.publish("/room/1", "hi").await.expect([ok("/room/1")]);
//! held.answer().await.at_once().expect([delivery("/room/1", "hi"), ok("/meta/connect")]);
//! alice.connect().await.after(ms(2000)).expect([ok("/meta/connect")]);
//! # }
//! ```
//!
//! No socket and no real time is used: the tests of a whole day of silence take a millisecond. The
//! runtime must be one thread with a paused clock.

#![expect(
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    clippy::panic,
    clippy::unwrap_used,
    reason = "the kit is part of the tests, and a test fails by panicking"
)]
#![expect(
    clippy::must_use_candidate,
    reason = "an expectation that holds has nothing more to say"
)]

mod answer;
mod application;
mod client;
mod clock;
mod expected;
mod identity;
mod pending;
pub mod scenario;
mod served;
mod setup;
mod socket;

pub use self::answer::Answer;
pub use self::application::{OnMessage, listener};
pub use self::client::{Client, Jar, Via};
pub use self::clock::{Stopwatch, advance, ms, settle};
pub use self::expected::{Expected, check, delivery, failed, ok};
pub use self::identity::Identity;
pub use self::pending::{Pending, start};
pub use self::served::{Served, serve};
pub use self::setup::{App, Setup, open_setup, setup};
pub use self::socket::{Event, Socket};
