//! Judges a Bayeux server by scenarios: what clients send, and what they get.
//!
//! A scenario is a JSON file; `tests/conformance/README.md` describes the form. The same scenarios are
//! played in memory and in virtual time by this workspace's tests, and by the program `conformance`
//! against any server:
//!
//! ```text
//! cargo run -p conformance -- --url http://127.0.0.1:8080/cometd
//! ```
//!
//! Whoever plays a scenario says how to [connect](Target) to the server and how fast it has to be
//! ([`Pace`]); the rest is the same for both.

mod exchange;
mod failure;
mod matching;
mod play;
mod report;
mod scenario;
mod socket;
mod target;

pub use self::failure::Failure;
pub use self::play::{play, probe};
pub use self::report::{Report, Verdict};
pub use self::scenario::{
    After, Answer, Expect, InvalidScenario, Need, Open, Profile, Receive, Response, Scenario, Send,
    Silent, Step, Transport, load,
};
pub use self::target::{Connect, Io, Pace, Target};
