//! `/meta/handshake`: section 5.

use cometd::{
    Decision, Deferred, Exchange, RawJson, SecurityPolicy, ServerListener, ServerSession,
};
use cometd_tests::{Setup, advance, check, delivery, failed, ms, ok, setup};
use serde_json::{Value, json};

/// Unicasts some messages to every new session.
pub(crate) struct Greeter(pub(crate) &'static [&'static str]);

impl ServerListener for Greeter {
    fn session_added<'a>(
        &'a self,
        session: &'a ServerSession,
        _: &'a mut Exchange,
    ) -> Deferred<'a, ()> {
        Deferred::later(async move {
            for data in self.0 {
                session.deliver(None, "/hs", *data).await.unwrap();
            }
        })
    }
}

fn greeting() -> Setup {
    setup().with(|it| it.listener(Greeter(&["m1", "m2"])))
}

#[tokio::test(start_paused = true)]
async fn a_handshake_makes_a_session_and_says_what_the_server_can() {
    // HS-3, HS-4, ADV-1: T-HS-1
    let app = setup().start().await;
    let client = app.client();
    let mut reply = client.handshake().await.at_once().only();
    let id = client.client_id().unwrap();
    assert!(id.len() >= 20 && id.bytes().all(|it| it.is_ascii_alphanumeric()));
    reply.as_object_mut().unwrap().remove("clientId");
    let expected = json!({
        "id": "1", "channel": "/meta/handshake", "successful": true,
        "version": "1.0", "minimumVersion": "1.0",
        "supportedConnectionTypes": ["websocket", "long-polling", "callback-polling"],
        "advice": {"reconnect": "retry", "interval": 0, "timeout": 2000},
    });
    assert_eq!(reply, expected);
}

#[tokio::test(start_paused = true)]
async fn a_handshake_without_id_is_answered_without_id() {
    // MSG-3: T-HS-2
    let app = setup().start().await;
    let reply = app
        .client()
        .send(json!([{"channel": "/meta/handshake"}]))
        .await
        .only();
    assert_eq!(
        (&reply["successful"], reply.get("id")),
        (&json!(true), None)
    );
}

#[tokio::test(start_paused = true)]
async fn versions_and_connection_types_of_clients_are_not_checked() {
    // HS-2, OLD-1: T-HS-3
    let app = setup().start().await;
    for fields in [
        json!({}),
        json!({"version": "0.9", "minimumVersion": "0.1"}),
        json!({"version": 1.0, "supportedConnectionTypes": ["iframe"]}),
    ] {
        let client = app.client();
        let message = client.message("/meta/handshake", fields);
        let reply = client.send(json!([message])).await.only();
        assert_eq!(reply["successful"], true, "{reply}");
        let types = json!(["websocket", "long-polling", "callback-polling"]);
        assert_eq!(reply["supportedConnectionTypes"], types);
        assert_eq!(reply["version"], "1.0");
    }
}

#[tokio::test(start_paused = true)]
async fn every_handshake_makes_another_session() {
    // HS-1: T-HS-4, T-HS-5
    let app = setup().start().await;
    let client = app.client();
    client.handshake().await;
    let first = client.client_id();
    let again = client.message("/meta/handshake", json!({}));
    assert!(again.get("clientId").is_some());
    let second = client.send(json!([again])).await.client_id();
    assert!(first.is_some() && second.is_some() && first != second);
    client.publish("/a", 1).await.expect([ok("/a")]);
    client.set_client_id(second);
    client.publish("/a", 1).await.expect([ok("/a")]);
}

#[tokio::test(start_paused = true)]
async fn a_denied_handshake_makes_neither_session_nor_cookie() {
    // HS-6, HS-7: T-HS-6
    let app = setup().start().await;
    let client = app.client();
    let message = client.message("/meta/handshake", json!({"ext": {"deny": true}}));
    let answer = client.send(json!([message])).await;
    let denied = failed("/meta/handshake", "403::handshake_denied").reconnect("none");
    answer.at_once().expect([denied]);
    assert_eq!(answer.set_cookie(), None);
    assert!(app.server().sessions().is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_the_policy_says_in_a_denial_reaches_the_client() {
    // HS-6, AUTH-5: T-HS-7
    struct Elsewhere;
    impl SecurityPolicy for Elsewhere {
        fn can_handshake<'a>(
            &'a self,
            _: &'a ServerSession,
            exchange: &'a mut Exchange,
        ) -> Deferred<'a, Decision> {
            let advice = cometd::Advice::reconnect(cometd::Reconnect::Handshake);
            exchange.reply.set_advice(Some(advice));
            let ext = RawJson::of(&json!({"why": "full"})).unwrap();
            exchange.reply.set_ext(Some(ext));
            Decision::deny().into()
        }
    }
    let app = setup()
        .with(|it| it.security_policy(Elsewhere))
        .start()
        .await;
    let denied = failed("/meta/handshake", "403::handshake_denied")
        .reconnect("handshake")
        .with("ext", json!({"why": "full"}));
    app.client().handshake().await.expect([denied]);
}

#[tokio::test(start_paused = true)]
async fn a_handshake_in_company_fails_the_request_and_nothing_is_processed() {
    // HS-5, ERR-5: T-HS-8, T-HS-9
    let app = setup().start().await;
    let client = app.client().up().await;
    let handshake = client.handshake_message();
    for envelope in [
        json!([handshake, client.subscribe_message("/early")]),
        json!([client.publish_message("/early", 1), handshake]),
        json!([handshake, handshake]),
    ] {
        client.send(envelope).await.refused(400);
        assert_eq!(app.server().sessions().len(), 1);
        assert!(!app.has_channel("/early"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_bare_object_is_an_envelope_of_one() {
    // Section 1: T-HS-10
    let app = setup().start().await;
    let client = app.client();
    let reply = client.send(client.handshake_message()).await.only();
    assert_eq!(reply["successful"], true);
}

#[tokio::test(start_paused = true)]
async fn messages_of_the_handshake_wait_for_the_first_connect() {
    // HS-9: T-HS-11
    let app = greeting().start().await;
    let client = app.client();
    let _reply = client.handshake().await.only();
    let connect = ok("/meta/connect").advice(0, 2000);
    client
        .connect0()
        .await
        .expect([delivery("/hs", "m1"), delivery("/hs", "m2"), connect]);
}

#[tokio::test(start_paused = true)]
async fn messages_of_the_handshake_come_with_its_reply_if_that_is_allowed() {
    // HS-10: T-HS-12
    let option = "allowMessageDeliveryDuringHandshake";
    let app = greeting().option(option, true).start().await;
    let client = app.client();
    let messages = client.handshake().await.messages();
    assert_eq!(messages[0]["x-messages"], 2);
    check(
        &messages[1..],
        [delivery("/hs", "m1"), delivery("/hs", "m2")],
    );
    client
        .connect0()
        .await
        .expect([ok("/meta/connect").advice(0, 2000)]);
}

#[tokio::test(start_paused = true)]
async fn a_handshake_without_messages_does_not_count_them() {
    // HS-10: T-HS-13
    let option = "allowMessageDeliveryDuringHandshake";
    let app = setup().option(option, true).start().await;
    let reply = app.client().handshake().await.only();
    assert_eq!(reply.get("x-messages"), None);
}

#[tokio::test(start_paused = true)]
async fn max_interval_is_advised_if_clients_may_handshake_on_their_own() {
    // ADV-1, ADV-9: T-HS-14
    let app = setup().option("handshakeReconnect", true).start().await;
    let reply = app.client().handshake().await.only();
    assert_eq!(reply["advice"]["maxInterval"], 3000);
}

#[tokio::test(start_paused = true)]
async fn a_session_that_never_connects_expires() {
    // HS-11: T-HS-15
    let app = setup().start().await;
    let client = app.client();
    client.handshake().await;
    advance(ms(4000)).await;
    let unknown = failed("/meta/connect", "402::session_unknown").handshake_again();
    client.connect().await.at_once().expect([unknown]);
}

#[tokio::test(start_paused = true)]
async fn only_allowed_transports_are_offered_and_served() {
    // HS-3, CFG-1, LP-1: T-HS-16
    let app = setup()
        .option("allowedTransports", "long-polling")
        .start()
        .await;
    let reply = app.client().handshake().await.only();
    assert_eq!(reply["supportedConnectionTypes"], json!(["long-polling"]));
    let polling = app.callback_client();
    polling
        .send(json!([polling.handshake_message()]))
        .await
        .refused(400);
    assert_eq!(app.upgrade("").await.unwrap_err(), 400);
}

#[tokio::test(start_paused = true)]
async fn a_null_id_counts_as_none() {
    // MSG-3
    let app = setup().start().await;
    let client = app.client();
    let message = client.message("/meta/handshake", json!({"id": Value::Null}));
    assert_eq!(client.send(json!([message])).await.only().get("id"), None);
}
