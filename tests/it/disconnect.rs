//! `/meta/disconnect`, by the client and by the server: section 8.

use cometd_tests::{check, delivery, failed, ms, ok, settle, setup};
use serde_json::{Value, json};

fn last_connect() -> cometd_tests::Expected {
    ok("/meta/connect").reconnect("none")
}

#[tokio::test(start_paused = true)]
async fn a_disconnect_ends_the_session() {
    // DIS-1, DIS-3: T-DIS-1, T-DIS-3
    let app = setup().start().await;
    let client = app.client().up().await;
    client
        .disconnect()
        .await
        .at_once()
        .expect([ok("/meta/disconnect")]);
    client
        .publish("/a", 1)
        .await
        .expect([failed("/a", "402::session_unknown")]);
    let unknown = failed("/meta/disconnect", "402::session_unknown");
    client.disconnect().await.expect([unknown]);
}

#[tokio::test(start_paused = true)]
async fn a_disconnect_answers_the_held_connect_for_the_last_time() {
    // DIS-2, CN-16: T-DIS-2
    let app = setup().start().await;
    let client = app.client().up().await;
    let held = client.hold().await;
    client.disconnect().await.expect([ok("/meta/disconnect")]);
    held.answer().await.at_once().expect([last_connect()]);
}

#[tokio::test(start_paused = true)]
async fn messages_before_a_disconnect_are_delivered_and_those_after_it_unknown() {
    // DIS-4, DIS-5, CN-22: T-DIS-4
    let app = setup().start().await;
    let client = app.client().up().await;
    client.subscribe("/a").await;
    let envelope = json!([
        client.publish_message("/a", 1),
        client.disconnect_message(),
        client.publish_message("/a", 2),
        client.connect_message(Value::Null),
    ]);
    let advice = json!({"reconnect": "none", "interval": 0});
    client.send(envelope).await.at_once().expect([
        delivery("/a", 1),
        ok("/a"),
        ok("/meta/disconnect"),
        failed("/a", "402::session_unknown"),
        failed("/meta/connect", "402::session_unknown").with("advice", advice),
    ]);
}

#[tokio::test(start_paused = true)]
async fn the_server_tells_a_held_connect_that_it_disconnects() {
    // DIS-6, DIS-8: T-DIS-5, T-DIS-8
    for broadcast in [true, false] {
        let app = setup()
            .option("broadcastToPublisher", broadcast)
            .start()
            .await;
        let client = app.client().up().await;
        let held = client.hold().await;
        app.session(&client).unwrap().disconnect().await;
        let answer = held.answer().await;
        answer
            .at_once()
            .expect([ok("/meta/disconnect"), last_connect()]);
        assert_eq!(answer.messages()[0].get("id"), None);
    }
}

#[tokio::test(start_paused = true)]
async fn a_disconnect_that_a_client_causes_is_told_with_its_reply() {
    // DIS-6, SES-12: T-DIS-6
    let app = setup().start().await;
    let client = app.client().up().await;
    let answer = client.publish("/service/cmd", "disconnect").await;
    answer
        .at_once()
        .expect([ok("/meta/disconnect"), ok("/service/cmd")]);
    let unknown = failed("/meta/connect", "402::session_unknown").handshake_again();
    client.connect().await.at_once().expect([unknown]);
}

#[tokio::test(start_paused = true)]
async fn a_kick_is_one_response() {
    // DIS-6, BAT-12: T-DIS-7
    let app = setup().start().await;
    let client = app.client().up().await;
    let held = client.hold().await;
    let session = app.session(&client).unwrap();
    let kick = async {
        session.deliver(None, "/kick", "kick").await.unwrap();
        session.disconnect().await;
    };
    session.batch(kick).await;
    let expected = [
        delivery("/kick", "kick"),
        ok("/meta/disconnect"),
        last_connect(),
    ];
    held.answer().await.at_once().expect(expected);
}

#[tokio::test(start_paused = true)]
async fn a_session_that_kicks_itself_is_told_everything_once() {
    // DIS-6: T-DIS-7. Which of its two open requests brings the messages is left open.
    let app = setup().start().await;
    let client = app.client().up().await;
    let held = client.hold().await;
    let mut messages = client.publish("/service/cmd", "kick").await.messages();
    messages.extend(held.answer().await.at_once().messages());
    messages.sort_by_key(|it| {
        ["/kick", "/meta/disconnect", "/meta/connect", "/service/cmd"]
            .iter()
            .position(|channel| it["channel"] == *channel)
    });
    let expected = [
        delivery("/kick", "kick"),
        ok("/meta/disconnect"),
        last_connect(),
        ok("/service/cmd"),
    ];
    check(&messages, expected);
}

#[tokio::test(start_paused = true)]
async fn a_disconnect_ends_all_subscriptions() {
    // DIS-1, DIS-7: T-DIS-9
    let app = setup().start().await;
    let (a, b) = (app.client().up().await, app.client().up().await);
    a.subscribe("/a").await;
    let session = app.session(&a).unwrap();
    a.disconnect().await;
    assert!(app.channel("/a").subscribers().is_empty());
    b.publish("/a", 1).await.expect([ok("/a")]);
    assert_eq!(session.queued(), 0);
    settle().await;
    assert!(!session.is_handshook());
}

#[tokio::test(start_paused = true)]
async fn a_disconnect_is_no_time_out() {
    // DIS-1
    use cometd::Removal;
    let app = setup().start().await;
    let client = app.client().up().await;
    let (sender, removed) = tokio::sync::oneshot::channel();
    app.session(&client)
        .unwrap()
        .on_removed(async |_, removal| {
            sender.send(removal).unwrap();
        });
    client.disconnect().await;
    let removal = tokio::time::timeout(ms(1), removed).await.unwrap().unwrap();
    assert_eq!(removal, Removal::Disconnected);
}
