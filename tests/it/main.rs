//! The wire tests: what a client sends, and what it gets, in memory and in virtual time.
//!
//! Each test cites the requirement and the conformance case of the specification that it checks.

#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

mod acknowledge;
mod activity;
mod advice;
mod attachment;
mod authenticate;
mod authorize;
mod batch;
mod binary;
mod browser;
mod callback;
mod channel;
mod conformance;
mod connect;
mod disconnect;
mod explain;
mod extensions;
mod fanout;
mod fire;
mod foreign;
mod handshake;
mod hooks;
mod http;
mod inspect;
mod interop;
mod lazy;
mod lifecycle;
mod limits;
mod loss;
mod model;
mod origin;
mod publish;
mod queue;
mod random;
mod remote_call;
mod serve;
mod services;
mod session;
mod subscribe;
mod testing;
mod tidy;
mod timestamp;
mod timesync;
mod ui;
mod websocket;
