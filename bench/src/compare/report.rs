//! The report, and its plots.

use std::fmt::Write;
use std::fs;
use std::io;
use std::path::Path;

use super::Comparison;
use super::charts::charts;
use super::machine::{machine, version};
use super::plot::short;
use super::results::{Cell, Pacing, Summary};
use super::statistics::Spread;
use super::targets::verdicts;
use crate::load::Pace;
use crate::pinning::Cores;
use crate::scenario::{Scenario, Work};
use crate::server::Server;

pub(crate) const NAME: &str = "benchmarks.md";

/// The folder of the plots, beside the report.
const PLOTS: &str = "benchmarks";

/// Writes the report and its plots into a folder.
pub(crate) fn write(comparison: &Comparison, folder: &Path) -> io::Result<()> {
    let plots = folder.join(PLOTS);
    fs::create_dir_all(&plots)?;
    let mut report = Report {
        comparison,
        text: String::new(),
    };
    report.preface();
    report.targets();
    report.rates();
    report.latencies();
    report.memory();
    report.refusals();
    report.line("## Plots\n");
    for (name, chart) in charts(comparison) {
        if let Some(svg) = chart.svg() {
            fs::write(plots.join(format!("{name}.svg")), svg)?;
            report.line(&format!("![{}]({PLOTS}/{name}.svg)\n", chart.title));
        }
    }
    fs::write(folder.join(NAME), report.text.trim_end().to_owned() + "\n")
}

struct Report<'a> {
    comparison: &'a Comparison,
    text: String,
}

impl Report<'_> {
    fn line(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
    }

    /// The head of a table; what is right of the first column is numbers.
    fn head(&mut self, cells: &[String]) {
        self.row(cells);
        let rule = |at| if at == 0 { "---" } else { "---:" };
        let rules: Vec<_> = (0..cells.len()).map(|at| rule(at).to_owned()).collect();
        self.row(&rules);
    }

    fn row(&mut self, cells: &[String]) {
        self.line(&format!("| {} |", cells.join(" | ")));
    }

    fn preface(&mut self) {
        let comparison = self.comparison;
        let timing = comparison.extent.timing(Pace::Closed { window: 1 });
        self.line("# Benchmarks\n");
        self.line("Written by `cargo run --release -p bench -- compare`; `bench/README.md` says what each scenario does.\n");
        let _ = writeln!(
            self.text,
            "- Machine: {}\n- {}, release profile, revision {}",
            machine(),
            version("rustc", &["--version"]),
            version("git", &["describe", "--always", "--dirty"]),
        );
        for (server, version) in &comparison.present {
            let _ = writeln!(self.text, "- {server}: {version}");
        }
        for (server, reason) in &comparison.absent {
            let _ = writeln!(self.text, "- {server}: ABSENT, {reason}");
        }
        let cores = match comparison.cores {
            Cores::Apart => "the server on core 0, the generator on core 1",
            Cores::Shared => "server and generator on the same cores",
        };
        let _ = writeln!(
            self.text,
            "- {} repetitions of {:?}, interleaved; {cores}\n",
            comparison.repetitions, timing.measured,
        );
        self.line(
            "Every number is a median; what stands in parentheses is half the distance of the outermost repetitions. \
             A run in which a message was lost, duplicated, reordered or delivered to the wrong session has no \
             result. † marks runs that the generator bounded: their ratios compare rates per second of the \
             server's processor time.\n",
        );
    }

    fn targets(&mut self) {
        let verdicts = verdicts(self.comparison);
        if verdicts.is_empty() {
            return;
        }
        self.line("## Targets\n");
        self.head(&["ours".into(), "target".into(), "found".into(), "met".into()]);
        for verdict in verdicts {
            let (found, met) = match verdict.found {
                None => ("not measured".to_owned(), ""),
                Some(found) => (format!("{found:.2}"), if verdict.is_met { "yes" } else { "**no**" }),
            };
            self.row(&[verdict.what, verdict.target, found, met.to_owned()]);
        }
        self.line("");
    }

    fn rates(&mut self) {
        let servers = self.comparison.servers();
        let rows: Vec<_> = self.comparison.scenarios.iter().copied().filter(|it| !is_idle(it)).collect();
        if rows.is_empty() {
            return;
        }
        self.line("## Rates\n");
        self.line(
            "Deliveries per second (for churn: whole lives of sessions) in a closed loop, at the window of publishes \
             per stream at which each server is fastest (in brackets).\n",
        );
        let names = servers.iter().map(ToString::to_string);
        let others = servers.iter().filter(|it| **it != Server::Ours);
        let ratios = others.clone().map(|it| format!("ours / {it}"));
        let head: Vec<_> = std::iter::once("scenario".to_owned()).chain(names).chain(ratios).collect();
        self.head(&head);
        for scenario in rows {
            let summary = |server| self.closed(server, scenario);
            let ours = summary(Server::Ours);
            let rates = servers.iter().map(|server| match summary(*server) {
                Some(summary) => self.rate(*server, scenario, &summary),
                None => String::new(),
            });
            let ratios = others.clone().map(|server| {
                let both = ours.as_ref().zip(summary(*server));
                both.map(|(ours, other)| format!("**{:.2}**", ours.ratio(&other))).unwrap_or_default()
            });
            let row: Vec<_> = std::iter::once(scenario.to_string()).chain(rates).chain(ratios).collect();
            self.row(&row);
        }
        self.line("");
    }

    fn rate(&self, server: Server, scenario: Scenario, summary: &Summary) -> String {
        let window = self.comparison.windows.get(&(server, scenario));
        let window = window.map(|it| format!(" [{it}]")).unwrap_or_default();
        let mark = if summary.is_bounded { " †" } else { "" };
        format!("{}{window}{mark}", with_width(&summary.rate, short))
    }

    fn latencies(&mut self) {
        let comparison = self.comparison;
        let paced = comparison.paced.iter().filter(|it| comparison.rates.contains_key(it));
        let paced: Vec<_> = paced.copied().collect();
        if paced.is_empty() {
            return;
        }
        self.line("## Latencies\n");
        self.line(
            "From when a message was due to its arrival at each receiver, in an open loop: every server is sent the \
             same messages at the same times, half as many as CometD Java can deliver at its best.\n",
        );
        self.head(&["scenario", "server", "publishes/s", "median", "p99", "p99.9", "greatest"].map(str::to_owned));
        for scenario in paced {
            for server in comparison.servers() {
                let Some(it) = self.summary(server, scenario, Pacing::Open) else {
                    continue;
                };
                let rate = comparison.rates.get(&scenario).copied().unwrap_or_default();
                let mark = if it.is_bounded { " †" } else { "" };
                self.row(&[
                    scenario.to_string(),
                    format!("{server}{mark}"),
                    short(rate),
                    with_width(&it.p50, duration),
                    with_width(&it.p99, duration),
                    duration(it.latency.value_at_quantile(0.999) as f64),
                    duration(it.latency.max() as f64),
                ]);
            }
        }
        self.line("");
    }

    fn memory(&mut self) {
        let idle: Vec<_> = self.comparison.scenarios.iter().copied().filter(is_idle).collect();
        if idle.is_empty() {
            return;
        }
        self.line("## Memory of idle sessions\n");
        self.line(
            "Resident memory of the server's process: with nobody, with all sessions, and that divided by their \
             number, everything included.\n",
        );
        self.head(&["scenario", "server", "nobody, MiB", "all, MiB", "each, KiB"].map(str::to_owned));
        for scenario in idle {
            for server in self.comparison.servers() {
                let footprints = self.footprints(server, scenario);
                let (Some((_, before)), Some((sessions, after))) = (footprints.first(), footprints.last()) else {
                    continue;
                };
                let mebibytes = |it: f64| format!("{:.0}", it / 1024.0 / 1024.0);
                self.row(&[
                    scenario.to_string(),
                    server.to_string(),
                    with_width(before, mebibytes),
                    with_width(after, mebibytes),
                    format!("{:.1}", after.median / 1024.0 / *sessions as f64),
                ]);
            }
        }
        self.line("");
    }

    /// What could not be measured, and why.
    fn refusals(&mut self) {
        let mut lines = Vec::new();
        for server in self.comparison.servers() {
            for scenario in &self.comparison.scenarios {
                for pacing in [Pacing::Closed, Pacing::Open] {
                    let cell = cell(server, *scenario, pacing);
                    if let Some(reason) = self.comparison.results.refusal(cell) {
                        let runs = self.comparison.results.summary(cell).map_or(0, |it| it.runs);
                        lines.push(format!("- {server}, {scenario} ({runs} runs have a result): {reason}"));
                    }
                }
            }
        }
        if !lines.is_empty() {
            self.line("## Refused\n");
            lines.iter().for_each(|line| self.line(line));
            self.line("");
        }
    }

    fn summary(&self, server: Server, scenario: Scenario, pacing: Pacing) -> Option<Summary> {
        self.comparison.results.summary(cell(server, scenario, pacing))
    }

    fn closed(&self, server: Server, scenario: Scenario) -> Option<Summary> {
        self.summary(server, scenario, Pacing::Closed)
    }

    fn footprints(&self, server: Server, scenario: Scenario) -> Vec<(usize, Spread)> {
        let cell = cell(server, scenario, Pacing::Closed);
        self.comparison.results.footprints(cell)
    }
}

const fn cell(server: Server, scenario: Scenario, pacing: Pacing) -> Cell {
    Cell {
        server,
        scenario,
        pacing,
    }
}

const fn is_idle(scenario: &Scenario) -> bool {
    matches!(scenario.work, Work::Idle { .. })
}

fn with_width(spread: &Spread, write: impl Fn(f64) -> String) -> String {
    format!("{} (±{:.0} %)", write(spread.median), 50.0 * spread.width())
}

/// Nanoseconds in a unit that people read.
fn duration(nanoseconds: f64) -> String {
    match nanoseconds {
        1e9.. => format!("{:.2} s", nanoseconds / 1e9),
        1e6.. => format!("{:.1} ms", nanoseconds / 1e6),
        _ => format!("{:.0} µs", nanoseconds / 1e3),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_short() {
        let found = [1_500.0, 2_340_000.0, 1.5e9].map(duration);
        assert_eq!(found, ["2 µs", "2.3 ms", "1.50 s"].map(str::to_owned));
    }

    #[test]
    fn a_spread_is_shown_on_both_sides() {
        let spread = Spread::of([90.0, 100.0, 110.0]).unwrap();
        assert_eq!(with_width(&spread, short), "100 (±10 %)");
    }
}
