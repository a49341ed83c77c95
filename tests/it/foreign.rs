//! Old and foreign clients: section 21.

use cometd_tests::{Client, delivery, ms, ok, setup};
use serde_json::{Value, json};

use crate::http::request;

const FORM: &str = "application/x-www-form-urlencoded";

fn form(messages: &[Value]) -> String {
    let pairs = messages.iter().map(|it| ("message", it.to_string()));
    form_urlencoded::Serializer::new(String::new())
        .extend_pairs(pairs)
        .finish()
}

async fn post(client: &Client, messages: &[Value]) -> cometd_tests::Answer {
    request(client, "POST", "/", FORM, form(messages)).await
}

#[tokio::test(start_paused = true)]
async fn a_form_is_an_envelope() {
    // OLD-1, OLD-3, OLD-5: T-OLD-1, T-OLD-2
    let app = setup().start().await;
    let client = app.client();
    let body = "message=%5B%7B%22version%22%3A%221.0%22%2C%22minimumVersion%22%3A%220.9%22%2C\
         %22channel%22%3A%22%2Fmeta%2Fhandshake%22%2C%22id%22%3A%220%22%2C\
         %22ext%22%3A%7B%22json-comment-filtered%22%3Atrue%7D%7D%5D";
    let answer = request(&client, "POST", "/", FORM, body).await;
    assert!(answer.text.starts_with("[{"), "{}", answer.text);
    let reply = answer.only();
    assert_eq!(
        (&reply["id"], &reply["version"]),
        (&json!("0"), &json!("1.0"))
    );
    client.set_client_id(answer.client_id());
    let (one, two) = (
        client.publish_message("/a", 1),
        json!([client.publish_message("/b", 2)]),
    );
    post(&client, &[one, two])
        .await
        .expect([ok("/a"), ok("/b")]);
}

#[tokio::test(start_paused = true)]
async fn a_dojo_client_gets_along() {
    // OLD-1 to OLD-8: T-OLD-3
    let app = setup().start().await;
    let (dojo, other) = (app.client(), app.client().up().await);
    let handshake = dojo.message(
        "/meta/handshake",
        json!({"version": "1.0", "minimumVersion": "0.9"}),
    );
    let answer = post(&dojo, &[json!([handshake])]).await;
    dojo.set_client_id(answer.client_id());
    let connect = || {
        let fields = json!({"connectionType": "long-polling-form-encoded"});
        json!([dojo.message("/meta/connect", fields)])
    };
    post(&dojo, &[connect()])
        .await
        .at_once()
        .expect([ok("/meta/connect")]);
    let batch = json!([dojo.subscribe_message("/a"), dojo.publish_message("/a", 1)]);
    let subscribed = ok("/meta/subscribe").with("subscription", "/a");
    post(&dojo, &[batch])
        .await
        .expect([delivery("/a", 1), subscribed, ok("/a")]);
    post(&dojo, &[connect()])
        .await
        .after(ms(2000))
        .expect([ok("/meta/connect")]);
    other.publish("/a", 2).await;
    post(&dojo, &[connect()])
        .await
        .at_once()
        .expect([delivery("/a", 2), ok("/meta/connect")]);
    post(&dojo, &[json!([dojo.disconnect_message()])])
        .await
        .expect([ok("/meta/disconnect")]);
}

#[tokio::test(start_paused = true)]
async fn a_faye_client_moves_from_http_to_a_websocket() {
    // FAYE-1, FAYE-2, WS-7: T-FAYE-1, T-WS-17
    let app = setup().start().await;
    let client = app.client();
    client.handshake().await;
    let mut socket = app.socket().await;
    socket.set_client_id(client.client_id());
    let connect = socket.connect_message(Value::Null);
    cometd_tests::check(
        &socket.ask(connect).await,
        [ok("/meta/connect").advice(0, 2000)],
    );
    socket.subscribe("/a").await;
    socket.publish("/a", 1).await;
    socket.expect([delivery("/a", 1), ok("/a")]).await;
}

#[tokio::test(start_paused = true)]
async fn a_form_without_its_type_is_recognised() {
    // FAYE-3: T-FAYE-2
    let app = setup().start().await;
    let client = app.client();
    let body = form(&[json!([client.handshake_message()])]);
    let answer = request(&client, "POST", "/", "text/plain;charset=UTF-8", body).await;
    assert_eq!(answer.only()["successful"], true);
}

#[tokio::test(start_paused = true)]
async fn an_empty_array_keeps_a_websocket_alive() {
    // FAYE-5: T-FAYE-3
    let app = setup().start().await;
    let mut socket = app.socket().await.up().await;
    socket.send_text("[]").await;
    socket.expect_nothing(ms(100)).await;
    socket.publish("/a", 1).await;
    socket.expect([ok("/a")]).await;
}
