//! How to test rights: clients with credentials, and a clock moved by hand.

use cometd::testing::{TestClient, TestServer};
use serde_json::{Value, json};

use crate::{Door, VALID};

async fn server() -> TestServer {
    let builder = TestServer::builder().security_policy(Door);
    builder.discover().build().await
}

fn login(user: &str, password: &str) -> Value {
    json!({"user": user, "password": password})
}

async fn client(app: &TestServer, user: &str, password: &str) -> TestClient {
    let ext = json!({"com.example.login": login(user, password)});
    app.connect_with(ext).await.unwrap()
}

const NOT_GRANTED: &str = "403:denied_by_not_granting";

#[tokio::test(start_paused = true)]
async fn nobody_comes_in_without_a_login() {
    let app = server().await;
    let guess = json!({"com.example.login": login("alice", "guess")});
    for ext in [Value::Null, guess] {
        let refused = app.connect_with(ext).await.unwrap_err();
        assert_eq!(refused.error(), "403::handshake_denied");
    }
}

#[tokio::test(start_paused = true)]
async fn rights_come_with_the_role() {
    let app = server().await;
    let alice = client(&app, "alice", "wonderland").await;
    let bob = client(&app, "bob", "builder").await;
    bob.subscribe("/news").await.unwrap();
    alice.publish("/news", "hello").await.unwrap();
    bob.expect_message("/news")
        .data(json!({"author": "alice", "text": "hello"}));
    let refused = bob.publish("/news", "me too").await.unwrap_err();
    assert_eq!(refused.error(), format!("{NOT_GRANTED}:publish_denied"));
    alice.subscribe("/staff/rota").await.unwrap();
    let refused = bob.subscribe("/staff/rota").await.unwrap_err();
    assert_eq!(refused.error(), format!("{NOT_GRANTED}:subscribe_denied"));
}

#[tokio::test(start_paused = true)]
async fn who_becomes_somebody_else_loses_what_that_one_may_not() {
    let app = server().await;
    let client = client(&app, "alice", "wonderland").await;
    client.subscribe("/staff/rota").await.unwrap();
    assert!(client.call("login", login("bob", "guess")).await.is_err());
    client.call("login", login("bob", "builder")).await.unwrap();
    let revoked = client.expect_message("/meta/unsubscribe").into_value();
    assert_eq!(revoked["subscription"], "/staff/rota");
    assert_eq!(revoked["error"], format!("{NOT_GRANTED}:subscribe_denied"));
    assert!(client.session().unwrap().subscriptions().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_login_holds_for_ten_minutes_and_can_be_refreshed() {
    let app = server().await;
    let alice = client(&app, "alice", "wonderland").await;
    let bob = client(&app, "bob", "builder").await;
    app.advance(VALID / 2).await;
    alice
        .call("login", login("alice", "wonderland"))
        .await
        .unwrap();
    app.advance(VALID / 2).await;
    assert!(alice.session().is_some() && bob.session().is_none());
    app.advance(VALID / 2).await;
    assert!(alice.session().is_none());
}
