//! The windows at which servers are fastest, and the rates that follow.

use std::collections::HashMap;

use super::Comparison;
use crate::run::{self, Finding};
use crate::scenario::{Scenario, Traffic};
use crate::server::Server;

impl Comparison {
    /// Finds for each server the window at which it delivers most, and the rates that follow.
    pub(super) fn try_windows(&mut self) {
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
            self.leave(server, running);
        }
        for scenario in self.paced.clone() {
            if let (Some(rate), Some(traffic)) = (common_rate(&best, &scenario), scenario.traffic())
            {
                self.rates.insert(scenario, publishes(rate, traffic));
            }
        }
    }
}

/// Past its best window, a server does this part of its best at most.
const WORSE: f64 = 0.9;

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
