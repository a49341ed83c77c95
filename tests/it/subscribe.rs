//! `/meta/subscribe` and `/meta/unsubscribe`: section 9.

use cometd_tests::{Answer, Client, delivery, failed, ok, setup};
use serde_json::{Value, json};

const DENIED: &str = "403:denied_by_security_policy:subscribe_denied";
const CREATE_DENIED: &str = "403:denied_by_security_policy:create_denied";
const INVALID: &str = "403::subscription_invalid";
const MISSING: &str = "403::subscription_missing";

#[track_caller]
fn subscribed(answer: &Answer, subscription: impl Into<Value>) {
    answer.expect([ok("/meta/subscribe").with("subscription", subscription)]);
}

#[track_caller]
fn refused(answer: &Answer, error: &str, subscription: impl Into<Value>) {
    answer.expect([failed("/meta/subscribe", error).with("subscription", subscription)]);
}

/// What a client receives when another one publishes to these channels.
async fn received(client: &Client, other: &Client, channels: &[&str]) -> Vec<String> {
    for channel in channels {
        other.publish(channel, 1).await;
    }
    let messages = client.connect0().await.messages().into_iter();
    let deliveries = messages.filter(|it| it.get("successful").is_none());
    deliveries
        .filter_map(|it| it["channel"].as_str().map(str::to_owned))
        .collect()
}

#[tokio::test(start_paused = true)]
async fn a_subscription_is_echoed_as_it_was_sent() {
    // SUB-1, OLD-7: T-SUB-1
    let app = setup().start().await;
    let client = app.client().up().await;
    subscribed(&client.subscribe("/a").await, "/a");
    let several = json!(["/b", "/c"]);
    subscribed(&client.subscribe(several.clone()).await, several);
}

#[tokio::test(start_paused = true)]
async fn a_subscription_names_channels() {
    // SUB-2, SUB-3, SUB-8: T-SUB-2, T-SUB-3, T-SUB-10, T-SUB-11
    let app = setup().start().await;
    let client = app.client().up().await;
    let missing = client
        .send(json!([client.message("/meta/subscribe", json!({}))]))
        .await;
    missing.expect([failed("/meta/subscribe", MISSING)]);
    let null = client.subscribe(Value::Null).await.only();
    assert_eq!(null["error"], MISSING);
    let invalid = [
        json!(5),
        json!({}),
        json!([5]),
        json!([null, "/x"]),
        json!("foo"),
        json!(""),
        json!("/"),
        json!("/b<"),
        json!("/a/*/b"),
        json!("/**/b"),
        json!("/a//b"),
        json!("//"),
        json!("/a/{x}/*"),
        json!([]),
        json!(true),
        json!(["/ok", ["/a"]]),
    ];
    for subscription in invalid {
        let answer = client.subscribe(subscription.clone()).await;
        refused(&answer, INVALID, subscription);
    }
    assert!(app.session(&client).unwrap().subscriptions().is_empty());
}

#[tokio::test(start_paused = true)]
async fn subscribing_stops_at_the_first_refusal() {
    // SUB-4: T-SUB-4
    let app = setup().start().await;
    let (a, b) = (app.client().up().await, app.client().up().await);
    let several = json!(["/p1", "/nosub/x", "/p2"]);
    refused(&a.subscribe(several.clone()).await, DENIED, several);
    assert_eq!(received(&a, &b, &["/p1", "/p2"]).await, ["/p1"]);
}

#[tokio::test(start_paused = true)]
async fn the_policy_is_asked_for_creation_and_subscription() {
    // SUB-5, SUB-6: T-SUB-5, T-SUB-6
    let app = setup().start().await;
    let client = app.client().up().await;
    for (channel, error) in [
        ("/nocreate/x", CREATE_DENIED),
        ("/meta/connect", DENIED),
        ("/meta/*", CREATE_DENIED),
        ("/meta/**", CREATE_DENIED),
        ("/meta/foo", CREATE_DENIED),
    ] {
        refused(&client.subscribe(channel).await, error, channel);
    }
    subscribed(&client.subscribe("/meta").await, "/meta");
    subscribed(&client.subscribe("/**").await, "/**");
}

#[tokio::test(start_paused = true)]
async fn subscribing_to_a_service_channel_means_nothing() {
    // SUB-7: T-SUB-7
    let app = setup().start().await;
    let client = app.client().up().await;
    for channel in ["/service/foo", "/service/*", "/service/**"] {
        subscribed(&client.subscribe(channel).await, channel);
        let subscribers = app.server().channel(channel).map(|it| it.subscribers());
        assert!(subscribers.is_none_or(|it| it.is_empty()));
    }
    client
        .publish("/service/foo", 1)
        .await
        .expect([ok("/service/foo")]);
    client
        .connect0()
        .await
        .expect([ok("/meta/connect").advice(0, 2000)]);
}

#[tokio::test(start_paused = true)]
async fn one_unsubscription_ends_two_subscriptions() {
    // SUB-9, OLD-9: T-SUB-8
    let app = setup().start().await;
    let (a, b) = (app.client().up().await, app.client().up().await);
    subscribed(&a.subscribe("/a").await, "/a");
    subscribed(&a.subscribe("/a").await, "/a");
    assert_eq!(received(&a, &b, &["/a"]).await, ["/a"]);
    a.unsubscribe("/a")
        .await
        .expect([ok("/meta/unsubscribe").with("subscription", "/a")]);
    assert!(received(&a, &b, &["/a"]).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_slash_at_the_end_does_not_count() {
    // CH-6: T-SUB-9
    let app = setup().start().await;
    let (a, b) = (app.client().up().await, app.client().up().await);
    subscribed(&a.subscribe("/a/").await, "/a/");
    assert_eq!(received(&a, &b, &["/a"]).await, ["/a"]);
}

#[tokio::test(start_paused = true)]
async fn a_subscription_counts_from_its_place_in_the_envelope_on() {
    // SUB-10, BAT-2: T-SUB-12, T-SUB-13
    let app = setup().start().await;
    let client = app.client().up().await;
    let publish = |n: u8| client.publish_message("/o", n);
    let answer = client
        .send(json!([
            publish(1),
            client.subscribe_message("/o"),
            publish(2)
        ]))
        .await;
    let subscribed = ok("/meta/subscribe").with("subscription", "/o");
    answer.expect([delivery("/o", 2), ok("/o"), subscribed.clone(), ok("/o")]);

    client.unsubscribe("/o").await;
    let envelope = json!([
        client.subscribe_message("/o"),
        publish(3),
        client.unsubscribe_message("/o"),
        publish(4),
    ]);
    let unsubscribed = ok("/meta/unsubscribe").with("subscription", "/o");
    let expected = [
        delivery("/o", 3),
        subscribed,
        ok("/o"),
        unsubscribed,
        ok("/o"),
    ];
    client.send(envelope).await.expect(expected);
}

#[tokio::test(start_paused = true)]
async fn a_subscriber_of_everything_sees_neither_meta_nor_service_messages() {
    // CH-10: T-SUB-14
    let app = setup().start().await;
    let (a, b) = (app.client().up().await, app.client().up().await);
    subscribed(&a.subscribe("/**").await, "/**");
    b.subscribe("/service/x").await;
    assert_eq!(received(&a, &b, &["/service/x", "/q"]).await, ["/q"]);
}

#[tokio::test(start_paused = true)]
async fn only_what_exists_can_be_unsubscribed_from() {
    // UNS-1 to UNS-4: T-UNS-1, T-UNS-2, T-UNS-3, T-UNS-5
    let app = setup().start().await;
    let client = app.client().up().await;
    client.publish("/there", 1).await;
    for (channel, error) in [
        ("/nowhere", "400::channel_missing"),
        ("/service/nowhere", "400::channel_missing"),
        ("/meta/connect", "403::unsubscribe_failed"),
        ("/b<", INVALID),
    ] {
        let failed = failed("/meta/unsubscribe", error).with("subscription", channel);
        client.unsubscribe(channel).await.expect([failed]);
    }
    for channel in ["/there", "/service/echo"] {
        let ok = ok("/meta/unsubscribe").with("subscription", channel);
        client.unsubscribe(channel).await.expect([ok]);
    }
    let missing = client
        .send(json!([client.message("/meta/unsubscribe", json!({}))]))
        .await;
    missing.expect([failed("/meta/unsubscribe", MISSING)]);
}

#[tokio::test(start_paused = true)]
async fn unsubscribing_stops_at_the_first_failure() {
    // UNS-1: T-UNS-4
    let app = setup().start().await;
    let (a, b) = (app.client().up().await, app.client().up().await);
    a.subscribe(json!(["/u1", "/u2"])).await;
    let several = json!(["/u1", "/none", "/u2"]);
    let missing = failed("/meta/unsubscribe", "400::channel_missing");
    a.unsubscribe(several.clone())
        .await
        .expect([missing.with("subscription", several)]);
    assert_eq!(received(&a, &b, &["/u1", "/u2"]).await, ["/u2"]);
}

#[tokio::test(start_paused = true)]
async fn the_end_of_one_subscription_leaves_others_that_match() {
    // UNS-6: T-UNS-6
    let app = setup().start().await;
    let (a, b) = (app.client().up().await, app.client().up().await);
    a.subscribe(json!(["/a/*", "/a/b"])).await;
    a.unsubscribe("/a/*").await;
    assert_eq!(received(&a, &b, &["/a/b"]).await, ["/a/b"]);
}
