//! All servers, one after the other, again and again.

use std::collections::HashMap;
use std::error::Error;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use tokio::time::Instant;

mod charts;
mod machine;
mod page;
mod plot;
mod report;
mod results;
mod selection;
mod statistics;
mod targets;

use self::results::{Cell, Pacing, Results};
pub(crate) use self::selection::Extent;
use crate::load::Pace;
use crate::pinning::Cores;
use crate::run::{self, Finding};
use crate::scenario::{Scenario, Traffic, Work};
use crate::server::{Running, Server};

/// What the command line asks for.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) extent: Extent,
    pub(crate) repetitions: Option<usize>,
    /// Parts of names of scenarios; none means all.
    pub(crate) only: Vec<String>,
    pub(crate) servers: Vec<Server>,
    /// The folder that the report goes into.
    pub(crate) output: PathBuf,
}

/// A comparison that is under way, and then what it has shown.
pub(crate) struct Comparison {
    extent: Extent,
    repetitions: usize,
    cores: Cores,
    /// With their versions.
    present: Vec<(Server, String)>,
    /// With the reasons.
    absent: Vec<(Server, String)>,
    scenarios: Vec<Scenario>,
    paced: Vec<Scenario>,
    /// The window at which a server was fastest.
    windows: HashMap<(Server, Scenario), u32>,
    /// Publishes per second of the open loop.
    rates: HashMap<Scenario, f64>,
    results: Results,
    begun: Instant,
}

/// Compares, and writes the report.
pub(crate) fn compare(request: &Request) -> Result<(), Box<dyn Error>> {
    let mut comparison = Comparison::prepare(request);
    comparison.try_windows();
    for round in 1..=comparison.repetitions {
        comparison.round(round);
    }
    fs::create_dir_all(&request.output)?;
    report::write(&comparison, &request.output)?;
    let seconds = comparison.begun.elapsed().as_secs();
    let report = request.output.join(report::NAME);
    crate::say(&format!("{} after {seconds} s", report.display()));
    Ok(())
}

impl Comparison {
    fn prepare(request: &Request) -> Self {
        let wanted = |scenario: &Scenario| {
            let name = scenario.to_string();
            request.only.is_empty() || request.only.iter().any(|it| name.contains(it))
        };
        let mut comparison = Self {
            extent: request.extent,
            repetitions: request
                .repetitions
                .unwrap_or_else(|| request.extent.repetitions()),
            cores: Cores::pin(),
            present: Vec::new(),
            absent: Vec::new(),
            scenarios: request
                .extent
                .scenarios()
                .into_iter()
                .filter(wanted)
                .collect(),
            paced: request.extent.paced().into_iter().filter(wanted).collect(),
            windows: HashMap::new(),
            rates: HashMap::new(),
            results: Results::default(),
            begun: Instant::now(),
        };
        for server in request.servers.iter().copied() {
            match server.prepare() {
                Ok(version) => {
                    comparison.say(&format!("{server}: {version}"));
                    comparison.present.push((server, version));
                }
                Err(absent) => {
                    comparison.say(&format!("{server} is ABSENT: {absent}"));
                    comparison.absent.push((server, absent.to_string()));
                }
            }
        }
        if comparison.cores == Cores::Shared {
            comparison.say("server and generator share their cores: no taskset, or no second core");
        }
        comparison
    }

    /// Finds for each server the window at which it delivers most, and the rates that follow.
    fn try_windows(&mut self) {
        let mut best: HashMap<(Server, Scenario), f64> = HashMap::new();
        for server in self.servers() {
            let Some(running) = self.start(server) else {
                continue;
            };
            for scenario in self.offered(server) {
                let Some(traffic) = scenario.traffic() else {
                    continue;
                };
                for window in self.extent.windows(traffic) {
                    let timing = self.extent.trial(window);
                    let finding = run::run(&running.watched, server.echo(), &scenario, timing);
                    let Ok(Finding::Rate(outcome)) = finding else {
                        continue;
                    };
                    let rate = outcome.rate();
                    let most = best.entry((server, scenario)).or_default();
                    if rate > *most {
                        *most = rate;
                        self.windows.insert((server, scenario), window);
                    } else if rate < WORSE * *most {
                        // It does not become better again.
                        break;
                    }
                }
                if let Some(window) = self.windows.get(&(server, scenario)) {
                    self.say(&format!(
                        "{server} {scenario}: best with a window of {window}"
                    ));
                }
            }
        }
        for scenario in self.paced.clone() {
            if let (Some(rate), Some(traffic)) = (common_rate(&best, &scenario), scenario.traffic())
            {
                self.rates.insert(scenario, publishes(rate, traffic));
            }
        }
    }

    /// Every scenario once with every server; every round begins with another server.
    fn round(&mut self, round: usize) {
        let mut servers = self.servers();
        if !servers.is_empty() {
            let first = round % servers.len();
            servers.rotate_left(first);
        }
        for server in servers {
            self.visit(round, server);
        }
    }

    fn visit(&mut self, round: usize, server: Server) {
        let offered = self.offered(server);
        let is_idle = |it: &Scenario| matches!(it.work, Work::Idle { .. });
        // Memory is that of a server that has done nothing else.
        let (idle, busy): (Vec<_>, Vec<_>) = offered.into_iter().partition(is_idle);
        for scenario in idle {
            match server.start(self.cores) {
                Ok(running) => self.measure(round, &running, server, scenario, Pacing::Closed),
                Err(error) => self.say(&format!("{server} does not start: {error}")),
            }
        }
        if busy.is_empty() {
            return;
        }
        let Some(running) = self.start(server) else {
            return;
        };
        for scenario in busy {
            self.measure(round, &running, server, scenario, Pacing::Closed);
            if self.rates.contains_key(&scenario) {
                self.measure(round, &running, server, scenario, Pacing::Open);
            }
        }
    }

    fn measure(
        &mut self,
        round: usize,
        running: &Running,
        server: Server,
        scenario: Scenario,
        pacing: Pacing,
    ) {
        let pace = match pacing {
            Pacing::Open => Pace::Open {
                rate: self.rates.get(&scenario).copied().unwrap_or(1.0),
            },
            Pacing::Closed => Pace::Closed {
                window: self.windows.get(&(server, scenario)).copied().unwrap_or(1),
            },
        };
        let timing = self.extent.timing(pace);
        let finding = run::run(&running.watched, server.echo(), &scenario, timing);
        let found = match &finding {
            Ok(finding) => finding.to_string(),
            Err(failure) => format!("REFUSED: {failure}"),
        };
        let how = match pacing {
            Pacing::Closed => "",
            Pacing::Open => " at a fixed rate",
        };
        let of = self.repetitions;
        self.say(&format!("{round}/{of} {server} {scenario}{how}: {found}"));
        let cell = Cell {
            server,
            scenario,
            pacing,
        };
        self.results.record(cell, finding);
    }

    /// Starts a server, and loads it until it is warm.
    fn start(&self, server: Server) -> Option<Running> {
        let running = match server.start(self.cores) {
            Ok(running) => running,
            Err(error) => {
                self.say(&format!("{server} does not start: {error}"));
                return None;
            }
        };
        let scenarios = self.offered(server);
        let busy: Vec<_> = scenarios
            .iter()
            .filter(|it| it.traffic().is_some())
            .collect();
        let share = u32::try_from(busy.len().max(1)).unwrap_or(u32::MAX);
        for scenario in busy {
            let mut timing = self.extent.trial(WARM_UP_WINDOW);
            timing.warm_up = Duration::ZERO;
            timing.measured = self.extent.warm_up(server) / share;
            // What goes wrong here goes wrong when it counts, too.
            let _ = run::run(&running.watched, server.echo(), scenario, timing);
        }
        Some(running)
    }

    fn servers(&self) -> Vec<Server> {
        self.present.iter().map(|it| it.0).collect()
    }

    fn offered(&self, server: Server) -> Vec<Scenario> {
        let offered = self.scenarios.iter().filter(|it| server.offers(it));
        offered.copied().collect()
    }

    fn say(&self, line: &str) {
        let elapsed = self.begun.elapsed().as_secs();
        crate::say(&format!("{:02}:{:02} {line}", elapsed / 60, elapsed % 60));
    }
}

/// Past its best window, a server does this part of its best at most.
const WORSE: f64 = 0.9;

/// Messages of each stream under way while a server gets warm.
const WARM_UP_WINDOW: u32 = 16;

/// Half of what CometD in Java does at its best, or of what the slowest server does.
fn common_rate(best: &HashMap<(Server, Scenario), f64>, scenario: &Scenario) -> Option<f64> {
    let of_scenario = || best.iter().filter(|((_, it), _)| it == scenario);
    let java = of_scenario().find(|((server, _), _)| *server == Server::Java);
    let rates = of_scenario().map(|(_, rate)| *rate);
    let rate = java
        .map(|(_, rate)| *rate)
        .or_else(|| rates.min_by(f64::total_cmp));
    rate.map(|it| it / 2.0)
}

/// The publishes that lead to a rate of deliveries.
fn publishes(deliveries: f64, traffic: Traffic) -> f64 {
    (deliveries / traffic.receivers() as f64).max(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_open_loop_goes_at_half_of_what_java_does() {
        let scenario = "websocket/fan-out/100x10/64".parse().unwrap();
        let other = "websocket/echo/100/64".parse().unwrap();
        let mut best = HashMap::from([
            ((Server::Ours, scenario), 900.0),
            ((Server::Faye, scenario), 100.0),
            ((Server::Faye, other), 1.0),
        ]);
        assert_eq!(common_rate(&best, &scenario), Some(50.0));
        best.insert((Server::Java, scenario), 400.0);
        assert_eq!(common_rate(&best, &scenario), Some(200.0));
        let traffic = scenario.traffic().unwrap();
        assert!((publishes(200.0, traffic) - 20.0).abs() < 1e-9);
    }
}
