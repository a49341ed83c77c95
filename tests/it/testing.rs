//! The test kit that users get: what it promises in its chapter.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use cometd::testing::TestServer;
use cometd::{Grant, RawJson};
use cometd_tests::ms;
use serde_json::json;

/// A server with two clients who listen to `/room`.
async fn room() -> (TestServer, [cometd::testing::TestClient; 2]) {
    let app = TestServer::builder().build().await;
    let clients = app.connect_all().await;
    for client in &clients {
        client.subscribe("/room").await.unwrap();
    }
    (app, clients)
}

/// What a failed expectation says.
fn complaint<T>(expectation: impl FnOnce() -> T) -> String {
    let panic = catch_unwind(AssertUnwindSafe(expectation)).err();
    *panic.unwrap().downcast::<String>().unwrap()
}

#[tokio::test(start_paused = true)]
async fn clients_receive_in_order_what_others_publish() {
    let (_app, [alice, bob]) = room().await;
    for n in 0..3 {
        bob.publish("/room", n).await.unwrap();
    }
    for client in [alice, bob] {
        for n in 0..3 {
            client.expect_message("/room").data(n);
        }
        client.expect_nothing();
    }
}

#[tokio::test(start_paused = true)]
async fn a_refused_request_says_the_error_of_the_reply() {
    let (app, [alice, _]) = room().await;
    let secret = app.server().create_channel_if_absent("/secret", |channel| {
        channel.authorizer(Grant::NONE);
    });
    secret.unwrap();
    let refused = alice.publish("/secret", 1).await.unwrap_err();
    assert_eq!(refused.error(), "403:denied_by_not_granting:publish_denied");
}

#[tokio::test(start_paused = true)]
async fn one_who_vanishes_is_given_up_when_the_time_has_come() {
    // SES-6: a hold of 20 s, then 10 s.
    let (app, [alice, bob]) = room().await;
    bob.vanish();
    app.advance(Duration::from_secs(5)).await;
    assert!(bob.session().is_some());
    app.advance(Duration::from_secs(26)).await;
    assert!(bob.session().is_none() && alice.session().is_some());
}

#[tokio::test(start_paused = true)]
async fn an_hour_of_silence_keeps_a_client_connected() {
    let (app, [alice, bob]) = room().await;
    app.advance(Duration::from_secs(3600)).await;
    bob.publish("/room", "still there").await.unwrap();
    alice.expect_message("/room").data("still there");
}

#[tokio::test(start_paused = true)]
async fn a_lost_reply_takes_its_messages_along() {
    // CN-24: what was handed to a connection that broke is lost without acknowledgements.
    let (app, [alice, bob]) = room().await;
    alice.lose_next_reply();
    bob.publish("/room", "lost").await.unwrap();
    app.advance(ms(200)).await;
    bob.publish("/room", "seen").await.unwrap();
    alice.expect_message("/room").data("seen");
    alice.expect_nothing();
}

#[tokio::test(start_paused = true)]
async fn a_duplicate_connect_costs_nothing_and_doubles_nothing() {
    // CN-17
    let (_app, [alice, bob]) = room().await;
    alice.duplicate_connect().await;
    bob.publish("/room", 1).await.unwrap();
    alice.expect_message("/room").data(1);
    alice.expect_nothing();
}

#[tokio::test(start_paused = true)]
async fn messages_wait_for_a_client_that_does_not_read() {
    let (app, [alice, bob]) = room().await;
    alice.stop_reading();
    for n in 0..3 {
        bob.publish("/room", n).await.unwrap();
    }
    app.advance(ms(1000)).await;
    alice.expect_message("/room").data(0);
    alice.expect_nothing();
    assert_eq!(alice.session().unwrap().queued(), 2);
    alice.read_on().await;
    alice.expect_message("/room").data(1);
    alice.expect_message("/room").data(2);
}

#[tokio::test(start_paused = true)]
async fn a_message_that_has_not_arrived_yet_is_waited_for() {
    let (app, [alice, _]) = room().await;
    let server = app.server().clone();
    app.server().spawn(async move {
        cometd_tests::advance(ms(3000)).await;
        server.publish(None, "/room", "late").await.unwrap();
    });
    alice.next_message("/room").await.data("late");
}

#[tokio::test(start_paused = true)]
async fn a_client_is_told_when_the_server_ends_its_session() {
    let (app, [alice, _]) = room().await;
    alice.session().unwrap().disconnect().await;
    app.advance(ms(10)).await;
    assert!(!alice.is_connected());
}

#[tokio::test(start_paused = true)]
async fn a_failed_expectation_prints_what_did_arrive() {
    let (_app, [alice, bob]) = room().await;
    bob.publish("/room", json!({"n": 1})).await.unwrap();
    let nothing = complaint(|| alice.expect_message("/other"));
    assert_eq!(
        nothing,
        "nothing has arrived on /other; these have arrived:\n  {\"channel\":\"/room\",\"data\":{\"n\":1}}"
    );
    let other = complaint(|| alice.expect_message("/room").data(2));
    assert_eq!(other, "data on /room\n expected 2\n    found {\"n\":1}");
    bob.publish("/room", RawJson::NULL).await.unwrap();
    let left = complaint(|| alice.expect_nothing());
    assert!(left.starts_with("these have arrived:"), "{left}");
}

#[tokio::test(start_paused = true)]
async fn a_thousand_servers_are_tested_in_seconds() {
    let watch = std::time::SystemTime::now();
    for _ in 0..1000 {
        let (_app, [alice, bob]) = room().await;
        bob.publish("/room", 1).await.unwrap();
        alice.expect_message("/room").data(1);
    }
    let took = watch.elapsed().unwrap();
    // Some hundred milliseconds where nothing else runs, even without optimisation.
    assert!(took < Duration::from_secs(20), "{took:?}");
}
