//! Several messages in one envelope, and the order of messages: section 12.

use cometd::{Deferred, Extension, Flow, Reply, ServerSession};
use cometd_tests::{App, advance, delivery, failed, listener, ms, ok, setup};
use serde_json::{Value, json};

async fn connect_only() -> App {
    let option = "long-polling.json.metaConnectDeliverOnly";
    setup().option(option, true).start().await
}

#[tokio::test(start_paused = true)]
async fn a_batch_is_answered_and_delivered_in_order() {
    // BAT-4, BAT-10, BAT-11: T-BAT-1
    let app = setup().start().await;
    let (a, b) = (app.client().up().await, app.client().up().await);
    b.subscribe("/a").await;
    let batch: Vec<Value> = (0..50).map(|n| a.publish_message("/a", n)).collect();
    let ids: Vec<Value> = batch.iter().map(|it| it["id"].clone()).collect();
    let replies = a.send(batch.into()).await.messages();
    assert_eq!(
        replies
            .iter()
            .map(|it| it["id"].clone())
            .collect::<Vec<_>>(),
        ids
    );
    let deliveries = (0..50).map(|n| delivery("/a", n));
    b.connect()
        .await
        .at_once()
        .expect(deliveries.chain([ok("/meta/connect")]));
}

#[tokio::test(start_paused = true)]
async fn a_message_that_fails_does_not_stop_the_next() {
    // BAT-3, PROC-10: T-BAT-2
    let app = setup().start().await;
    let client = app.client().up().await;
    let bad = client.message("/a", json!({"id": "a-b"}));
    let envelope = json!([
        client.publish_message("/a", 1),
        client.publish_message("/nopublish/x", 1),
        bad,
        client.publish_message("/a", 2),
    ]);
    client.send(envelope).await.expect([
        ok("/a"),
        failed(
            "/nopublish/x",
            "403:denied_by_security_policy:publish_denied",
        ),
        failed("/a", "405::message_id_invalid"),
        ok("/a"),
    ]);
}

#[tokio::test(start_paused = true)]
async fn a_request_speaks_for_the_session_of_its_first_message() {
    // BAT-9: T-BAT-3, T-BAT-4
    let app = setup().start().await;
    let a = app.client().up().await;
    let neighbour = a.neighbour().up().await;
    let (own, other) = (
        a.publish_message("/a", 1),
        neighbour.publish_message("/a", 1),
    );
    let unknown = failed("/a", "402::session_unknown");
    let expected = [ok("/a"), unknown.clone(), ok("/a")];
    a.send(json!([own, other, own])).await.expect(expected);
    let nobody = a.message("/a", json!({"clientId": null}));
    a.send(json!([nobody, own]))
        .await
        .expect([unknown.clone(), unknown]);
}

#[tokio::test(start_paused = true)]
async fn any_response_of_a_session_takes_its_messages_along() {
    // BAT-6: T-BAT-5
    let app = setup().start().await;
    let (a, b) = (app.client().up().await, app.client().up().await);
    a.subscribe("/dr").await;
    b.publish("/dr", 1).await;
    a.publish("/zz", 0)
        .await
        .expect([delivery("/dr", 1), ok("/zz")]);
    b.publish("/dr", 2).await;
    let denied = failed(
        "/nopublish/x",
        "403:denied_by_security_policy:publish_denied",
    );
    a.publish("/nopublish/x", 0)
        .await
        .expect([delivery("/dr", 2), denied]);
    b.publish("/dr", 3).await;
    let nobody = a.message("/zz", json!({"clientId": null}));
    a.send(json!([nobody]))
        .await
        .expect([failed("/zz", "402::session_unknown")]);
    a.connect()
        .await
        .at_once()
        .expect([delivery("/dr", 3), ok("/meta/connect")]);
}

#[tokio::test(start_paused = true)]
async fn messages_may_travel_with_connects_only() {
    // BAT-6, PUB-12: T-BAT-6, T-BAT-8
    let app = connect_only().await;
    let client = app.client().up().await;
    client.subscribe("/a").await;
    let (one, two) = (
        client.publish_message("/a", 1),
        client.publish_message("/a", 2),
    );
    client
        .send(json!([one, two]))
        .await
        .expect([ok("/a"), ok("/a")]);
    let expected = [delivery("/a", 1), delivery("/a", 2), ok("/meta/connect")];
    client.connect().await.at_once().expect(expected);

    let connect = client.connect_message(Value::Null);
    let expected = [
        delivery("/a", 1),
        delivery("/a", 2),
        ok("/a"),
        ok("/meta/connect"),
        ok("/a"),
    ];
    client
        .send(json!([one, connect, two]))
        .await
        .at_once()
        .expect(expected);
}

#[tokio::test(start_paused = true)]
async fn what_a_session_publishes_to_itself_resumes_its_connect_if_messages_travel_only_there() {
    // PUB-12, BAT-8: T-BAT-7
    let app = connect_only().await;
    let client = app.client().up().await;
    client.subscribe("/a").await;
    let held = client.hold().await;
    let (one, two) = (
        client.publish_message("/a", 1),
        client.publish_message("/a", 2),
    );
    client
        .send(json!([one, two]))
        .await
        .at_once()
        .expect([ok("/a"), ok("/a")]);
    let expected = [delivery("/a", 1), delivery("/a", 2), ok("/meta/connect")];
    held.answer().await.at_once().expect(expected);
}

#[tokio::test(start_paused = true)]
async fn a_message_is_processed_to_its_end_before_the_next() {
    // BAT-2: T-BAT-9
    let app = setup().start().await;
    let slow = |channel: &mut cometd::ChannelConfig| {
        channel.listener(listener(async |_, _| advance(ms(100)).await));
    };
    app.server()
        .create_channel_if_absent("/slow", slow)
        .unwrap();
    let client = app.client().up().await;
    client.subscribe(json!(["/slow", "/fast"])).await;
    let envelope = json!([
        client.publish_message("/slow", 1),
        client.publish_message("/fast", 2)
    ]);
    let expected = [
        delivery("/slow", 1),
        delivery("/fast", 2),
        ok("/slow"),
        ok("/fast"),
    ];
    client.send(envelope).await.after(ms(100)).expect(expected);
}

#[tokio::test(start_paused = true)]
async fn a_reply_that_an_extension_drops_is_not_sent() {
    // PROC-9, MSG-1: T-BAT-10
    struct Drops;
    impl Extension for Drops {
        fn reply<'a>(
            &'a self,
            _: Option<&'a ServerSession>,
            reply: &'a mut Reply,
        ) -> Deferred<'a, Flow> {
            Flow::from(reply.channel() != Some("/silent")).into()
        }
    }
    let app = setup().with(|it| it.extension(Drops)).start().await;
    let client = app.client().up().await;
    let answer = client.publish("/silent", 1).await;
    assert_eq!((answer.status, &*answer.text), (200, "[]"));
}

#[tokio::test(start_paused = true)]
async fn deliveries_in_a_batch_leave_in_one_response() {
    // BAT-12
    let app = setup().start().await;
    let client = app.client().up().await;
    let held = client.hold().await;
    let session = app.session(&client).unwrap();
    let deliveries = async {
        session.deliver(None, "/a", 1).await.unwrap();
        advance(ms(100)).await;
        session.deliver(None, "/a", 2).await.unwrap();
    };
    session.batch(deliveries).await;
    let expected = [delivery("/a", 1), delivery("/a", 2), ok("/meta/connect")];
    held.answer().await.expect(expected);
}
