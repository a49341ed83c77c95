//! What the project wants to reach, as ratios within one comparison.

use super::Comparison;
use super::results::{Cell, Pacing, Summary};
use crate::scenario::Scenario;
use crate::server::Server;

/// A target, and how it was met.
pub(crate) struct Verdict {
    pub(crate) what: String,
    pub(crate) target: String,
    /// Nothing if one side was not measured.
    pub(crate) found: Option<f64>,
    pub(crate) is_met: bool,
}

/// A ratio of ours to another server's.
struct Target {
    scenario: &'static str,
    pacing: Pacing,
    against: Server,
    measure: Measure,
    bound: Bound,
}

#[derive(Clone, Copy)]
enum Measure {
    Rate,
    P99,
}

#[derive(Clone, Copy)]
enum Bound {
    AtLeast(f64),
    AtMost(f64),
}

const TARGETS: &[Target] = &[
    rate("websocket/fan-out/1000x10/64", Server::Limit, 0.8),
    rate("websocket/fan-out/1000x10/64", Server::Java, 10.0),
    Target {
        scenario: "websocket/fan-out/1000x10/64",
        pacing: Pacing::Open,
        against: Server::Java,
        measure: Measure::P99,
        bound: Bound::AtMost(0.25),
    },
    rate("websocket/echo/100/64", Server::Limit, 0.7),
    rate("websocket/echo/100/64", Server::Java, 5.0),
    rate("long-polling/fan-out/1000x10/64", Server::Java, 4.0),
    rate("long-polling/fan-out/1000x10/64", Server::Faye, 4.0),
    rate("websocket/churn/50", Server::Java, 3.0),
    rate("long-polling/churn/50", Server::Java, 3.0),
];

const fn rate(scenario: &'static str, against: Server, ratio: f64) -> Target {
    Target {
        scenario,
        pacing: Pacing::Closed,
        against,
        measure: Measure::Rate,
        bound: Bound::AtLeast(ratio),
    }
}

/// Kibibytes of memory for one of 18,000 idle sessions, everything included.
const MEMORY: [(&str, f64); 2] = [
    ("websocket/idle/18000", 8.0),
    ("long-polling/idle/18000", 12.0),
];

/// The targets whose scenarios were run.
pub(crate) fn verdicts(comparison: &Comparison) -> Vec<Verdict> {
    let ratios = TARGETS.iter().filter_map(|it| it.judge(comparison));
    let memory = MEMORY
        .iter()
        .filter_map(|(scenario, bound)| memory(comparison, scenario, *bound));
    ratios.chain(memory).collect()
}

impl Target {
    fn judge(&self, comparison: &Comparison) -> Option<Verdict> {
        let scenario = run_of(comparison, self.scenario)?;
        let summary = |server| {
            let pacing = self.pacing;
            comparison.results.summary(Cell {
                server,
                scenario,
                pacing,
            })
        };
        let sides = summary(Server::Ours).zip(summary(self.against));
        let found = sides.map(|(ours, other)| self.measure.ratio(&ours, &other));
        let what = match self.measure {
            Measure::Rate => format!("{scenario}, rate"),
            Measure::P99 => format!("{scenario}, p99 at half of CometD Java's best rate"),
        };
        let (target, is_met) = match self.bound {
            Bound::AtLeast(bound) => (
                format!("at least {bound}"),
                found.is_some_and(|it| it >= bound),
            ),
            Bound::AtMost(bound) => (
                format!("at most {bound}"),
                found.is_some_and(|it| it <= bound),
            ),
        };
        Some(Verdict {
            what,
            target: format!("{target} of {}", self.against),
            found,
            is_met,
        })
    }
}

impl Measure {
    fn ratio(self, ours: &Summary, other: &Summary) -> f64 {
        match self {
            Self::Rate => ours.ratio(other),
            Self::P99 => ours.p99.median / other.p99.median,
        }
    }
}

fn memory(comparison: &Comparison, name: &str, bound: f64) -> Option<Verdict> {
    let scenario = run_of(comparison, name)?;
    let footprints = comparison.results.footprints(Cell {
        server: Server::Ours,
        scenario,
        pacing: Pacing::Closed,
    });
    let found = footprints
        .last()
        .map(|(sessions, resident)| resident.median / 1024.0 / *sessions as f64);
    Some(Verdict {
        what: format!("{scenario}, KiB for each session"),
        target: format!("at most {bound}"),
        found,
        is_met: found.is_some_and(|it| it <= bound),
    })
}

fn run_of(comparison: &Comparison, name: &str) -> Option<Scenario> {
    let run = comparison
        .scenarios
        .iter()
        .find(|it| it.to_string() == name);
    run.copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_target_names_a_scenario_that_is_run() {
        let names = TARGETS.iter().map(|it| it.scenario);
        let scenarios = super::super::Extent::Full.scenarios();
        for name in names.chain(MEMORY.map(|it| it.0)) {
            assert!(scenarios.contains(&name.parse().unwrap()), "{name}");
        }
    }
}
