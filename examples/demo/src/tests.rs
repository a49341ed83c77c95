//! The demo without a socket: its services with mock sessions, its routes as a tower service.

use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, Response, StatusCode};
use cometd::prelude::*;
use cometd::testing::CallFailed;
use cometd::{LocalError, Origin};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tokio::time;
use tower::ServiceExt;

use crate::history::{History, MOST_LINES, Said};
use crate::line::{LONGEST_TEXT, Line};
use crate::{describe, page};

async fn answer(request: Request<Body>) -> Response<Body> {
    let server = describe().0.build().await.unwrap();
    let app = page::router().nest_service("/cometd", server.into_service());
    app.oneshot(request).await.unwrap()
}

#[tokio::test]
async fn the_page_is_served_with_its_types_and_a_policy() {
    for (path, content_type) in [
        ("/", "text/html; charset=utf-8"),
        ("/style.css", "text/css; charset=utf-8"),
        ("/app.js", "text/javascript; charset=utf-8"),
        ("/bayeux.js", "text/javascript; charset=utf-8"),
    ] {
        let request = Request::get(path).body(Body::empty()).unwrap();
        let response = answer(request).await;
        assert_eq!(response.status(), StatusCode::OK);
        let header = |name| response.headers()[name].to_str().unwrap();
        assert_eq!(header("content-type"), content_type);
        assert!(header("content-security-policy").contains("script-src 'self'"));
        assert_eq!(header("cache-control"), "no-cache");
    }
}

#[tokio::test]
async fn the_endpoint_answers_a_handshake() {
    let types = json!(["websocket", "long-polling"]);
    let handshake =
        json!({"channel": "/meta/handshake", "version": "1.0", "supportedConnectionTypes": types});
    let request = Request::post("/cometd").header("content-type", "application/json");
    let response = answer(request.body(Body::from(handshake.to_string())).unwrap()).await;
    assert_eq!(response.status(), StatusCode::OK);
    let body = response.into_body().collect().await.unwrap().to_bytes();
    let replies: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(replies[0]["successful"], json!(true));
}

#[tokio::test]
async fn who_asks_for_the_line_is_told_the_last_text() {
    let (line, local, session) = (Line::default(), LocalSession::mock(), MockSession::new());
    let text = |text: &str| Data(serde_json::from_value(json!({"text": text, "by": "a"})).unwrap());
    assert!(line.changed(text("first")));
    assert!(line.changed(text("second")));
    assert!(!line.changed(text(&"x".repeat(LONGEST_TEXT + 1))));
    line.asked(&session, &local).await.unwrap();
    session
        .expect_delivered("/demo/line")
        .data(json!({"text": "second", "by": "a"}));
    session.expect_nothing();
}

#[tokio::test]
async fn who_comes_later_is_told_the_last_lines_of_a_room() {
    let history = History::default();
    let line = |n: usize| json!({"user": "a", "chat": n.to_string()});
    for n in 0..=MOST_LINES {
        history.said("1", &Message::publish("/chat/1", line(n)));
    }
    history.said(
        "1",
        &Message::publish("/chat/1", json!({"user": "a", "membership": "join"})),
    );
    let page = |page: Value| Data(serde_json::from_value(page).unwrap());
    assert_eq!(history.history("1", page(json!({}))).len(), MOST_LINES);
    let last: Vec<Said> = history.history("1", page(json!({"length": 2})));
    assert_eq!(json!(last), json!([line(MOST_LINES - 1), line(MOST_LINES)]));
    assert!(history.history("2", page(json!({}))).is_empty());
}

#[tokio::test(start_paused = true)]
async fn those_who_watch_see_what_happens_and_how_much() {
    let (builder, reporter) = describe();
    let server = builder.build().await.unwrap();
    let local = server.local_session("test").await.unwrap();
    let reports = ["/monitor/stats", "/monitor/events"];
    let [watcher, other] = [(); 2].map(|()| MockSession::beside(&local));
    let watcher = reports.into_iter().fold(watcher, MockSession::subscribed);
    let other = other.subscribed("/news");
    let run = reporter.run(server.clone());
    let scenario = async {
        server.publish(Origin::default(), "/news", 1).await.unwrap();
        other.disconnect().await;
        time::sleep(Duration::from_millis(1500)).await;
    };
    tokio::select! {
        () = run => unreachable!("the server is there"),
        () = scenario => {}
    }
    let other = other.to_string();
    for (kind, session, detail) in [
        ("subscribe", watcher.to_string(), Some("/monitor/stats")),
        ("subscribe", watcher.to_string(), Some("/monitor/events")),
        ("subscribe", other.clone(), Some("/news")),
        ("disconnect", other.clone(), None),
    ] {
        let event = json!({"kind": kind, "session": session, "detail": detail});
        watcher.expect_delivered("/monitor/events").data(event);
    }
    let stats = watcher.expect_delivered("/monitor/stats");
    let stats = stats.into_data();
    assert_eq!(
        (&stats["sessions"], &stats["uptime"]),
        (&json!(1), &json!(1.0))
    );
    watcher.expect_nothing();
}

#[tokio::test]
async fn clients_do_not_publish_reports() {
    let server = describe().0.build().await.unwrap();
    let client = server.local_session("client").await.unwrap();
    let refused = client.publish("/monitor/stats", json!({})).await;
    assert!(
        matches!(refused, Err(LocalError::Refused(_))),
        "{refused:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn the_remote_calls_answer_and_fail_as_they_should() {
    let app = TestServer::builder().with(|_| describe().0).build().await;
    let alice = app.connect().await;
    let data = json!({"n": 1});
    assert_eq!(alice.call("echo", &data).await, Ok(data));
    let reason = CallFailed::Failed(json!({"reason": "it was asked to"}));
    assert_eq!(alice.call("fail", ()).await, Err(reason));
    alice.publish("/service/echo", "plain").await.unwrap();
    alice.expect_message("/service/echo").data("plain");
}
