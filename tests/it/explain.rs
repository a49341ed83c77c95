//! Why a session may or may not do something.

use cometd::{
    ChannelError, ChannelPattern, Grant, Intent, Operation, Principal, Rule, ServerSession, Vote,
};
use cometd_tests::{App, failed, ok, setup};
use serde_json::json;

async fn explain(app: &App, operation: Operation, channel: &str) -> (ServerSession, String) {
    let session = app.server().sessions().remove(0);
    let explanation = app.server().explain(operation, channel, &session).await;
    (session, explanation.unwrap().to_string())
}

#[tokio::test(start_paused = true)]
async fn an_explanation_names_the_rules_and_where_they_are() {
    // AUTH-2, AUTH-3
    let app = setup().start().await;
    let line = line!() + 4;
    app.server()
        .create_channel_if_absent("/game/*", |channel| {
            channel
                .authorizer(Grant::PUBLISH)
                .authorizer(|_: &Intent<'_>| Vote::Deny("full".into()));
        })
        .unwrap();
    let alice = app.client().up().await;
    let (session, text) = explain(&app, Operation::Subscribe, "/game/1").await;
    let file = file!();
    let next = line + 1;
    let closure = "it::explain::an_explanation_names_the_rules_and_where_they_are::{{closure}}::{{closure}}::{{closure}}";
    assert_eq!(
        text,
        format!(
            "subscribe to /game/1 by {session}: full\n  \
             create: the policy grants\n  \
             create: Grant(publish) of /game/* at {file}:{line}:18 ignores\n  \
             create: {closure} of /game/* at {file}:{next}:18 denies: full"
        )
    );
    let denied = failed("/meta/subscribe", "403:full:create_denied");
    alice
        .subscribe("/game/1")
        .await
        .expect([denied.with("subscription", "/game/1")]);
    assert!(!app.has_channel("/game/1"));
}

#[tokio::test(start_paused = true)]
async fn an_explanation_says_what_the_policy_and_the_default_decide() {
    // AUTH-1, AUTH-3; the policy of the set-up refuses to publish below /nopublish.
    let app = setup().start().await;
    let alice = app.client().up().await;
    alice.subscribe("/nopublish/a").await;
    let session = app.session(&alice).unwrap();
    session.authenticate(Principal::new("alice")).await;
    let (session, text) = explain(&app, Operation::Publish, "/nopublish/a").await;
    let expected = format!(
        "publish to /nopublish/a by {session} (alice): denied_by_security_policy\n  \
         publish: the policy denies: denied_by_security_policy"
    );
    assert_eq!(text, expected);
    let (session, text) = explain(&app, Operation::Subscribe, "/nopublish/a").await;
    let expected = format!(
        "subscribe to /nopublish/a by {session} (alice): granted\n  \
         subscribe: the policy grants\n  \
         subscribe: without authorizers the server grants"
    );
    assert_eq!(text, expected);
}

#[tokio::test(start_paused = true)]
async fn an_explanation_has_the_finding_that_decides() {
    let app = setup().start().await;
    let channel = |name: &str, grant: Grant| {
        let make = |channel: &mut cometd::ChannelConfig| {
            channel.authorizer(grant);
        };
        app.server().create_channel_if_absent(name, make).unwrap();
    };
    channel("/a", Grant::SUBSCRIBE);
    channel("/b", Grant::NONE);
    let alice = app.client().up().await;
    let session = app.session(&alice).unwrap();
    let granted = app.server().explain(Operation::Subscribe, "/a", &session);
    let granted = granted.await.unwrap();
    assert!(granted.is_granted() && granted.reason().is_none());
    let Some(Rule::Authorizer { name, channel, .. }) = granted.decisive().map(|it| &it.rule) else {
        panic!("{granted}");
    };
    assert_eq!(name, "Grant(subscribe)");
    assert_eq!(*channel, ChannelPattern::parse("/a").unwrap());

    let ignored = app.server().explain(Operation::Subscribe, "/b", &session);
    let ignored = ignored.await.unwrap();
    assert_eq!(ignored.reason(), Some("denied_by_not_granting"));
    assert_eq!(ignored.decisive(), None);
    assert_eq!(ignored.findings().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn only_a_channel_can_be_explained() {
    let app = setup().start().await;
    let alice = app.client().up().await;
    let session = app.session(&alice).unwrap();
    let explain = |operation, name| app.server().explain(operation, name, &session);
    let wildcard = explain(Operation::Publish, "/a/*").await;
    assert!(matches!(wildcard, Err(ChannelError::Wildcard)));
    assert!(explain(Operation::Subscribe, "a").await.is_err());
    assert!(
        explain(Operation::Subscribe, "/a/*")
            .await
            .unwrap()
            .is_granted()
    );
}

#[tokio::test(start_paused = true)]
async fn a_server_can_be_closed_by_default() {
    // Channels without authorizers are open in CometD; a server may want it the other way round.
    let app = setup().with(cometd::Builder::deny_by_default).start().await;
    let open = |channel: &mut cometd::ChannelConfig| {
        channel.authorizer(Grant::ALL);
    };
    app.server()
        .create_channel_if_absent("/open/**", open)
        .unwrap();
    let alice = app.client().up().await;
    let reason = "403:denied_by_not_granting";
    for channel in ["/a", "/service/a"] {
        let denied = failed(channel, &format!("{reason}:channel_create_denied"));
        alice.publish(channel, 1).await.expect([denied]);
        let denied = failed("/meta/subscribe", &format!("{reason}:create_denied"));
        alice
            .subscribe(channel)
            .await
            .expect([denied.with("subscription", channel)]);
    }
    alice.publish("/open/a", 1).await.expect([ok("/open/a")]);
    alice
        .subscribe(json!(["/open/b", "/open/*"]))
        .await
        .expect([ok("/meta/subscribe").with("subscription", json!(["/open/b", "/open/*"]))]);
    let (session, text) = explain(&app, Operation::Publish, "/a").await;
    let expected = format!(
        "publish to /a by {session}: denied_by_not_granting\n  \
         create: the policy grants\n  \
         create: without authorizers the server denies: denied_by_not_granting"
    );
    assert_eq!(text, expected);
}
