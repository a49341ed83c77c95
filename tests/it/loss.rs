//! Peers that go away, at the worst moment.

use cometd_tests::{advance, delivery, ms, ok, settle, setup};
use serde_json::{Value, json};

#[tokio::test(start_paused = true)]
async fn a_socket_that_dies_inside_a_frame_takes_nothing_along() {
    // WS-17, WS-18
    let app = setup().start().await;
    let mut dying = app.socket().await.up().await;
    dying.subscribe("/a").await;
    let mut other = app.socket().await.up().await;
    other.subscribe("/a").await;
    dying
        .send_half(&json!([dying.publish_message("/a", "never")]).to_string())
        .await;
    let id = dying.client_id();
    drop(dying);
    settle().await;
    other.publish("/a", 1).await;
    other.expect([delivery("/a", 1), ok("/a")]).await;

    let mut next = app.socket().await;
    next.set_client_id(id);
    let connect = next.connect_message(json!({"timeout": 0}));
    next.send(json!([connect])).await;
    next.expect([delivery("/a", 1), ok("/meta/connect").advice(0, 2000)])
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_socket_that_dies_with_a_held_connect_keeps_its_messages() {
    // WS-18: T-WS-12
    let app = setup().start().await;
    let mut dying = app.socket().await.up().await;
    dying.subscribe("/a").await;
    dying.hold().await;
    let id = dying.client_id();
    drop(dying);
    settle().await;
    let other = app.client().up().await;
    other.publish("/a", 1).await;
    advance(ms(2500)).await;
    let mut next = app.socket().await;
    next.set_client_id(id);
    let connect = next.connect_message(Value::Null);
    next.send(json!([connect])).await;
    next.expect([delivery("/a", 1)]).await;
    next.expect_after(ms(2000), [ok("/meta/connect")]).await;
}

#[tokio::test(start_paused = true)]
async fn a_socket_that_nobody_reads_does_not_stop_the_others() {
    // T-LP-16, over a WebSocket
    let app = setup().start().await;
    let mut deaf = app.socket().await.up().await;
    deaf.subscribe("/a").await;
    let mut other = app.socket().await.up().await;
    other.subscribe("/b").await;
    let client = app.client().up().await;
    for _ in 0..64 {
        client
            .publish("/a", "x".repeat(64 * 1024))
            .await
            .expect([ok("/a")]);
        client.publish("/b", 1).await.expect([ok("/b")]);
        other.expect([delivery("/b", 1)]).await;
    }
    let session = app.session(&deaf);
    advance(ms(10_000)).await;
    assert!(
        session.is_none_or(|it| !it.is_handshook()),
        "a peer that is silent expires"
    );
}

#[tokio::test(start_paused = true)]
async fn an_upgrade_that_is_given_up_leaves_nothing_behind() {
    let app = setup().start().await;
    for _ in 0..10 {
        drop(app.socket().await);
    }
    settle().await;
    let stopped = app.server().shutdown(ms(1000)).await;
    assert_eq!(stopped, cometd::Stopped::Drained);
}

#[tokio::test(start_paused = true)]
async fn many_cut_connects_leave_no_hold_behind() {
    // CN-24, MULTI-6
    let app = setup().start().await;
    let client = app.client().up().await;
    for _ in 0..50 {
        client.hold().await.cut().await;
    }
    client
        .connect()
        .await
        .after(ms(2000))
        .expect([ok("/meta/connect")]);
}

#[tokio::test(start_paused = true)]
async fn a_connect_that_is_cut_off_when_it_is_about_to_be_answered_loses_nothing() {
    // CN-24: between the message that ends the hold and the response
    let app = setup().start().await;
    let (a, b) = (app.client().up().await, app.client().up().await);
    a.subscribe("/a").await;
    let held = a.hold().await;
    b.publish("/a", 1).await;
    held.cut().await;
    let expected = [delivery("/a", 1), ok("/meta/connect").advice(0, 2000)];
    a.connect0().await.expect(expected);
}

#[tokio::test(start_paused = true)]
async fn a_session_may_change_between_http_and_websocket_at_will() {
    // WS-7, WS-13, ADV-3: no message is lost or doubled on the way
    let app = setup().start().await;
    let (client, other) = (app.client().up().await, app.client().up().await);
    client.subscribe("/a").await;
    for n in 0..5 {
        let held = client.hold().await;
        let mut socket = app.socket().await;
        socket.set_client_id(client.client_id());
        let connect = socket.connect_message(Value::Null);
        socket.send(json!([connect])).await;
        settle().await;
        held.answer().await.refused(500);
        other.publish("/a", n).await;
        socket.expect([delivery("/a", n)]).await;
        let held = client.hold().await;
        other.publish("/a", n).await;
        let messages = held.answer().await.at_once().messages();
        assert_eq!(messages[0]["data"], n);
        assert_eq!(messages.len(), 2);
        socket.expect_nothing(ms(100)).await;
    }
}
