//! Judges any Bayeux server by the scenarios that it can be judged by.
//!
//! ```text
//! cargo run -p conformance -- --url http://127.0.0.1:8080/cometd
//! ```
//!
//! A table of rules comes out on standard output, the failures on standard error; the exit code is 1 if
//! there are any, and 2 if the server or the scenarios cannot be reached.

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::{Arg, ArgAction, ArgMatches, Command};
use conformance::{Io, Need, Pace, Report, Scenario, Target, Verdict, load, play, probe};
use http::Uri;
use serde_json::Value;
use tokio::net::TcpStream;

/// What the command line says about the server.
struct Claims {
    offers: Vec<Need>,
    options: Vec<(String, String)>,
}

impl Claims {
    fn new(matches: &ArgMatches) -> Result<Self, String> {
        let all = |name| matches.get_many::<String>(name).into_iter().flatten();
        let mut claims = Self {
            offers: Vec::new(),
            options: Vec::new(),
        };
        for name in all("offers") {
            let need = serde_json::from_value(Value::from(name.as_str()));
            claims.offers.push(need.map_err(|it| it.to_string())?);
        }
        for option in all("option") {
            let (name, value) = option.split_once('=').ok_or("expected NAME=VALUE")?;
            claims.options.push((name.to_owned(), value.to_owned()));
        }
        Ok(claims)
    }

    /// Why the server cannot be judged by a scenario, if it cannot.
    fn refuse(&self, scenario: &Scenario) -> Option<String> {
        if !scenario.starts {
            return Some("no server to talk to".to_owned());
        }
        if let Some(need) = scenario.needs.iter().find(|it| !self.offers.contains(it)) {
            return Some(format!("needs {need:?}").to_lowercase());
        }
        let is_set = |name: &str, value: &Value| {
            let value = value
                .as_str()
                .map_or_else(|| value.to_string(), str::to_owned);
            self.options
                .iter()
                .any(|(key, it)| *key == name && *it == value)
        };
        let missing = scenario
            .options
            .iter()
            .find(|(name, value)| !is_set(name, value))?;
        Some(format!("needs {}={}", missing.0, missing.1))
    }
}

fn command() -> Command {
    let many = |name: &'static str| Arg::new(name).long(name).action(ArgAction::Append);
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/conformance");
    Command::new("conformance")
        .about("Judges a Bayeux server by scenarios")
        .arg(
            Arg::new("url")
                .long("url")
                .required(true)
                .help("Where the server is: http://HOST[:PORT]/PATH"),
        )
        .arg(many("offers").value_name("WHAT").help(
            "Something that scenarios need and the server offers: application, clock, control",
        ))
        .arg(
            many("option")
                .value_name("NAME=VALUE")
                .help("An option that the server was started with"),
        )
        .arg(
            many("case")
                .value_name("CASE")
                .help("Plays only this case, such as T-HS-1"),
        )
        .arg(
            Arg::new("slack")
                .long("slack")
                .value_parser(clap::value_parser!(u64))
                .default_value("1000")
                .help("Milliseconds that an answer at once may take"),
        )
        .arg(
            Arg::new("scenarios")
                .long("scenarios")
                .value_parser(clap::value_parser!(PathBuf))
                .default_value(folder)
                .help("The folder of the scenarios"),
        )
}

fn target(url: &str, slack: Duration) -> Result<Target, String> {
    let uri: Uri = url.parse().map_err(|it| format!("{url}: {it}"))?;
    let (Some("http"), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
        return Err(format!("{url}: expected http://HOST[:PORT]/PATH"));
    };
    let address = (
        authority.host().to_owned(),
        authority.port_u16().unwrap_or(80),
    );
    Ok(Target {
        connect: Arc::new(move || {
            let address = address.clone();
            Box::pin(async move {
                let stream = TcpStream::connect(address).await?;
                stream.set_nodelay(true)?;
                Ok(Box::new(stream) as Box<dyn Io>)
            })
        }),
        host: authority.to_string(),
        path: uri.path().to_owned(),
        pace: Pace::real(slack),
        timeout: 0,
    })
}

async fn run(matches: &ArgMatches) -> Result<Report, String> {
    let (Some(url), Some(slack), Some(folder)) = (
        matches.get_one::<String>("url"),
        matches.get_one::<u64>("slack"),
        matches.get_one::<PathBuf>("scenarios"),
    ) else {
        return Err("expected a URL".to_owned());
    };
    let claims = Claims::new(matches)?;
    let cases: Vec<_> = matches
        .get_many::<String>("case")
        .into_iter()
        .flatten()
        .collect();
    let mut target = target(url, Duration::from_millis(*slack))?;
    target.timeout = probe(&target).await?;
    let mut report = Report::default();
    for scenario in load(folder).map_err(|it| it.to_string())? {
        if !cases.is_empty() && !cases.contains(&&scenario.case) {
            continue;
        }
        let verdict = match claims.refuse(&scenario) {
            Some(reason) => Verdict::NotTried(reason),
            None => match play(&scenario, &target).await {
                Ok(()) => Verdict::Passed,
                Err(failure) => Verdict::Failed(failure),
            },
        };
        report.add(&scenario, verdict);
    }
    Ok(report)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> io::Result<ExitCode> {
    let matches = command().get_matches();
    match run(&matches).await {
        Ok(report) => {
            writeln!(io::stdout(), "{report}")?;
            write!(io::stderr(), "{}", report.failures())?;
            Ok(ExitCode::from(u8::from(report.failed() > 0)))
        }
        Err(error) => {
            writeln!(io::stderr(), "{error}")?;
            Ok(ExitCode::from(2))
        }
    }
}
