//! One socket for both directions: section 16.

use cometd::{Deferred, Extension, Flow, Message, Reply, ServerSession};
use cometd_tests::{
    App, Event, Socket, advance, check, delivery, failed, ms, ok, settle, setup, start,
};
use http::Request;
use http_body_util::Full;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::Notify;

use crate::handshake::Greeter;

fn unknown(channel: &str) -> cometd_tests::Expected {
    failed(channel, "402::session_unknown")
}

/// A socket that goes on with the session of another one.
async fn successor(app: &App, of: &Socket) -> Socket {
    let socket = app.socket().await;
    socket.set_client_id(of.client_id());
    socket
}

async fn subscribed(app: &App) -> Socket {
    let mut socket = app.socket().await.up().await;
    socket.subscribe("/a").await;
    socket
}

#[tokio::test(start_paused = true)]
async fn every_reply_is_a_frame() {
    // WS-1, WS-2, WS-11: T-WS-1
    let app = setup().start().await;
    let mut socket = app.socket().await;
    assert_eq!(socket.handshake().await["successful"], true);
    let connect = socket.connect_message(json!({"timeout": 0}));
    check(
        &socket.ask(connect).await,
        [ok("/meta/connect").advice(0, 2000)],
    );
}

#[tokio::test(start_paused = true)]
async fn messages_are_pushed_while_the_connect_is_held() {
    // CN-7, CN-14, PUB-12: T-WS-2
    let app = setup().start().await;
    let mut socket = app.socket().await.up().await;
    socket.hold().await;
    socket.subscribe("/a").await;
    socket.publish("/a", 1).await;
    socket.expect([delivery("/a", 1), ok("/a")]).await;
    socket.expect_after(ms(2000), [ok("/meta/connect")]).await;
}

#[tokio::test(start_paused = true)]
async fn messages_are_pushed_without_a_connect() {
    // WS-12: T-WS-3
    let app = setup().start().await;
    let mut socket = subscribed(&app).await;
    let other = app.client().up().await;
    other.publish("/a", 1).await;
    socket.expect([delivery("/a", 1)]).await;
}

#[tokio::test(start_paused = true)]
async fn the_replies_of_a_frame_are_one_frame_after_its_messages() {
    // WS-9, WS-10, WS-14: T-WS-4
    let app = setup().start().await;
    let mut socket = subscribed(&app).await;
    let batch: Vec<Value> = (0..3).map(|n| socket.publish_message("/a", n)).collect();
    socket.send(batch.into()).await;
    socket.expect((0..3).map(|n| delivery("/a", n))).await;
    check(&socket.frame().await, [ok("/a"), ok("/a"), ok("/a")]);
}

#[tokio::test(start_paused = true)]
async fn messages_may_share_frames() {
    // WS-10, CFG-37: T-WS-5
    let app = setup()
        .option("ws.messagesPerFrame", 3)
        .option("ws.metaConnectDeliverOnly", true)
        .start()
        .await;
    let mut socket = subscribed(&app).await;
    let other = app.client().up().await;
    let batch: Vec<Value> = (0..7).map(|n| other.publish_message("/a", n)).collect();
    other.send(batch.into()).await;
    let connect = socket.connect_message(Value::Null);
    socket.send(json!([connect])).await;
    for numbers in [0..3, 3..6, 6..7] {
        check(&socket.frame().await, numbers.map(|n| delivery("/a", n)));
    }
    socket.expect([ok("/meta/connect")]).await;
}

#[tokio::test(start_paused = true)]
async fn messages_that_are_pushed_may_share_frames() {
    // WS-10, CFG-37
    let numbers: Vec<i64> = (0..7).collect();
    for (option, most) in [("3", 3), ("-1", 7)] {
        let app = setup().option("ws.messagesPerFrame", option).start().await;
        let mut socket = subscribed(&app).await;
        let other = app.client().up().await;
        let batch: Vec<Value> = numbers
            .iter()
            .map(|n| other.publish_message("/a", *n))
            .collect();
        other.send(batch.into()).await;
        for numbers in numbers.chunks(most) {
            let expected = numbers.iter().map(|n| delivery("/a", *n));
            check(&socket.frame().await, expected);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn messages_may_travel_with_connects_only() {
    // CN-15: T-WS-6
    let app = setup()
        .option("ws.metaConnectDeliverOnly", true)
        .start()
        .await;
    let mut socket = subscribed(&app).await;
    socket.hold().await;
    let other = app.client().up().await;
    other.publish("/a", 1).await;
    socket
        .expect([delivery("/a", 1), ok("/meta/connect")])
        .await;
    other.publish("/a", 2).await;
    socket.expect_nothing(ms(100)).await;
}

#[tokio::test(start_paused = true)]
async fn a_second_connect_silences_the_first() {
    // CN-17, CN-19: T-WS-7
    let app = setup().start().await;
    let mut socket = app.socket().await.up().await;
    socket.hold().await;
    advance(ms(500)).await;
    let second = socket.connect_message(Value::Null);
    let id = second["id"].clone();
    socket.send(json!([second])).await;
    let watch = cometd_tests::Stopwatch::start();
    assert_eq!(socket.frame().await[0]["id"], id);
    assert!(watch.elapsed() >= ms(2000) && watch.elapsed() < ms(2020));
    socket.expect_nothing(ms(1000)).await;
}

#[tokio::test(start_paused = true)]
async fn what_is_no_envelope_closes_the_socket() {
    // WS-16, ERR-2, HS-5: T-WS-8
    let app = setup().start().await;
    for text in ["[{", "x", "[1]", "[{}] x", ""] {
        let mut socket = app.socket().await;
        socket.send_text(text).await;
        socket.expect_close(1011).await;
        assert_eq!(socket.event().await, Event::End, "{text}");
    }
    let mut socket = app.socket().await.up().await;
    let handshake = socket.handshake_message();
    socket
        .send(json!([handshake, socket.publish_message("/early", 1)]))
        .await;
    socket.expect_close(1011).await;
    assert!(!app.has_channel("/early"));
}

#[tokio::test(start_paused = true)]
async fn a_binary_frame_is_not_answered() {
    // WS-2
    let app = setup().start().await;
    let mut socket = app.socket().await.up().await;
    socket.send_frame(0x82, b"[{}]").await;
    socket.expect_nothing(ms(100)).await;
    socket.publish("/a", 1).await;
    socket.expect([ok("/a")]).await;
}

#[tokio::test(start_paused = true)]
async fn a_silent_socket_is_closed() {
    // WS-6, WS-16, CFG-39: T-WS-10
    let app = setup().option("ws.idleTimeout", 1000).start().await;
    let mut socket = app.socket().await.up().await;
    let watch = cometd_tests::Stopwatch::start();
    socket.expect_close(1001).await;
    assert!(
        watch.elapsed() >= ms(980) && watch.elapsed() < ms(1020),
        "{:?}",
        watch.elapsed()
    );
}

#[tokio::test(start_paused = true)]
async fn a_socket_that_only_hears_is_not_idle() {
    // WS-6, CFG-39
    let app = setup()
        .option("ws.idleTimeout", 1000)
        .option("maxInterval", 60_000)
        .start()
        .await;
    let mut quiet = app.socket().await.up().await;
    let session = app.session(&quiet).unwrap();
    for nth in 0..8 {
        advance(ms(400)).await;
        session.deliver(None, "/told", nth).await.unwrap();
        quiet.expect([delivery("/told", nth)]).await;
    }
    quiet.expect_close(1001).await;
}

#[tokio::test(start_paused = true)]
async fn a_session_moves_to_another_socket_and_loses_nothing() {
    // WS-7, WS-17, WS-18, CLI-6: T-WS-11, T-WS-12
    let app = setup().start().await;
    let first = subscribed(&app).await;
    let other = app.client().up().await;
    let mut second = successor(&app, &first).await;
    drop(first);
    settle().await;
    other.publish("/a", 1).await;
    let connect = second.connect_message(json!({"timeout": 0}));
    second.send(json!([connect])).await;
    second
        .expect([delivery("/a", 1), ok("/meta/connect").advice(0, 2000)])
        .await;
    other.publish("/a", 2).await;
    second.expect([delivery("/a", 2)]).await;
}

#[tokio::test(start_paused = true)]
async fn a_session_may_be_tied_to_its_socket() {
    // WS-7, WS-8, CFG-40: T-WS-13
    let app = setup()
        .option("ws.requireHandshakePerConnection", true)
        .start()
        .await;
    let first = subscribed(&app).await;
    let mut second = successor(&app, &first).await;
    let connect = second.connect_message(json!({"timeout": 0}));
    let refused = unknown("/meta/connect").handshake_again();
    check(&second.ask(connect).await, [refused]);
    let mut second = second.up().await;
    second.publish("/a", 1).await;
    second.expect([ok("/a")]).await;
}

#[tokio::test(start_paused = true)]
async fn the_socket_that_spoke_last_gets_the_messages() {
    // WS-13, CN-19: T-WS-14
    let app = setup().start().await;
    let mut first = subscribed(&app).await;
    first.hold().await;
    let mut second = successor(&app, &first).await;
    second.hold().await;
    let other = app.client().up().await;
    other.publish("/a", 1).await;
    second.expect([delivery("/a", 1)]).await;
    second.expect_after(ms(2000), [ok("/meta/connect")]).await;
    first.expect_nothing(ms(2000)).await;
}

#[tokio::test(start_paused = true)]
async fn a_bound_socket_speaks_for_no_other_session() {
    // WS-8: T-WS-15
    let app = setup().start().await;
    let mut socket = app.socket().await.up().await;
    let other = app.client().up().await;
    for id in [json!(other.client_id()), Value::Null] {
        let message = socket.message("/a", json!({"clientId": id, "data": 1}));
        check(&socket.ask(message).await, [unknown("/a")]);
    }
    socket.publish("/a", 1).await;
    socket.expect([ok("/a")]).await;
}

#[tokio::test(start_paused = true)]
async fn a_disconnect_leaves_the_socket_open() {
    // DIS-2, DIS-9, DIS-10, WS-21: T-WS-16
    let app = setup().start().await;
    let mut socket = app.socket().await.up().await;
    socket.hold().await;
    let disconnect = socket.disconnect_message();
    socket.send(json!([disconnect])).await;
    let connect = ok("/meta/connect").reconnect("none");
    socket.expect([connect, ok("/meta/disconnect")]).await;
    let mut socket = socket.up().await;
    socket.publish("/a", 1).await;
    socket.expect([ok("/a")]).await;
}

#[tokio::test(start_paused = true)]
async fn a_session_of_a_socket_is_unknown_over_http_unless_clients_are_trusted() {
    // LP-24, LP-25, LP-26: T-WS-18
    for trusted in [false, true] {
        let app = setup().option("trustClientSession", trusted).start().await;
        let socket = app.socket().await.up().await;
        let client = app.client();
        client.set_client_id(socket.client_id());
        let reply = if trusted { ok("/a") } else { unknown("/a") };
        client.publish("/a", 1).await.expect([reply]);
    }
}

#[tokio::test(start_paused = true)]
async fn an_expired_session_leaves_the_socket_open() {
    // WS-8, WS-19: T-WS-19
    let app = setup().start().await;
    let mut socket = app.socket().await.up().await;
    advance(ms(4000)).await;
    let publish = socket.publish_message("/a", 1);
    check(&socket.ask(publish).await, [unknown("/a")]);
    let mut socket = socket.up().await;
    socket.publish("/a", 1).await;
    socket.expect([ok("/a")]).await;
}

#[tokio::test(start_paused = true)]
async fn a_session_expires_after_its_socket_is_gone() {
    // WS-17, WS-18: T-WS-20
    let app = setup().start().await;
    let mut socket = app.socket().await.up().await;
    socket.hold().await;
    let session = app.session(&socket).unwrap();
    drop(socket);
    advance(ms(2700)).await;
    assert!(session.is_handshook());
    advance(ms(900)).await;
    assert!(!session.is_handshook());
}

#[tokio::test(start_paused = true)]
async fn processing_may_take_only_so_long() {
    // SES-10, WS-16: T-WS-21
    let app = setup().option("maxProcessing", 1500).start().await;
    let mut socket = app.socket().await.up().await;
    let connect = socket.connect_message(json!({"timeout": 6000}));
    socket.send(json!([connect])).await;
    let watch = cometd_tests::Stopwatch::start();
    socket.expect_close(1000).await;
    assert!(watch.elapsed() >= ms(1480) && watch.elapsed() <= ms(2200));
}

#[tokio::test(start_paused = true)]
async fn messages_of_the_handshake_wait_for_the_first_message_of_the_client() {
    // HS-9, WS-12: T-WS-22
    let app = setup()
        .with(|it| it.listener(Greeter(&["m1"])))
        .start()
        .await;
    let mut socket = app.socket().await;
    socket.handshake().await;
    socket.expect_nothing(ms(500)).await;
    let subscribe = socket.subscribe_message("/a");
    socket.send(json!([subscribe])).await;
    let subscribed = ok("/meta/subscribe").with("subscription", "/a");
    socket.expect([delivery("/hs", "m1"), subscribed]).await;
}

#[tokio::test(start_paused = true)]
async fn messages_of_the_handshake_follow_its_reply_if_that_is_allowed() {
    // HS-10: T-WS-22
    let app = setup()
        .option("allowMessageDeliveryDuringHandshake", true)
        .with(|it| it.listener(Greeter(&["m1"])))
        .start()
        .await;
    let mut socket = app.socket().await;
    assert_eq!(socket.handshake().await["x-messages"], 1);
    socket.expect([delivery("/hs", "m1")]).await;
}

#[tokio::test(start_paused = true)]
async fn a_subprotocol_is_asked_for_and_echoed() {
    // WS-3, CFG-36: T-WS-23
    let app = setup().option("ws.protocol", "bayeux/1.0").start().await;
    let offer = "Sec-WebSocket-Protocol: other, bayeux/1.0\r\n";
    let socket = app.upgrade(offer).await.unwrap();
    assert_eq!(socket.header("Sec-WebSocket-Protocol"), Some("bayeux/1.0"));
    for offer in ["", "Sec-WebSocket-Protocol: other\r\n"] {
        assert_eq!(app.upgrade(offer).await.unwrap_err(), 400);
    }
    let app = setup().start().await;
    let socket = app
        .upgrade("Sec-WebSocket-Protocol: any\r\n")
        .await
        .unwrap();
    assert_eq!(socket.header("Sec-WebSocket-Protocol"), None);
}

#[tokio::test(start_paused = true)]
async fn the_server_tells_a_socket_that_it_disconnects() {
    // DIS-6: T-WS-24
    let app = setup().start().await;
    let mut socket = app.socket().await.up().await;
    app.session(&socket).unwrap().disconnect().await;
    assert_eq!(
        socket.frame().await,
        [json!({"channel": "/meta/disconnect", "successful": true})]
    );

    let mut socket = app.socket().await.up().await;
    socket.hold().await;
    app.session(&socket).unwrap().disconnect().await;
    let connect = ok("/meta/connect").reconnect("none");
    socket.expect([ok("/meta/disconnect"), connect]).await;
}

#[tokio::test(start_paused = true)]
async fn replies_do_not_wait_for_a_connect_of_the_same_frame() {
    // WS-9: T-WS-25
    let app = setup().start().await;
    let mut socket = app.socket().await.up().await;
    let envelope = json!([
        socket.subscribe_message("/a"),
        socket.connect_message(Value::Null)
    ]);
    socket.send(envelope).await;
    socket
        .expect([ok("/meta/subscribe").with("subscription", "/a")])
        .await;
    socket.expect_after(ms(2000), [ok("/meta/connect")]).await;
}

#[tokio::test(start_paused = true)]
async fn a_denied_handshake_may_be_tried_again() {
    // HS-6, WS-8: T-WS-26
    let app = setup().start().await;
    let mut socket = app.socket().await;
    let denied = socket.message("/meta/handshake", json!({"ext": {"deny": true}}));
    let expected = failed("/meta/handshake", "403::handshake_denied").reconnect("none");
    check(&socket.ask(denied).await, [expected]);
    let mut socket = socket.up().await;
    socket.publish("/a", 1).await;
    socket.expect([ok("/a")]).await;
}

#[tokio::test(start_paused = true)]
async fn a_session_that_never_connects_expires() {
    // WS-20, HS-11, SES-9: T-WS-28
    let app = setup().start().await;
    let mut socket = app.socket().await;
    socket.handshake().await;
    socket.subscribe("/a").await;
    advance(ms(5000)).await;
    assert!(app.session(&socket).is_none());
}

#[tokio::test(start_paused = true)]
async fn messages_reach_a_socket_in_order_whoever_sends_them() {
    // WS-15, BAT-10
    let app = setup().start().await;
    let mut socket = subscribed(&app).await;
    let other = app.client().up().await;
    for n in 0..100 {
        match n % 2 {
            0 => socket.publish("/a", n).await,
            _ => drop(other.publish("/a", n).await),
        }
        settle().await;
    }
    let mut numbers = Vec::new();
    while numbers.len() < 100 {
        let frame = socket.frame().await;
        numbers.extend(frame.iter().filter_map(|it| it.get("data")?.as_u64()));
    }
    assert_eq!(numbers, (0..100).collect::<Vec<u64>>());
}

#[tokio::test(start_paused = true)]
async fn a_server_that_stops_closes_sockets() {
    // SES-16, WS-16: T-SES-13
    let app = setup().start().await;
    let mut held = app.socket().await.up().await;
    held.hold().await;
    let mut idle = app.socket().await.up().await;
    assert_eq!(
        app.server().shutdown(ms(1000)).await,
        cometd::Stopped::Drained
    );
    held.expect_close(1000).await;
    idle.expect_close(1001).await;
}

#[tokio::test(start_paused = true)]
async fn a_message_may_come_in_pieces_with_a_ping_between() {
    // RFC 6455, 5.4 and 5.5.2
    let app = setup().start().await;
    let mut socket = app.socket().await.up().await;
    let text = json!([socket.publish_message("/a", "x")]).to_string();
    let (one, two) = text.as_bytes().split_at(text.len() / 2);
    socket.send_frame(0x01, one).await;
    socket.send_frame(0x89, b"ping").await;
    assert_eq!(socket.event().await, Event::Pong(b"ping".to_vec()));
    socket.send_frame(0x80, two).await;
    socket.expect([ok("/a")]).await;
}

#[tokio::test(start_paused = true)]
async fn a_close_is_answered_and_the_session_lives_on() {
    // WS-17; RFC 6455, 5.5.1
    let app = setup().start().await;
    let mut socket = app.socket().await.up().await;
    socket.send_frame(0x88, &1000_u16.to_be_bytes()).await;
    socket.expect_close(1000).await;
    assert_eq!(socket.event().await, Event::End);
    assert!(app.session(&socket).is_some());
}

#[tokio::test(start_paused = true)]
async fn what_is_no_websocket_closes_the_socket() {
    // RFC 6455, 5.1, 5.2, 5.5 and 8.1
    let app = setup().start().await;
    let cases: [(&str, &[u8], u16); 6] = [
        ("not UTF-8", b"\x81\x81\0\0\0\0\xff", 1007),
        ("a reserved operation", b"\x83\x81\0\0\0\0x", 1003),
        ("a reserved bit", b"\xc1\x81\0\0\0\0x", 1002),
        ("a ping in pieces", b"\x09\x80\0\0\0\0", 1002),
        ("a piece of nothing", b"\x80\x81\0\0\0\0x", 1002),
        ("no mask", b"\x81\x04[{}]", 1002),
    ];
    let mut wrong = Vec::new();
    for (what, bytes, code) in cases {
        let mut socket = app.socket().await.up().await;
        socket.send_bytes(bytes).await;
        let event = socket.event().await;
        if event != Event::Close(code) {
            wrong.push(format!("{what}: {event:?} and not {code}"));
        }
        assert!(app.session(&socket).is_some(), "{what}");
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test(start_paused = true)]
async fn a_slow_handler_does_not_keep_the_held_connect_from_its_answer() {
    // CN-14, ADV-10: clients give up on a connect that is not answered in time
    let app = setup().start().await;
    let slow = |channel: &mut cometd::ChannelConfig| {
        channel.listener(cometd_tests::listener(async |_, _| advance(ms(5000)).await));
    };
    app.server()
        .create_channel_if_absent("/service/slow", slow)
        .unwrap();
    let mut socket = app.socket().await.up().await;
    socket.hold().await;
    socket.publish("/service/slow", 1).await;
    socket.expect_after(ms(2000), [ok("/meta/connect")]).await;
    socket.expect_after(ms(3000), [ok("/service/slow")]).await;
}

#[tokio::test(start_paused = true)]
async fn a_connect_that_is_overtaken_during_a_slow_handler_has_no_reply() {
    // CN-17, CN-19, WS-13
    let app = setup().start().await;
    let slow = |channel: &mut cometd::ChannelConfig| {
        channel.listener(cometd_tests::listener(async |_, _| advance(ms(1500)).await));
    };
    app.server()
        .create_channel_if_absent("/service/slow", slow)
        .unwrap();
    let mut first = subscribed(&app).await;
    first.hold().await;
    first.publish("/service/slow", 1).await;
    advance(ms(500)).await;
    let mut second = successor(&app, &first).await;
    second.hold().await;
    first.expect_after(ms(1000), [ok("/service/slow")]).await;
    second.expect_after(ms(1000), [ok("/meta/connect")]).await;
    first.expect_nothing(ms(1000)).await;

    // What was said of that connect is not said of the next one there.
    second.hold().await;
    advance(ms(500)).await;
    first.hold().await;
    first.expect_after(ms(2000), [ok("/meta/connect")]).await;
    second.expect_nothing(ms(1000)).await;
}

#[tokio::test(start_paused = true)]
async fn a_new_handshake_leaves_the_old_session_to_expire() {
    // HS-1, WS-8: what is sent to the old session does not reach the new one
    let app = setup().start().await;
    let mut socket = subscribed(&app).await;
    socket.hold().await;
    let old = app.session(&socket).unwrap();
    let mut socket = socket.up().await;
    let other = app.client().up().await;
    other.publish("/a", 1).await;
    socket.expect_nothing(ms(2500)).await;
    assert!(old.is_handshook());
    advance(ms(1000)).await;
    assert!(!old.is_handshook());
}

#[tokio::test(start_paused = true)]
async fn a_socket_that_messages_do_not_go_to_takes_none_away() {
    // BAT-6, WS-8, WS-13
    let app = setup().start().await;
    let mut first = subscribed(&app).await;
    let mut second = successor(&app, &first).await;
    second.publish("/other", 1).await;
    second.expect([ok("/other")]).await;
    let session = app.session(&first).unwrap();
    let stranger = json!([{"channel": "/x", "clientId": "nobody", "data": 1}]);
    let batch = session.batch(async {
        session.deliver(None, "/a", 1).await.unwrap();
        first.send(stranger).await;
        first.expect([unknown("/x")]).await;
    });
    batch.await;
    second.expect([delivery("/a", 1)]).await;
}

#[tokio::test(start_paused = true)]
async fn a_socket_whose_message_takes_long_to_process_is_not_idle() {
    // WS-6, CFG-39
    let app = setup().option("ws.idleTimeout", 1000).start().await;
    let slow = |channel: &mut cometd::ChannelConfig| {
        channel.listener(cometd_tests::listener(async |_, _| advance(ms(1500)).await));
    };
    app.server()
        .create_channel_if_absent("/service/slow", slow)
        .unwrap();
    let mut socket = app.socket().await.up().await;
    socket.publish("/service/slow", 1).await;
    socket.expect_after(ms(1500), [ok("/service/slow")]).await;
    socket.expect_nothing(ms(900)).await;
    socket.expect_close(1001).await;
}

/// Keeps the replies to connects back until it is told to let one go.
#[derive(Clone, Default)]
struct Gate(Arc<Notify>);

impl Extension for Gate {
    fn reply<'a>(
        &'a self,
        _: Option<&'a ServerSession>,
        reply: &'a mut Reply,
    ) -> Deferred<'a, Flow> {
        if reply.channel() != Some("/meta/connect") {
            return Flow::Continue.into();
        }
        Deferred::later(async {
            self.0.notified().await;
            Flow::Continue
        })
    }
}

#[tokio::test(start_paused = true)]
async fn a_connect_that_is_answered_on_the_socket_of_old_takes_no_messages_there() {
    // WS-13
    let gate = Gate::default();
    let extension = gate.clone();
    let app = setup().with(|it| it.extension(extension)).start().await;
    let mut first = app.socket().await;
    first.handshake().await;
    gate.0.notify_one();
    let connect = first.connect_message(json!({"timeout": 0}));
    first.ask(connect).await;
    first.hold().await;
    advance(ms(2000)).await;

    let mut second = successor(&app, &first).await;
    second.publish("/other", 1).await;
    second.expect([ok("/other")]).await;
    let session = app.session(&first).unwrap();
    let mut lazy = Message::new("/lazy", 1).unwrap();
    lazy.set_lazy(true);
    session.deliver_message(None, lazy).await.unwrap();
    gate.0.notify_one();
    first.expect([ok("/meta/connect")]).await;
    second.publish("/other", 2).await;
    assert_eq!(second.frame().await[0]["channel"], "/lazy");
}

#[tokio::test(start_paused = true)]
async fn what_asks_for_a_socket_and_is_no_handshake_is_refused_in_our_words() {
    let app = setup().start().await;
    let request = Request::get("/").header("upgrade", "websocket");
    let answer = app.call(request.body(Full::<bytes::Bytes>::default()).unwrap());
    let answer = answer.await;
    assert_eq!(answer.refused(400).text, "not a WebSocket handshake");
}

#[tokio::test(start_paused = true)]
async fn a_peer_with_much_to_say_takes_turns_with_others() {
    const SENT: usize = 400;
    let app = setup().start().await;
    let mut socket = app.socket().await.up().await;
    let (begun, heard) = (Arc::new(Notify::new()), Arc::new(AtomicUsize::new(0)));
    let (first, count) = (Arc::clone(&begun), Arc::clone(&heard));
    let attachment = app.server().on("/service/much", move |_, _: Message| {
        count.fetch_add(1, Ordering::Relaxed);
        first.notify_one();
        async {}
    });
    let others = start(async move {
        begun.notified().await;
        heard.load(Ordering::Relaxed)
    });
    let message = json!([{"channel": "/service/much", "clientId": socket.client_id(), "data": 1}]);
    socket.send_together(&vec![message; SENT]).await;
    assert!((1..SENT).contains(&others.answer().await));
    for _ in 0..SENT {
        socket.frame().await;
    }
    drop(attachment);
}
