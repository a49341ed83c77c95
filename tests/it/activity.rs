//! Sessions that are alive and idle: section 5 of the specification of extensions.

use cometd::extensions::{Acknowledge, Activity, ActivityKind};
use cometd::{Deferred, Extension, Flow, Message, SendError, ServerSession};
use cometd_tests::{Answer, App, advance, delivery, failed, ms, ok, setup};

use crate::acknowledge;

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
    ends(&client.connect().await);
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

/// The end of a session: its client is told so, and told to stop.
#[track_caller]
fn ends(answer: &Answer) {
    let farewell = ok("/meta/disconnect");
    let refused = failed("/meta/connect", "402::session_unknown").with(
        "advice",
        serde_json::json!({"reconnect": "none", "interval": 0}),
    );
    answer.at_once().expect([farewell, refused]);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_gets_messages_with_connects_only_is_told_to_stop_too() {
    // 5.3, BAT-6
    let activity = Activity::new(ActivityKind::Client, ms(3000));
    let setup = || setup().with(|it| it.extension(activity));
    let callback = setup().start().await;
    let only = setup().option("metaConnectDeliverOnly", true).start().await;
    for client in [callback.callback_client(), only.client()] {
        let client = client.up().await;
        client.connect().await.expect([ok("/meta/connect")]);
        client.connect().await.expect([ok("/meta/connect")]);
        ends(&client.connect().await);
    }
    let app = setup()
        .with(|it| it.extension(Acknowledge::default()))
        .start()
        .await;
    let client = app.client();
    let answer = client.send(acknowledge::handshake(&client)).await;
    client.set_client_id(answer.client_id());
    for batch in 0..3 {
        client.send(acknowledge::connect(&client, batch)).await;
    }
    ends(&client.send(acknowledge::connect(&client, 3)).await);
}

#[tokio::test(start_paused = true)]
async fn who_is_watched_twice_is_watched_in_both_ways() {
    // 5.1, 5.2
    let app = app(ActivityKind::Client).await;
    let client = app.client().up().await;
    let session = app.session(&client).unwrap();
    let activity = Activity::new(ActivityKind::ClientServer, ms(3000));
    session.add_extension(activity).keep();
    for _ in 0..2 {
        advance(ms(2000)).await;
        session.deliver(None, "/a", 1).await.unwrap();
        let expected = [delivery("/a", 1), ok("/meta/connect")];
        client.connect().await.at_once().expect(expected);
    }
    advance(ms(2000)).await;
    session.deliver(None, "/a", 1).await.unwrap();
    assert_eq!(client.connect().await.messages().len(), 3);
    assert!(!session.is_handshook());
}

#[tokio::test(start_paused = true)]
async fn a_connect_that_is_refused_is_no_activity() {
    // 5.2
    let app = app(ActivityKind::ClientServer).await;
    let client = app.client().up().await;
    let channel = app.server().channel("/meta/connect").unwrap();
    channel
        .add_listener(|_: Option<&ServerSession>, _: &mut Message| Flow::Stop)
        .keep();
    for _ in 0..3 {
        advance(ms(2000)).await;
        client.connect().await.at_once();
    }
    assert!(app.session(&client).is_none());
}

/// Ends sessions that receive anything.
struct Touchy;

impl Extension for Touchy {
    fn outgoing<'a>(
        &'a self,
        receiver: Option<&'a ServerSession>,
        _: &'a mut Message,
    ) -> Deferred<'a, Flow> {
        Deferred::later(async move {
            if let Some(session) = receiver {
                session.disconnect().await;
            }
            Flow::Stop
        })
    }
}

#[tokio::test(start_paused = true)]
async fn an_extension_may_end_a_session_because_of_what_it_receives() {
    let app = setup().with(|it| it.extension(Touchy)).start().await;
    let client = app.client().up().await;
    let session = app.session(&client).unwrap();
    let held = client.hold().await;
    let delivered = session.deliver(None, "/a", 1).await;
    assert!(matches!(delivered, Err(SendError::Vetoed)));
    assert!(!session.is_handshook());
    let reply = ok("/meta/connect").reconnect("none");
    held.answer().await.at_once().expect([reply]);
}
