//! The life of a session: section 11.

use std::sync::Arc;
use std::time::Duration;

use cometd::{
    Deferred, Exchange, Extension, Flow, Message, Removal, SendError, ServerSession, Stopped,
};
use cometd_tests::{Client, advance, delivery, failed, ms, ok, settle, setup, start};
use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::Instant;

#[tokio::test(start_paused = true)]
async fn a_silent_session_expires() {
    // SES-6, SES-12: T-SES-1, T-SES-4
    let app = setup().start().await;
    let client = app.client().up().await;
    let removed = Arc::new(Mutex::new(None));
    let seen = Arc::clone(&removed);
    app.session(&client)
        .unwrap()
        .on_removed(async move |_, removal| {
            *seen.lock() = Some(removal);
        });
    advance(ms(2700)).await;
    assert!(app.session(&client).is_some());
    advance(ms(900)).await;
    assert!(app.session(&client).is_none());
    assert_eq!(*removed.lock(), Some(Removal::TimedOut));
    let unknown = failed("/meta/connect", "402::session_unknown").handshake_again();
    client.connect().await.at_once().expect([unknown]);
}

#[tokio::test(start_paused = true)]
async fn any_message_keeps_a_session_alive() {
    // SES-9: T-SES-2
    let app = setup().start().await;
    let client = app.client().up().await;
    for _ in 0..3 {
        advance(ms(2500)).await;
        client.publish("/a", 1).await.expect([ok("/a")]);
    }
    advance(ms(2700)).await;
    assert!(app.session(&client).is_some());
    advance(ms(900)).await;
    assert!(app.session(&client).is_none());
}

#[tokio::test(start_paused = true)]
async fn a_session_that_connects_stays() {
    // CN-9, SES-8: T-SES-3
    let app = setup().start().await;
    let client = app.client().up().await;
    for _ in 0..8 {
        client
            .connect()
            .await
            .after(ms(2000))
            .expect([ok("/meta/connect")]);
    }
}

#[tokio::test(start_paused = true)]
async fn an_expired_session_receives_nothing_any_more() {
    // SES-12, DIS-7: T-SES-5
    let app = setup().start().await;
    let client = app.client().up().await;
    client.subscribe("/a").await;
    let session = app.session(&client).unwrap();
    advance(ms(4000)).await;
    assert!(
        app.server()
            .channel("/a")
            .is_none_or(|it| it.subscribers().is_empty())
    );
    let sent = session.deliver(None, "/a", 1).await;
    assert!(matches!(sent, Err(SendError::Gone(_))), "{sent:?}");
    assert_eq!(session.queued(), 0);
}

#[tokio::test(start_paused = true)]
async fn processing_may_take_only_so_long() {
    // SES-10, CFG-13: T-SES-6
    let app = setup().option("maxProcessing", 1500).start().await;
    let client = app.client().up().await;
    let held = client.hold_with(serde_json::json!({"timeout": 6000})).await;
    let answer = held.answer().await;
    answer.refused(500);
    assert!(
        answer.took >= ms(1500) && answer.took <= ms(2200),
        "{:?}",
        answer.took
    );
    settle().await;
    assert!(app.session(&client).is_none());
}

#[tokio::test(start_paused = true)]
async fn a_session_may_have_a_max_interval_of_its_own() {
    // SES-7: T-SES-8
    let app = setup().start().await;
    let client = app.client().up().await;
    app.session(&client)
        .unwrap()
        .set_max_interval(Some(ms(9000)));
    client.publish("/a", 1).await;
    advance(ms(8000)).await;
    assert!(app.session(&client).is_some());
    advance(ms(1500)).await;
    assert!(app.session(&client).is_none());
}

#[tokio::test(start_paused = true)]
async fn a_max_interval_counts_from_when_it_is_set() {
    // SES-7: T-SES-8, without another message.
    let app = setup().start().await;
    let client = app.client().up().await;
    app.session(&client)
        .unwrap()
        .set_max_interval(Some(ms(9000)));
    advance(ms(8000)).await;
    assert!(app.session(&client).is_some());
}

#[tokio::test(start_paused = true)]
async fn a_local_session_has_no_deadline() {
    // SES-14: T-SES-9
    let app = setup().option("maxProcessing", 1000).start().await;
    let local = app.server().local_session("service").await.unwrap();
    advance(ms(10_000)).await;
    assert!(local.server_session().is_handshook());
    local.publish("/a", 1).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_session_expires_after_its_held_connect_was_cut_off() {
    // CN-24, SES-6: T-SES-10
    let app = setup().start().await;
    let client = app.client().up().await;
    client.hold().await.cut().await;
    advance(ms(2700)).await;
    assert!(app.session(&client).is_some());
    advance(ms(900)).await;
    assert!(app.session(&client).is_none());
}

#[tokio::test(start_paused = true)]
async fn a_held_connect_that_is_cut_off_loses_no_message() {
    // CN-24: T-SES-11
    let app = setup().start().await;
    let (a, b) = (app.client().up().await, app.client().up().await);
    a.subscribe("/a").await;
    a.hold().await.cut().await;
    b.publish("/a", "x").await;
    let expected = [delivery("/a", "x"), ok("/meta/connect").advice(0, 2000)];
    a.connect0().await.at_once().expect(expected);
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_is_cut_off_loses_no_message() {
    // CN-24: T-SES-11, noticed by the HTTP server.
    use tokio::io::AsyncWriteExt;
    let app = setup().start().await;
    let (a, b) = (app.client().up().await, app.client().up().await);
    a.subscribe("/a").await;
    let (mut io, _serving) = app.connect(None);
    let body = serde_json::json!([a.connect_message(serde_json::Value::Null)]).to_string();
    let (cookie, length) = (a.jar().cookie().unwrap(), body.len());
    let request = format!(
        "POST /cometd HTTP/1.1\r\nHost: test\r\nCookie: {cookie}\r\nContent-Length: {length}\r\n\r\n{body}"
    );
    io.write_all(request.as_bytes()).await.unwrap();
    settle().await;
    drop(io);
    settle().await;
    b.publish("/a", "x").await;
    let expected = [delivery("/a", "x"), ok("/meta/connect").advice(0, 2000)];
    a.connect0().await.at_once().expect(expected);
}

async fn stop(client: &Client, app: &cometd_tests::App) -> Stopped {
    let held = client.hold().await;
    let stopped = app.server().shutdown(ms(1000)).await;
    held.answer().await.at_once().refused(503);
    stopped
}

#[tokio::test(start_paused = true)]
async fn a_server_that_stops_answers_what_it_holds() {
    // SES-16: T-SES-13
    let app = setup().start().await;
    let client = app.client().up().await;
    assert_eq!(stop(&client, &app).await, Stopped::Drained);
    client.connect0().await.at_once().refused(503);
    let next = setup().start().await;
    let successor = next.client();
    successor.set_client_id(client.client_id());
    successor.jar().set(client.jar().cookie().as_deref());
    let unknown = failed("/meta/connect", "402::session_unknown").handshake_again();
    successor.connect().await.at_once().expect([unknown]);
}

#[tokio::test(start_paused = true)]
async fn a_hook_that_panics_leaves_no_session_batch_open() {
    // SES-18: T-SES-14
    struct Panics;
    impl Extension for Panics {
        fn incoming<'a>(
            &'a self,
            _: Option<&'a ServerSession>,
            exchange: &'a mut Exchange,
        ) -> Deferred<'a, Flow> {
            assert!(
                exchange.message.channel().as_str() != "/panic",
                "on purpose"
            );
            Flow::Continue.into()
        }
    }
    let app = setup().with(|it| it.extension(Panics)).start().await;
    let (a, b) = (app.client().up().await, app.client().up().await);
    a.subscribe("/a").await;
    a.publish("/panic", 1).await;
    let held = a.hold().await;
    b.publish("/a", "x").await;
    held.answer()
        .await
        .at_once()
        .expect([delivery("/a", "x"), ok("/meta/connect")]);
}

#[tokio::test(start_paused = true)]
async fn a_request_that_is_cut_off_while_it_is_processed_leaves_no_session_batch_open() {
    // SES-18
    use cometd_tests::listener;
    let app = setup().start().await;
    let configure = |channel: &mut cometd::ChannelConfig| {
        channel.listener(listener(async |_, _| advance(ms(60_000)).await));
    };
    app.server()
        .create_channel_if_absent("/service/slow", configure)
        .unwrap();
    let (a, b) = (app.client().up().await, app.client().up().await);
    a.subscribe("/a").await;
    let slow = serde_json::json!([a.publish_message("/service/slow", 1)]);
    a.start(slow).await.cut().await;
    let held = a.hold().await;
    b.publish("/a", "x").await;
    held.answer()
        .await
        .at_once()
        .expect([delivery("/a", "x"), ok("/meta/connect")]);
}

#[tokio::test(start_paused = true)]
async fn listeners_learn_of_an_end_before_the_subscriptions_go() {
    // SES-13
    use cometd::{ServerChannel, ServerListener};
    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<&'static str>>>);
    impl ServerListener for Log {
        fn session_removed(&self, session: &ServerSession, _: Removal) {
            assert_eq!(session.subscriptions().len(), 1);
            self.0.lock().push("removed");
        }

        fn unsubscribed(&self, _: &ServerSession, _: &ServerChannel, _: Option<&Message>) {
            self.0.lock().push("unsubscribed");
        }
    }
    let log = Log::default();
    let own = log.clone();
    let app = setup().with(|it| it.listener(log.clone())).start().await;
    let client = app.client().up().await;
    client.subscribe("/a").await;
    app.session(&client)
        .unwrap()
        .on_removed(async move |_, _| own.0.lock().push("callback"));
    advance(ms(4000)).await;
    assert_eq!(*log.0.lock(), ["removed", "unsubscribed", "callback"]);
}

#[tokio::test(start_paused = true)]
async fn others_have_their_turn_while_many_sessions_expire_together() {
    let app = setup().start().await;
    let begun = Instant::now();
    let mut clients = Vec::new();
    for _ in 0..100 {
        clients.push(app.client().up().await);
    }
    assert_eq!(
        begun.elapsed(),
        Duration::ZERO,
        "or they do not expire together"
    );
    let (ended, server) = (Arc::new(Notify::new()), app.server().clone());
    let first = Arc::clone(&ended);
    let session = app.session(&clients[0]).unwrap();
    session.on_removed(async move |_, _| first.notify_one());
    let left = start(async move {
        ended.notified().await;
        server.statistics().sessions
    });
    advance(ms(4000)).await;
    assert!((1..100).contains(&left.answer().await));
    assert_eq!(app.server().statistics().sessions, 0);
}
