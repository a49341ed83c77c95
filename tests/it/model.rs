//! Random lives of several clients against the whole server: what was published and delivered reaches
//! every session in order, once, in time, and is only lost where a numbered rule says so.
//!
//! `world.rs` makes things happen, `connections.rs` reads real responses and frames, `member.rs` knows
//! what a session should be like, `promises.rs` what it has yet to receive.

mod connections;
mod member;
mod promises;
mod world;

use std::fmt;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestError, TestRunner};
use tokio::runtime::Builder;

use self::world::World;

/// Enough to find a broken rule with near certainty, few enough to take seconds.
const CASES: u32 = 150;

/// A client. Each begins over another transport and may change it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Who {
    /// Long polling.
    A,
    /// A WebSocket.
    B,
    /// Callback polling.
    C,
    /// A WebSocket.
    D,
}

/// Where a client sends its next messages.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Over {
    /// Requests of their own; a WebSocket that is open stays so.
    Http,
    /// The WebSocket that was opened last.
    Socket,
    /// Another WebSocket, while older ones stay open.
    NewSocket,
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Connect {
        by: Who,
        hold: bool,
    },
    /// One envelope; with a connect at its end or without.
    Publish {
        by: Who,
        to: &'static str,
        messages: usize,
        connect: bool,
    },
    /// The application delivers to one session.
    Deliver {
        to: Who,
        lazy: bool,
    },
    /// The application opens a session batch.
    StartBatch {
        of: Who,
    },
    EndBatch {
        of: Who,
    },
    Subscribe {
        by: Who,
        to: &'static str,
    },
    Unsubscribe {
        by: Who,
        from: &'static str,
    },
    /// The client drops its requests or its socket after some turns of the scheduler.
    Cut {
        by: Who,
        turns: usize,
    },
    Move {
        of: Who,
        over: Over,
    },
    Handshake {
        by: Who,
    },
    Disconnect {
        by: Who,
    },
    /// The application ends a session.
    Kick {
        of: Who,
    },
    Wait {
        ms: u64,
    },
}

/// What happens, from first to last; the steps of one line happen together.
#[derive(Clone)]
struct Life {
    /// `metaConnectDeliverOnly` (CFG-15).
    connect_only: bool,
    moments: Vec<Vec<Step>>,
}

impl fmt::Debug for Life {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "connect_only: {}", self.connect_only)?;
        for moment in &self.moments {
            writeln!(formatter, "  {moment:?}")?;
        }
        Ok(())
    }
}

/// Some more often than others, so that several things happen to one of them at once.
fn who() -> impl Strategy<Value = Who> {
    prop_oneof![
        4 => Just(Who::A),
        3 => Just(Who::B),
        2 => Just(Who::C),
        1 => Just(Who::D),
    ]
}

/// A channel; a publication to `/slow` takes some turns of the scheduler.
fn channel() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["/a", "/b", "/lazy", "/slow", "/slow"])
}

fn subscription() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["/a", "/b", "/lazy", "/slow", "/*", "/**"])
}

/// What happens all the time, and what it should not be harmed by.
fn usual() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => (who(), prop::bool::weighted(0.8)).prop_map(|(by, hold)| Step::Connect { by, hold }),
        8 => (who(), channel(), 1..4_usize, prop::bool::weighted(0.2))
            .prop_map(|(by, to, messages, connect)| Step::Publish { by, to, messages, connect }),
        4 => (who(), any::<bool>()).prop_map(|(to, lazy)| Step::Deliver { to, lazy }),
        5 => (who(), 0..3_usize).prop_map(|(by, turns)| Step::Cut { by, turns }),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let over = prop::sample::select(vec![Over::Http, Over::Socket, Over::NewSocket]);
    let ms = prop::sample::select(vec![100, 800, 1500, 2500, 4000]);
    prop_oneof![
        25 => usual(),
        1 => who().prop_map(|of| Step::StartBatch { of }),
        2 => who().prop_map(|of| Step::EndBatch { of }),
        2 => (who(), subscription()).prop_map(|(by, to)| Step::Subscribe { by, to }),
        1 => (who(), subscription()).prop_map(|(by, from)| Step::Unsubscribe { by, from }),
        3 => (who(), over).prop_map(|(of, over)| Step::Move { of, over }),
        1 => who().prop_map(|by| Step::Handshake { by }),
        1 => who().prop_map(|by| Step::Disconnect { by }),
        1 => who().prop_map(|of| Step::Kick { of }),
        3 => ms.prop_map(|ms| Step::Wait { ms }),
    ]
}

fn life() -> impl Strategy<Value = Life> {
    let moment = prop_oneof![
        3 => prop::collection::vec(step(), 1..2),
        1 => prop::collection::vec(step(), 2..5),
        2 => prop::collection::vec(usual(), 2..4),
    ];
    let moments = prop::collection::vec(moment, 1..30);
    (any::<bool>(), moments).prop_map(|(connect_only, moments)| Life {
        connect_only,
        moments,
    })
}

async fn live(life: Life) {
    let mut world = World::new(life.connect_only).await;
    for moment in life.moments {
        for step in moment {
            world.apply(step).await;
        }
        world.rest().await;
    }
    world.finish().await;
}

#[test]
fn every_session_receives_what_it_was_promised_once_in_order_and_in_time() {
    // BAT-10, BAT-11, CN-10 to CN-20, LAZY-2 to LAZY-6, PUB-4, SES-2, SES-3, WS-12 to WS-18
    let config = Config {
        cases: CASES,
        failure_persistence: None,
        ..Config::default()
    };
    let result = TestRunner::new(config).run(&life(), |life| {
        let mut builder = Builder::new_current_thread();
        let runtime = builder.enable_time().start_paused(true).build().unwrap();
        runtime.block_on(live(life));
        Ok(())
    });
    match result {
        Ok(()) => {}
        Err(TestError::Fail(why, life)) => panic!("{why}\n{life:?}"),
        Err(error) => panic!("{error}"),
    }
}
