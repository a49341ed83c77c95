//! The command line.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};

use crate::compare::{self, Extent, Request};
use crate::gate::{self, Case};
use crate::load::{Pace, Target, Timing, Watched};
use crate::pinning::Cores;
use crate::run;
use crate::scenario::Scenario;
use crate::serve;
use crate::server::Server;

/// Does what the command line says.
pub(crate) fn execute() -> Result<(), Box<dyn Error>> {
    match command().get_matches().subcommand() {
        Some(("serve", matches)) => serve_own(matches)?,
        Some(("run", matches)) => run_one(matches)?,
        Some(("gate", matches)) => {
            let why: Option<String> = given(matches, "accept");
            gate::gate(why.as_deref(), &all(matches, "only"))?;
        }
        Some(("count", matches)) => count(matches)?,
        Some(("compare", matches)) => compare::compare(&request(matches))?,
        Some(_) | None => {}
    }
    Ok(())
}

fn command() -> Command {
    Command::new("bench")
        .about("Measures Bayeux servers")
        .subcommand_required(true)
        .subcommand(
            Command::new("serve")
                .about("Runs one of the servers that this program contains")
                .arg(
                    Arg::new("server")
                        .required(true)
                        .value_parser(["ours", "limit"]),
                )
                .arg(
                    Arg::new("listen")
                        .long("listen")
                        .value_name("ADDRESS")
                        .default_value("127.0.0.1:0"),
                ),
        )
        .subcommand(compare_command())
        .subcommand(gate_command())
        .subcommand(
            Command::new("count")
                .hide(true)
                .about("What `gate` runs below valgrind")
                .arg(Arg::new("case").required(true))
                .arg(
                    Arg::new("operations")
                        .required(true)
                        .value_parser(value_parser!(u32)),
                ),
        )
        .subcommand(
            Command::new("run")
                .about("Measures one scenario once")
                .arg(
                    parsed::<Scenario>("scenario").required(true).help(
                        "Such as websocket/fan-out/1000x10/64 or long-polling/echo/100/64/ack",
                    ),
                )
                .arg(
                    parsed::<Server>("server")
                        .long("server")
                        .default_value("ours"),
                )
                .arg(
                    parsed::<Target>("url")
                        .long("url")
                        .conflicts_with("server")
                        .help("A server that is already running"),
                )
                .arg(
                    number("process")
                        .requires("url")
                        .help("The id of that server's process, if it is on this machine"),
                )
                .arg(
                    number("window")
                        .default_value("16")
                        .help("Publishes of each stream under way"),
                )
                .arg(
                    Arg::new("rate")
                        .long("rate")
                        .value_parser(value_parser!(f64))
                        .conflicts_with("window")
                        .help("Publishes per second of all streams, in an open loop"),
                )
                .arg(number("warm-up").default_value("1").help("Seconds"))
                .arg(number("seconds").default_value("3")),
        )
}

fn compare_command() -> Command {
    Command::new("compare")
        .about("Measures all servers, and writes the report")
        .arg(
            Arg::new("quick")
                .long("quick")
                .action(ArgAction::SetTrue)
                .help("A few scenarios, three times, in two minutes; the report goes to target/"),
        )
        .arg(
            Arg::new("only")
                .long("only")
                .value_name("PART")
                .action(ArgAction::Append)
                .help("Scenarios with this in their name, such as long-polling/echo"),
        )
        .arg(
            parsed::<Server>("servers")
                .long("servers")
                .value_delimiter(',')
                .help("Some of ours, limit, java, faye, node"),
        )
        .arg(number("repetitions"))
        .arg(
            Arg::new("output")
                .long("output")
                .value_name("FOLDER")
                .value_parser(value_parser!(PathBuf))
                .help("Where the report goes"),
        )
}

fn gate_command() -> Command {
    Command::new("gate")
        .about(
            "Counts instructions, allocations and memory, and compares them with bench/gate.toml",
        )
        .arg(
            Arg::new("accept")
                .long("accept")
                .value_name("WHY")
                .help("Writes down what has changed, with the reason"),
        )
        .arg(
            Arg::new("only")
                .long("only")
                .value_name("PART")
                .action(ArgAction::Append)
                .help("Cases with this in their name"),
        )
}

fn count(matches: &ArgMatches) -> Result<(), Box<dyn Error>> {
    let name: String = given(matches, "case").unwrap_or_default();
    let case = Case::named(&name).ok_or_else(|| format!("no case {name}"))?;
    let runtime = case.run(given(matches, "operations").unwrap_or_default())?;
    // What is alive at the end is counted: nothing of it is taken down.
    std::mem::forget(runtime);
    Ok(())
}

fn request(matches: &ArgMatches) -> Request {
    let extent = if matches.get_flag("quick") {
        Extent::Quick
    } else {
        Extent::Full
    };
    let folder = match extent {
        Extent::Quick => "target",
        Extent::Full => "docs",
    };
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent();
    let output: Option<PathBuf> = given(matches, "output");
    let servers: Vec<_> = all(matches, "servers");
    Request {
        extent,
        repetitions: given::<u32>(matches, "repetitions").map(|it| it as usize),
        only: all(matches, "only"),
        servers: if servers.is_empty() {
            Server::ALL.into()
        } else {
            servers
        },
        output: output.unwrap_or_else(|| root.unwrap_or(Path::new(".")).join(folder)),
    }
}

fn parsed<T>(name: &'static str) -> Arg
where
    T: FromStr<Err = String> + Clone + Send + Sync + 'static,
{
    Arg::new(name).value_parser(|text: &str| text.parse::<T>())
}

fn number(name: &'static str) -> Arg {
    Arg::new(name)
        .long(name)
        .value_parser(value_parser!(u32).range(1..))
}

fn given<T: Clone + Send + Sync + 'static>(matches: &ArgMatches, name: &str) -> Option<T> {
    matches.get_one(name).cloned()
}

fn all<T: Clone + Send + Sync + 'static>(matches: &ArgMatches, name: &str) -> Vec<T> {
    matches
        .get_many(name)
        .into_iter()
        .flatten()
        .cloned()
        .collect()
}

fn serve_own(matches: &ArgMatches) -> Result<(), Box<dyn Error>> {
    let listen: String = given(matches, "listen").unwrap_or_default();
    match given::<String>(matches, "server").as_deref() {
        Some("limit") => serve::run(serve::limit(&listen, serve::announce()))?,
        _ => serve::run(serve::ours(&listen, serve::announce()))?,
    }
    Ok(())
}

fn run_one(matches: &ArgMatches) -> Result<(), Box<dyn Error>> {
    let seconds = |name| {
        let seconds = given::<u32>(matches, name).unwrap_or_default();
        Duration::from_secs(seconds.into())
    };
    let pace = match given(matches, "rate") {
        Some(rate) => Pace::Open { rate },
        None => Pace::Closed {
            window: given(matches, "window").unwrap_or_default(),
        },
    };
    let timing = Timing {
        pace,
        warm_up: seconds("warm-up"),
        measured: seconds("seconds"),
    };
    let scenario: Scenario = given(matches, "scenario").ok_or("no scenario")?;
    let server: Server = given(matches, "server").ok_or("no server")?;
    let cores = Cores::pin();
    let result = if let Some(target) = given::<Target>(matches, "url") {
        let process = given(matches, "process");
        run::run(
            &Watched { target, process },
            server.echo(),
            &scenario,
            timing,
        )?
    } else {
        let running = server.start(cores)?;
        run::run(&running.watched, server.echo(), &scenario, timing)?
    };
    crate::say(&result.to_string());
    Ok(())
}
