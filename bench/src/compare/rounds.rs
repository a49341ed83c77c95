//! What is done in each round.

use std::time::Duration;

use super::Comparison;
use super::results::{Cell, Pacing};
use super::selection;
use crate::load::Pace;
use crate::pinning::Cores;
use crate::run;
use crate::scenario::{Scenario, Work};
use crate::server::{Running, Server};

impl Comparison {
    /// Every scenario once with every server; every round begins with another server.
    pub(super) fn round(&mut self, round: usize) {
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
            self.measure_alone(round, server, scenario);
        }
        if !busy.is_empty()
            && let Some(running) = self.start(server)
        {
            for scenario in busy {
                self.measure(round, &running, server, scenario, Pacing::Closed);
                if self.rates.contains_key(&scenario) {
                    self.measure(round, &running, server, scenario, Pacing::Open);
                }
            }
            self.leave(server, running);
        }
        if server == Server::Ours {
            self.visit_growing(round);
            self.visit_doubled(round);
        }
    }

    /// What should cost the same, however much else there is.
    fn visit_growing(&mut self, round: usize) {
        for scenario in self.growing.clone() {
            self.measure_alone(round, Server::Ours, scenario);
        }
    }

    /// What a second core is worth.
    fn visit_doubled(&mut self, round: usize) {
        if self.doubled.is_empty() || self.cores == Cores::Shared {
            return;
        }
        let server = Server::Ours;
        match server.start(Cores::Both) {
            Ok(running) => {
                for scenario in self.doubled.clone() {
                    self.measure(round, &running, server, scenario, Pacing::Doubled);
                }
            }
            Err(error) => self.say(&format!("{server} does not start: {error}")),
        }
    }

    /// With a process that has done nothing else, and ends.
    fn measure_alone(&mut self, round: usize, server: Server, scenario: Scenario) {
        match server.start(self.cores) {
            Ok(running) => self.measure(round, &running, server, scenario, Pacing::Closed),
            Err(error) => self.say(&format!("{server} does not start: {error}")),
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
            Pacing::Closed | Pacing::Doubled => Pace::Closed {
                window: self.window(server, scenario),
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
            Pacing::Doubled => " on two cores",
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

    /// The best, if several were tried.
    fn window(&self, server: Server, scenario: Scenario) -> u32 {
        let best = self.windows.get(&(server, scenario));
        best.copied().unwrap_or(selection::GROWING_WINDOW)
    }

    /// Starts a server and loads it until it is warm, unless it has gone on since the last round.
    pub(super) fn start(&mut self, server: Server) -> Option<Running> {
        if let Some(running) = self.warm.remove(&server) {
            return Some(running);
        }
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

    /// Ends a server, unless there is no time to start it again.
    pub(super) fn leave(&mut self, server: Server, running: Running) {
        if self.extent.keeps_servers() {
            self.warm.insert(server, running);
        }
    }
}

/// Messages of each stream under way while a server gets warm.
const WARM_UP_WINDOW: u32 = 16;
