//! Synchronised clocks: section 3 of the specification of extensions.

use std::time::{Duration, SystemTime};

use cometd::extensions::TimeSync;
use cometd_tests::{App, Client, ms, setup};
use serde_json::{Value, json};

/// A server for which a client is right within an hour.
async fn app() -> App {
    let timesync = TimeSync::default().accuracy_target(ms(3_600_000));
    setup().with(|it| it.extension(timesync)).start().await
}

fn clock() -> i64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    i64::try_from(now.unwrap().as_millis()).unwrap()
}

/// What the server says to a message with this sample.
async fn ask(client: &Client, mut message: Value, sample: Value) -> Value {
    message["ext"] = json!({"timesync": sample, "other": 1});
    client.send(json!([message])).await.only()["ext"].clone()
}

#[tokio::test(start_paused = true)]
async fn every_meta_message_with_a_sample_is_answered_with_the_time_of_the_server() {
    // 3.1 to 3.3
    let app = app().await;
    let client = app.client();
    let sample = json!({"tc": 1000, "l": 0, "o": 0});
    let before = clock();
    for message in [
        client.handshake_message(),
        client.connect_message(Value::Null),
        client.subscribe_message("/a"),
        client.unsubscribe_message("/a"),
    ] {
        let answer = ask(&client, message, sample.clone()).await["timesync"].clone();
        let ts = answer["ts"].as_i64().unwrap();
        assert!((before..=clock()).contains(&ts), "{answer}");
        assert_eq!(
            answer,
            json!({"tc": 1000, "ts": ts, "p": 0, "a": 1000 - ts})
        );
    }
    let publication = client.publish_message("/a", 1);
    assert_eq!(ask(&client, publication, sample).await, Value::Null);
}

#[tokio::test(start_paused = true)]
async fn how_long_a_connect_was_held_does_not_count() {
    // 3.3: `p`
    let app = app().await;
    let client = app.client().up().await;
    let connect = client.connect_message(Value::Null);
    let answer = ask(&client, connect, json!({"tc": 1})).await;
    let answer = &answer["timesync"];
    assert_eq!(answer["p"], 2000);
    assert_eq!(answer["a"], Value::Null, "there is no lag to reckon with");
}

#[tokio::test(start_paused = true)]
async fn a_client_that_is_right_is_not_answered_and_its_lag_is_known() {
    // 3.2, 3.3
    let app = app().await;
    let client = app.client().up().await;
    let subscribe = || client.subscribe_message("/a");
    let right = json!({"tc": clock() + 5_000_000, "l": 20, "o": -5_000_000});
    assert_eq!(ask(&client, subscribe(), right).await, Value::Null);
    let session = app.session(&client).unwrap();
    assert_eq!(TimeSync::lag(&session), Some(ms(20)));
    assert_eq!(*session.attribute::<Duration>("lag").unwrap(), ms(20));
    let wrong = json!({"tc": clock(), "l": 30, "o": -5_000_000});
    assert!(ask(&client, subscribe(), wrong).await["timesync"].is_object());
    assert_eq!(TimeSync::lag(&session), Some(ms(30)));
}

#[tokio::test(start_paused = true)]
async fn what_is_no_sample_is_not_answered() {
    let app = app().await;
    let client = app.client().up().await;
    for sample in [json!(1), json!({"l": 1}), json!({"tc": "1"}), json!(null)] {
        let subscribe = client.subscribe_message("/a");
        assert_eq!(ask(&client, subscribe, sample).await, Value::Null);
    }
    let subscribe = client.subscribe_message("/a");
    let odd = json!({"tc": 1, "l": -1e300, "o": 1e300});
    assert!(ask(&client, subscribe, odd).await["timesync"].is_object());
    assert_eq!(TimeSync::lag(&app.session(&client).unwrap()), None);
}
