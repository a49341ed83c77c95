//! The conformance scenarios, in memory and in virtual time, and the lists of what has none.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use cometd_tests::{App, Pending, scenario};
use conformance::{Io, Pace, Report, Scenario, Target, Verdict, load, play};
use parking_lot::Mutex;
use serde::Deserialize;
use serde_json::Value;

/// Cases, rules and limits without a scenario, each with the reason.
#[derive(Deserialize)]
struct Without {
    cases: BTreeMap<String, String>,
    rules: BTreeMap<String, String>,
    limits: BTreeMap<String, String>,
}

fn target(app: App, scenario: &Scenario) -> Target {
    let timeout = scenario.options.get("timeout").and_then(Value::as_u64);
    // The server's ends of all connections, which live as long as the target.
    let serving: Mutex<Vec<Pending<()>>> = Mutex::default();
    Target {
        connect: Arc::new(move || {
            let (io, end) = app.connect(None);
            serving.lock().push(end);
            Box::pin(async { Ok(Box::new(io) as Box<dyn Io>) })
        }),
        host: "test".to_owned(),
        path: "/cometd".to_owned(),
        pace: Pace::VIRTUAL,
        timeout: timeout.unwrap_or(2000),
    }
}

fn folder() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/conformance"))
}

fn judge(scenario: &Scenario) -> Verdict {
    let failed = |why: &str| {
        let (what, why) = ("start".to_owned(), why.to_owned());
        Verdict::Failed(conformance::Failure { step: 0, what, why })
    };
    // A clock and a server of its own, so that what a scenario leaves behind is gone.
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_all().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let app = match (scenario::start(&scenario.options).await, scenario.starts) {
            (Ok(app), true) => app,
            (Err(_), false) => return Verdict::Passed,
            (Ok(_), false) => return failed("the server starts"),
            (Err(error), true) => return failed(&error.to_string()),
        };
        match play(scenario, &target(app, scenario)).await {
            Ok(()) => Verdict::Passed,
            Err(failure) => Verdict::Failed(failure),
        }
    })
}

#[test]
fn every_scenario_passes() {
    let mut report = Report::default();
    for scenario in load(&folder()).unwrap() {
        report.add(&scenario, judge(&scenario));
    }
    assert_ne!(report.passed(), 0);
    assert_eq!(report.failed(), 0, "\n{}\n{report}", report.failures());
}

fn lines(file: &str) -> BTreeSet<String> {
    let text = std::fs::read_to_string(folder().join(file)).unwrap();
    text.lines().map(str::to_owned).collect()
}

/// Each of `all` is either played or listed, and nothing else is.
#[track_caller]
fn check_complete(
    all: &BTreeSet<String>,
    played: &BTreeSet<String>,
    listed: &BTreeMap<String, String>,
) {
    let listed_ids = listed.keys().cloned().collect();
    let wrong = [
        (
            "has a scenario and is listed as having none",
            played & &listed_ids,
        ),
        (
            "has no scenario and is not listed",
            &(all - played) - &listed_ids,
        ),
        ("is not in the specification", &(played | &listed_ids) - all),
    ];
    for (what, ids) in wrong {
        assert!(ids.is_empty(), "{what}: {ids:?}");
    }
    let without_reason = listed.iter().find(|(_, reason)| reason.len() < 10);
    assert_eq!(without_reason, None);
}

fn without() -> Without {
    let without = std::fs::read_to_string(folder().join("without-scenario.json")).unwrap();
    serde_json::from_str(&without).unwrap()
}

#[test]
fn every_case_and_every_rule_has_a_scenario_or_a_reason() {
    let without = without();
    let scenarios = load(&folder()).unwrap();
    // Others have the name of a rule that no case is about, or of a limit.
    let cases = scenarios.iter().map(|it| it.case.clone());
    let cases = cases.filter(|it| it.starts_with("T-")).collect();
    let rules = scenarios.iter().flat_map(|it| it.rules.clone()).collect();
    check_complete(&lines("cases.txt"), &cases, &without.cases);
    check_complete(&lines("rules.txt"), &rules, &without.rules);
}

#[test]
fn every_limit_has_a_scenario_or_a_reason() {
    let options = cometd::config::options().map(|it| it.name());
    let limits = options.filter(|it| it.contains("max") || it.contains("Max"));
    let limits = limits.map(str::to_owned).collect();
    let scenarios = load(&folder()).unwrap();
    let options = scenarios.iter().flat_map(|it| it.options.keys());
    // They may be limits of one transport.
    let set: BTreeSet<String> = options
        .filter_map(|it| it.rsplit('.').next())
        .map(str::to_owned)
        .collect();
    check_complete(&limits, &(&set & &limits), &without().limits);
}
