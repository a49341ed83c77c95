//! What is plotted.

use super::Comparison;
use super::plot::{Axis, Chart, Line};
use super::results::{Cell, Pacing};
use crate::scenario::{Scenario, Traffic, Work};
use crate::server::Server;

/// All charts, with the names of their files.
pub(super) fn charts(comparison: &Comparison) -> Vec<(String, Chart)> {
    let mut charts = Vec::new();
    for scenario in comparison
        .paced
        .iter()
        .filter(|it| comparison.rates.contains_key(it))
    {
        charts.push((file("latency", scenario), latency(comparison, *scenario)));
    }
    for (transport, family) in families(comparison) {
        charts.push((
            format!("throughput-{transport}"),
            throughput(comparison, &transport, &family),
        ));
    }
    for scenario in comparison
        .scenarios
        .iter()
        .filter(|it| matches!(it.work, Work::Idle { .. }))
    {
        charts.push((file("memory", scenario), memory(comparison, *scenario)));
    }
    // One point is no line.
    charts.retain(|(_, chart)| chart.lines.iter().any(|it| it.points.len() > 1));
    charts
}

fn file(what: &str, scenario: &Scenario) -> String {
    format!("{what}-{}", scenario.to_string().replace('/', "-"))
}

/// How long the slowest part of all deliveries took, the smaller the part the further to the right.
fn latency(comparison: &Comparison, scenario: Scenario) -> Chart {
    let quantiles: Vec<f64> = (0..=40)
        .map(|step| 1.0 - 0.5 * 10_f64.powf(-f64::from(step) / 12.0))
        .collect();
    let lines = lines(comparison, |server| {
        let pacing = Pacing::Open;
        let summary = comparison.results.summary(Cell {
            server,
            scenario,
            pacing,
        });
        let point = |latency: &hdrhistogram::Histogram<u64>, quantile: f64| {
            let latency = latency.value_at_quantile(quantile) as f64;
            (1.0 / (1.0 - quantile), latency / 1e6)
        };
        summary.map_or_else(Vec::new, |it| {
            quantiles
                .iter()
                .map(|quantile| point(&it.latency, *quantile))
                .collect()
        })
    });
    let ticks = [
        (2.0, "50 %"),
        (10.0, "90 %"),
        (100.0, "99 %"),
        (1000.0, "99.9 %"),
    ];
    let rate = comparison.rates.get(&scenario).copied().unwrap_or_default();
    Chart {
        title: format!("Latency of {scenario} at {rate:.0} publishes/s"),
        x: Axis {
            label: "this part of all deliveries takes at most so long",
            ticks: ticks.map(|(at, name)| (at, name.to_owned())).into(),
        },
        y: Axis::plain("milliseconds"),
        lines,
    }
}

/// Fan-outs that differ in nothing but the number of their sessions, by transport.
fn families(comparison: &Comparison) -> Vec<(String, Vec<(usize, Scenario)>)> {
    let mut families: Vec<(String, Vec<(usize, Scenario)>)> = Vec::new();
    for scenario in comparison.scenarios.iter().filter(|it| !it.ack) {
        let Work::Traffic(Traffic::FanOut {
            sessions,
            channels: 10,
            payload: 64,
        }) = scenario.work
        else {
            continue;
        };
        let transport = scenario.transport.to_string();
        match families.iter_mut().find(|it| it.0 == transport) {
            Some((_, family)) => family.push((sessions, *scenario)),
            None => families.push((transport, vec![(sessions, *scenario)])),
        }
    }
    families.retain(|(_, family)| family.len() > 1);
    families
}

fn throughput(comparison: &Comparison, transport: &str, family: &[(usize, Scenario)]) -> Chart {
    let lines = lines(comparison, |server| {
        let point = |(sessions, scenario): &(usize, Scenario)| {
            let cell = Cell {
                server,
                scenario: *scenario,
                pacing: Pacing::Closed,
            };
            let summary = comparison.results.summary(cell)?;
            Some((*sessions as f64, summary.rate.median))
        };
        family.iter().filter_map(point).collect()
    });
    Chart {
        title: format!("Fan-out over {transport}, 10 channels, 64 bytes"),
        x: Axis::plain("sessions"),
        y: Axis::plain("deliveries per second"),
        lines,
    }
}

fn memory(comparison: &Comparison, scenario: Scenario) -> Chart {
    let lines = lines(comparison, |server| {
        let cell = Cell {
            server,
            scenario,
            pacing: Pacing::Closed,
        };
        let footprints = comparison.results.footprints(cell).into_iter();
        let held = footprints.filter(|(sessions, _)| *sessions > 0);
        held.map(|(sessions, it)| (sessions as f64, it.median / 1024.0 / 1024.0))
            .collect()
    });
    Chart {
        title: format!("Memory of idle sessions over {}", scenario.transport),
        x: Axis::plain("sessions"),
        y: Axis::plain("MiB resident"),
        lines,
    }
}

/// A line for every server that has points.
fn lines(comparison: &Comparison, points: impl Fn(Server) -> Vec<(f64, f64)>) -> Vec<Line> {
    let line = |server: Server| Line {
        name: server.to_string(),
        color: color(server),
        points: points(server),
    };
    let lines = comparison.servers().into_iter().map(line);
    lines.filter(|it| !it.points.is_empty()).collect()
}

const fn color(server: Server) -> &'static str {
    match server {
        Server::Ours => "#c2410c",
        Server::Limit => "#57606a",
        Server::Java => "#0969da",
        Server::Faye => "#8250df",
        Server::Node => "#1a7f37",
    }
}
