//! Testing services without a socket and without a sleep.
//!
//! There are two ways, and most services are worth both.
//!
//! # Calling a handler
//!
//! A handler is a method: call it, with a [`MockSession`] for its sender and
//! [`LocalSession::mock`](crate::LocalSession::mock) for the session of the service, and look at what
//! arrived. There is no protocol in between, and the test says what the method does.
//!
//! ```
//! # #[cfg(feature = "macros")]
//! # mod example {
//! use cometd::prelude::*;
//!
//! #[service("echo")]
//! struct Echo;
//!
//! #[handlers]
//! impl Echo {
//!     #[listener("/service/echo")]
//!     async fn echo(&self, session: &ServerSession, message: &Message) -> Result<(), HandlerError> {
//!         session.deliver(None, message.channel(), message.data()).await?;
//!         Ok(())
//!     }
//! }
//!
//! # pub async fn run() {
//! let session = MockSession::new();
//! let message = Message::publish("/service/echo", "ping");
//! Echo.echo(&session, &message).await.unwrap();
//! session.expect_delivered("/service/echo").data("ping");
//! # }
//! # }
//! # #[cfg(feature = "macros")]
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() { example::run().await }
//! # #[cfg(not(feature = "macros"))]
//! # fn main() {}
//! ```
//!
//! # A whole server in memory
//!
//! A [`TestServer`] is the real server with its services, policy and extensions; its
//! [`TestClient`]s speak the real protocol to it, over long polling, each with a connect that is held
//! and repeated, as the official clients do. Time is virtual where the test's clock is paused
//! (`#[tokio::test(start_paused = true)]`, with tokio's `test-util`): an hour of silence takes no time.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() {
//! use std::time::Duration;
//!
//! use cometd::testing::TestServer;
//!
//! let app = TestServer::builder().build().await;
//! let [alice, bob] = app.connect_all().await;
//! alice.subscribe("/room").await.unwrap();
//! bob.publish("/room", "hello").await.unwrap();
//! alice.expect_message("/room").data("hello");
//!
//! bob.vanish();
//! app.advance(Duration::from_secs(60)).await;
//! assert!(bob.session().is_none(), "nobody waits for those who do not come back");
//! assert!(alice.session().is_some());
//! # }
//! ```
//!
//! # What may go wrong
//!
//! | call | what happens on the way |
//! | --- | --- |
//! | [`vanish`](TestClient::vanish) | the client says nothing any more, and what is under way is cut |
//! | [`lose_next_reply`](TestClient::lose_next_reply) | the reply to a connect does not arrive; the client connects again |
//! | [`duplicate_connect`](TestClient::duplicate_connect) | a second connect while the first is held |
//! | [`stop_reading`](TestClient::stop_reading), [`read_on`](TestClient::read_on) | no connect for a while: messages pile up |
//!
//! # Expectations
//!
//! [`expect_message`](TestClient::expect_message) takes the first message that has arrived on a
//! channel, [`next_message`](TestClient::next_message) waits for it,
//! [`expect_nothing`](TestClient::expect_nothing) says that there is no other. One that fails prints
//! what did arrive, at the line of the test.

#![expect(
    clippy::indexing_slicing,
    reason = "fields of messages: those that the clients write, and those that the server has written"
)]

mod client;
mod inbox;
mod link;
mod mock;
mod server;

pub use self::client::{CallFailed, Refused, TestClient};
pub use self::inbox::Delivered;
pub use self::mock::MockSession;
pub use self::server::{TestBuilder, TestServer};
