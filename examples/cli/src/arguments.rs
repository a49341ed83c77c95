//! The command line and what it says.

use std::fs;
use std::net::SocketAddr;

use clap::{Arg, ArgAction, ArgMatches, Command};
use cometd::ServerConfig;

/// What was asked for.
#[derive(Debug, PartialEq)]
pub(crate) struct Arguments {
    /// Where to listen: an address or a host name, and a port.
    pub(crate) listen: String,
    /// What the file, the environment and the options say, the later over the earlier.
    pub(crate) config: ServerConfig,
}

impl Arguments {
    pub(crate) fn new(matches: &ArgMatches, environment: &ServerConfig) -> Self {
        let all = |name| matches.get_many::<ServerConfig>(name).into_iter().flatten();
        let mut config = ServerConfig::default();
        for source in all(CONFIG).chain([environment]).chain(all(OPTION)) {
            config.merge(source.clone());
        }
        let listen = matches.get_one::<String>(LISTEN);
        Self {
            listen: listen.map_or(DEFAULT_ADDRESS, String::as_str).to_owned(),
            config,
        }
    }
}

/// What can be written on the command line. Values are checked while it is read, so that a mistake is
/// reported with the argument that it is in.
pub(crate) fn command(about: &'static str) -> Command {
    Command::new("example")
        .about(about)
        .after_help("Options can also be set as variables: COMETD_MAX_INTERVAL=10000.")
        .arg(
            Arg::new(LISTEN)
                .long(LISTEN)
                .value_name("ADDR")
                .default_value(DEFAULT_ADDRESS)
                .value_parser(address)
                .help("Where to listen; port 0 picks a free one"),
        )
        .arg(
            Arg::new(OPTION)
                .long(OPTION)
                .value_name("NAME=VALUE")
                .action(ArgAction::Append)
                .value_parser(option)
                .help("An option by its CometD name, such as maxInterval=10000; can be repeated"),
        )
        .arg(
            Arg::new(CONFIG)
                .long(CONFIG)
                .value_name("FILE")
                .value_parser(file)
                .help("Options as TOML; the environment and --option win over it"),
        )
}

fn address(text: &str) -> Result<String, String> {
    let is_name = text
        .split_once(':')
        .is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok());
    if is_name || text.parse::<SocketAddr>().is_ok() {
        return Ok(text.to_owned());
    }
    Err(format!(
        "expected a host and a port, such as {DEFAULT_ADDRESS}"
    ))
}

/// One option, as a configuration that sets nothing else.
fn option(text: &str) -> Result<ServerConfig, String> {
    let Some((name, value)) = text.split_once('=') else {
        return Err("expected NAME=VALUE, such as maxInterval=10000".to_owned());
    };
    let mut config = ServerConfig::default();
    config.set(name, value).map_err(|error| error.to_string())?;
    Ok(config)
}

fn file(path: &str) -> Result<ServerConfig, String> {
    let text = fs::read_to_string(path).map_err(|error| error.to_string())?;
    ServerConfig::from_toml(&text).map_err(|errors| errors.to_string())
}

const LISTEN: &str = "listen";
const OPTION: &str = "option";
const CONFIG: &str = "config";
const DEFAULT_ADDRESS: &str = "127.0.0.1:8080";
