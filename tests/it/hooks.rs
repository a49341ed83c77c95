//! Hooks that misbehave, and what a server makes of them.

use std::sync::Arc;

use cometd::{
    Authorizer, BayeuxServer, ChannelConfig, ChannelPattern, Deferred, Grant, Intent, LocalError,
    Message, Removal, ServerChannel, ServerListener, ServerSession, Vote,
};
use cometd_tests::{advance, delivery, failed, ms, ok, settle, setup};
use parking_lot::Mutex;

/// Lets nobody in.
struct Closed;

impl Authorizer for Closed {
    fn authorize<'a>(&'a self, _: Intent<'a>) -> Deferred<'a, Vote> {
        Vote::Deny("closed".into()).into()
    }
}

/// Closes channels as they are made.
struct Closing;

impl ServerListener for Closing {
    fn configure_channel(&self, channel: &mut ChannelConfig) {
        if channel.id().as_str().starts_with("/private/") {
            channel.authorizer(Closed);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_first_subscription_and_publication_meet_the_authorizers_of_a_new_channel() {
    // PROC-5, PROC-6, SUB-5, AUTH-2
    let app = setup().with(|it| it.listener(Closing)).start().await;
    let (a, b) = (app.client().up().await, app.client().up().await);
    b.subscribe("/**").await;
    let refused = failed("/meta/subscribe", "403:closed:subscribe_denied");
    a.subscribe("/private/x")
        .await
        .expect([refused.with("subscription", "/private/x")]);
    a.publish("/private/y", 1)
        .await
        .expect([failed("/private/y", "403:closed:publish_denied")]);
    b.publish("/open", 1)
        .await
        .expect([delivery("/open", 1), ok("/open")]);
    assert!(app.session(&a).unwrap().subscriptions().is_empty());
}

/// Panics whenever it is told something.
#[derive(Clone, Default)]
struct Panicking(Arc<Mutex<Vec<Removal>>>);

impl ServerListener for Panicking {
    fn channel_added(&self, _: &ServerChannel) {
        panic!("on purpose");
    }

    fn channel_removed(&self, _: &ChannelPattern) {
        panic!("on purpose");
    }

    fn session_removed(&self, _: &ServerSession, removal: Removal) {
        self.0.lock().push(removal);
        panic!("on purpose");
    }

    fn unsubscribed(&self, _: &ServerSession, _: &ServerChannel, _: Option<&Message>) {
        panic!("on purpose");
    }
}

#[tokio::test(start_paused = true)]
async fn a_listener_that_panics_stops_neither_the_clock_nor_the_others() {
    let listener = Panicking::default();
    let removals = listener.clone();
    let app = setup().with(|it| it.listener(listener)).start().await;
    let (a, b) = (app.client().up().await, app.client().up().await);
    a.subscribe("/a")
        .await
        .expect([ok("/meta/subscribe").with("subscription", "/a")]);
    advance(ms(5000)).await;
    assert_eq!(*removals.0.lock(), [Removal::TimedOut, Removal::TimedOut]);
    assert!(app.session(&a).is_none() && app.session(&b).is_none());
    assert!(!app.has_channel("/a"), "the sweeper goes on");
    app.client()
        .up()
        .await
        .connect()
        .await
        .after(ms(2000))
        .expect([ok("/meta/connect")]);
}

/// Looks at everything when a channel is made.
#[derive(Clone, Default)]
struct Curious(Arc<Mutex<Option<BayeuxServer>>>);

impl ServerListener for Curious {
    fn channel_added(&self, _: &ServerChannel) {
        let server = self.0.lock().clone();
        if let Some(server) = server {
            assert!(server.dump().to_string().contains("sessions:"));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_listener_may_look_at_the_server() {
    let curious = Curious::default();
    let listener = curious.clone();
    let app = setup().with(|it| it.listener(listener)).start().await;
    *curious.0.lock() = Some(app.server().clone());
    let client = app.client().up().await;
    client
        .subscribe("/new")
        .await
        .expect([ok("/meta/subscribe").with("subscription", "/new")]);
    curious.0.lock().take();
}

#[tokio::test(start_paused = true)]
async fn an_old_handle_removes_its_own_channel_only() {
    // CH-11, CH-18: T-CH-10
    let app = setup().start().await;
    let client = app.client().up().await;
    client.publish("/a", 1).await;
    let old = app.channel("/a");
    advance(ms(1000)).await;
    assert!(!app.has_channel("/a"));
    client.subscribe("/a").await;
    old.remove();
    client
        .publish("/a", 2)
        .await
        .expect([delivery("/a", 2), ok("/a")]);
    app.channel("/a").remove();
    client.publish("/a", 3).await.expect([ok("/a")]);
    client.subscribe("/a").await;
    client
        .publish("/a", 4)
        .await
        .expect([delivery("/a", 4), ok("/a")]);
    app.channel("/meta/connect").remove();
    assert!(app.has_channel("/meta/connect"));
}

#[tokio::test(start_paused = true)]
async fn a_connect_that_is_held_after_the_stop_is_not_held_for_ever() {
    // SES-16
    let app = setup().start().await;
    let slow = |channel: &mut ChannelConfig| {
        channel.listener(cometd_tests::listener(async |_, _| advance(ms(100)).await));
    };
    app.channel("/meta/connect").configure(slow);
    let client = app.client();
    client.handshake().await;
    client.connect().await;
    let connect = client
        .start(serde_json::json!([
            client.connect_message(serde_json::json!({}))
        ]))
        .await;
    settle().await;
    app.server().shutdown(ms(1)).await;
    assert_eq!(connect.answer().await.status, 503);
}

#[tokio::test(start_paused = true)]
async fn a_local_session_does_not_publish_to_meta_channels() {
    // SES-14
    let app = setup().start().await;
    let local = app.server().local_session("local").await.unwrap();
    let refused = local.publish("/meta/connect", 1).await.unwrap_err();
    assert!(matches!(refused, LocalError::Refused(_)));
    advance(ms(60_000)).await;
    local.publish("/a", 1).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_grant_on_a_wildcard_covers_what_is_made_under_it() {
    // AUTH-2, AUTH-3
    let app = setup().start().await;
    app.server()
        .create_channel_if_absent("/open/*", |channel| {
            channel.authorizer(Grant::ALL);
        })
        .unwrap();
    let client = app.client().up().await;
    client.publish("/open/a", 1).await.expect([ok("/open/a")]);
}

#[tokio::test(start_paused = true)]
async fn for_ever_is_a_time_like_any_other() {
    let app = setup().start().await;
    let client = app.client().up().await;
    let session = app.session(&client).unwrap();
    let for_ever = Some(std::time::Duration::MAX);
    session.set_max_interval(for_ever);
    session.set_interval(for_ever);
    session.set_timeout(for_ever);
    client.connect0().await;
    advance(ms(3_600_000)).await;
    assert!(app.session(&client).is_some());
}
