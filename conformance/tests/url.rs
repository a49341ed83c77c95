//! The program, against servers on ports of their own.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Output};

use axum::Router;
use axum::routing::any;
use cometd_tests::{scenario, start};
use conformance::{Need, load};
use tokio::sync::oneshot;

/// Serves a router on a port of its own for as long as `test` runs.
async fn with_server<T>(app: Router, test: impl AsyncFnOnce(SocketAddr) -> T) -> T {
    let (sender, bound) = oneshot::channel();
    let serving = cometd::serve(app, "127.0.0.1:0").on_bound(move |address| {
        sender.send(address).unwrap();
    });
    let _serving = start(serving.into_future());
    test(bound.await.unwrap()).await
}

async fn default_server() -> Router {
    let app = scenario::start([]).await.unwrap();
    Router::new().nest_service("/cometd", app.server().clone().into_service())
}

/// Runs the program to its end.
async fn judge(address: SocketAddr, arguments: &'static [&'static str]) -> Output {
    let run = move || {
        let url = format!("http://{address}/cometd");
        Command::new(env!("CARGO_BIN_EXE_conformance"))
            .args(["--url", &url])
            .args(arguments)
            .output()
            .unwrap()
    };
    tokio::task::spawn_blocking(run).await.unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn this_server_passes_every_scenario_that_needs_no_clock() {
    let output = with_server(default_server().await, async |address| {
        judge(address, &["--offers", "application"]).await
    })
    .await;
    let table = text(&output.stdout);
    assert_eq!(
        output.status.code(),
        Some(0),
        "{table}\n{}",
        text(&output.stderr)
    );
    assert!(
        table.contains("HS-1      passed     T-HS-4 T-HS-5"),
        "{table}"
    );
    assert!(table.contains("LAZY-6    not tried  T-LAZY-4"), "{table}");
    assert!(table.contains(" 0 failed, "), "{table}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_that_is_broken_is_named_with_the_difference() {
    let output = with_server(default_server().await, async |address| {
        // What is said about the server is wrong, so it does not behave as it should.
        let claim = &["--case", "T-HS-14", "--option", "handshakeReconnect=true"];
        judge(address, claim).await
    })
    .await;
    assert_eq!(output.status.code(), Some(1));
    let (table, failures) = (text(&output.stdout), text(&output.stderr));
    assert!(table.contains("CFG-18    FAILED     T-HS-14"), "{table}");
    assert!(
        failures.contains("T-HS-14: With handshakeReconnect"),
        "{failures}"
    );
    assert!(failures.contains("at /0/advice/maxInterval"), "{failures}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_bayeux_server_is_not_judged() {
    let app = Router::new().route("/cometd", any(async || "hello"));
    let output = with_server(app, async |address| judge(address, &[]).await).await;
    assert_eq!(output.status.code(), Some(2), "{}", text(&output.stdout));
}

#[test]
fn most_scenarios_judge_any_server() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/conformance");
    let scenarios = load(&folder).unwrap();
    let free = scenarios
        .iter()
        .filter(|it| !it.needs.contains(&Need::Clock));
    assert!(free.count() * 2 > scenarios.len());
}
