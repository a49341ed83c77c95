//! The wire tests: what a client sends, and what it gets, in memory and in virtual time.
//!
//! Each test cites the requirement and the conformance case of the specification that it checks.

#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

mod advice;
mod attachment;
mod authorize;
mod batch;
mod browser;
mod callback;
mod channel;
mod conformance;
mod connect;
mod disconnect;
mod foreign;
mod handshake;
mod hooks;
mod http;
mod inspect;
mod interop;
mod lazy;
mod limits;
mod loss;
mod publish;
mod queue;
mod random;
mod serve;
mod services;
mod session;
mod subscribe;
mod testing;
mod tidy;
mod ui;
mod websocket;
