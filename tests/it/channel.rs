//! Names and lives of channels: section 4.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use cometd::{
    ChannelConfig, ChannelPattern, Decision, Deferred, Exchange, Flow, Grant, Message,
    SecurityPolicy, ServerListener, ServerSession,
};
use cometd_tests::{advance, delivery, failed, ms, ok, setup};
use serde_json::json;

fn pass(_: Option<&ServerSession>, _: &mut Message) -> Flow {
    Flow::Continue
}

#[tokio::test(start_paused = true)]
async fn names_are_made_of_the_characters_that_clients_know() {
    // CH-1, PROC-1: T-CH-1, T-CH-2
    let app = setup().start().await;
    let client = app.client().up().await;
    for legal in [
        "/a b", "/a!b", "/a#b", "/a$b", "/(a)", "/a+b", "/a-b", "/a.b", "/a@b", "/a_b", "/a~b",
        "/a*", "/***", "/A9",
    ] {
        client.publish(legal, 1).await.expect([ok(legal)]);
    }
    for illegal in [
        "/a&b", "/a:b", "/a%b", "/a\"b", "/\u{e9}", "/a\\b", "a/b", "/", "", "/a'b", "/a\nb",
        "/a//b", "/a/ /b", "//",
    ] {
        let invalid = failed(illegal, "405::channel_invalid");
        client.publish(illegal, 1).await.expect([invalid]);
    }
}

#[tokio::test(start_paused = true)]
async fn ids_are_letters_and_digits() {
    // PROC-1, MSG-3, OLD-12: T-CH-3
    let app = setup().start().await;
    let client = app.client().up().await;
    for (id, echo) in [
        (json!("a-b"), "a-b"),
        (json!(""), ""),
        (json!("<x>"), "<x>"),
        (json!(1.5), "1.5"),
        (json!(-1), "-1"),
    ] {
        let reply = client
            .send(json!([client.message("/a", json!({"id": id}))]))
            .await
            .only();
        assert_eq!(reply["error"], "405::message_id_invalid", "{reply}");
        assert_eq!(reply["id"], echo);
    }
    for (id, echo) in [(json!(7), "7"), (json!("0"), "0"), (json!(true), "true")] {
        let reply = client
            .send(json!([client.message("/a", json!({"id": id}))]))
            .await
            .only();
        assert_eq!(reply["successful"], true, "{reply}");
        assert_eq!(reply["id"], echo);
    }
}

#[tokio::test(start_paused = true)]
async fn fields_need_not_be_validated() {
    // CFG-3: T-CH-4
    let app = setup().option("validateMessageFields", false).start().await;
    let client = app.client().up().await;
    let message = client.message("/a", json!({"id": "a-b"}));
    let reply = client.send(json!([message])).await.only();
    assert_eq!(
        reply,
        json!({"id": "a-b", "channel": "/a", "successful": true})
    );
}

#[tokio::test(start_paused = true)]
async fn a_channel_that_nobody_needs_is_swept() {
    // CH-12, CH-14, CH-15: T-CH-5
    let app = setup().start().await;
    let client = app.client().up().await;
    for _ in 0..2 {
        client.publish("/s", 1).await;
        advance(ms(300)).await;
        assert!(app.has_channel("/s"));
        advance(ms(700)).await;
        assert!(!app.has_channel("/s"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_channel_with_a_subscriber_stays() {
    // CH-14: T-CH-6
    let app = setup().start().await;
    let client = app.client().up().await;
    client.subscribe("/s").await;
    advance(ms(2000)).await;
    assert!(app.has_channel("/s"));
    client.unsubscribe("/s").await;
    advance(ms(1000)).await;
    assert!(!app.has_channel("/s"));
}

#[tokio::test(start_paused = true)]
async fn a_channel_that_the_application_needs_stays() {
    // CH-14: T-CH-7
    type Configure = fn(&mut ChannelConfig);
    let cases: [(Configure, bool); 5] = [
        (
            |it| {
                it.listener(pass);
            },
            true,
        ),
        (
            |it| {
                it.weak_listener(pass);
            },
            false,
        ),
        (
            |it| {
                it.authorizer(Grant::ALL);
            },
            true,
        ),
        (
            |it| {
                it.persistent(true);
            },
            true,
        ),
        (
            |it| {
                it.lazy(true);
            },
            false,
        ),
    ];
    let app = setup().start().await;
    for (n, (configure, _)) in cases.iter().enumerate() {
        let name = format!("/s/{n}");
        app.server()
            .create_channel_if_absent(&*name, configure)
            .unwrap();
    }
    advance(ms(5000)).await;
    for (n, (_, stays)) in cases.iter().enumerate() {
        assert_eq!(app.has_channel(&format!("/s/{n}")), *stays, "{n}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_channel_does_not_make_its_parent_nor_keep_it() {
    // CH-13, CH-14: T-CH-8
    let app = setup().start().await;
    let client = app.client().up().await;
    client.subscribe("/stem/1").await;
    assert!(!app.has_channel("/stem"));
    client.publish("/stem", 1).await;
    assert!(app.has_channel("/stem"));
    advance(ms(1000)).await;
    assert!(!app.has_channel("/stem") && app.has_channel("/stem/1"));
}

#[tokio::test(start_paused = true)]
async fn a_channel_is_made_once_however_many_clients_want_it() {
    // CH-12: T-CH-9
    struct Slow;
    impl SecurityPolicy for Slow {
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
            _: &'a ChannelPattern,
            _: &'a mut Exchange,
        ) -> Deferred<'a, Decision> {
            Deferred::later(async {
                advance(ms(10)).await;
                Decision::Grant
            })
        }

        fn can_publish<'a>(
            &'a self,
            _: &'a ServerSession,
            _: &'a ChannelPattern,
            _: &'a mut Exchange,
        ) -> Deferred<'a, Decision> {
            Decision::Grant.into()
        }
    }
    struct Count(Arc<AtomicUsize>);
    impl ServerListener for Count {
        fn configure_channel(&self, channel: &mut ChannelConfig) {
            let counts = channel.id().as_str() == "/new";
            self.0.fetch_add(usize::from(counts), Ordering::Relaxed);
        }
    }
    let count = Arc::new(AtomicUsize::new(0));
    let counter = Count(Arc::clone(&count));
    let app = setup()
        .with(|it| it.security_policy(Slow).listener(counter))
        .start()
        .await;
    let (a, b) = (app.client().up().await, app.client().up().await);
    let (one, two) = tokio::join!(a.publish("/new", 1), b.publish("/new", 2));
    one.after(ms(10)).expect([ok("/new")]);
    two.after(ms(10)).expect([ok("/new")]);
    assert_eq!(count.load(Ordering::Relaxed), 1);
}

#[tokio::test(start_paused = true)]
async fn a_handle_of_a_swept_channel_still_publishes() {
    // CH-9: T-CH-10
    let app = setup().start().await;
    let client = app.client().up().await;
    client.subscribe("/w/**").await;
    client.publish("/w/x", 1).await;
    let channel = app.channel("/w/x");
    advance(ms(1000)).await;
    assert!(!app.has_channel("/w/x"));
    let held = client.hold().await;
    channel.publish(None, 2).await.unwrap();
    held.answer()
        .await
        .at_once()
        .expect([delivery("/w/x", 2), ok("/meta/connect")]);
}
