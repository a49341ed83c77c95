//! Callback polling: section 15.

use cometd_tests::{Answer, App, Client, delivery, ok, setup};
use serde_json::{Value, json};

use crate::http::request;

async fn get(client: &Client, pairs: &[(&str, &str)]) -> Answer {
    let query = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(pairs)
        .finish();
    request(client, "GET", &format!("/cometd?{query}"), "", "").await
}

async fn subscribed(app: &App) -> Client {
    let client = app.callback_client().up().await;
    client.subscribe("/a").await;
    client
}

#[tokio::test(start_paused = true)]
async fn a_response_calls_the_function_of_the_request() {
    // CB-1, CB-4, CB-9: T-CB-1
    let app = setup().start().await;
    let client = app.callback_client();
    let answer = client.handshake().await;
    assert!(
        answer.text.starts_with("cb([{") && answer.text.ends_with("}])"),
        "{}",
        answer.text
    );
    assert_eq!(
        answer.headers["content-type"],
        "text/javascript;charset=UTF-8"
    );
    assert_eq!(answer.headers["x-content-type-options"], "nosniff");
    assert!(answer.set_cookie().is_some());
    client
        .connect()
        .await
        .at_once()
        .expect([ok("/meta/connect")]);
}

#[tokio::test(start_paused = true)]
async fn the_function_is_named_once_and_by_a_plain_name() {
    // CB-2, FAYE-4, LP-1: T-CB-2, T-FAYE-4
    let app = setup().start().await;
    let client = app.callback_client();
    let message = client.handshake_message().to_string();
    let longest = "x".repeat(64);
    for name in ["a.b-c_d9", &longest, "__jsonp12__"] {
        let answer = get(&client, &[("jsonp", name), ("message", &message)]).await;
        assert_eq!(answer.only()["successful"], true, "{name}");
    }
    let too_long = "x".repeat(65);
    for name in [&*too_long, "cb(1)", "", "a b", "\u{e9}"] {
        get(&client, &[("jsonp", name), ("message", &message)])
            .await
            .refused(400);
    }
    let twice = [("jsonp", "a"), ("jsonp", "b"), ("message", &*message)];
    get(&client, &twice).await.refused(400);
    get(&client, &[("message", &message)]).await.refused(400);
}

#[tokio::test(start_paused = true)]
async fn a_request_carries_messages() {
    // CB-3: T-CB-3
    let app = setup().start().await;
    let client = app.callback_client();
    get(&client, &[("jsonp", "cb")]).await.refused(400);
    for message in ["", "[{", "[]", "null"] {
        get(&client, &[("jsonp", "cb"), ("message", message)])
            .await
            .refused(400);
    }
}

#[tokio::test(start_paused = true)]
async fn several_message_parameters_are_one_envelope() {
    // CB-3: T-CB-4
    let app = setup().start().await;
    let client = app.callback_client().up().await;
    let one = client.publish_message("/one", 1).to_string();
    let rest = json!([
        client.publish_message("/two", 2),
        client.publish_message("/three", 3)
    ]);
    let rest = rest.to_string();
    let answer = get(
        &client,
        &[("jsonp", "cb"), ("message", &one), ("message", &rest)],
    )
    .await;
    answer.expect([ok("/one"), ok("/two"), ok("/three")]);
}

#[tokio::test(start_paused = true)]
async fn messages_travel_with_connects_only() {
    // CB-5, CFG-15: T-CB-5, T-CB-10
    for only in [true, false] {
        let option = "long-polling.jsonp.metaConnectDeliverOnly";
        let app = setup().option(option, only).start().await;
        let client = subscribed(&app).await;
        client.publish("/a", 1).await.expect([ok("/a")]);
        let expected = [delivery("/a", 1), ok("/meta/connect")];
        client.connect().await.at_once().expect(expected);
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_session_publishes_to_itself_resumes_its_connect() {
    // CB-5: T-CB-6
    let app = setup().start().await;
    let client = subscribed(&app).await;
    let held = client.hold().await;
    client.publish("/a", 1).await.expect([ok("/a")]);
    held.answer()
        .await
        .at_once()
        .expect([delivery("/a", 1), ok("/meta/connect")]);
}

#[tokio::test(start_paused = true)]
async fn a_second_connect_replaces_a_held_one() {
    // CB-6, CN-18: T-CB-7
    let app = setup().start().await;
    let client = app.callback_client().up().await;
    let first = client.hold().await;
    client
        .connect0()
        .await
        .expect([ok("/meta/connect").advice(0, 2000)]);
    first.answer().await.at_once().refused(500);
}

#[tokio::test(start_paused = true)]
async fn the_parameter_of_the_function_is_an_option() {
    // CFG-33: T-CB-8
    let app = setup()
        .option("long-polling.jsonp.callbackParameter", "cbk")
        .start()
        .await;
    let client = app.callback_client();
    let message = client.handshake_message().to_string();
    let answer = get(&client, &[("cbk", "f"), ("message", &message)]).await;
    assert_eq!(answer.only()["successful"], true);
    get(&client, &[("jsonp", "f"), ("message", &message)])
        .await
        .refused(400);
}

#[tokio::test(start_paused = true)]
async fn the_two_ways_to_poll_share_their_sessions() {
    // LP-26: T-CB-9
    let app = setup().start().await;
    let client = app.client().up().await;
    let message = client.publish_message("/a", 1).to_string();
    let answer = get(&client, &[("jsonp", "f"), ("message", &message)]).await;
    answer.expect([ok("/a")]);
}

#[tokio::test(start_paused = true)]
async fn line_ends_of_old_scripts_are_escaped() {
    // CB-9
    let app = setup().start().await;
    let client = subscribed(&app).await;
    client.publish("/a", "\u{2028}\u{2029}").await;
    let answer = client.connect().await;
    assert!(answer.text.is_ascii(), "{}", answer.text);
    answer.expect([delivery("/a", "\u{2028}\u{2029}"), ok("/meta/connect")]);
}

#[tokio::test(start_paused = true)]
async fn old_clients_do_everything_by_callbacks() {
    // OLD-4, OLD-5, OLD-7: T-OLD-4
    let app = setup().start().await;
    let client = app.callback_client();
    let fields = json!({"id": "0", "ext": {"json-comment-filtered": true}});
    let answer = client
        .send(json!([client.message("/meta/handshake", fields)]))
        .await;
    assert!(answer.text.starts_with("cb([{"), "{}", answer.text);
    assert_eq!(answer.only()["id"], "0");
    client.set_client_id(answer.client_id());
    for (id, advice) in [("1", Value::Null), ("2", json!({"timeout": 0}))] {
        let mut connect = client.connect_message(advice);
        connect["id"] = id.into();
        assert_eq!(client.send(json!([connect])).await.only()["id"], id);
    }
}
