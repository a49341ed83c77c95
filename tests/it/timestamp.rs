//! Time stamps: section 4 of the specification of extensions.

use cometd::extensions::Timestamp;
use cometd_tests::{App, Client, setup};
use serde_json::{Value, json};

async fn app(timestamp: Timestamp) -> App {
    let timestamp = timestamp.format(|_| "now".to_owned());
    setup().with(|it| it.extension(timestamp)).start().await
}

async fn up(app: &App, stamps: bool) -> Client {
    let client = app.client();
    let mut handshake = client.handshake_message();
    if stamps {
        handshake["timestamp"] = json!("then");
    }
    let answer = client.send(json!([handshake])).await;
    assert_eq!(stamps_of(&answer.messages()), [stamps]);
    client.set_client_id(answer.client_id());
    client.connect().await;
    client.subscribe("/a").await;
    client
}

fn stamps_of(messages: &[Value]) -> Vec<bool> {
    messages.iter().map(|it| it["timestamp"] == "now").collect()
}

#[tokio::test(start_paused = true)]
async fn everything_that_leaves_is_stamped() {
    // 4.1: replies, publications, whose own stamp is replaced, and deliveries
    let app = app(Timestamp::default()).await;
    let client = app.client().up().await;
    client.subscribe("/a").await;
    let mut publication = client.publish_message("/a", 1);
    publication["timestamp"] = json!("then");
    let messages = client.send(json!([publication])).await.messages();
    assert_eq!(stamps_of(&messages), [true, true]);
    let session = app.session(&client).unwrap();
    session.deliver(None, "/b", 1).await.unwrap();
    let messages = client.connect().await.messages();
    assert_eq!(stamps_of(&messages), [true, true]);
    let held = client.hold().await;
    session.disconnect().await;
    let messages = held.answer().await.messages();
    assert_eq!(stamps_of(&messages), [true, true]);
}

#[tokio::test(start_paused = true)]
async fn on_request_only_who_stamps_is_stamped() {
    let app = app(Timestamp::on_request()).await;
    let (stamping, plain) = (up(&app, true).await, up(&app, false).await);
    app.server().publish(None, "/a", 1).await.unwrap();
    let messages = stamping.connect().await.messages();
    assert_eq!(stamps_of(&messages), [true, true]);
    let messages = plain.connect().await.messages();
    assert_eq!(stamps_of(&messages), [false, false]);
    for (client, stamped) in [(stamping, true), (plain, false)] {
        let held = client.hold().await;
        app.session(&client).unwrap().disconnect().await;
        let messages = held.answer().await.messages();
        assert_eq!(stamps_of(&messages), [stamped, stamped]);
    }
}

#[tokio::test(start_paused = true)]
async fn the_format_is_that_of_clients() {
    // 4.1
    let timestamp = Timestamp::default();
    let app = setup().with(|it| it.extension(timestamp)).start().await;
    let reply = app.client().handshake().await.only();
    let stamp = reply["timestamp"].as_str().unwrap();
    let parts: Vec<_> = stamp.split([' ', ',']).collect();
    let [_, "", _, _, _, _, "GMT"] = parts[..] else {
        panic!("{stamp}");
    };
}
