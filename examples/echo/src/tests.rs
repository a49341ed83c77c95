//! How to test a service: call its methods and look at what its session received, or let clients in memory talk to it.

use cometd::prelude::*;
use serde_json::json;

use crate::Echo;

#[tokio::test]
async fn echo_answers_on_its_own_channel() {
    let session = MockSession::new();
    let message = Message::publish("/service/echo", json!({"n": 1}));
    Echo.echo(&session, &LocalSession::mock(), &message)
        .await
        .unwrap();
    session
        .expect_delivered("/service/echo")
        .data(json!({"n": 1}));
    session.expect_nothing();
}

#[tokio::test(start_paused = true)]
async fn an_echo_goes_to_its_sender_alone() {
    let app = TestServer::builder().service(Echo).build().await;
    let [alice, bob] = app.connect_all().await;
    alice.publish("/service/echo", "ping").await.unwrap();
    alice.expect_message("/service/echo").data("ping");
    bob.expect_nothing();
}
