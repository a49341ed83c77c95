//! Authorizers and the policy: section 20.

use cometd::{
    BayeuxServer, ChannelConfig, ChannelPattern, Decision, Deferred, Exchange, Grant, Intent,
    Principal, RawJson, SecurityPolicy, ServerSession, Vote,
};
use cometd_tests::{failed, ok, setup};
use serde_json::json;

fn configure(server: &BayeuxServer, name: &str, configure: impl FnOnce(&mut ChannelConfig)) {
    server.create_channel_if_absent(name, configure).unwrap();
}

#[tokio::test(start_paused = true)]
async fn where_there_are_authorizers_one_has_to_grant() {
    // AUTH-2, AUTH-3: T-AUTH-1
    let app = setup().start().await;
    configure(app.server(), "/**", |it| {
        it.authorizer(Grant::CREATE_SUBSCRIBE);
    });
    configure(app.server(), "/service/**", |it| {
        it.authorizer(Grant::PUBLISH);
    });
    let client = app.client().up().await;
    let denied = failed("/foo", "403:denied_by_not_granting:publish_denied");
    client.publish("/foo", 1).await.expect([denied]);
    client
        .publish("/service/foo", 1)
        .await
        .expect([ok("/service/foo")]);
    client
        .subscribe("/foo")
        .await
        .expect([ok("/meta/subscribe").with("subscription", "/foo")]);
}

#[tokio::test(start_paused = true)]
async fn an_authorizer_that_ignores_does_not_grant() {
    // AUTH-3: T-AUTH-2
    let app = setup().start().await;
    configure(app.server(), "/test", |it| {
        it.authorizer(|_: &Intent<'_>| Vote::Ignore);
    });
    let client = app.client().up().await;
    let denied = failed("/test", "403:denied_by_not_granting:publish_denied");
    client.publish("/test", 1).await.expect([denied]);
    client.publish("/foo", 1).await.expect([ok("/foo")]);
}

#[tokio::test(start_paused = true)]
async fn one_denial_denies_and_says_why() {
    // AUTH-3: T-AUTH-3
    let app = setup().start().await;
    configure(app.server(), "/test/*", |it| {
        it.authorizer(Grant::ALL);
    });
    configure(app.server(), "/test/x", |it| {
        it.authorizer(|_: &Intent<'_>| Vote::Deny("why".into()));
    });
    let client = app.client().up().await;
    client
        .publish("/test/x", 1)
        .await
        .expect([failed("/test/x", "403:why:publish_denied")]);
    client.publish("/test/y", 1).await.expect([ok("/test/y")]);
}

#[tokio::test(start_paused = true)]
async fn an_authorizer_that_panics_denies() {
    // STYLE 2.5: what fails, fails closed.
    let app = setup().start().await;
    configure(app.server(), "/test", |it| {
        it.authorizer(|_: &Intent<'_>| -> Vote { panic!("a secret") });
    });
    let client = app.client().up().await;
    let reply = client.publish("/test", 1).await.only();
    assert_eq!(reply["error"], "403:denied_by_authorizer:publish_denied");
}

#[tokio::test(start_paused = true)]
async fn what_the_policy_says_in_a_refusal_reaches_the_client() {
    // AUTH-5: T-AUTH-4
    struct Elsewhere;
    impl Elsewhere {
        fn deny(exchange: &mut Exchange) -> Deferred<'static, Decision> {
            let advice = cometd::Advice::reconnect(cometd::Reconnect::None);
            exchange.reply.set_advice(Some(advice));
            let ext = RawJson::of(&json!({"why": "full"})).unwrap();
            exchange.reply.set_ext(Some(ext));
            Decision::deny().into()
        }
    }
    impl SecurityPolicy for Elsewhere {
        fn can_handshake<'a>(
            &'a self,
            _: &'a ServerSession,
            _: &'a mut Exchange,
        ) -> Deferred<'a, Decision> {
            Decision::Grant.into()
        }

        fn can_create<'a>(
            &'a self,
            _: &'a ServerSession,
            channel: &'a ChannelPattern,
            exchange: &'a mut Exchange,
        ) -> Deferred<'a, Decision> {
            if channel.as_str() == "/create" {
                return Self::deny(exchange);
            }
            Decision::Grant.into()
        }

        fn can_publish<'a>(
            &'a self,
            _: &'a ServerSession,
            _: &'a ChannelPattern,
            exchange: &'a mut Exchange,
        ) -> Deferred<'a, Decision> {
            Self::deny(exchange)
        }

        fn can_subscribe<'a>(
            &'a self,
            _: &'a ServerSession,
            _: &'a ChannelPattern,
            exchange: &'a mut Exchange,
        ) -> Deferred<'a, Decision> {
            Self::deny(exchange)
        }
    }
    let app = setup()
        .with(|it| it.security_policy(Elsewhere))
        .start()
        .await;
    let client = app.client().up().await;
    let refused = |channel: &str, what: &str| {
        failed(
            channel,
            &format!("403:denied_by_security_policy:{what}_denied"),
        )
        .reconnect("none")
        .with("ext", json!({"why": "full"}))
    };
    client
        .publish("/create", 1)
        .await
        .expect([refused("/create", "channel_create")]);
    client
        .publish("/a", 1)
        .await
        .expect([refused("/a", "publish")]);
    let subscribe = refused("/meta/subscribe", "subscribe").with("subscription", "/a");
    client.subscribe("/a").await.expect([subscribe]);
}

#[tokio::test(start_paused = true)]
async fn hooks_see_the_request_that_carries_a_message() {
    // CTX-1, CTX-2: T-CTX-1
    use std::sync::Arc;

    use cometd::{Extension, Flow};
    use parking_lot::Mutex;
    type Seen = Arc<Mutex<Vec<(usize, Option<String>)>>>;
    struct Look(Seen);
    impl Extension for Look {
        fn incoming<'a>(
            &'a self,
            _: Option<&'a ServerSession>,
            exchange: &'a mut Exchange,
        ) -> Deferred<'a, Flow> {
            let context = &exchange.context;
            let values = context.headers().get_all("TEST").iter().count();
            let cookie = context.cookie("flavour").map(str::to_owned);
            self.0.lock().push((values, cookie));
            Flow::Continue.into()
        }
    }
    let seen = Seen::default();
    let look = Look(Arc::clone(&seen));
    let app = setup().with(|it| it.extension(look)).start().await;
    let headers = "Test: a\r\nTest: b\r\nCookie: flavour=plain\r\n";
    let mut socket = app.upgrade(headers).await.unwrap().up().await;
    socket.publish("/a", 1).await;
    socket.expect([ok("/a")]).await;
    assert_eq!(*seen.lock(), vec![(2, Some("plain".to_owned())); 3]);
}

#[tokio::test(start_paused = true)]
async fn rights_can_be_granted_to_some() {
    // 10.6: the stock authorizers
    let app = setup().start().await;
    configure(app.server(), "/known", |it| {
        it.authorizer(Grant::ALL.to_everybody_known());
    });
    configure(app.server(), "/alice", |it| {
        it.authorizer(Grant::ALL.to_principals(|it| it.name() == "alice"));
    });
    configure(app.server(), "/paid", |it| {
        it.authorizer(Grant::ALL.to_attribute("credit", |credit: &u32| *credit > 0));
    });
    configure(app.server(), "/named", |it| {
        it.authorizer(Grant::SUBSCRIBE.to(|session| session.principal().is_some()));
    });
    let [alice, bob, nobody] = [
        app.client().up().await,
        app.client().up().await,
        app.client().up().await,
    ];
    let [hers, his, theirs] = [&alice, &bob, &nobody].map(|it| app.session(it).unwrap());
    hers.authenticate(Principal::new("alice")).await;
    his.authenticate(Principal::new("bob")).await;
    his.set_attribute("credit", 1_u32);
    theirs.set_attribute("credit", "1");
    let may = [
        ("/known", [true, true, false]),
        ("/alice", [true, false, false]),
        ("/paid", [false, true, false]),
        ("/named", [false, false, false]),
    ];
    for (channel, expected) in may {
        for (client, granted) in [&alice, &bob, &nobody].into_iter().zip(expected) {
            let reply = client.publish(channel, 1).await.only();
            assert_eq!(reply["successful"], granted, "{channel} {reply}");
        }
    }
    let reply = alice.subscribe("/named").await.only();
    assert_eq!(reply["successful"], true);
}

#[tokio::test(start_paused = true)]
async fn a_rule_outlives_the_use_of_its_channel() {
    // 10.7: a channel with authorizers is not swept
    let app = setup().start().await;
    configure(app.server(), "/closed", |it| {
        it.authorizer(Grant::SUBSCRIBE | Grant::CREATE);
    });
    let client = app.client().up().await;
    client.subscribe("/closed").await;
    client.disconnect().await;
    cometd_tests::advance(cometd_tests::ms(10_000)).await;
    let other = app.client().up().await;
    let denied = failed("/closed", "403:denied_by_not_granting:publish_denied");
    other.publish("/closed", 1).await.expect([denied]);
}

#[tokio::test(start_paused = true)]
async fn a_policy_that_does_not_speak_of_something_denies_it() {
    // 9.3: a bare policy denies everything
    struct Silent;
    impl SecurityPolicy for Silent {}
    let app = setup().with(|it| it.security_policy(Silent)).start().await;
    let reply = app.client().handshake().await.only();
    assert_eq!(reply["error"], "403::handshake_denied");
    assert_eq!(reply["advice"]["reconnect"], "none");
    assert!(app.server().local_session("service").await.is_err());
}
