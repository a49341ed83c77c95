//! All servers, one after the other, again and again.

use std::collections::HashMap;
use std::error::Error;
use std::fs;
use std::path::PathBuf;

use tokio::time::Instant;

mod charts;
mod growth;
mod page;
mod plot;
mod report;
mod results;
mod rounds;
mod selection;
mod statistics;
mod targets;
mod windows;

use self::results::Results;
pub(crate) use self::selection::Extent;
use crate::pinning::Cores;
use crate::scenario::Scenario;
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
    /// Of ours alone: what should cost the same, however much else there is.
    growing: Vec<Scenario>,
    /// Of ours alone: what runs on two cores, too.
    doubled: Vec<Scenario>,
    /// Servers that go on between rounds.
    warm: HashMap<Server, Running>,
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
        let chosen = |scenarios: Vec<Scenario>| scenarios.into_iter().filter(wanted).collect();
        let of_ours = |scenarios: Vec<Scenario>| {
            let is_asked = request.servers.contains(&Server::Ours);
            chosen(if is_asked { scenarios } else { Vec::new() })
        };
        let extent = request.extent;
        let mut comparison = Self {
            extent,
            repetitions: request.repetitions.unwrap_or_else(|| extent.repetitions()),
            cores: Cores::pin(),
            present: Vec::new(),
            absent: Vec::new(),
            scenarios: chosen(extent.scenarios()),
            paced: chosen(extent.paced()),
            growing: of_ours(extent.growing()),
            doubled: of_ours(extent.doubled()),
            warm: HashMap::new(),
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
