//! Whatever a peer sends, it gets an answer, and the server goes on.

use cometd_tests::{App, Event, setup};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use tokio::runtime::{Builder, Runtime};

/// Stands for the id of the session, which a generated text cannot know.
const CLIENT: &str = "CLIENT";

fn runtime() -> Runtime {
    let mut builder = Builder::new_current_thread();
    builder.enable_time().start_paused(true).build().unwrap()
}

fn run<S: Strategy>(cases: u32, strategy: &S, check: &impl AsyncFn(&App, S::Value)) {
    let runtime = runtime();
    let app = runtime.block_on(setup().start());
    let config = Config {
        cases,
        failure_persistence: None,
        ..Config::default()
    };
    let result = TestRunner::new(config).run(strategy, |input| {
        runtime.block_on(check(&app, input));
        Ok(())
    });
    result.unwrap_or_else(|error| panic!("{error}"));
}

/// Posts a body; the answer is one of HTTP's, and the server still takes handshakes.
async fn post(app: &App, body: Vec<u8>, media_type: &str) {
    let client = app.client().up().await;
    let id = client.client_id().unwrap();
    let body = match String::from_utf8(body) {
        Ok(text) => text.replace(CLIENT, &id).into_bytes(),
        Err(error) => error.into_bytes(),
    };
    let answer = crate::http::request(&client, "POST", "/", media_type, body).await;
    let status = answer.status;
    assert!(
        matches!(status, 200 | 400 | 413 | 415),
        "{status}: {}",
        answer.text
    );
    if status == 200 {
        let _is_an_envelope = answer.messages();
    }
    let _session = app.client().up().await;
}

/// Sends a text frame; the socket answers, closes in order, or waits.
async fn frame(app: &App, text: String) {
    let mut socket = app.socket().await.up().await;
    let id = socket.client_id().unwrap();
    socket.send_text(&text.replace(CLIENT, &id)).await;
    let event = tokio::time::timeout(cometd_tests::ms(10), socket.event()).await;
    if let Ok(Event::End) = event {
        panic!("the socket broke off");
    }
    let _session = app.socket().await.up().await;
}

fn media_type() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "",
        "application/json",
        "text/json;charset=ISO-8859-7",
        "application/json;charset=utf-16",
        "text/plain;charset=klingon",
        "application/x-www-form-urlencoded",
    ])
}

fn channel() -> impl Strategy<Value = String> {
    let names = vec![
        "/meta/handshake",
        "/meta/connect",
        "/meta/subscribe",
        "/meta/unsubscribe",
        "/meta/disconnect",
        "/meta/foo",
        "/service/echo",
        "/service/none",
        "/a",
        "/a/*",
        "/a/**",
        "/t/{id}",
        "/lazy",
        "/veto",
        "/nosub/x",
    ];
    prop_oneof![
        8 => prop::sample::select(names).prop_map(|name| format!("{name:?}")),
        1 => "/[a-z/*{}]{0,12}".prop_map(|name| format!("{name:?}")),
        1 => json(2),
    ]
}

/// Any JSON of this depth.
fn json(depth: u32) -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        any::<bool>().prop_map(|it| it.to_string()),
        any::<i64>().prop_map(|it| it.to_string()),
        any::<f64>().prop_filter_map("finite", |it| it.is_finite().then(|| format!("{it:e}"))),
        any::<String>().prop_map(|it| serde_json::to_string(&it).unwrap()),
        Just(format!("\"{CLIENT}\"")),
    ];
    leaf.prop_recursive(depth, 24, 4, |inner| {
        let field = ("[a-z]{0,4}", inner.clone());
        prop_oneof![
            prop::collection::vec(inner, 0..4).prop_map(|it| format!("[{}]", it.join(","))),
            prop::collection::vec(field, 0..4).prop_map(|fields| object(&fields)),
        ]
    })
}

fn object<K: AsRef<str>>(fields: &[(K, String)]) -> String {
    let fields: Vec<String> = fields
        .iter()
        .map(|(name, value)| format!("{:?}:{value}", name.as_ref()))
        .collect();
    format!("{{{}}}", fields.join(","))
}

/// A message with the right fields, of which any may be missing, doubled or of a wrong type.
fn message() -> impl Strategy<Value = String> {
    let id = prop_oneof![Just(format!("\"{CLIENT}\"")), json(1)];
    let names = vec![
        "id",
        "data",
        "ext",
        "subscription",
        "connectionType",
        "version",
        "supportedConnectionTypes",
        "successful",
        "error",
        "timestamp",
        "lazy",
    ];
    let other = (prop::sample::select(names), json(3));
    let advice = prop_oneof![
        Just(r#"{"timeout":0}"#.to_owned()),
        any::<f64>().prop_map(|it| format!(r#"{{"timeout":{},"interval":0}}"#, it.abs().min(1e18))),
        any::<u64>().prop_map(|it| format!(r#"{{"interval":{it},"timeout":0}}"#)),
        json(2),
    ];
    let subscription = prop_oneof![
        channel(),
        prop::collection::vec(channel(), 0..3).prop_map(|it| format!("[{}]", it.join(",")))
    ];
    let fields = (
        prop::option::weighted(0.9, channel()),
        prop::option::weighted(0.9, id),
        prop::option::weighted(0.3, advice),
        prop::option::weighted(0.5, subscription),
        prop::collection::vec(other, 0..3),
    );
    fields.prop_map(|(channel, id, advice, subscription, others)| {
        let known = [
            ("channel", channel),
            ("clientId", id),
            ("advice", advice),
            ("subscription", subscription),
        ];
        let known = known
            .into_iter()
            .filter_map(|(name, value)| Some((name, value?)));
        object(&known.chain(others).collect::<Vec<_>>())
    })
}

fn envelope() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => prop::collection::vec(message(), 1..4).prop_map(|it| format!("[{}]", it.join(","))),
        1 => message(),
        1 => prop::collection::vec(prop_oneof![message(), json(1)], 0..3)
            .prop_map(|it| format!("[{}]", it.join(","))),
        1 => json(4),
    ]
}

#[test]
fn any_bytes_are_answered() {
    // ERR-2, LP-4, LP-6
    let strategy = (prop::collection::vec(any::<u8>(), 0..200), media_type());
    run(500, &strategy, &async |app, (body, media_type)| {
        post(app, body, media_type).await;
    });
}

#[test]
fn any_envelope_is_answered() {
    // JSON-3, SES-18
    let strategy = (envelope(), media_type());
    run(1000, &strategy, &async |app, (body, media_type)| {
        post(app, body.into_bytes(), media_type).await;
    });
}

#[test]
fn any_text_frame_is_answered_or_closes_the_socket_in_order() {
    // WS-16
    let strategy = prop_oneof![1 => any::<String>(), 4 => envelope()];
    run(500, &strategy, &async |app, text| frame(app, text).await);
}
