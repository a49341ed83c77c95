//! What the project wants to reach, as ratios within one comparison.

use std::fmt;

use super::Comparison;
use super::results::{Cell, Pacing, Summary};
use crate::gate;
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

/// What processor time a delivery may take in the second scenario, as a multiple of the first.
const GROWTH: [(&str, &str, f64); 2] = [
    (
        "websocket/fan-out/100x1/64",
        "websocket/fan-out/10000x1/64",
        1.15,
    ),
    (
        "websocket/among/100x10/64",
        "websocket/among/18000x100000/64",
        1.1,
    ),
];

/// What two cores do at least, as a multiple of one.
const SECOND_CORE: f64 = 1.7;

/// What extensions that nobody negotiates may make of the instructions of a publish.
const EXTENSIONS: f64 = 1.02;

/// Allocations of one more delivery: none, but when a queue grows.
const ALLOCATIONS: f64 = 0.05;

/// The targets whose scenarios were run, and those that the gate has counted.
pub(crate) fn verdicts(comparison: &Comparison) -> Vec<Verdict> {
    let ratios = TARGETS.iter().filter_map(|it| it.judge(comparison));
    let memory = MEMORY
        .iter()
        .filter_map(|(scenario, bound)| memory(comparison, scenario, *bound));
    let growth = GROWTH
        .iter()
        .filter_map(|(small, large, bound)| growth(comparison, small, large, *bound));
    let doubled = comparison.doubled.iter();
    let second_core = doubled.map(|scenario| second_core(comparison, *scenario));
    ratios
        .chain(memory)
        .chain(growth)
        .chain(second_core)
        .chain(counted())
        .collect()
}

impl Target {
    fn judge(&self, comparison: &Comparison) -> Option<Verdict> {
        let scenario = run_of(&comparison.scenarios, self.scenario)?;
        let summary = |server| summary(comparison, server, scenario, self.pacing);
        let sides = summary(Server::Ours).zip(summary(self.against));
        let found = sides.map(|(ours, other)| self.measure.ratio(&ours, &other));
        let what = match self.measure {
            Measure::Rate => format!("{scenario}, rate"),
            Measure::P99 => format!("{scenario}, p99 at half of CometD Java's best rate"),
        };
        let verdict = Verdict::new(what, self.bound, found);
        Some(Verdict {
            target: format!("{} of {}", self.bound, self.against),
            ..verdict
        })
    }
}

impl Verdict {
    fn new(what: String, bound: Bound, found: Option<f64>) -> Self {
        Self {
            what,
            target: bound.to_string(),
            found,
            is_met: found.is_some_and(|it| bound.is_met(it)),
        }
    }
}

impl Bound {
    fn is_met(self, found: f64) -> bool {
        match self {
            Self::AtLeast(bound) => found >= bound,
            Self::AtMost(bound) => found <= bound,
        }
    }
}

impl fmt::Display for Bound {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AtLeast(bound) => write!(formatter, "at least {bound}"),
            Self::AtMost(bound) => write!(formatter, "at most {bound}"),
        }
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
    let scenario = run_of(&comparison.scenarios, name)?;
    let footprints = comparison.results.footprints(Cell {
        server: Server::Ours,
        scenario,
        pacing: Pacing::Closed,
    });
    let found = footprints
        .last()
        .map(|(sessions, resident)| resident.median / 1024.0 / *sessions as f64);
    let what = format!("{scenario}, KiB for each session");
    Some(Verdict::new(what, Bound::AtMost(bound), found))
}

fn growth(comparison: &Comparison, small: &str, large: &str, bound: f64) -> Option<Verdict> {
    let small = run_of(&comparison.growing, small)?;
    let large = run_of(&comparison.growing, large)?;
    let rate = |scenario| rate_of_core(comparison, scenario, Pacing::Closed);
    let found = rate(small)
        .zip(rate(large))
        .map(|(small, large)| small / large);
    let what = format!("{large}, processor time of a delivery, as a multiple of {small}");
    Some(Verdict::new(what, Bound::AtMost(bound), found))
}

/// What a delivery costs where two threads share the work says what is lost between them: a machine
/// with a core left for the generator shows twice of what remains at most.
fn second_core(comparison: &Comparison, scenario: Scenario) -> Verdict {
    let rate = |pacing| rate_of_core(comparison, scenario, pacing);
    let sides = rate(Pacing::Doubled).zip(rate(Pacing::Closed));
    let found = sides.map(|(doubled, single)| 2.0 * doubled / single);
    let what = format!("{scenario}, the most that two cores can do, as a multiple of one");
    Verdict::new(what, Bound::AtLeast(SECOND_CORE), found)
}

/// What `gate.toml` says, which the gate keeps true.
fn counted() -> [Verdict; 2] {
    let one = gate::written("websocket-publish");
    let extended = gate::written("websocket-publish-with-extensions");
    let hundred = gate::written("websocket-publish-to-hundred");
    let extensions = one.zip(extended).map(|(one, it)| it.amount / one.amount);
    let further = one
        .zip(hundred)
        .map(|(one, it)| (it.allocations - one.allocations) / 99.0);
    [
        Verdict::new(
            "extensions that nobody negotiates, instructions of a publish, as a multiple of those without"
                .to_owned(),
            Bound::AtMost(EXTENSIONS),
            extensions,
        ),
        Verdict::new(
            "allocations of each further delivery over a socket".to_owned(),
            Bound::AtMost(ALLOCATIONS),
            further,
        ),
    ]
}

/// Deliveries of ours in a second of its processor time.
fn rate_of_core(comparison: &Comparison, scenario: Scenario, pacing: Pacing) -> Option<f64> {
    let summary = summary(comparison, Server::Ours, scenario, pacing)?;
    Some(summary.rate_of_core.median).filter(|it| *it > 0.0)
}

fn summary(
    comparison: &Comparison,
    server: Server,
    scenario: Scenario,
    pacing: Pacing,
) -> Option<Summary> {
    comparison.results.summary(Cell {
        server,
        scenario,
        pacing,
    })
}

fn run_of(run: &[Scenario], name: &str) -> Option<Scenario> {
    run.iter().find(|it| it.to_string() == name).copied()
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
        let growing = super::super::Extent::Full.growing();
        for name in GROWTH.iter().flat_map(|it| [it.0, it.1]) {
            assert!(growing.contains(&name.parse().unwrap()), "{name}");
        }
    }

    #[test]
    fn what_the_gate_has_counted_is_found() {
        assert!(counted().iter().all(|it| it.found.is_some()));
    }
}
