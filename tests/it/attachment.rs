//! What was attached to a running server is taken off again.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use cometd::{Flow, Grant, Message, ServerChannel, ServerSession, Vote};
use cometd_tests::{App, advance, failed, ms, ok, setup};
use serde_json::json;

/// The channel `/own`, newly made.
fn own_channel(app: &App) -> ServerChannel {
    let made = app.server().create_channel_if_absent("/own", |_| ());
    made.unwrap().0
}

#[tokio::test(start_paused = true)]
async fn a_listener_that_is_taken_off_sees_nothing_more() {
    let app = setup().start().await;
    let channel = own_channel(&app);
    let heard = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&heard);
    let listener = channel.add_listener(move |_: Option<&ServerSession>, _: &mut Message| {
        count.fetch_add(1, Ordering::Relaxed);
        Flow::Continue
    });
    let client = app.client().up().await;
    client.publish("/own", 1).await.expect([ok("/own")]);
    client.publish("/own", 2).await.expect([ok("/own")]);
    drop(listener);
    assert_eq!(Arc::strong_count(&heard), 1, "it is let go of at once");
    client.publish("/own", 3).await.expect([ok("/own")]);
    assert_eq!(heard.load(Ordering::Relaxed), 2);
}

#[tokio::test(start_paused = true)]
async fn a_channel_that_is_removed_lets_its_listeners_go() {
    let app = setup().start().await;
    let channel = own_channel(&app);
    let held = Arc::new(());
    let hold = Arc::clone(&held);
    let listener = channel.add_listener(move |_: Option<&ServerSession>, _: &mut Message| {
        let _ = &hold;
        Flow::Continue
    });
    listener.keep();
    let client = app.client().up().await;
    client.publish("/own", 1).await.expect([ok("/own")]);
    client.publish("/own", 2).await.expect([ok("/own")]);
    channel.remove();
    drop(channel);
    assert_eq!(Arc::strong_count(&held), 1);
}

#[tokio::test(start_paused = true)]
async fn a_channel_that_is_swept_lets_its_weak_listeners_go() {
    let held = Arc::new(());
    let hold = Arc::clone(&held);
    let app = setup().start().await;
    let made = app.server().create_channel_if_absent("/own", |channel| {
        channel.weak_listener(move |_: Option<&ServerSession>, _: &mut Message| {
            let _ = &hold;
            Flow::Continue
        });
    });
    drop(made.unwrap());
    let client = app.client().up().await;
    client.publish("/own", 1).await.expect([ok("/own")]);
    assert_eq!(Arc::strong_count(&held), 2);
    advance(ms(1000)).await;
    assert!(!app.has_channel("/own"));
    assert_eq!(Arc::strong_count(&held), 1);
}

#[tokio::test(start_paused = true)]
async fn a_removed_channel_takes_no_listeners() {
    let app = setup().start().await;
    let channel = own_channel(&app);
    channel.remove();
    let held = Arc::new(());
    let hold = Arc::clone(&held);
    let listener = channel.add_listener(move |_: Option<&ServerSession>, _: &mut Message| {
        let _ = &hold;
        Flow::Continue
    });
    listener.keep();
    assert_eq!(Arc::strong_count(&held), 1);
}

#[tokio::test(start_paused = true)]
async fn who_guards_a_channel_is_asked_although_it_is_removed_meanwhile() {
    let app = setup().start().await;
    let (wildcard, _) = app
        .server()
        .create_channel_if_absent("/a/*", |_| ())
        .unwrap();
    let client = app.client().up().await;
    let make = || app.server().create_channel_if_absent("/a/b", |_| ());

    let (channel, _) = make().unwrap();
    client.publish("/a/b", 1).await.expect([ok("/a/b")]);
    channel
        .add_authorizer(|_: &cometd::Intent<'_>| Vote::Deny("closed".into()))
        .keep();
    let asked = wildcard.add_authorizer(move |_: &cometd::Intent<'_>| {
        channel.remove();
        Vote::Grant
    });
    let denied = failed("/a/b", "403:closed:publish_denied");
    client.publish("/a/b", 2).await.expect([denied]);
    drop(asked);

    let (channel, _) = make().unwrap();
    client.publish("/a/b", 3).await.expect([ok("/a/b")]);
    channel
        .add_listener(|_: Option<&ServerSession>, _: &mut Message| Flow::Stop)
        .keep();
    let first = wildcard.add_listener(move |_: Option<&ServerSession>, _: &mut Message| {
        channel.remove();
        Flow::Continue
    });
    let deleted = failed("/a/b", "404::message_deleted");
    client.publish("/a/b", 4).await.expect([deleted]);
    drop(first);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_is_dropped_lets_go_of_listeners_that_hold_who_publishes() {
    let server = cometd::BayeuxServer::builder().build().await.unwrap();
    let local = server.local_session("test").await.unwrap();
    let (channel, _) = server.create_channel_if_absent("/own", |_| ()).unwrap();
    let held = Arc::new(());
    let hold = (Arc::clone(&held), local.server_session().clone());
    let listener = channel.add_listener(move |_: Option<&ServerSession>, _: &mut Message| {
        let _ = &hold;
        Flow::Continue
    });
    listener.keep();
    local.publish("/own", 1).await.unwrap();
    drop((channel, local, server));
    assert_eq!(Arc::strong_count(&held), 1);
}

#[tokio::test(start_paused = true)]
async fn a_wildcard_that_is_made_later_hears_what_a_session_goes_on_to_publish() {
    // CH-9
    let app = setup().start().await;
    let client = app.client().up().await;
    for data in [1, 2] {
        client.publish("/a/b", data).await.expect([ok("/a/b")]);
    }
    let veto = |_: Option<&ServerSession>, _: &mut Message| Flow::Stop;
    let (wildcard, _) = app
        .server()
        .create_channel_if_absent("/a/*", |channel| {
            channel.listener(veto);
        })
        .unwrap();
    let deleted = failed("/a/b", "404::message_deleted");
    client.publish("/a/b", 3).await.expect([deleted]);
    wildcard.remove();
    client.publish("/a/b", 4).await.expect([ok("/a/b")]);
}

#[tokio::test(start_paused = true)]
async fn what_a_message_changes_holds_for_those_that_came_together_with_it() {
    let app = setup().start().await;
    let channel = own_channel(&app);
    let held = Arc::new(());
    let (own, hold) = (channel.clone(), Arc::clone(&held));
    let listener = channel.add_listener(move |_: Option<&ServerSession>, message: &mut Message| {
        let _ = &hold;
        if message.data().as_str() == "2" {
            own.add_authorizer(|_: &cometd::Intent<'_>| Vote::Deny("closed".into()))
                .keep();
        }
        Flow::Continue
    });
    let mut socket = app.socket().await.up().await;
    let messages = [1, 2, 3].map(|data| socket.publish_message("/own", data));
    let denied = || failed("/own", "403:closed:publish_denied");
    socket.send_together(&messages.map(|it| json!([it]))).await;
    socket.expect([ok("/own"), ok("/own"), denied()]).await;
    // What was set when the first one came is not held any more.
    drop(listener);
    assert_eq!(Arc::strong_count(&held), 1);
}

#[tokio::test(start_paused = true)]
async fn a_listener_that_is_hung_up_by_who_is_asked_sees_the_message() {
    let app = setup().start().await;
    let channel = own_channel(&app);
    let client = app.client().up().await;
    client.publish("/own", 1).await.expect([ok("/own")]);
    let own = channel.clone();
    let asked = channel.add_authorizer(move |_: &cometd::Intent<'_>| {
        own.add_listener(|_: Option<&ServerSession>, _: &mut Message| Flow::Stop)
            .keep();
        Vote::Grant
    });
    let deleted = failed("/own", "404::message_deleted");
    client.publish("/own", 2).await.expect([deleted]);
    drop(asked);
}

#[tokio::test(start_paused = true)]
async fn a_channel_is_swept_once_its_last_listener_is_taken_off() {
    // services.md 2.4.23
    let app = setup().start().await;
    let channel = own_channel(&app);
    let veto = |_: Option<&ServerSession>, _: &mut Message| Flow::Stop;
    let listener = channel.add_listener(veto);
    advance(ms(5000)).await;
    assert!(app.has_channel("/own"));
    drop(listener);
    advance(ms(1000)).await;
    assert!(!app.has_channel("/own"));
}

#[tokio::test(start_paused = true)]
async fn an_authorizer_can_be_taken_off_and_kept() {
    // extensions-security.md 10.7
    let app = setup().start().await;
    let channel = own_channel(&app);
    let client = app.client().up().await;
    let deny = channel.add_authorizer(|_: &cometd::Intent<'_>| Vote::Deny("closed".into()));
    client
        .publish("/own", 1)
        .await
        .expect([failed("/own", "403:closed:publish_denied")]);
    drop(deny);
    client.publish("/own", 1).await.expect([ok("/own")]);
    channel.add_authorizer(Grant::SUBSCRIBE).keep();
    client
        .publish("/own", 1)
        .await
        .expect([failed("/own", "403:denied_by_not_granting:publish_denied")]);
}

#[tokio::test(start_paused = true)]
async fn a_listener_may_own_what_is_attached_to_its_own_channel() {
    let app = setup().start().await;
    let channel = own_channel(&app);
    let inner = channel.add_listener(|_: Option<&ServerSession>, _: &mut Message| Flow::Continue);
    let outer = channel.add_listener(move |_: Option<&ServerSession>, _: &mut Message| {
        let _ = &inner;
        Flow::Continue
    });
    // Dropping it drops the other one, which must find the channel unlocked.
    drop(outer);
    let client = app.client().up().await;
    client.publish("/own", 1).await.expect([ok("/own")]);
}

#[tokio::test(start_paused = true)]
async fn a_mock_session_stays_on_a_server_with_a_clock() {
    let app = setup().start().await;
    let local = app.server().local_session("test").await.unwrap();
    let session = cometd::testing::MockSession::beside(&local).subscribed("/own");
    advance(ms(60_000)).await;
    app.server().publish(None, "/own", 1).await.unwrap();
    session.expect_delivered("/own").data(1);
}
