//! What all runs together have shown.

use std::collections::HashMap;

use hdrhistogram::Histogram;

use super::statistics::Spread;
use crate::load::{Failure, Footprint, Outcome};
use crate::run::Finding;
use crate::scenario::Scenario;
use crate::server::Server;

/// What is measured several times.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(crate) struct Cell {
    pub(crate) server: Server,
    pub(crate) scenario: Scenario,
    pub(crate) pacing: Pacing,
}

#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(crate) enum Pacing {
    /// As fast as the server goes.
    Closed,
    /// At a rate that all servers get.
    Open,
    /// As fast as the server goes with two threads, of which one shares its core with the generator.
    Doubled,
}

#[derive(Debug, Default)]
pub(crate) struct Results {
    findings: HashMap<Cell, Vec<Finding>>,
    /// Why runs have no result.
    refused: HashMap<Cell, Vec<String>>,
}

/// Several runs of the same thing.
pub(crate) struct Summary {
    pub(crate) runs: usize,
    pub(crate) rate: Spread,
    /// Per second of the server's processor time.
    pub(crate) rate_of_core: Spread,
    /// Of all runs together, in nanoseconds.
    pub(crate) latency: Histogram<u64>,
    /// Medians of each run's quantiles, in nanoseconds.
    pub(crate) p50: Spread,
    pub(crate) p99: Spread,
    /// Whether the generator was too slow in any of them.
    pub(crate) is_bounded: bool,
}

impl Summary {
    /// How many times the rate of another this is. Where the generator was too slow for one of them,
    /// they are compared by their own processor time.
    pub(crate) fn ratio(&self, other: &Self) -> f64 {
        if self.is_bounded || other.is_bounded {
            self.rate_of_core.median / other.rate_of_core.median
        } else {
            self.rate.median / other.rate.median
        }
    }
}

impl Results {
    pub(crate) fn record(&mut self, cell: Cell, finding: Result<Finding, Failure>) {
        match finding {
            Ok(finding) => self.findings.entry(cell).or_default().push(finding),
            Err(failure) => {
                let refused = self.refused.entry(cell).or_default();
                refused.push(failure.to_string());
            }
        }
    }

    /// Why the last run without a result has none.
    pub(crate) fn refusal(&self, cell: Cell) -> Option<&str> {
        self.refused.get(&cell)?.last().map(String::as_str)
    }

    pub(crate) fn summary(&self, cell: Cell) -> Option<Summary> {
        let outcomes = || {
            let findings = self.findings.get(&cell).into_iter().flatten();
            findings.filter_map(|finding| match finding {
                Finding::Rate(outcome) => Some(&**outcome),
                Finding::Memory(_) => None,
            })
        };
        let spread = |of: fn(&Outcome) -> f64| Spread::of(outcomes().map(of));
        let mut latency = Histogram::new(3).ok()?;
        for outcome in outcomes() {
            latency.add(&outcome.tally.latency).ok()?;
        }
        Some(Summary {
            runs: outcomes().count(),
            rate: spread(Outcome::rate)?,
            rate_of_core: spread(|it| it.rate_of_core().unwrap_or_default())?,
            p50: spread(|it| it.tally.latency.value_at_quantile(0.5) as f64)?,
            p99: spread(|it| it.tally.latency.value_at_quantile(0.99) as f64)?,
            is_bounded: outcomes().any(Outcome::is_bounded),
            latency,
        })
    }

    /// The bytes of memory at each number of sessions that was looked at.
    pub(crate) fn footprints(&self, cell: Cell) -> Vec<(usize, Spread)> {
        let findings = self.findings.get(&cell).into_iter().flatten();
        let footprints: Vec<&[Footprint]> = findings
            .filter_map(|finding| match finding {
                Finding::Memory(footprints) => Some(&**footprints),
                Finding::Rate(_) => None,
            })
            .collect();
        let steps = footprints.first().map_or(&[][..], |it| *it);
        let at = |sessions| {
            let all = footprints.iter().flat_map(|it| it.iter());
            let there = all.filter(move |it| it.sessions == sessions);
            Spread::of(there.map(|it| it.resident as f64))
        };
        let steps = steps.iter().map(|it| it.sessions);
        steps.filter_map(|it| Some((it, at(it)?))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cell() -> Cell {
        Cell {
            server: Server::Ours,
            scenario: "websocket/idle/10".parse().unwrap(),
            pacing: Pacing::Closed,
        }
    }

    #[test]
    fn memory_is_compared_at_the_same_number_of_sessions() {
        let mut results = Results::default();
        for (before, after) in [(10, 30), (12, 20), (14, 40)] {
            let footprint = |sessions, resident| Footprint { sessions, resident };
            let finding = vec![footprint(0, before), footprint(10, after)];
            results.record(cell(), Ok(Finding::Memory(finding)));
        }
        let found = results.footprints(cell());
        let medians: Vec<_> = found.iter().map(|it| (it.0, it.1.median)).collect();
        assert_eq!(medians, [(0, 12.0), (10, 30.0)]);
    }

    #[test]
    fn a_run_that_is_refused_is_no_result() {
        let mut results = Results::default();
        results.record(cell(), Err(Failure::Closed(1001)));
        assert!(results.summary(cell()).is_none());
        assert_eq!(
            results.refusal(cell()),
            Some("the server closed the socket with code 1001")
        );
    }
}
