//! Publishing and delivery: section 10.

use cometd::{Flow, Message, ServerSession};
use cometd_tests::{delivery, failed, listener, ok, setup};
use serde_json::{Value, json};

const CREATE_DENIED: &str = "403:denied_by_security_policy:channel_create_denied";

#[tokio::test(start_paused = true)]
async fn a_publication_is_answered_with_nothing_but_the_result() {
    // PUB-1, MSG-2, MSG-7: T-PUB-1
    let app = setup().start().await;
    let client = app.client().up().await;
    let message = client.message("/a", json!({"id": "x1", "data": 1, "ext": {"k": 1}}));
    let reply = client.send(json!([message])).await.only();
    assert_eq!(
        reply,
        json!({"id": "x1", "channel": "/a", "successful": true})
    );
}

#[tokio::test(start_paused = true)]
async fn a_message_is_delivered_once_however_many_subscriptions_match() {
    // PUB-4: T-PUB-2
    let app = setup().start().await;
    let client = app.client().up().await;
    client
        .subscribe(json!(["/d/x", "/d/*", "/d/**", "/**"]))
        .await;
    client
        .publish("/d/x", 1)
        .await
        .expect([delivery("/d/x", 1), ok("/d/x")]);
}

#[tokio::test(start_paused = true)]
async fn a_delivery_carries_what_was_published_but_not_who_published_it() {
    // PUB-2, PUB-3, FAYE-6: T-PUB-3, T-PUB-4
    let app = setup().start().await;
    let (a, b) = (app.client().up().await, app.client().up().await);
    b.subscribe("/a").await;
    let fields = json!({
        "data": {"text": "hi"}, "ext": {"k": 1}, "timestamp": "now", "more": [1],
        "advice": {"reconnect": "none"}, "successful": false, "error": "500::", "subscription": "/b",
    });
    a.send(json!([a.message("/a", fields)])).await;
    let delivered = delivery("/a", json!({"text": "hi"}))
        .with("ext", json!({"k": 1}))
        .with("timestamp", "now")
        .with("more", json!([1]));
    b.connect0()
        .await
        .expect([delivered, ok("/meta/connect").advice(0, 2000)]);
}

#[tokio::test(start_paused = true)]
async fn only_sessions_publish() {
    // PROC-3, PUB-9, OLD-11: T-PUB-5
    let app = setup().start().await;
    let (a, b) = (app.client().up().await, app.client().up().await);
    b.subscribe("/a").await;
    for fields in [json!({"clientId": "nobody"}), json!({"clientId": null})] {
        let answer = a.send(json!([a.message("/a", fields)])).await;
        answer.expect([failed("/a", "402::session_unknown")]);
    }
    b.connect0()
        .await
        .expect([ok("/meta/connect").advice(0, 2000)]);
}

#[tokio::test(start_paused = true)]
async fn publishing_is_refused_where_it_must_not_be() {
    // PROC-5 to PROC-7, PUB-6 to PUB-8: T-PUB-6, T-PUB-7, T-PUB-8
    let app = setup().start().await;
    let client = app.client().up().await;
    client.subscribe("/**").await;
    for (channel, error) in [
        (
            "/nopublish/x",
            "403:denied_by_security_policy:publish_denied",
        ),
        ("/nocreate/x", CREATE_DENIED),
        ("/meta/foo", CREATE_DENIED),
        ("/meta/subscribe", "403::subscription_missing"),
        ("/veto", "404::message_deleted"),
        ("/a/*", "405::channel_invalid"),
        ("/a/**", "405::channel_invalid"),
        ("/a/*/b", "405::channel_invalid"),
        ("/a//b", "405::channel_invalid"),
    ] {
        client
            .publish(channel, 1)
            .await
            .expect([failed(channel, error)]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_may_spare_publishers_their_own_messages() {
    // PUB-5: T-PUB-9
    let app = setup().option("broadcastToPublisher", false).start().await;
    let (a, b) = (app.client().up().await, app.client().up().await);
    a.subscribe("/a").await;
    b.subscribe("/a").await;
    a.publish("/a", 1).await.expect([ok("/a")]);
    b.connect()
        .await
        .at_once()
        .expect([delivery("/a", 1), ok("/meta/connect")]);
}

#[tokio::test(start_paused = true)]
async fn a_channel_may_spare_publishers_their_own_messages() {
    // PUB-5: T-PUB-10
    let app = setup().start().await;
    for name in ["/n/a", "/n/*"] {
        let quiet = |channel: &mut cometd::ChannelConfig| {
            channel.broadcast_to_publisher(false);
        };
        app.server().create_channel_if_absent(name, quiet).unwrap();
    }
    let client = app.client().up().await;
    client.subscribe(json!(["/n/a", "/n/*"])).await;
    client.publish("/n/a", 1).await.expect([ok("/n/a")]);
    client.subscribe("/**").await;
    client
        .publish("/n/a", 2)
        .await
        .expect([delivery("/n/a", 2), ok("/n/a")]);
}

#[tokio::test(start_paused = true)]
async fn data_is_any_json_and_arrives_as_it_was_written() {
    // JSON-4, JSON-6, MSG-7: T-PUB-11, T-PUB-12, T-PUB-13
    let app = setup().start().await;
    let client = app.client().up().await;
    client.subscribe("/a").await;
    let id = client.client_id().unwrap();
    for data in [
        "0",
        "\"\"",
        "false",
        "null",
        "[]",
        "{}",
        "[[1]]",
        r#"[1.0,1e2,12345678901234567890,{"z":1,"a":2}]"#,
        "123456789012345678901234567890.10",
        "\"\u{e9}\u{4e2d}\u{1f600}\u{2028}\u{2029}</script>\"",
        r#""\u00e9\n\/""#,
        r#"{"a":1,"a":2}"#,
    ] {
        let envelope = format!(r#"[{{"channel":"/a","clientId":"{id}","data":{data}}}]"#);
        let answer = client.send_text(&envelope).await;
        let delivered = format!("\"data\":{data}");
        assert!(answer.text.contains(&delivered), "{data}: {}", answer.text);
        assert_eq!(answer.messages().len(), 2);
    }
}

#[tokio::test(start_paused = true)]
async fn a_message_without_data_is_delivered_without() {
    // MSG-7
    let app = setup().start().await;
    let client = app.client().up().await;
    client.subscribe("/a").await;
    let messages = client
        .send(json!([client.message("/a", json!({}))]))
        .await
        .messages();
    assert_eq!(messages[0], json!({"channel": "/a"}));
}

#[tokio::test(start_paused = true)]
async fn a_session_may_publish_before_it_connects() {
    // HS-12: T-PUB-14
    let app = setup().start().await;
    let client = app.client();
    client.handshake().await;
    client.publish("/a", 1).await.expect([ok("/a")]);
}

#[tokio::test(start_paused = true)]
async fn wildcards_match_descendants() {
    // CH-8, CH-4: T-PUB-15, T-PUB-16
    let channels = [
        "/foo/bar",
        "/foo",
        "/foobar",
        "/foo/bar/boo",
        "/t/5",
        "/t/{id}",
    ];
    let app = setup().start().await;
    for (subscription, expected) in [
        ("/foo/*", &["/foo/bar"][..]),
        ("/foo/**", &["/foo/bar", "/foo/bar/boo"]),
        ("/*", &["/foo", "/foobar"]),
        ("/**", &channels),
        ("/t/{id}", &["/t/{id}"]),
    ] {
        let client = app.client().up().await;
        client.subscribe(subscription).await;
        for channel in channels {
            let mut messages = vec![ok(channel)];
            if expected.contains(&channel) {
                messages.insert(0, delivery(channel, 1));
            }
            client.publish(channel, 1).await.expect(messages);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_extension_of_a_session_drops_messages_for_this_session_only() {
    // SES-5: T-PUB-17
    use cometd::{Deferred, Extension};
    struct Deaf;
    impl Extension for Deaf {
        fn outgoing<'a>(
            &'a self,
            _: Option<&'a ServerSession>,
            _: &'a mut Message,
        ) -> Deferred<'a, Flow> {
            Flow::Stop.into()
        }
    }
    let app = setup().start().await;
    let (a, b, c) = (
        app.client().up().await,
        app.client().up().await,
        app.client().up().await,
    );
    b.subscribe("/a").await;
    c.subscribe("/a").await;
    app.session(&b).unwrap().add_extension(Deaf).keep();
    a.publish("/a", 1).await.expect([ok("/a")]);
    let connect = ok("/meta/connect").advice(0, 2000);
    b.connect0().await.expect([connect.clone()]);
    c.connect0().await.expect([delivery("/a", 1), connect]);
}

#[tokio::test(start_paused = true)]
async fn listeners_of_wildcards_come_first_and_may_change_the_data() {
    // PROC-7: T-PUB-18
    let app = setup().start().await;
    for name in ["/a", "/**"] {
        let append = move |_: Option<&ServerSession>, message: &mut Message| {
            // The wildcard sees meta messages, too.
            if let Ok(mut data) = message.data_as::<Vec<String>>() {
                data.push(name.to_owned());
                message.set_data(data).unwrap();
            }
            Flow::Continue
        };
        let configure = |channel: &mut cometd::ChannelConfig| {
            channel.listener(append);
        };
        app.server()
            .create_channel_if_absent(name, configure)
            .unwrap();
    }
    let client = app.client().up().await;
    client.subscribe("/a").await;
    let expected = [delivery("/a", json!(["/**", "/a"])), ok("/a")];
    client.publish("/a", json!([])).await.expect(expected);
}

#[tokio::test(start_paused = true)]
async fn a_listener_that_panics_fails_its_message_closed() {
    // PRODUCT 2.2, instead of PROC-7: T-PUB-19
    let app = setup().start().await;
    let fail = |channel: &mut cometd::ChannelConfig| {
        channel
            .listener(|_: Option<&ServerSession>, _: &mut Message| -> Flow { panic!("a secret") });
    };
    app.server().create_channel_if_absent("/a", fail).unwrap();
    let client = app.client().up().await;
    client.subscribe(json!(["/a", "/b"])).await;
    let answer = client.publish("/a", 1).await;
    answer
        .at_once()
        .expect([failed("/a", "500::handler_failed")]);
    client
        .publish("/b", 1)
        .await
        .expect([delivery("/b", 1), ok("/b")]);
}

#[tokio::test(start_paused = true)]
async fn a_service_channel_that_nobody_listens_to_swallows_messages() {
    // SVC-1: T-SVC-1
    let app = setup().start().await;
    let client = app.client().up().await;
    client
        .publish("/service/none", 1)
        .await
        .expect([ok("/service/none")]);
}

#[tokio::test(start_paused = true)]
async fn a_service_answers_in_the_same_response() {
    // SVC-4: T-SVC-2
    let app = setup().start().await;
    let client = app.client().up().await;
    let data = json!({"x": [1, "\u{e9}"]});
    let expected = [delivery("/service/echo", data.clone()), ok("/service/echo")];
    client
        .publish("/service/echo", data)
        .await
        .at_once()
        .expect(expected);
}

#[tokio::test(start_paused = true)]
async fn a_unicast_needs_no_subscription() {
    // SVC-3: T-SVC-3
    let app = setup().start().await;
    let client = app.client().up().await;
    let held = client.hold().await;
    let session = app.session(&client).unwrap();
    session.deliver(None, "/private/x", "psst").await.unwrap();
    let expected = [delivery("/private/x", "psst"), ok("/meta/connect")];
    held.answer().await.at_once().expect(expected);
}

#[tokio::test(start_paused = true)]
async fn a_unicast_keeps_the_id_that_the_application_gave_it() {
    // SVC-2, SVC-3: T-SVC-4
    let app = setup().start().await;
    let configure = |channel: &mut cometd::ChannelConfig| {
        channel.listener(listener(
            async |session: ServerSession, message: Message| {
                let mut answer = Message::new(message.channel(), "pong").unwrap();
                answer.set_id(message.id().unwrap());
                session.deliver_message(None, answer).await.unwrap();
            },
        ));
    };
    app.server()
        .create_channel_if_absent("/service/ping", configure)
        .unwrap();
    let client = app.client().up().await;
    let ping = client.message("/service/ping", json!({"id": "p1", "data": "ping"}));
    let messages: Value = client.send(json!([ping])).await.messages().into();
    let expected = json!([
        {"channel": "/service/ping", "id": "p1", "data": "pong"},
        {"channel": "/service/ping", "id": "p1", "successful": true},
    ]);
    assert_eq!(messages, expected);
}
