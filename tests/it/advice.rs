//! Advice: section 7.

use cometd_tests::{failed, ms, ok, setup};
use serde_json::json;

#[tokio::test(start_paused = true)]
async fn a_new_timeout_is_advised_and_then_used() {
    // ADV-3, SES-19: T-ADV-1
    let app = setup().start().await;
    let client = app.client().up().await;
    let held = client.hold().await;
    client
        .publish("/service/cmd", "timeout500")
        .await
        .expect([ok("/service/cmd")]);
    let advised = ok("/meta/connect").advice(0, 500);
    held.answer().await.after(ms(2000)).expect([advised]);
    client
        .connect()
        .await
        .after(ms(500))
        .expect([ok("/meta/connect")]);
}

#[tokio::test(start_paused = true)]
async fn a_new_interval_is_advised_once() {
    // ADV-2, ADV-3: T-ADV-2
    let app = setup().start().await;
    let client = app.client().up().await;
    client.publish("/service/cmd", "interval500").await;
    client
        .connect()
        .await
        .expect([ok("/meta/connect").advice(500, 2000)]);
    client.connect().await.expect([ok("/meta/connect")]);
}

#[tokio::test(start_paused = true)]
async fn advice_is_not_repeated() {
    // ADV-3: T-ADV-3
    let app = setup().start().await;
    let client = app.client().up().await;
    for _ in 0..3 {
        client
            .connect()
            .await
            .after(ms(2000))
            .expect([ok("/meta/connect")]);
    }
}

#[tokio::test(start_paused = true)]
async fn an_unknown_session_gets_advice_for_connects_only() {
    // ADV-6, DIS-3: T-ADV-4
    let app = setup().start().await;
    let client = app.client();
    client.set_client_id(Some("nobody".to_owned()));
    let unknown = |channel: &str| failed(channel, "402::session_unknown");
    client.publish("/a", 1).await.expect([unknown("/a")]);
    client
        .disconnect()
        .await
        .expect([unknown("/meta/disconnect")]);
    let subscribe = unknown("/meta/subscribe").with("subscription", "/a");
    client.subscribe("/a").await.expect([subscribe]);
    let unsubscribe = unknown("/meta/unsubscribe").with("subscription", "/a");
    client.unsubscribe("/a").await.expect([unsubscribe]);
}

#[tokio::test(start_paused = true)]
async fn advice_in_a_handshake_is_ignored() {
    // HS-2: T-ADV-6
    let app = setup().start().await;
    let client = app.client();
    let advice = json!({"advice": {"timeout": 1, "interval": 1}});
    let answer = client
        .send(json!([client.message("/meta/handshake", advice)]))
        .await;
    let advised = json!({"reconnect": "retry", "interval": 0, "timeout": 2000});
    assert_eq!(answer.only()["advice"], advised);
    client.set_client_id(answer.client_id());
    client.connect0().await;
    client
        .connect()
        .await
        .after(ms(2000))
        .expect([ok("/meta/connect")]);
}

#[tokio::test(start_paused = true)]
async fn a_change_of_transport_is_answered_with_advice() {
    // ADV-3: T-ADV-5
    let app = setup().start().await;
    let client = app.client().up().await;
    let mut socket = app.socket().await;
    socket.set_client_id(client.client_id());
    let connect = socket.connect_message(serde_json::Value::Null);
    socket.send(json!([connect])).await;
    socket
        .expect_after(ms(2000), [ok("/meta/connect").advice(0, 2000)])
        .await;
}
