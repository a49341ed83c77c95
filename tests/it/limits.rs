//! Every dimension of input has a bound: met exactly it holds, crossed by one it does not.

use std::net::SocketAddr;

use bytes::Bytes;
use cometd_tests::{App, Client, check, delivery, failed, ms, ok, setup};
use http::Request;
use http_body_util::{Full, StreamBody};
use hyper::body::Frame;
use serde_json::{Value, json};

/// A publication of exactly so many bytes in one envelope.
fn of_size(client: &Client, bytes: usize) -> String {
    let empty = json!([client.publish_message("/a", "")]).to_string();
    empty.replace("\"\"", &format!("\"{}\"", "x".repeat(bytes - empty.len())))
}

#[tokio::test(start_paused = true)]
async fn a_body_has_a_size() {
    // LP-11, CFG-17: T-LP-8
    let app = setup()
        .option("long-polling.maxMessageSize", 2000)
        .start()
        .await;
    let client = app.client().up().await;
    client
        .send_text(&of_size(&client, 2000))
        .await
        .expect([ok("/a")]);
    client.send_text(&of_size(&client, 2001)).await.refused(413);
    client.send_text(&"x".repeat(100_000)).await.refused(413);
}

#[tokio::test(start_paused = true)]
async fn a_body_of_unknown_length_has_a_size_too() {
    // LP-11: T-LP-8
    let app = setup().option("maxMessageSize", 2000).start().await;
    let client = app.client().up().await;
    for (bytes, status) in [(2000, 200), (2001, 413)] {
        let body: Vec<_> = of_size(&client, bytes)
            .as_bytes()
            .chunks(100)
            .map(|chunk| Ok::<_, std::io::Error>(Frame::data(Bytes::copy_from_slice(chunk))))
            .collect();
        let body = StreamBody::new(futures_util::stream::iter(body));
        let request = Request::post("/").header("cookie", client.jar().cookie().unwrap());
        let answer = app.call(request.body(body).unwrap()).await;
        assert_eq!(answer.status, status, "{bytes}: {}", answer.text);
    }
}

#[tokio::test(start_paused = true)]
async fn a_frame_has_a_size() {
    // WS-16, CFG-17: T-WS-9
    let app = setup().option("ws.maxMessageSize", 3000).start().await;
    let client = app.client().up().await;
    let mut socket = app.socket().await;
    socket.send_text(&of_size(&client, 3000)).await;
    socket.expect([ok("/a")]).await;
    socket.send_text(&of_size(&client, 3001)).await;
    socket.expect_close(1009).await;
}

#[tokio::test(start_paused = true)]
async fn a_message_in_pieces_has_a_size() {
    // WS-16, CFG-17: T-WS-9
    let app = setup().option("ws.maxMessageSize", 3000).start().await;
    let client = app.client().up().await;
    for bytes in [3000, 3001] {
        let mut socket = app.socket().await;
        let text = of_size(&client, bytes);
        let (one, two) = text.as_bytes().split_at(1500);
        socket.send_frame(0x01, one).await;
        socket.send_frame(0x80, two).await;
        match bytes {
            3000 => socket.expect([ok("/a")]).await,
            _ => socket.expect_close(1009).await,
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_envelope_has_a_number_of_messages() {
    let app = setup().option("maxBatchLength", 3).start().await;
    let client = app.client().up().await;
    let batch = |length: usize| vec![client.publish_message("/a", 1); length];
    client
        .send(batch(3).into())
        .await
        .expect([ok("/a"), ok("/a"), ok("/a")]);
    client.send(batch(4).into()).await.refused(400);
    let callback = app.callback_client();
    let messages = vec![callback.publish_message("/a", 1); 4];
    callback.send(messages.into()).await.refused(400);
    let mut socket = app.socket().await;
    socket.send(batch(4).into()).await;
    socket.expect_close(1011).await;
}

#[tokio::test(start_paused = true)]
async fn several_forms_of_an_envelope_are_counted_together() {
    let app = setup().option("maxBatchLength", 3).start().await;
    let client = app.client().up().await;
    let two = json!([
        client.publish_message("/a", 1),
        client.publish_message("/a", 2)
    ])
    .to_string();
    let form = form_urlencoded::Serializer::new(String::new())
        .extend_pairs([("message", &two), ("message", &two)])
        .finish();
    let answer = crate::http::request(&client, "POST", "/", "text/plain", form).await;
    answer.refused(400);
    assert!(!app.has_channel("/a"));
}

#[tokio::test(start_paused = true)]
async fn json_has_a_depth() {
    let app = setup().option("maxJsonDepth", 5).start().await;
    let client = app.client().up().await;
    client
        .publish("/a", json!([[[1]]]))
        .await
        .expect([ok("/a")]);
    client
        .publish("/a", json!({"b": {"c": {}}}))
        .await
        .expect([ok("/a")]);
    client.publish("/a", json!([[[[1]]]])).await.refused(400);
    client
        .publish("/a", json!({"b": {"c": {"d": {}}}}))
        .await
        .refused(400);
    client.publish("/a", "[[[[[[[[").await.expect([ok("/a")]);
    let bottomless = "[".repeat(500_000);
    client.send_text(&bottomless).await.refused(400);
}

/// Publishing and subscribing to a name is accepted or not.
async fn check_name(app: &App, name: &str, is_legal: bool) {
    let client = app.client().up().await;
    let (published, subscribed) = if is_legal {
        (ok(name), ok("/meta/subscribe"))
    } else {
        let invalid = failed("/meta/subscribe", "403::subscription_invalid");
        (failed(name, "405::channel_invalid"), invalid)
    };
    client.publish(name, 1).await.expect([published]);
    client
        .subscribe(name)
        .await
        .expect([subscribed.with("subscription", name)]);
}

#[tokio::test(start_paused = true)]
async fn a_channel_has_a_length_and_a_number_of_segments() {
    let app = setup().option("maxChannelLength", 20).start().await;
    check_name(&app, "/34567890/2345678/0x", true).await;
    check_name(&app, "/34567890/2345678/0xy", false).await;
    let app = setup().option("maxChannelSegments", 3).start().await;
    check_name(&app, "/a/b/c", true).await;
    check_name(&app, "/a/b/c/d", false).await;
}

#[tokio::test(start_paused = true)]
async fn a_session_has_a_number_of_subscriptions() {
    let app = setup()
        .option("maxSubscriptionsPerSession", 2)
        .start()
        .await;
    let client = app.client().up().await;
    let subscribed = |name: &str| ok("/meta/subscribe").with("subscription", name);
    let exceeded = failed("/meta/subscribe", "403:2:subscriptions_exceeded");
    for name in ["/a", "/b", "/a"] {
        client.subscribe(name).await.expect([subscribed(name)]);
    }
    let refused = exceeded.clone().with("subscription", "/c");
    client.subscribe("/c").await.expect([refused]);
    client.unsubscribe("/a").await;
    client.subscribe("/c").await.expect([subscribed("/c")]);
    let both = json!(["/c", "/d"]);
    let refused = exceeded.with("subscription", both.clone());
    client.subscribe(both).await.expect([refused]);
    assert!(
        !app.has_channel("/d"),
        "a refused subscription makes no channel"
    );
}

#[tokio::test(start_paused = true)]
async fn a_server_has_a_number_of_sessions() {
    let app = setup().option("maxSessions", 2).start().await;
    let local = app.server().local_session("uncounted").await.unwrap();
    let (a, b) = (app.client().up().await, app.client().up().await);
    let mut reply = app.client().handshake().await.only();
    reply.as_object_mut().unwrap().remove("advice");
    check(
        &[reply],
        [failed("/meta/handshake", "503::sessions_exceeded")],
    );
    a.disconnect().await;
    let c = app.client().up().await;
    assert!(app.client().handshake().await.client_id().is_none());
    cometd_tests::advance(ms(4000)).await;
    assert!(app.session(&b).is_none() && app.session(&c).is_none());
    let _again = (app.client().up().await, app.client().up().await);
    assert!(local.server_session().is_handshook());
}

#[tokio::test(start_paused = true)]
async fn handshakes_that_wait_for_the_policy_are_counted_too() {
    use cometd::{Decision, Deferred, Exchange, SecurityPolicy, ServerSession};
    struct Slow;
    impl SecurityPolicy for Slow {
        fn can_handshake<'a>(
            &'a self,
            _: &'a ServerSession,
            _: &'a mut Exchange,
        ) -> Deferred<'a, Decision> {
            Deferred::later(async {
                cometd_tests::advance(ms(10)).await;
                Decision::Grant
            })
        }
    }
    let setup = setup().option("maxSessions", 2);
    let app = setup.with(|it| it.security_policy(Slow)).start().await;
    let clients = [app.client(), app.client(), app.client()];
    let answers = futures_util::future::join_all(clients.iter().map(Client::handshake)).await;
    let accepted = answers.iter().filter(|it| it.client_id().is_some()).count();
    assert_eq!((accepted, app.server().sessions().len()), (2, 2));
}

/// A client for which three messages wait, where there is room for two; the bytes of one message are
/// those of an envelope that holds it alone.
async fn overflown(overflow: &str) -> (App, Client) {
    let one = json!([{"channel": "/a", "data": 1}]).to_string();
    let app = setup()
        .option("maxQueueBytes", 2 * one.len())
        .option("queueOverflow", overflow)
        .start()
        .await;
    let (client, other) = (app.client().up().await, app.client().up().await);
    client.subscribe("/a").await;
    for n in 1..=2 {
        other.publish("/a", n).await;
    }
    assert_eq!(app.session(&client).unwrap().queued(), 2);
    other.publish("/a", 3).await.expect([ok("/a")]);
    (app, client)
}

#[tokio::test(start_paused = true)]
async fn a_full_queue_drops_the_oldest_or_the_newest_message() {
    let reply = ok("/meta/connect");
    let (_app, client) = overflown("dropOldest").await;
    let expected = [delivery("/a", 2), delivery("/a", 3), reply.clone()];
    client.connect().await.at_once().expect(expected);
    let (_app, client) = overflown("dropNewest").await;
    let expected = [delivery("/a", 1), delivery("/a", 2), reply];
    client.connect().await.at_once().expect(expected);
}

#[tokio::test(start_paused = true)]
async fn a_full_queue_ends_the_session() {
    let (app, client) = overflown("disconnect").await;
    assert!(app.session(&client).is_none());
    let reply = client.connect().await.at_once().only();
    assert_eq!(reply["error"], "402::session_unknown");
    assert_eq!(reply["advice"]["reconnect"], "handshake");
}

#[tokio::test(start_paused = true)]
async fn a_message_that_fits_no_queue_is_not_queued() {
    for overflow in ["dropOldest", "dropNewest"] {
        let app = setup()
            .option("maxQueueBytes", 100)
            .option("queueOverflow", overflow)
            .start()
            .await;
        let (client, other) = (app.client().up().await, app.client().up().await);
        client.subscribe("/a").await;
        other.publish("/a", 1).await;
        other
            .publish("/a", "x".repeat(100))
            .await
            .expect([ok("/a")]);
        let messages = client.connect().await.at_once().messages();
        assert!(
            messages.iter().all(|it| it["data"] != "x".repeat(100)),
            "{overflow}"
        );
        other.publish("/a", 2).await;
        client
            .connect()
            .await
            .at_once()
            .expect([delivery("/a", 2), ok("/meta/connect")]);
    }
}

#[tokio::test(start_paused = true)]
async fn times_that_clients_ask_for_are_bounded_by_nothing_but_reason() {
    // CN-1, ADV-2: numbers that no clock can count to
    let app = setup().start().await;
    for number in [
        "1e15",
        "9007199254740991",
        "18446744073709551615",
        "1e300",
        "-1e300",
        "1e-300",
    ] {
        let client = app.client().up().await;
        let id = client.client_id().unwrap();
        for field in ["interval", "timeout"] {
            let connect = format!(
                r#"[{{"channel":"/meta/connect","clientId":"{id}","advice":{{"{field}":{number}}}}},{{}}]"#
            );
            let answer = client.send_text(&connect).await;
            assert_eq!(answer.messages()[0]["successful"], true, "{connect}");
            let connect = json!([client.connect_message(json!({"timeout": 0}))]);
            assert_eq!(client.send(connect).await.only()["successful"], true);
        }
        let timeout: Value = serde_json::from_str(number).unwrap_or(Value::Null);
        if timeout.as_f64().is_some_and(|it| it > 0.0) {
            let connect = json!([client.connect_message(json!({"timeout": timeout}))]);
            client.start(connect).await.cut().await;
        }
        client.publish("/a", 1).await.expect([ok("/a")]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_takes_no_longer_than_half_a_minute() {
    // STYLE 2.5: slow bodies cannot pile up
    let app = setup().start().await;
    let never = futures_util::stream::pending::<Result<Frame<Bytes>, std::io::Error>>();
    let request = Request::post("/").body(StreamBody::new(never)).unwrap();
    app.call(request).await.after(ms(30_000)).refused(408);
    app.client().handshake().await.at_once();
}

#[tokio::test(start_paused = true)]
async fn a_body_that_breaks_off_is_refused() {
    let app = setup().start().await;
    let client = app.client().up().await;
    let half = Bytes::from(format!("[{}", client.publish_message("/early", 1)));
    let broken = [Ok(Frame::data(half)), Err(std::io::Error::other("gone"))];
    let body = StreamBody::new(futures_util::stream::iter(broken));
    let request = Request::post("/").header("cookie", client.jar().cookie().unwrap());
    app.call(request.body(body).unwrap()).await.refused(400);
    assert!(!app.has_channel("/early"));
}

#[tokio::test(start_paused = true)]
async fn what_is_announced_as_too_long_is_not_read() {
    let app = setup().option("maxMessageSize", 1000).start().await;
    let body = Full::new(Bytes::from(vec![b' '; 1001]));
    let request = Request::post("/").body(body).unwrap();
    app.call(request).await.at_once().refused(413);
}

/// The reply to a handshake that comes from an address.
async fn handshake_from(app: &App, address: &str) -> Value {
    let peer: SocketAddr = address.parse().unwrap();
    let body = json!([app.client().handshake_message()]).to_string();
    let request = Request::post("/").extension(peer);
    let request = request.body(Full::new(Bytes::from(body))).unwrap();
    app.call(request).await.only()
}

/// How many of so many handshakes from an address are accepted; others are told to come back later.
async fn accepted(app: &App, address: &str, handshakes: usize, error: &str) -> usize {
    let mut accepted = 0;
    for _ in 0..handshakes {
        let reply = handshake_from(app, address).await;
        if reply["successful"] == true {
            accepted += 1;
        } else {
            assert_eq!(reply["error"], error);
            assert_eq!(
                reply["advice"],
                json!({"reconnect": "handshake", "interval": 5000})
            );
        }
    }
    accepted
}

#[tokio::test(start_paused = true)]
async fn an_address_has_a_number_of_sessions() {
    let app = setup().option("maxSessionsPerAddress", 2).start().await;
    let error = "429:2:sessions_per_address_exceeded";
    assert_eq!(accepted(&app, "192.0.2.1:1", 2, error).await, 2);
    assert_eq!(accepted(&app, "192.0.2.1:2", 1, error).await, 0);
    assert_eq!(accepted(&app, "192.0.2.2:1", 2, error).await, 2);
    // A client has as many IPv6 addresses as it likes, all of one network.
    assert_eq!(accepted(&app, "[2001:db8::1]:1", 2, error).await, 2);
    assert_eq!(accepted(&app, "[2001:db8::2:3]:1", 1, error).await, 0);
    // A proxy on this machine has every client's sessions, and so have those that nobody knows.
    assert_eq!(accepted(&app, "127.0.0.1:1", 5, error).await, 5);
    for _ in 0..5 {
        let _client = app.client().up().await;
    }
    // Sessions that have ended make room.
    cometd_tests::advance(ms(4000)).await;
    assert_eq!(accepted(&app, "192.0.2.1:1", 3, error).await, 2);
}

#[tokio::test(start_paused = true)]
async fn an_address_has_a_number_of_handshakes_in_a_second() {
    let app = setup()
        .option("maxHandshakesPerSecondPerAddress", 4)
        .start()
        .await;
    let error = "429:4:handshakes_per_second_exceeded";
    assert_eq!(accepted(&app, "192.0.2.1:1", 5, error).await, 4);
    assert_eq!(accepted(&app, "192.0.2.2:1", 5, error).await, 4);
    assert_eq!(accepted(&app, "127.0.0.1:1", 5, error).await, 5);
    cometd_tests::advance(ms(250)).await;
    assert_eq!(accepted(&app, "192.0.2.1:1", 2, error).await, 1);
    cometd_tests::advance(ms(2000)).await;
    assert_eq!(accepted(&app, "192.0.2.1:1", 5, error).await, 4);
}

#[tokio::test(start_paused = true)]
async fn a_server_has_a_number_of_handshakes_in_a_second() {
    let app = setup().option("maxHandshakesPerSecond", 4).start().await;
    let _local = app.server().local_session("uncounted").await.unwrap();
    let error = "429:4:handshakes_per_second_exceeded";
    assert_eq!(accepted(&app, "192.0.2.1:1", 2, error).await, 2);
    assert_eq!(accepted(&app, "127.0.0.1:1", 3, error).await, 2);
    let refused = app.client().handshake().await.only();
    assert_eq!(refused["error"], error);
    cometd_tests::advance(ms(250)).await;
    assert_eq!(accepted(&app, "192.0.2.3:1", 2, error).await, 1);
}

#[tokio::test(start_paused = true)]
async fn by_default_a_crowd_on_this_machine_or_behind_one_address_is_let_in() {
    let app = setup().start().await;
    assert_eq!(accepted(&app, "127.0.0.1:1", 1500, "").await, 1500);
    let error = "429:1000:handshakes_per_second_exceeded";
    assert_eq!(accepted(&app, "192.0.2.1:1", 1001, error).await, 1000);
}

#[tokio::test(start_paused = true)]
async fn a_socket_may_be_without_a_session_for_so_long() {
    let app = setup().option("ws.handshakeTimeout", 1000).start().await;
    let mut silent = app.socket().await;
    let mut chatty = app.socket().await;
    cometd_tests::advance(ms(900)).await;
    // Whatever is no handshake does not help.
    chatty.send_text("[]").await;
    let publish = chatty.publish_message("/a", 1);
    assert_eq!(chatty.ask(publish).await[0]["successful"], false);
    let mut early = app.socket().await.up().await;
    cometd_tests::advance(ms(101)).await;
    chatty.expect_close(1008).await;
    silent.expect_close(1008).await;
    early.hold().await;
    cometd_tests::advance(ms(1500)).await;
    let frame = early.frame().await;
    assert_eq!(frame[0]["channel"], "/meta/connect");
    // A session that has ended leaves its socket time for another one.
    early.send(json!([early.disconnect_message()])).await;
    early.expect([ok("/meta/disconnect")]).await;
    cometd_tests::advance(ms(500)).await;
    let publish = early.publish_message("/a", 1);
    assert_eq!(early.ask(publish).await[0]["successful"], false);
    cometd_tests::advance(ms(900)).await;
    let reply = early.handshake().await;
    assert_eq!(reply["successful"], true);
    cometd_tests::advance(ms(2000)).await;
    assert_eq!(early.handshake().await["successful"], true);
}

#[tokio::test(start_paused = true)]
async fn a_socket_whose_session_has_ended_is_without_one_whatever_it_sends() {
    let app = setup()
        .option("ws.handshakeTimeout", 1000)
        .option("ws.idleTimeout", 0)
        .start()
        .await;
    let mut left = app.socket().await.up().await;
    left.send(json!([left.disconnect_message()])).await;
    left.expect([ok("/meta/disconnect")]).await;
    let mut kicked = app.socket().await.up().await;
    app.session(&kicked).unwrap().disconnect().await;
    kicked.expect([ok("/meta/disconnect")]).await;
    let mut silent = app.socket().await.up().await;
    for _ in 0..25 {
        cometd_tests::advance(ms(100)).await;
        left.send_frame(0x8a, b"").await;
        kicked.send_text("[]").await;
    }
    left.expect_close(1008).await;
    kicked.expect_close(1008).await;
    assert!(app.session(&silent).is_some());
    // Its session expires, and nobody says so.
    cometd_tests::advance(ms(600)).await;
    assert!(app.session(&silent).is_none());
    silent.expect_close(1008).await;
}
