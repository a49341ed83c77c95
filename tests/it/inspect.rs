//! What an operator can see of a server: `services.md` 5.3, 5.4, 5.14.

use std::sync::Arc;

use cometd::{
    Deferred, Exchange, Grant, Message, Removal, ServerChannel, ServerListener, ServerSession,
};
use cometd_tests::{ok, setup};
use parking_lot::Mutex;

#[tokio::test(start_paused = true)]
async fn a_dump_shows_what_there_is_and_no_credential() {
    let app = setup().start().await;
    let configure = |channel: &mut cometd::ChannelConfig| {
        channel.authorizer(Grant::ALL).lazy(true).persistent(true);
    };
    app.server()
        .create_channel_if_absent("/a/**", configure)
        .unwrap();
    let client = app.client().up().await;
    client
        .subscribe("/a/b")
        .await
        .expect([ok("/meta/subscribe").with("subscription", "/a/b")]);
    let text = app.server().dump().to_string();
    for line in [
        "transports: websocket, long-polling, callback-polling",
        "  /a/**: 0 subscribers, 0 listeners, 1 authorizers, persistent, lazy",
        "  /a/b: 1 subscribers, 0 listeners, 0 authorizers",
        "  /meta/connect: 0 subscribers, 0 listeners, 0 authorizers, persistent",
        "sessions: 1",
    ] {
        assert!(
            text.lines().any(|it| it == line),
            "{line}\nis not in\n{text}"
        );
    }
    assert!(
        text.contains(": remote, Connected, 1 subscriptions, 0 queued"),
        "{text}"
    );
    assert!(
        !text.contains(client.client_id().unwrap().as_str()),
        "{text}"
    );
}

#[tokio::test(start_paused = true)]
async fn statistics_count_sessions_channels_and_messages() {
    let app = setup().start().await;
    let (a, b) = (app.client().up().await, app.client().up().await);
    b.subscribe("/a").await;
    let before = app.server().statistics();
    a.publish("/a", 1).await;
    a.publish("/b", 1).await;
    let after = app.server().statistics();
    assert_eq!((after.sessions, after.channels), (2, before.channels + 1));
    assert_eq!(after.published - before.published, 2);
    assert_eq!(after.delivered - before.delivered, 1);
}

/// Notes what it is told.
#[derive(Clone, Default)]
struct Journal(Arc<Mutex<Vec<String>>>);

impl Journal {
    fn note(&self, text: impl Into<String>) {
        self.0.lock().push(text.into());
    }
}

impl ServerListener for Journal {
    fn channel_added(&self, channel: &ServerChannel) {
        if channel.id().as_str().starts_with("/seen") {
            self.note(format!("added {channel}"));
        }
    }

    fn channel_removed(&self, channel: &cometd::ChannelPattern) {
        self.note(format!("removed {channel}"));
    }

    fn session_added<'a>(
        &'a self,
        session: &'a ServerSession,
        _: &'a mut Exchange,
    ) -> Deferred<'a, ()> {
        self.note(format!("session {}", session.is_handshook()));
        Deferred::Now(())
    }

    fn session_removed(&self, _: &ServerSession, removal: Removal) {
        self.note(format!("{removal:?}"));
    }

    fn subscribed(&self, _: &ServerSession, channel: &ServerChannel, _: Option<&Message>) {
        self.note(format!("subscribed {channel}"));
    }

    fn unsubscribed(&self, _: &ServerSession, channel: &ServerChannel, _: Option<&Message>) {
        self.note(format!("unsubscribed {channel}"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_listener_sees_sessions_channels_and_subscriptions_come_and_go() {
    // services.md 5.4, SES-13
    let journal = Journal::default();
    let listener = journal.clone();
    let app = setup().with(|it| it.listener(listener)).start().await;
    let client = app.client().up().await;
    client.subscribe("/seen/*").await;
    client.subscribe("/seen/*").await;
    client.unsubscribe("/seen/*").await;
    client.subscribe("/seen/b").await;
    client.disconnect().await;
    cometd_tests::advance(cometd_tests::ms(2000)).await;
    let expected = [
        "session true",
        "added /seen/*",
        "subscribed /seen/*",
        "unsubscribed /seen/*",
        "added /seen/b",
        "subscribed /seen/b",
        "Disconnected",
        "unsubscribed /seen/b",
        "removed /seen/*",
        "removed /seen/b",
    ];
    assert_eq!(*journal.0.lock(), expected);
}
