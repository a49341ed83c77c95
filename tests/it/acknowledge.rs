//! Acknowledged messages: section 2 of the specification of extensions.

use std::collections::VecDeque;
use std::sync::{Arc, Weak};

use cometd::extensions::{Acknowledge, BatchListener};
use cometd::{
    Deferred, Exchange, Extension, Flow, FrozenMessage, QueueListener, Reply, ServerListener,
    ServerSession,
};
use cometd_tests::{
    Answer, App, Client, Expected, Identity, Pending, Setup, Socket, advance, check, delivery,
    failed, ms, ok, open_setup, settle, setup,
};
use parking_lot::Mutex;
use serde_json::{Value, json};

pub(crate) fn acknowledging() -> Setup {
    setup().with(|it| it.extension(Acknowledge::default()))
}

/// A message with an `ext`.
pub(crate) fn with_ext(mut message: Value, ext: Value) -> Value {
    message["ext"] = ext;
    message
}

pub(crate) fn handshake(identity: &Identity) -> Value {
    json!([with_ext(identity.handshake_message(), json!({"ack": true}))])
}

/// A connect of a client that has everything up to this batch.
pub(crate) fn connect(identity: &Identity, ack: impl Into<Value>) -> Value {
    let connect = identity.connect_message(Value::Null);
    json!([with_ext(connect, json!({"ack": ack.into()}))])
}

/// A successful connect reply that closes this batch.
fn acked(batch: u64) -> Expected {
    ok("/meta/connect").with("ext", json!({"ack": batch}))
}

/// A client that has handshaken for acknowledgement, and has connected once.
async fn up(app: &App) -> Client {
    let client = app.client();
    client.set_client_id(client.send(handshake(&client)).await.client_id());
    client.send(connect(&client, 0)).await.expect([acked(1)]);
    client
}

/// The same over a WebSocket.
async fn socket_up(app: &App) -> Socket {
    let mut socket = app.socket().await;
    socket.send(handshake(&socket)).await;
    let id = socket.frame().await[0]["clientId"]
        .as_str()
        .map(str::to_owned);
    socket.set_client_id(id);
    socket.send(connect(&socket, 0)).await;
    socket.expect([acked(1)]).await;
    socket
}

/// Connects, and goes on when the connect is held.
async fn hold(client: &Client, ack: u64) -> Pending<Answer> {
    let pending = client.start(connect(client, ack)).await;
    assert!(pending.is_held());
    pending
}

async fn publish(app: &App, channel: &str, data: impl Into<Value>) {
    app.server()
        .publish(None, channel, data.into())
        .await
        .unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_burst_leaves_whole_and_again_until_it_is_acknowledged() {
    // 2.5 to 2.7, BAT-11; without a policy, which would be asked in between
    let acknowledging = open_setup().with(|it| it.extension(Acknowledge::default()));
    let app = acknowledging.start().await;
    let client = up(&app).await;
    client.subscribe("/a").await;
    let mut sender = app.socket().await.up().await;
    let publish = |it| json!([sender.publish_message("/a", it)]);
    let burst: Vec<Value> = (0..3).map(publish).collect();
    sender.send_together(&burst).await;
    sender.expect((0..3).map(|_| ok("/a"))).await;
    assert_eq!(app.session(&client).unwrap().queued(), 3);
    for batch in [2, 3] {
        let all = (0..3).map(|it| delivery("/a", it));
        let answer = client.send(connect(&client, 1)).await;
        answer.at_once().expect(all.chain([acked(batch)]));
    }
    let answer = client.send(connect(&client, 3)).await;
    answer.after(ms(2000)).expect([acked(4)]);
}

#[tokio::test(start_paused = true)]
async fn only_who_asks_for_it_is_acknowledged() {
    // 2.1, 2.3, 2.4
    let app = acknowledging().start().await;
    let client = app.client();
    for (asked, expected) in [
        (json!({"ack": true}), json!({"ack": true})),
        (json!({"ack": true, "deny": 1}), json!({"ack": true})),
        (json!({"ack": false}), Value::Null),
        (json!({"ack": 1}), Value::Null),
        (json!({"ack": "true"}), Value::Null),
        (json!({"ack": {"enabled": true}}), Value::Null),
        (json!({}), Value::Null),
    ] {
        let message = with_ext(client.handshake_message(), asked.clone());
        let reply = client.send(json!([message])).await.only();
        assert_eq!(reply["ext"], expected, "{asked}");
    }
    let plain = app.client();
    plain.handshake().await;
    let answer = plain.send(connect(&plain, 0)).await;
    answer.expect([ok("/meta/connect")]);
}

#[tokio::test(start_paused = true)]
async fn what_a_lost_reply_took_along_is_sent_again() {
    // 2.5 to 2.9, 2.11
    let app = acknowledging().start().await;
    let client = up(&app).await;
    client.subscribe("/a").await;
    let held = hold(&client, 1).await;
    publish(&app, "/a", "x").await;
    let sent = [delivery("/a", "x"), acked(2)];
    held.answer().await.at_once().expect(sent);

    let answer = client.send(connect(&client, 1)).await;
    answer.at_once().expect([delivery("/a", "x"), acked(3)]);
    let answer = client.send(connect(&client, 3)).await;
    answer.after(ms(2000)).expect([acked(4)]);
}

#[tokio::test(start_paused = true)]
async fn what_a_cut_connection_took_along_is_sent_again() {
    // 2.7, CN-24: the response is about to be written
    let app = acknowledging().start().await;
    let client = up(&app).await;
    client.subscribe("/a").await;
    let held = hold(&client, 1).await;
    publish(&app, "/a", "x").await;
    held.cut().await;
    publish(&app, "/a", "y").await;
    let expected = [delivery("/a", "x"), delivery("/a", "y"), acked(2)];
    client
        .send(connect(&client, 1))
        .await
        .at_once()
        .expect(expected);
    let held = hold(&client, 2).await;
    held.cut().await;
    let answer = client.send(connect(&client, 2)).await;
    answer.after(ms(2000)).expect([acked(3)]);
}

#[tokio::test(start_paused = true)]
async fn what_is_missing_comes_before_what_is_new() {
    // 2.7, 2.12
    let app = acknowledging().start().await;
    let client = up(&app).await;
    client.subscribe("/a").await;
    for (n, last) in [(1, 2), (2, 3), (3, 4)] {
        publish(&app, "/a", n).await;
        let expected = (1..=n).map(|it| delivery("/a", it)).chain([acked(last)]);
        let answer = client.send(connect(&client, 1)).await;
        answer.at_once().expect(expected);
    }
    publish(&app, "/a", 4).await;
    let expected = [delivery("/a", 3), delivery("/a", 4), acked(5)];
    client.send(connect(&client, 3)).await.expect(expected);
}

#[tokio::test(start_paused = true)]
async fn any_integer_is_an_acknowledgement_and_nothing_else_is() {
    // 2.9
    let app = acknowledging().start().await;
    let client = up(&app).await;
    client.subscribe("/a").await;
    publish(&app, "/a", "x").await;
    let expected = [delivery("/a", "x"), acked(2)];
    client.send(connect(&client, 1)).await.expect(expected);
    for (batch, ack) in [(3, json!(-1)), (4, json!(i64::MIN)), (5, json!(0))] {
        let expected = [delivery("/a", "x"), acked(batch)];
        let answer = client.send(connect(&client, ack)).await;
        answer.at_once().expect(expected);
    }
    for (batch, ack) in [(6, json!("6")), (7, json!(6.5)), (8, json!(null))] {
        let expected = [delivery("/a", "x"), acked(batch)];
        let answer = client.send(connect(&client, ack)).await;
        answer.after(ms(2000)).expect(expected);
    }
    let answer = client.send(connect(&client, i64::MAX)).await;
    answer.after(ms(2000)).expect([acked(9)]);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_asks_for_a_hold_is_held_whatever_it_misses() {
    // 2.10
    let app = acknowledging().start().await;
    let client = up(&app).await;
    client.subscribe("/a").await;
    publish(&app, "/a", "x").await;
    client.send(connect(&client, 1)).await;
    let message = client.connect_message(json!({"timeout": 500}));
    let message = with_ext(message, json!({"ack": 1}));
    let answer = client.send(json!([message])).await;
    let expected = [delivery("/a", "x"), acked(3).advice(0, 2000)];
    answer.after(ms(500)).expect(expected);
}

#[tokio::test(start_paused = true)]
async fn lazy_messages_that_have_not_left_hasten_nothing() {
    // 2.10
    let app = acknowledging().option("maxLazyTimeout", 700).start().await;
    let client = up(&app).await;
    client.subscribe("/lazy").await;
    publish(&app, "/lazy", 1).await;
    let answer = client.send(connect(&client, 1)).await;
    answer
        .after(ms(700))
        .expect([delivery("/lazy", 1), acked(2)]);
    publish(&app, "/lazy", 2).await;
    let expected = [delivery("/lazy", 1), delivery("/lazy", 2), acked(3)];
    let answer = client.send(connect(&client, 1)).await;
    answer.at_once().expect(expected);
}

#[tokio::test(start_paused = true)]
async fn other_responses_take_no_messages_along() {
    // 2.2, 2.12
    let app = acknowledging().start().await;
    let client = up(&app).await;
    client.subscribe("/a").await;
    let held = hold(&client, 1).await;
    client.publish("/a", 1).await.expect([ok("/a")]);
    held.answer().await.expect([delivery("/a", 1), acked(2)]);
    let batch = json!([
        client.publish_message("/a", 2),
        connect(&client, 2)[0],
        client.publish_message("/a", 3),
    ]);
    let expected = [
        delivery("/a", 2),
        delivery("/a", 3),
        ok("/a"),
        acked(3),
        ok("/a"),
    ];
    client.send(batch).await.at_once().expect(expected);
}

#[tokio::test(start_paused = true)]
async fn over_a_socket_messages_come_with_connect_replies() {
    // 2.2, 2.12
    let app = acknowledging().start().await;
    let mut socket = socket_up(&app).await;
    socket.subscribe("/a").await;
    publish(&app, "/a", 1).await;
    socket.expect_nothing(ms(100)).await;
    socket.send(connect(&socket, 1)).await;
    check(&socket.frame().await, [delivery("/a", 1), acked(2)]);
    socket.send(connect(&socket, 2)).await;
    settle().await;
    socket.publish("/a", 2).await;
    socket.expect([ok("/a")]).await;
    check(&socket.frame().await, [delivery("/a", 2), acked(3)]);
}

#[tokio::test(start_paused = true)]
async fn what_a_cut_socket_took_along_comes_over_the_next() {
    // 2.7, WS-18
    let app = acknowledging().start().await;
    let mut socket = socket_up(&app).await;
    socket.subscribe("/a").await;
    socket.send(connect(&socket, 1)).await;
    settle().await;
    publish(&app, "/a", "x").await;
    settle().await;
    let id = socket.client_id();
    drop(socket);
    settle().await;
    publish(&app, "/a", "y").await;
    let mut socket = app.socket().await;
    socket.set_client_id(id);
    socket.send(connect(&socket, 1)).await;
    let again = [delivery("/a", "x"), delivery("/a", "y"), acked(3)];
    check(&socket.frame().await, again);
}

#[tokio::test(start_paused = true)]
async fn a_connect_that_was_overtaken_brings_nothing() {
    // 2.13
    let app = acknowledging().start().await;
    let client = up(&app).await;
    client.subscribe("/a").await;
    app.channel("/meta/connect").configure(|channel| {
        let slow = cometd_tests::listener(async |_, message: cometd::Message| {
            if message.field("slow").is_some() {
                advance(ms(500)).await;
            }
        });
        channel.listener(slow);
    });
    let mut slow = connect(&client, 1);
    slow[0]["slow"] = json!(true);
    let slow = client.start(slow).await;
    publish(&app, "/a", "x").await;
    let expected = [delivery("/a", "x"), acked(2)];
    client.send(connect(&client, 1)).await.expect(expected);
    slow.answer().await.expect([ok("/meta/connect")]);
    // A client that takes the late reply for an answer still acknowledges what it has.
    let held = hold(&client, 2).await;
    publish(&app, "/a", "y").await;
    held.answer().await.expect([delivery("/a", "y"), acked(3)]);
}

#[tokio::test(start_paused = true)]
async fn a_connect_that_was_sent_twice_loses_nothing() {
    // 2.13, CN-17
    let app = acknowledging().start().await;
    let client = up(&app).await;
    client.subscribe("/a").await;
    let twice = connect(&client, 1);
    let first = client.start(twice.clone()).await;
    let second = client.start(twice.clone()).await;
    first.answer().await.refused(500);
    publish(&app, "/a", "x").await;
    second
        .answer()
        .await
        .expect([delivery("/a", "x"), acked(2)]);
    let expected = [delivery("/a", "x"), acked(3)];
    client.send(twice).await.at_once().expect(expected);
}

#[tokio::test(start_paused = true)]
async fn a_page_that_is_loaded_again_starts_from_its_replayed_handshake() {
    // 2.16
    let app = acknowledging().start().await;
    let client = up(&app).await;
    client.subscribe("/a").await;
    for n in 1..=2 {
        publish(&app, "/a", n).await;
        client.send(connect(&client, n)).await;
    }
    let answer = client.send(connect(&client, 0)).await;
    answer.at_once().expect([delivery("/a", 2), acked(4)]);
}

/// Greets every session when it is added.
struct Greeting;

impl ServerListener for Greeting {
    fn session_added<'a>(
        &'a self,
        session: &'a ServerSession,
        _: &'a mut Exchange,
    ) -> Deferred<'a, ()> {
        Deferred::later(async { session.deliver(None, "/hello", 1).await.unwrap() })
    }
}

#[tokio::test(start_paused = true)]
async fn messages_that_ride_on_the_handshake_reply_are_a_batch() {
    // 2.2, 2.3, 2.6: HS-10
    let app = acknowledging()
        .option("allowMessageDeliveryDuringHandshake", true)
        .with(|it| it.listener(Greeting))
        .start()
        .await;
    let ext = json!({"ack": {"enabled": true, "batch": 1}});
    let client = app.client();
    let answer = client.send(handshake(&client)).await;
    let messages = answer.messages();
    assert_eq!(
        (&messages[0]["ext"], &messages[1]["data"]),
        (&ext, &json!(1))
    );
    client.set_client_id(answer.client_id());
    let again = [delivery("/hello", 1), acked(2)];
    client.send(connect(&client, 0)).await.expect(again);
    let answer = client.send(connect(&client, 1)).await;
    answer.after(ms(2000)).expect([acked(3)]);

    let mut socket = app.socket().await;
    socket.send(handshake(&socket)).await;
    assert_eq!(socket.frame().await[0]["ext"], ext);
    assert_eq!(socket.frame().await[0]["data"], 1);
}

#[tokio::test(start_paused = true)]
async fn messages_that_do_not_ride_on_it_wait_for_the_first_connect() {
    // 2.2, 2.3
    let app = acknowledging()
        .with(|it| it.listener(Greeting))
        .start()
        .await;
    let client = app.client();
    let answer = client.send(handshake(&client)).await;
    assert_eq!(answer.only()["ext"], json!({"ack": true}));
    client.set_client_id(answer.client_id());
    let expected = [delivery("/hello", 1), acked(1)];
    client.send(connect(&client, 0)).await.expect(expected);
}

#[tokio::test(start_paused = true)]
async fn what_is_not_acknowledged_counts_as_queued() {
    // 2.5, LIM: the session ends rather than lose a message
    let app = acknowledging().option("maxQueueBytes", 1000).start().await;
    let client = up(&app).await;
    client.subscribe("/a").await;
    publish(&app, "/a", "x".repeat(600)).await;
    client.send(connect(&client, 1)).await;
    assert_eq!(app.session(&client).unwrap().queued(), 0);
    publish(&app, "/a", "y".repeat(600)).await;
    settle().await;
    assert!(app.session(&client).is_none());
    let again = failed("/meta/connect", "402::session_unknown").handshake_again();
    client.send(connect(&client, 1)).await.expect([again]);
}

#[tokio::test(start_paused = true)]
async fn an_acknowledgement_makes_room() {
    let app = acknowledging().option("maxQueueBytes", 1000).start().await;
    let client = up(&app).await;
    client.subscribe("/a").await;
    for batch in 1..10 {
        let held = hold(&client, batch).await;
        publish(&app, "/a", "x".repeat(600)).await;
        let expected = [delivery("/a", "x".repeat(600)), acked(batch + 1)];
        held.answer().await.expect(expected);
    }
}

#[tokio::test(start_paused = true)]
async fn dropping_the_oldest_drops_what_is_not_acknowledged_first() {
    let app = acknowledging()
        .option("maxQueueBytes", 1000)
        .option("queueOverflow", "dropOldest")
        .start()
        .await;
    let client = up(&app).await;
    client.subscribe("/a").await;
    let long = "y".repeat(600);
    publish(&app, "/a", "x".repeat(600)).await;
    client.send(connect(&client, 1)).await;
    publish(&app, "/a", long.clone()).await;
    let expected = [delivery("/a", long), acked(3)];
    client.send(connect(&client, 1)).await.expect(expected);
}

/// Notes batches, and keeps messages only as long as the server does.
#[derive(Clone, Default)]
struct Notes {
    lines: Arc<Mutex<Vec<String>>>,
    messages: Arc<Mutex<Vec<Weak<FrozenMessage>>>>,
}

impl BatchListener for Notes {
    fn sent(&self, _: &ServerSession, batch: u64, messages: &VecDeque<Arc<FrozenMessage>>) {
        self.lines
            .lock()
            .push(format!("{} in {batch}", messages.len()));
        self.messages
            .lock()
            .extend(messages.iter().map(Arc::downgrade));
    }

    fn acknowledged(&self, _: &ServerSession, batch: u64) {
        self.lines.lock().push(format!("up to {batch}"));
    }
}

async fn noted() -> (App, Client, Notes) {
    let notes = Notes::default();
    let extension = Acknowledge::default().listener(notes.clone());
    let app = setup().with(|it| it.extension(extension)).start().await;
    let client = up(&app).await;
    client.subscribe("/a").await;
    publish(&app, "/a", 1).await;
    client.send(connect(&client, 1)).await;
    (app, client, notes)
}

#[tokio::test(start_paused = true)]
async fn a_service_may_see_what_leaves_and_what_arrives() {
    // 2.15
    let (_app, client, notes) = noted().await;
    client.send(connect(&client, 1)).await;
    let lines = [
        "up to 0", "0 in 1", "up to 1", "1 in 2", "up to 1", "1 in 3",
    ];
    assert_eq!(*notes.lines.lock(), lines);
}

#[tokio::test(start_paused = true)]
async fn a_session_that_has_ended_keeps_nothing() {
    // 2.14
    let (app, client, notes) = noted().await;
    let is_kept = |notes: &Notes| notes.messages.lock()[0].upgrade().is_some();
    assert!(is_kept(&notes));
    let session = app.session(&client).unwrap();
    advance(ms(4000)).await;
    assert!(!session.is_handshook() && !is_kept(&notes));

    let (app, client, notes) = noted().await;
    let session = app.session(&client).unwrap();
    client.disconnect().await;
    settle().await;
    assert!(!session.is_handshook() && !is_kept(&notes));
}

#[tokio::test(start_paused = true)]
async fn an_acknowledged_message_is_freed() {
    // 2.9
    let (_app, client, notes) = noted().await;
    client.send(connect(&client, 2)).await;
    assert!(notes.messages.lock()[0].upgrade().is_none());
}

#[tokio::test(start_paused = true)]
async fn a_new_handshake_starts_anew() {
    // 2.14
    let (app, client, _) = noted().await;
    let again = up(&app).await;
    publish(&app, "/a", 2).await;
    let answer = again.send(connect(&again, 1)).await;
    answer.after(ms(2000)).expect([acked(2)]);
    drop(client);
}

/// Lets nothing through.
struct Mute;

impl QueueListener for Mute {
    fn dequeue(
        &self,
        _: &ServerSession,
        messages: &mut VecDeque<Arc<FrozenMessage>>,
        _: &mut Vec<Reply>,
    ) {
        messages.clear();
    }
}

#[tokio::test(start_paused = true)]
async fn who_sees_the_queue_may_edit_what_leaves() {
    // 2.15
    let (app, client, _) = noted().await;
    let mute = app.session(&client).unwrap().add_queue_listener(Mute);
    let answer = client.send(connect(&client, 1)).await;
    answer.at_once().expect([acked(3)]);
    drop(mute);
    let expected = [delivery("/a", 1), acked(4)];
    client.send(connect(&client, 1)).await.expect(expected);
}

/// Drops replies to connects that say so.
struct Silent;

impl Extension for Silent {
    fn incoming<'a>(
        &'a self,
        _: Option<&'a ServerSession>,
        exchange: &'a mut Exchange,
    ) -> Deferred<'a, Flow> {
        if exchange.message.field("silent").is_some() {
            exchange.reply.notes_mut().insert(());
        }
        Flow::Continue.into()
    }

    fn reply<'a>(
        &'a self,
        _: Option<&'a ServerSession>,
        reply: &'a mut Reply,
    ) -> Deferred<'a, Flow> {
        Flow::from(reply.notes().get::<()>().is_none()).into()
    }
}

#[tokio::test(start_paused = true)]
async fn without_a_reply_to_number_nothing_leaves() {
    // 2.7, 1.7
    let app = acknowledging()
        .with(|it| it.extension(Silent))
        .start()
        .await;
    let client = up(&app).await;
    client.subscribe("/a").await;
    publish(&app, "/a", 1).await;
    let mut silent = connect(&client, 1);
    silent[0]["silent"] = json!(true);
    assert_eq!(client.send(silent).await.text, "[]");
    let expected = [delivery("/a", 1), acked(2)];
    client.send(connect(&client, 1)).await.expect(expected);
}

#[tokio::test(start_paused = true)]
async fn the_farewell_comes_behind_what_is_missing() {
    // 2.7, DIS-6
    let (app, client, _) = noted().await;
    client.send(connect(&client, 2)).await;
    let held = hold(&client, 3).await;
    let session = app.session(&client).unwrap();
    let end = async {
        session.deliver(None, "/a", "last").await.unwrap();
        session.disconnect().await;
    };
    session.batch(end).await;
    let messages = held.answer().await.messages();
    let channels: Vec<_> = messages.iter().map(|it| &it["channel"]).collect();
    assert_eq!(channels, ["/a", "/meta/disconnect", "/meta/connect"]);
}

/// A listener that fails.
struct Fails;

impl BatchListener for Fails {
    fn sent(&self, _: &ServerSession, _: u64, _: &VecDeque<Arc<FrozenMessage>>) {
        panic!("on purpose");
    }

    fn acknowledged(&self, _: &ServerSession, _: u64) {
        panic!("on purpose");
    }
}

#[tokio::test(start_paused = true)]
async fn a_listener_that_fails_changes_nothing() {
    let notes = Notes::default();
    let extension = Acknowledge::default().listener(Fails);
    let extension = extension.listener(notes.clone());
    let app = setup().with(|it| it.extension(extension)).start().await;
    let client = up(&app).await;
    client.subscribe("/a").await;
    publish(&app, "/a", 1).await;
    let answer = client.send(connect(&client, 1)).await;
    answer.at_once().expect([delivery("/a", 1), acked(2)]);
    hold(&client, 2).await.cut().await;
    let expected = ["up to 0", "0 in 1", "up to 1", "1 in 2", "up to 2"];
    assert_eq!(*notes.lines.lock(), expected);
    assert!(notes.messages.lock()[0].upgrade().is_none());
}

#[tokio::test(start_paused = true)]
async fn a_reply_that_is_dropped_leaves_no_empty_frame() {
    // PROC-9
    let setup = acknowledging().with(|it| it.extension(Silent));
    let app = setup.start().await;
    let mut socket = socket_up(&app).await;
    let mut silent = connect(&socket, 1);
    silent[0]["silent"] = json!(true);
    socket.send(silent).await;
    socket.expect_nothing(ms(2500)).await;
}

#[tokio::test(start_paused = true)]
async fn a_session_does_not_expire_while_the_reply_to_its_connect_is_written() {
    // SES-6
    let app = acknowledging().start().await;
    let mut socket = socket_up(&app).await;
    let session = app.session(&socket).unwrap();
    // More than the connection buffers, and few enough for one frame.
    let long = "x".repeat(400 * 1024);
    session.deliver(None, "/a", &long).await.unwrap();
    socket.send(connect(&socket, 1)).await;
    advance(ms(4000)).await;
    assert!(session.is_handshook());
    check(&socket.frame().await, [delivery("/a", long), acked(2)]);
    advance(ms(4000)).await;
    assert!(!session.is_handshook());
}
