//! The report, and its plots.

use std::fs;
use std::io;
use std::path::Path;

use super::charts::charts;
use super::growth;
use super::page::{Page, duration, with_width};
use super::plot::short;
use super::results::{Cell, Pacing, Summary};
use super::statistics::Spread;
use super::targets::verdicts;
use super::{Comparison, Extent};
use crate::load::Pace;
use crate::machine::{machine, version};
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
        page: Page::default(),
    };
    report.preface();
    report.targets();
    report.rates();
    report.latencies();
    report.memory();
    growth::write(comparison, &mut report.page);
    report.refusals();
    report.page.line("## Plots\n");
    for (name, chart) in charts(comparison) {
        if let Some(svg) = chart.svg() {
            fs::write(plots.join(format!("{name}.svg")), svg)?;
            report
                .page
                .line(&format!("![{}]({PLOTS}/{name}.svg)\n", chart.title));
        }
    }
    fs::write(folder.join(NAME), report.page.finish())
}

struct Report<'a> {
    comparison: &'a Comparison,
    page: Page,
}

impl Report<'_> {
    fn preface(&mut self) {
        let comparison = self.comparison;
        let timing = comparison.extent.timing(Pace::Closed { window: 1 });
        self.page.line("# Benchmarks\n");
        let quick = match comparison.extent {
            Extent::Quick => " --quick",
            Extent::Full => "",
        };
        self.page.line(&format!(
            "Written by `cargo run --release -p bench -- compare{quick}`; `bench/README.md` says what each scenario does.\n",
        ));
        self.page.line(&format!("- Machine: {}", machine()));
        self.page.line(&format!(
            "- {}, release profile, revision {}",
            version("rustc", &["--version"]),
            version("git", &["describe", "--always", "--dirty"]),
        ));
        for (server, version) in &comparison.present {
            self.page.line(&format!("- {server}: {version}"));
        }
        for (server, reason) in &comparison.absent {
            self.page.line(&format!("- {server}: ABSENT, {reason}"));
        }
        let cores = match comparison.cores {
            Cores::Apart | Cores::Both => "the server on core 0, the generator on core 1",
            Cores::Shared => "server and generator on the same cores",
        };
        self.page.line(&format!(
            "- {} repetitions of {:?}, interleaved; {cores}\n",
            comparison.repetitions, timing.measured,
        ));
        self.page.line(
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
        self.page.line("## Targets\n");
        self.page
            .head(&["ours".into(), "target".into(), "found".into(), "met".into()]);
        for verdict in verdicts {
            let (found, met) = match verdict.found {
                None => ("not measured".to_owned(), ""),
                Some(found) => (
                    format!("{found:.2}"),
                    if verdict.is_met { "yes" } else { "**no**" },
                ),
            };
            self.page
                .row(&[verdict.what, verdict.target, found, met.to_owned()]);
        }
        self.page.line("");
    }

    fn rates(&mut self) {
        let servers = self.comparison.servers();
        let rows: Vec<_> = self
            .comparison
            .scenarios
            .iter()
            .copied()
            .filter(|it| !is_idle(it))
            .collect();
        if rows.is_empty() {
            return;
        }
        self.page.line("## Rates\n");
        self.page.line(
            "Deliveries per second (for churn: whole lives of sessions) in a closed loop, at the window of publishes \
             per stream at which each server is fastest (in brackets).\n",
        );
        let names = servers.iter().map(ToString::to_string);
        let others = servers.iter().filter(|it| **it != Server::Ours);
        let ratios = others.clone().map(|it| format!("ours / {it}"));
        let head: Vec<_> = std::iter::once("scenario".to_owned())
            .chain(names)
            .chain(ratios)
            .collect();
        self.page.head(&head);
        for scenario in rows {
            let summary = |server| self.closed(server, scenario);
            let ours = summary(Server::Ours);
            let rates = servers.iter().map(|server| match summary(*server) {
                Some(summary) => self.rate(*server, scenario, &summary),
                None => String::new(),
            });
            let ratios = others.clone().map(|server| {
                let both = ours.as_ref().zip(summary(*server));
                both.map(|(ours, other)| format!("**{:.2}**", ours.ratio(&other)))
                    .unwrap_or_default()
            });
            let row: Vec<_> = std::iter::once(scenario.to_string())
                .chain(rates)
                .chain(ratios)
                .collect();
            self.page.row(&row);
        }
        self.page.line("");
    }

    fn rate(&self, server: Server, scenario: Scenario, summary: &Summary) -> String {
        let window = self.comparison.windows.get(&(server, scenario));
        let window = window.map(|it| format!(" [{it}]")).unwrap_or_default();
        let mark = if summary.is_bounded { " †" } else { "" };
        format!("{}{window}{mark}", with_width(&summary.rate, short))
    }

    fn latencies(&mut self) {
        let comparison = self.comparison;
        let paced = comparison
            .paced
            .iter()
            .filter(|it| comparison.rates.contains_key(it));
        let paced: Vec<_> = paced.copied().collect();
        if paced.is_empty() {
            return;
        }
        self.page.line("## Latencies\n");
        self.page.line(
            "From when a message was due to its arrival at each receiver, in an open loop: every server is sent the \
             same messages at the same times, half as many as CometD Java can deliver at its best.\n",
        );
        self.page.head(
            &[
                "scenario",
                "server",
                "publishes/s",
                "median",
                "p99",
                "p99.9",
                "greatest",
            ]
            .map(str::to_owned),
        );
        for scenario in paced {
            for server in comparison.servers() {
                let Some(it) = self.summary(server, scenario, Pacing::Open) else {
                    continue;
                };
                let rate = comparison.rates.get(&scenario).copied().unwrap_or_default();
                let mark = if it.is_bounded { " †" } else { "" };
                self.page.row(&[
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
        self.page.line("");
    }

    fn memory(&mut self) {
        let idle: Vec<_> = self
            .comparison
            .scenarios
            .iter()
            .copied()
            .filter(is_idle)
            .collect();
        if idle.is_empty() {
            return;
        }
        self.page.line("## Memory of idle sessions\n");
        self.page.line(
            "Resident memory of the server's process: with nobody, with all sessions, and that divided by their \
             number, everything included.\n",
        );
        self.page.head(
            &["scenario", "server", "nobody, MiB", "all, MiB", "each, KiB"].map(str::to_owned),
        );
        for scenario in idle {
            for server in self.comparison.servers() {
                let footprints = self.footprints(server, scenario);
                let (Some((_, before)), Some((sessions, after))) =
                    (footprints.first(), footprints.last())
                else {
                    continue;
                };
                let mebibytes = |it: f64| format!("{:.0}", it / 1024.0 / 1024.0);
                self.page.row(&[
                    scenario.to_string(),
                    server.to_string(),
                    with_width(before, mebibytes),
                    with_width(after, mebibytes),
                    format!("{:.1}", after.median / 1024.0 / *sessions as f64),
                ]);
            }
        }
        self.page.line("");
    }

    /// What could not be measured, and why.
    fn refusals(&mut self) {
        let mut lines = Vec::new();
        for server in self.comparison.servers() {
            let growing = &self.comparison.growing;
            for scenario in self.comparison.scenarios.iter().chain(growing) {
                for pacing in [Pacing::Closed, Pacing::Open, Pacing::Doubled] {
                    let cell = cell(server, *scenario, pacing);
                    if let Some(reason) = self.comparison.results.refusal(cell) {
                        let runs = self
                            .comparison
                            .results
                            .summary(cell)
                            .map_or(0, |it| it.runs);
                        lines.push(format!(
                            "- {server}, {scenario} ({runs} runs have a result): {reason}"
                        ));
                    }
                }
            }
        }
        if !lines.is_empty() {
            self.page.line("## Refused\n");
            lines.iter().for_each(|line| self.page.line(line));
            self.page.line("");
        }
    }

    fn summary(&self, server: Server, scenario: Scenario, pacing: Pacing) -> Option<Summary> {
        self.comparison
            .results
            .summary(cell(server, scenario, pacing))
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
