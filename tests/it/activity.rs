//! Sessions that are alive and idle: section 5 of the specification of extensions.

use cometd::extensions::{Activity, ActivityKind};
use cometd_tests::{App, advance, delivery, failed, ms, ok, setup};

async fn app(kind: ActivityKind) -> App {
    let activity = Activity::new(kind, ms(5000));
    setup().with(|it| it.extension(activity)).start().await
}

#[tokio::test(start_paused = true)]
async fn a_client_that_only_connects_is_told_to_stop() {
    // 5.2, 5.3
    let app = app(ActivityKind::Client).await;
    let client = app.client().up().await;
    for _ in 0..3 {
        client.connect().await.expect([ok("/meta/connect")]);
    }
    let farewell = ok("/meta/disconnect");
    let refused = failed("/meta/connect", "402::session_unknown").with(
        "advice",
        serde_json::json!({"reconnect": "none", "interval": 0}),
    );
    client.connect().await.at_once().expect([farewell, refused]);
    assert!(app.session(&client).is_none());
}

#[tokio::test(start_paused = true)]
async fn any_other_message_of_the_client_counts_as_activity() {
    // 5.2
    let app = app(ActivityKind::Client).await;
    let client = app.client().up().await;
    for _ in 0..5 {
        client.connect().await.expect([ok("/meta/connect")]);
        client.connect().await.expect([ok("/meta/connect")]);
        client.unsubscribe("/a").await;
    }
    assert!(app.session(&client).is_some());
}

/// How many deliveries a client that only connects gets, one every two seconds and at most five.
async fn deliveries(kind: ActivityKind) -> usize {
    let app = app(kind).await;
    let client = app.client().up().await;
    for n in 0..5 {
        advance(ms(2000)).await;
        let Some(session) = app.session(&client) else {
            return n;
        };
        session.deliver(None, "/a", 1).await.unwrap();
        let answer = client.connect().await;
        if answer.messages().len() == 2 && app.session(&client).is_some() {
            answer.expect([delivery("/a", 1), ok("/meta/connect")]);
        }
    }
    5
}

#[tokio::test(start_paused = true)]
async fn what_is_delivered_counts_if_the_server_counts() {
    // 5.1, 5.2
    assert_eq!(deliveries(ActivityKind::Client).await, 3);
    assert_eq!(deliveries(ActivityKind::ClientServer).await, 5);
}

#[tokio::test(start_paused = true)]
async fn single_sessions_can_be_watched() {
    // 5.1
    let app = setup().start().await;
    let (watched, other) = (app.client().up().await, app.client().up().await);
    let activity = Activity::new(ActivityKind::Client, ms(5000));
    app.session(&watched)
        .unwrap()
        .add_extension(activity)
        .keep();
    for _ in 0..6 {
        let (_, _) = tokio::join!(watched.connect(), other.connect());
    }
    assert!(app.session(&watched).is_none());
    assert!(app.session(&other).is_some());
}
