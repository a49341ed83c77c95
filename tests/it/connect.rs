//! `/meta/connect` over HTTP: section 6.

use cometd::{Deferred, Exchange, Extension, Flow, ServerSession};
use cometd_tests::{advance, check, delivery, failed, ms, ok, settle, setup};
use serde_json::{Value, json};

#[tokio::test(start_paused = true)]
async fn the_first_connect_is_answered_at_once() {
    // CN-4, OLD-6, ADV-3: T-CN-1, T-CN-2
    let app = setup().start().await;
    let client = app.client();
    client.handshake().await;
    client
        .connect()
        .await
        .at_once()
        .expect([ok("/meta/connect")]);

    let client = app.client();
    client.handshake().await;
    let answer = client.connect_with(json!({"timeout": 5000})).await;
    answer
        .at_once()
        .expect([ok("/meta/connect").advice(0, 2000)]);
}

#[tokio::test(start_paused = true)]
async fn a_connect_is_held_for_the_timeout() {
    // CN-1, CN-11: T-CN-3, T-CN-23
    let app = setup().start().await;
    let client = app.client().up().await;
    client
        .connect()
        .await
        .after(ms(2000))
        .expect([ok("/meta/connect")]);
}

#[tokio::test(start_paused = true)]
async fn a_connect_that_asks_for_no_hold_is_answered_at_once() {
    // CN-5: T-CN-4
    let app = setup().start().await;
    let client = app.client().up().await;
    let connect = ok("/meta/connect").advice(0, 2000);
    client.connect0().await.at_once().expect([connect]);
}

#[tokio::test(start_paused = true)]
async fn a_client_may_ask_for_another_hold_once() {
    // CN-1, ADV-1: T-CN-5
    let app = setup().start().await;
    let client = app.client().up().await;
    let answer = client.connect_with(json!({"timeout": 500})).await;
    answer
        .after(ms(500))
        .expect([ok("/meta/connect").advice(0, 2000)]);
    client
        .connect()
        .await
        .after(ms(2000))
        .expect([ok("/meta/connect")]);
}

#[tokio::test(start_paused = true)]
async fn advice_without_a_timeout_only_asks_for_advice() {
    // CN-1, ADV-3: T-CN-6
    let app = setup().start().await;
    let client = app.client().up().await;
    for advice in [json!({}), json!({"timeout": -1})] {
        let answer = client.connect_with(advice).await;
        answer
            .after(ms(2000))
            .expect([ok("/meta/connect").advice(0, 2000)]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_session_is_kept_for_as_long_as_its_client_said_to_be_away() {
    // SES-15, ADV-2: T-CN-7
    let app = setup().start().await;
    let client = app.client().up().await;
    let answer = client
        .connect_with(json!({"timeout": 0, "interval": 1000}))
        .await;
    answer
        .at_once()
        .expect([ok("/meta/connect").advice(1000, 2000)]);
    advance(ms(3600)).await;
    assert!(app.session(&client).is_some());
    advance(ms(1200)).await;
    assert!(app.session(&client).is_none());
}

#[tokio::test(start_paused = true)]
async fn a_message_ends_the_hold() {
    // CN-10, CN-12: T-CN-8
    let app = setup().start().await;
    let (a, b) = (app.client().up().await, app.client().up().await);
    a.subscribe("/a").await;
    let held = a.hold().await;
    b.publish("/a", "x").await.expect([ok("/a")]);
    held.answer()
        .await
        .at_once()
        .expect([delivery("/a", "x"), ok("/meta/connect")]);
}

#[tokio::test(start_paused = true)]
async fn messages_wait_for_the_next_connect() {
    // CN-3, CN-12: T-CN-9
    let app = setup().start().await;
    let (a, b) = (app.client().up().await, app.client().up().await);
    a.subscribe("/a").await;
    b.publish("/a", 1).await;
    b.publish("/a", 2).await;
    let expected = [delivery("/a", 1), delivery("/a", 2), ok("/meta/connect")];
    a.connect().await.at_once().expect(expected);
}

#[tokio::test(start_paused = true)]
async fn a_second_connect_replaces_a_held_one() {
    // CN-17, CN-18, CN-20: T-CN-10, T-CN-11
    let app = setup().start().await;
    let (a, b) = (app.client().up().await, app.client().up().await);
    a.subscribe("/a").await;
    let first = a.hold().await;
    a.connect0()
        .await
        .at_once()
        .expect([ok("/meta/connect").advice(0, 2000)]);
    first.answer().await.at_once().refused(500);

    let first = a.hold().await;
    let second = a.hold().await;
    first.answer().await.at_once().refused(500);
    b.publish("/a", "x").await;
    second
        .answer()
        .await
        .at_once()
        .expect([delivery("/a", "x"), ok("/meta/connect")]);
}

#[tokio::test(start_paused = true)]
async fn the_status_of_a_replaced_connect_is_an_option() {
    // CN-18, CFG-24: T-CN-12, T-CN-13
    let option = "duplicateMetaConnectHttpResponseCode";
    let app = setup().option(option, 408).start().await;
    let client = app.client().up().await;
    let first = client.hold().await;
    client
        .connect0()
        .await
        .expect([ok("/meta/connect").advice(0, 2000)]);
    first.answer().await.refused(408);
    assert!(setup().option(option, 200).try_start().await.is_err());
}

#[tokio::test(start_paused = true)]
async fn a_connect_of_an_unknown_session_is_told_to_handshake() {
    // CN-21, ADV-6: T-CN-14
    let app = setup().start().await;
    let unknown = failed("/meta/connect", "402::session_unknown").handshake_again();
    for id in [
        json!("nobody"),
        json!("0000000000000000000000001"),
        Value::Null,
    ] {
        let client = app.client();
        let message = client.message("/meta/connect", json!({"clientId": id}));
        let answer = client.send(json!([message])).await;
        answer.at_once().expect([unknown.clone()]);
    }
}

#[tokio::test(start_paused = true)]
async fn the_connection_type_does_not_matter() {
    // CN-8, OLD-2: T-CN-15
    let app = setup().start().await;
    let client = app.client().up().await;
    for fields in [
        json!({"connectionType": "bogus"}),
        json!({"connectionType": "websocket"}),
        json!({}),
    ] {
        let message = client.message("/meta/connect", fields);
        let answer = client.send(json!([message])).await;
        answer.after(ms(2000)).expect([ok("/meta/connect")]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_connect_in_company_is_answered_at_once_and_in_its_place() {
    // CN-3, BAT-5, BAT-7: T-CN-16, T-CN-17
    let app = setup().start().await;
    let client = app.client().up().await;
    let connect = client.connect_message(Value::Null);
    let answer = client
        .send(json!([connect, client.subscribe_message("/c")]))
        .await;
    let subscribed = ok("/meta/subscribe").with("subscription", "/c");
    answer.at_once().expect([ok("/meta/connect"), subscribed]);

    let (one, two) = (
        client.publish_message("/c", "b1"),
        client.publish_message("/c", "b2"),
    );
    let answer = client.send(json!([one, connect, two])).await;
    answer.at_once().expect([
        delivery("/c", "b1"),
        delivery("/c", "b2"),
        ok("/c"),
        ok("/meta/connect"),
        ok("/c"),
    ]);
}

#[tokio::test(start_paused = true)]
async fn a_publication_elsewhere_leaves_the_hold_alone() {
    // CN-10: T-CN-18
    let app = setup().start().await;
    let client = app.client().up().await;
    let held = client.hold().await;
    client.publish("/x", 1).await.at_once().expect([ok("/x")]);
    held.answer()
        .await
        .after(ms(2000))
        .expect([ok("/meta/connect")]);
}

#[tokio::test(start_paused = true)]
async fn what_a_client_publishes_to_itself_comes_with_the_reply() {
    // PUB-12, BAT-8: T-CN-19
    let app = setup().start().await;
    let client = app.client().up().await;
    client.subscribe("/a").await;
    let held = client.hold().await;
    client
        .publish("/a", 1)
        .await
        .at_once()
        .expect([delivery("/a", 1), ok("/a")]);
    settle().await;
    assert!(held.is_held());
    held.answer()
        .await
        .after(ms(2000))
        .expect([ok("/meta/connect")]);
}

#[tokio::test(start_paused = true)]
async fn a_burst_arrives_in_order_with_this_connect_and_the_next() {
    // CN-13, BAT-11: T-CN-20
    let app = setup().start().await;
    let (a, b) = (app.client().up().await, app.client().up().await);
    a.subscribe("/a").await;
    let held = a.hold().await;
    let burst: Vec<Value> = (0..3).map(|n| b.publish_message("/a", n)).collect();
    b.send(burst.into()).await;
    let mut messages = held.answer().await.at_once().messages();
    if messages.len() < 4 {
        messages.extend(a.connect().await.at_once().messages());
    }
    messages.retain(|it| it.get("successful").is_none());
    check(&messages, (0..3).map(|n| delivery("/a", n)));
}

#[tokio::test(start_paused = true)]
async fn no_message_waits_for_the_timeout_when_it_races_a_connect() {
    // CN-6: T-CN-21
    let app = setup().start().await;
    let (a, b) = (app.client().up().await, app.client().up().await);
    a.subscribe("/a").await;
    for round in 0..100 {
        let (connect, publish) = tokio::join!(a.connect(), b.publish("/a", round));
        publish.at_once().expect([ok("/a")]);
        connect
            .at_once()
            .expect([delivery("/a", round), ok("/meta/connect")]);
    }
}

#[tokio::test(start_paused = true)]
async fn an_idle_timeout_of_the_connector_does_not_cut_a_hold() {
    // CN-9: T-CN-22
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let app = setup().start().await;
    let client = app.client().up().await;
    let (mut io, _serving) = app.connect(Some(ms(500)));
    let body = json!([client.connect_message(Value::Null)]).to_string();
    let cookie = client.jar().cookie().unwrap();
    let length = body.len();
    let request = format!(
        "POST /cometd HTTP/1.1\r\nHost: test\r\nCookie: {cookie}\r\nContent-Length: {length}\r\n\r\n{body}"
    );
    io.write_all(request.as_bytes()).await.unwrap();
    advance(ms(1900)).await;
    let mut response = Vec::new();
    let mut read = [0; 1024];
    let early = tokio::time::timeout(ms(1), io.read(&mut read)).await;
    assert!(early.is_err());
    io.read_to_end(&mut response).await.unwrap();
    let response = String::from_utf8(response).unwrap();
    assert!(response.starts_with("HTTP/1.1 200"), "{response}");
    assert!(response.contains("\"successful\":true"), "{response}");
}

#[tokio::test(start_paused = true)]
async fn an_extension_may_veto_a_connect() {
    // PROC-2: T-CN-24
    struct NoConnects;
    impl Extension for NoConnects {
        fn incoming<'a>(
            &'a self,
            _: Option<&'a ServerSession>,
            exchange: &'a mut Exchange,
        ) -> Deferred<'a, Flow> {
            Flow::from(exchange.message.channel().as_str() != "/meta/connect").into()
        }
    }
    let app = setup().with(|it| it.extension(NoConnects)).start().await;
    let client = app.client();
    client.handshake().await;
    let answer = client.connect().await;
    answer
        .at_once()
        .expect([failed("/meta/connect", "404::message_deleted")]);
}
