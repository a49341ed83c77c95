//! One run of one scenario against one server.

use std::fmt;

use crate::load::{self, Failure, Footprint, Outcome, Timing, Watched};
use crate::scenario::{Echo, Scenario, Transport, Work};

/// What a run has shown.
#[derive(Clone, Debug)]
pub(crate) enum Finding {
    /// Deliveries, or lives of sessions.
    Rate(Box<Outcome>),
    Memory(Vec<Footprint>),
}

/// Runs a scenario against a server that sends things back in some way.
pub(crate) fn run(
    watched: &Watched,
    echo: Echo,
    scenario: &Scenario,
    timing: Timing,
) -> Result<Finding, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        match scenario.transport {
            Transport::WebSocket => over::<load::WebSocket>(watched, echo, scenario, timing).await,
            Transport::LongPolling => over::<load::Polling>(watched, echo, scenario, timing).await,
        }
    })
}

async fn over<T: load::Transport>(
    watched: &Watched,
    echo: Echo,
    scenario: &Scenario,
    timing: Timing,
) -> Result<Finding, Failure> {
    let outcome = match scenario.work {
        Work::Traffic(traffic) => {
            load::traffic::<T>(watched, &traffic.plan(echo, scenario.ack), timing).await
        }
        Work::Churn { at_once } => {
            load::churn::<T>(watched, at_once, timing.warm_up, timing.measured).await
        }
        Work::Idle { sessions } => {
            return load::idle::<T>(watched, sessions)
                .await
                .map(Finding::Memory);
        }
    };
    outcome.map(|it| Finding::Rate(Box::new(it)))
}

impl fmt::Display for Finding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rate(outcome) => outcome.fmt(formatter),
            Self::Memory(footprints) => {
                let one = |it: &Footprint| format!("{} MiB at {}", it.resident >> 20, it.sessions);
                let all: Vec<_> = footprints.iter().map(one).collect();
                formatter.write_str(&all.join(", "))
            }
        }
    }
}
