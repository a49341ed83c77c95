//! What is said for each command line.

use std::time::Duration;

use cometd::ServerConfig;

use crate::arguments::{Arguments, command};

fn parse(arguments: &[&str]) -> Result<Arguments, String> {
    parse_with(arguments, &[])
}

fn parse_with(arguments: &[&str], variables: &[(&str, &str)]) -> Result<Arguments, String> {
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    let environment = ServerConfig::from_variables(variables.iter().map(owned)).unwrap();
    command("Answers")
        .try_get_matches_from([&["example"], arguments].concat())
        .map(|matches| Arguments::new(&matches, &environment))
        .map_err(|error| error.to_string())
}

#[track_caller]
fn check_problem(arguments: &[&str], expected: &str) {
    let problem = parse(arguments).unwrap_err();
    assert!(problem.contains(expected), "{problem}");
}

fn timeout(milliseconds: u64) -> ServerConfig {
    let mut config = ServerConfig::default();
    config.timeout(Duration::from_millis(milliseconds));
    config
}

#[test]
fn an_empty_command_line_listens_on_port_8080_of_this_machine() {
    let expected = Arguments {
        listen: "127.0.0.1:8080".to_owned(),
        config: ServerConfig::default(),
    };
    assert_eq!(parse(&[]), Ok(expected));
}

#[test]
fn names_and_addresses_of_both_families_can_be_listened_on() {
    for address in ["127.0.0.1:0", "[::1]:8080", "localhost:8080"] {
        assert_eq!(parse(&["--listen", address]).unwrap().listen, address);
    }
}

#[test]
fn what_is_no_address_is_refused_with_an_example() {
    for address in [
        "8080",
        ":8080",
        "localhost",
        "localhost:http",
        "::1",
        "a:99999",
    ] {
        check_problem(&["--listen", address], "such as 127.0.0.1:8080");
    }
}

#[test]
fn options_are_repeatable_and_the_later_one_wins() {
    let arguments = parse(&["--option", "timeout=1", "--option=timeout=2"]).unwrap();
    assert_eq!(arguments.config, timeout(2));
}

#[test]
fn an_option_without_a_value_is_refused_with_an_example() {
    check_problem(&["--option", "timeout"], "expected NAME=VALUE");
}

#[test]
fn an_option_that_does_not_exist_is_refused_with_the_nearest_one() {
    check_problem(
        &["--option", "maxIntervall=1"],
        r#"did you mean "maxInterval"?"#,
    );
}

#[test]
fn an_option_with_a_bad_value_is_refused_with_what_it_expects() {
    check_problem(&["--option", "timeout=soon"], r#"option "timeout" expects"#);
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    check_problem(
        &["--config", "no-such-file.toml"],
        "'no-such-file.toml' for '--config",
    );
}

#[test]
fn a_file_with_an_unknown_option_is_refused() {
    // The manifest is TOML, and its tables are no options.
    check_problem(&["--config", MANIFEST], r#"unknown option "package.name""#);
}

#[test]
fn an_option_wins_over_the_environment_which_wins_over_the_file() {
    let variables = [("COMETD_TIMEOUT", "2")];
    let file = ["--config", FILE];
    assert_eq!(parse(&file).unwrap().config, timeout(1));
    assert_eq!(parse_with(&file, &variables).unwrap().config, timeout(2));
    let all = [&file[..], &["--option", "timeout=3"]].concat();
    assert_eq!(parse_with(&all, &variables).unwrap().config, timeout(3));
}

const MANIFEST: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/tests.toml");
