//! What is compared, and how long.

use std::time::Duration;

use crate::load::{Pace, Timing};
use crate::scenario::{Scenario, Traffic, Work};
use crate::server::Server;

/// How much time there is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Extent {
    /// Some two minutes.
    Quick,
    Full,
}

impl Extent {
    pub(crate) const fn repetitions(self) -> usize {
        match self {
            Self::Quick => 3,
            Self::Full => 5,
        }
    }

    /// The scenarios of the closed loop, of memory and of churn.
    pub(crate) fn scenarios(self) -> Vec<Scenario> {
        named(match self {
            Self::Quick => QUICK,
            Self::Full => FULL,
        })
    }

    /// The scenarios of the open loop.
    pub(crate) fn paced(self) -> Vec<Scenario> {
        named(match self {
            Self::Quick => QUICK_PACED,
            Self::Full => PACED,
        })
    }

    /// Scenarios whose costs are compared with each other: what else there is grows.
    pub(crate) fn growing(self) -> Vec<Scenario> {
        named(match self {
            Self::Quick => &[],
            Self::Full => GROWING,
        })
    }

    /// Scenarios that also run on two cores.
    pub(crate) fn doubled(self) -> Vec<Scenario> {
        named(match self {
            Self::Quick => &[],
            Self::Full => DOUBLED,
        })
    }

    /// Whether a server that was started once stays for all rounds.
    pub(crate) const fn keeps_servers(self) -> bool {
        match self {
            Self::Quick => true,
            Self::Full => false,
        }
    }

    /// The windows that are tried for a scenario: a wider one makes servers write more at once, and
    /// messages wait longer.
    pub(crate) fn windows(self, traffic: Traffic) -> impl Iterator<Item = u32> {
        let windows: &[u32] = match self {
            Self::Quick => &[32],
            Self::Full => &[1, 4, 16, 64, 256],
        };
        let payload = traffic.payload();
        // More than this of one stream would measure the memory of the machine.
        let fits = move |window: &u32| *window as usize * payload <= 64 * 1024;
        windows.iter().copied().filter(fits)
    }

    pub(crate) const fn timing(self, pace: Pace) -> Timing {
        let (warm_up, measured) = match self {
            Self::Quick => (150, 500),
            Self::Full => (500, 2000),
        };
        Timing {
            pace,
            warm_up: Duration::from_millis(warm_up),
            measured: Duration::from_millis(measured),
        }
    }

    /// Long enough to tell windows apart.
    pub(crate) const fn trial(self, window: u32) -> Timing {
        let (warm_up, measured) = match self {
            Self::Quick => (100, 300),
            Self::Full => (200, 500),
        };
        Timing {
            pace: Pace::Closed { window },
            warm_up: Duration::from_millis(warm_up),
            measured: Duration::from_millis(measured),
        }
    }

    /// How long a server that was just started is loaded before anything counts: until its compiler
    /// has seen what is hot, if it has one.
    pub(crate) const fn warm_up(self, server: Server) -> Duration {
        Duration::from_millis(match (server, self) {
            (Server::Ours | Server::Limit, _) => 300,
            (Server::Faye | Server::Node, Self::Quick) => 600,
            (Server::Faye | Server::Node, Self::Full) => 3000,
            (Server::Java, Self::Quick) => 3000,
            (Server::Java, Self::Full) => 20_000,
        })
    }
}

fn named(names: &[&str]) -> Vec<Scenario> {
    let scenario = |name: &&str| name.parse().expect("the names below are tested");
    names.iter().map(scenario).collect()
}

impl Scenario {
    pub(crate) const fn traffic(&self) -> Option<Traffic> {
        match self.work {
            Work::Traffic(traffic) => Some(traffic),
            Work::Idle { .. } | Work::Churn { .. } => None,
        }
    }
}

const FULL: &[&str] = &[
    "websocket/fan-out/100x10/64",
    "websocket/fan-out/100x10/1024",
    "websocket/fan-out/1000x10/64",
    "websocket/fan-out/1000x10/1024",
    "websocket/fan-out/1000x1/64",
    "websocket/fan-out/1000x1/1024",
    "websocket/fan-out/5000x10/64",
    "websocket/fan-out/1000x10/64/ack",
    "websocket/publishers/100/64",
    "websocket/echo/100/64",
    "websocket/echo/100/1024",
    "websocket/echo/100/64/ack",
    "websocket/churn/50",
    "websocket/idle/18000",
    "long-polling/fan-out/100x10/64",
    "long-polling/fan-out/100x10/1024",
    "long-polling/fan-out/1000x10/64",
    "long-polling/fan-out/1000x10/1024",
    "long-polling/fan-out/1000x1/64",
    "long-polling/fan-out/1000x1/1024",
    "long-polling/fan-out/1000x10/64/ack",
    "long-polling/publishers/100/64",
    "long-polling/echo/100/64",
    "long-polling/echo/100/64/ack",
    "long-polling/churn/50",
    "long-polling/idle/18000",
];

const PACED: &[&str] = &[
    "websocket/fan-out/1000x10/64",
    "websocket/fan-out/1000x1/1024",
    "websocket/echo/100/64",
    "long-polling/fan-out/1000x10/64",
    "long-polling/echo/100/64",
];

/// Smaller and larger by turns.
const GROWING: &[&str] = &[
    "websocket/fan-out/100x1/64",
    "websocket/fan-out/10000x1/64",
    "websocket/among/100x10/64",
    "websocket/among/18000x100000/64",
];

/// Publishes of each stream under way in these: the same for all that are compared with each other.
pub(super) const GROWING_WINDOW: u32 = 64;

const DOUBLED: &[&str] = &["websocket/fan-out/1000x10/64", "websocket/echo/100/64"];

const QUICK: &[&str] = &[
    "websocket/fan-out/1000x10/64",
    "websocket/echo/100/64",
    "websocket/churn/20",
    "websocket/idle/500",
    "long-polling/fan-out/100x10/64",
];

const QUICK_PACED: &[&str] = &["websocket/fan-out/1000x10/64"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scenario_has_a_name_that_is_understood() {
        for extent in [Extent::Quick, Extent::Full] {
            let scenarios = extent.scenarios();
            assert!(
                extent
                    .paced()
                    .iter()
                    .all(|it| scenarios.contains(it) && it.traffic().is_some())
            );
        }
    }

    #[test]
    fn large_payloads_have_narrow_windows() {
        let windows = |payload| {
            let echo = Traffic::Echo {
                sessions: 1,
                payload,
            };
            Extent::Full.windows(echo).collect::<Vec<_>>()
        };
        assert_eq!(windows(64), [1, 4, 16, 64, 256]);
        assert_eq!(windows(1024), [1, 4, 16, 64]);
    }
}
