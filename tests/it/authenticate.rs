//! Principals: item 9.5 of the specification of security, and what becomes of a session whose
//! credentials change or expire.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use cometd::prelude::*;
use cometd::{
    ChannelPattern, Decision, DefaultSecurityPolicy, Deferred, Exchange, Intent, Principal,
    RawJson, SecurityPolicy, Vote,
};
use cometd_tests::{App, Client, Expected, check, delivery, failed, ms, ok, setup};
use serde::Deserialize;
use serde_json::{Value, json};

/// Lets in whoever says the password, for as many milliseconds as they say.
struct Door;

#[derive(Clone, Debug, PartialEq)]
struct Team(String);

#[derive(Deserialize)]
struct Ext {
    #[serde(rename = "com.example.authn")]
    authn: Credentials,
}

#[derive(Deserialize)]
struct Credentials {
    user: String,
    password: String,
    team: String,
    lasts: Option<u64>,
}

impl Credentials {
    /// Asks somebody who needs a moment.
    async fn check(self) -> Option<Principal> {
        tokio::task::yield_now().await;
        if self.password != "sesame" {
            return None;
        }
        let principal = Principal::new(self.user).with(Team(self.team));
        Some(match self.lasts {
            Some(lasts) => principal.expires_in(ms(lasts)),
            None => principal,
        })
    }
}

impl SecurityPolicy for Door {
    fn otherwise(&self) -> Option<&dyn SecurityPolicy> {
        Some(&DefaultSecurityPolicy)
    }

    fn can_handshake<'a>(
        &'a self,
        session: &'a ServerSession,
        exchange: &'a mut Exchange,
    ) -> Deferred<'a, Decision> {
        if session.is_local() {
            return Decision::Grant.into();
        }
        Deferred::later(async move {
            let ext = exchange.message.ext().and_then(|it| it.to::<Ext>().ok());
            let principal = match ext {
                Some(ext) => ext.authn.check().await,
                None => None,
            };
            let Some(principal) = principal else {
                let why = RawJson::of(&json!({"com.example.authn": {"failed": true}}));
                exchange.reply.set_ext(why.ok());
                return Decision::deny();
            };
            session.authenticate(principal).await;
            Decision::Grant
        })
    }
}

#[service("account")]
#[derive(Default)]
struct Account;

#[handlers]
impl Account {
    #[configure("/red/*")]
    fn red(channel: &mut ChannelConfig) {
        let is_red = |it: &Principal| it.attribute() == Some(&Team("red".to_owned()));
        channel.authorizer(Grant::ALL.to_principals(is_red));
    }

    #[listener("/service/whoami")]
    async fn whoami(
        &self,
        principal: Principal,
        session: &ServerSession,
    ) -> Result<(), HandlerError> {
        session.deliver(None, "/me", principal.name()).await?;
        Ok(())
    }

    #[listener("/service/refresh")]
    async fn refresh(&self, session: &ServerSession, Data(credentials): Data<Credentials>) -> bool {
        match credentials.check().await {
            Some(principal) => {
                session.authenticate(principal).await;
                true
            }
            None => false,
        }
    }
}

async fn app() -> App {
    setup()
        .with(|it| it.security_policy(Door).service(Account))
        .start()
        .await
}

fn credentials(team: &str, lasts: Option<u64>) -> Value {
    json!({"user": "alice", "password": "sesame", "team": team, "lasts": lasts})
}

fn handshake(client: &cometd_tests::Identity, authn: &Value) -> Value {
    let mut message = client.handshake_message();
    message["ext"] = json!({"com.example.authn": authn});
    message
}

async fn up(app: &App, authn: Value) -> Client {
    let client = app.client();
    let answer = client.send(json!([handshake(&client, &authn)])).await;
    client.set_client_id(answer.client_id());
    client.connect0().await;
    client
}

fn revoked(channel: &str) -> Expected {
    ok("/meta/unsubscribe")
        .with("subscription", channel)
        .with("error", "403:denied_by_not_granting:subscribe_denied")
}

#[tokio::test(start_paused = true)]
async fn credentials_of_a_handshake_put_a_principal_on_the_session() {
    let app = app().await;
    let alice = up(&app, credentials("red", None)).await;
    let principal = app.session(&alice).unwrap().principal().unwrap();
    assert_eq!(principal.name(), "alice");
    assert_eq!(principal.attribute(), Some(&Team("red".to_owned())));
    assert_eq!(principal.remaining(), None);
    alice
        .publish("/service/whoami", Value::Null)
        .await
        .expect([delivery("/me", "alice"), ok("/service/whoami")]);
}

#[tokio::test(start_paused = true)]
async fn bad_credentials_are_refused_and_the_reply_says_more() {
    // AUTH-5, section 11: reconnect none
    let app = app().await;
    let client = app.client();
    let mut bad = credentials("red", None);
    bad["password"] = "guess".into();
    let denied = failed("/meta/handshake", "403::handshake_denied")
        .with("ext", json!({"com.example.authn": {"failed": true}}))
        .reconnect("none");
    for message in [handshake(&client, &bad), client.handshake_message()] {
        client.send(json!([message])).await.expect([denied.clone()]);
    }
    assert!(app.server().sessions().iter().all(ServerSession::is_local));
}

#[tokio::test(start_paused = true)]
async fn a_principal_that_has_expired_opens_no_session() {
    let app = app().await;
    let client = app.client();
    let denied = failed("/meta/handshake", "403::handshake_denied").reconnect("none");
    let message = handshake(&client, &credentials("red", Some(0)));
    client.send(json!([message])).await.expect([denied]);
    assert!(app.server().sessions().iter().all(ServerSession::is_local));
}

#[tokio::test(start_paused = true)]
async fn a_handler_for_a_principal_is_not_called_without_one() {
    let app = setup().with(|it| it.service(Account)).start().await;
    let client = app.client().up().await;
    let refused = failed("/service/whoami", "401::authentication_missing");
    client.publish("/service/whoami", 1).await.expect([refused]);
}

#[tokio::test(start_paused = true)]
async fn new_credentials_end_the_subscriptions_that_they_give_no_right_to() {
    let app = app().await;
    let alice = up(&app, credentials("red", None)).await;
    alice.subscribe(json!(["/red/1", "/open", "/red/*"])).await;
    let answer = alice
        .publish("/service/refresh", credentials("blue", None))
        .await;
    let mut messages = answer.messages();
    assert_eq!(messages.pop().unwrap()["successful"], true);
    messages.sort_by_key(|it| it["subscription"].to_string());
    check(&messages, [revoked("/red/*"), revoked("/red/1")]);
    let session = app.session(&alice).unwrap();
    let left: Vec<String> = session
        .subscriptions()
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(left, ["/open"]);
    assert!(!app.channel("/red/1").has_subscribers());
    app.server().publish(None, "/red/1", 1).await.unwrap();
    app.server().publish(None, "/open", 2).await.unwrap();
    alice
        .connect0()
        .await
        .expect([delivery("/open", 2), ok("/meta/connect").advice(0, 2000)]);
}

#[tokio::test(start_paused = true)]
async fn a_revocation_is_pushed_to_a_socket() {
    let app = app().await;
    let mut socket = app.socket().await;
    let message = handshake(&socket, &credentials("red", None));
    let id = socket.ask(message).await[0]["clientId"].clone();
    socket.set_client_id(id.as_str().map(str::to_owned));
    socket.subscribe("/red/1").await;
    socket.hold().await;
    let frame = socket.frame().await;
    assert_eq!(frame[0]["channel"], "/meta/connect");
    let session = app.session(&socket).unwrap();
    let ended = session.authenticate(None).await;
    assert_eq!(ended, [ChannelPattern::parse("/red/1").unwrap()]);
    socket.expect([revoked("/red/1")]).await;
    assert!(session.principal().is_none());
}

#[tokio::test(start_paused = true)]
async fn an_expired_principal_ends_the_session_in_the_middle_of_a_held_connect() {
    let app = app().await;
    let alice = up(&app, credentials("red", Some(1000))).await;
    let expired = failed("/meta/connect", "402::session_unknown").handshake_again();
    alice.connect().await.after(ms(1000)).expect([expired]);
    assert!(app.session(&alice).is_none());
}

#[tokio::test(start_paused = true)]
async fn an_expired_principal_ends_a_session_that_is_away_or_busy() {
    let app = app().await;
    let alice = up(&app, credentials("red", Some(1000))).await;
    for _ in 0..3 {
        cometd_tests::advance(ms(300)).await;
        alice.publish("/a", 1).await.expect([ok("/a")]);
    }
    cometd_tests::advance(ms(150)).await;
    assert!(app.session(&alice).is_none());
    let unknown = failed("/meta/connect", "402::session_unknown").handshake_again();
    alice.connect().await.at_once().expect([unknown]);
}

#[tokio::test(start_paused = true)]
async fn an_expired_principal_ends_the_session_of_a_socket() {
    let app = app().await;
    let mut socket = app.socket().await;
    let message = handshake(&socket, &credentials("red", Some(1000)));
    let id = socket.ask(message).await[0]["clientId"].clone();
    socket.set_client_id(id.as_str().map(str::to_owned));
    socket
        .ask(socket.connect_message(json!({"timeout": 0})))
        .await;
    socket.hold().await;
    let expired = failed("/meta/connect", "402::session_unknown").handshake_again();
    socket.expect_after(ms(1000), [expired]).await;
    // The same connection serves the next session.
    let message = handshake(&socket, &credentials("red", None));
    assert_eq!(socket.ask(message).await[0]["successful"], true);
}

#[tokio::test(start_paused = true)]
async fn refreshed_credentials_put_the_end_off() {
    let app = app().await;
    let alice = up(&app, credentials("red", Some(1000))).await;
    cometd_tests::advance(ms(900)).await;
    alice
        .publish("/service/refresh", credentials("red", Some(5000)))
        .await
        .expect([ok("/service/refresh")]);
    alice
        .connect()
        .await
        .after(ms(2000))
        .expect([ok("/meta/connect")]);
    let remaining = app
        .session(&alice)
        .unwrap()
        .principal()
        .unwrap()
        .remaining();
    assert!(remaining.is_some_and(|it| it > Duration::ZERO));
}

#[tokio::test(start_paused = true)]
async fn a_subscription_is_judged_by_the_credentials_that_hold_when_it_begins() {
    // The authorizer answers for one principal while the session gets another.
    let app = app().await;
    let alice = up(&app, credentials("red", None)).await;
    let session = app.session(&alice).unwrap();
    let blue = session.clone();
    app.server()
        .create_channel_if_absent("/race", |channel| {
            channel.authorizer(Swap(blue));
        })
        .unwrap();
    let denied = failed(
        "/meta/subscribe",
        "403:denied_by_not_granting:subscribe_denied",
    );
    alice
        .subscribe("/race")
        .await
        .expect([denied.with("subscription", "/race")]);
    assert!(session.subscriptions().is_empty());
}

#[tokio::test(start_paused = true)]
async fn who_authenticates_whenever_asked_is_not_asked_for_ever() {
    let app = app().await;
    let alice = up(&app, credentials("red", None)).await;
    let asked = Arc::new(AtomicU32::new(0));
    let restless = Arc::clone(&asked);
    app.server()
        .create_channel_if_absent("/restless", |channel| {
            channel.authorizer(Restless(restless));
        })
        .unwrap();
    let refused = failed("/meta/subscribe", "403::subscribe_failed");
    alice
        .subscribe("/restless")
        .await
        .expect([refused.with("subscription", "/restless")]);
    assert_eq!(asked.load(Ordering::Relaxed), 3);
}

#[tokio::test(start_paused = true)]
async fn who_authenticates_when_asked_again_is_asked_once() {
    let app = app().await;
    let alice = up(&app, credentials("red", None)).await;
    alice.subscribe(json!(["/restless", "/other"])).await;
    let asked = Arc::new(AtomicU32::new(0));
    for channel in ["/restless", "/other"] {
        let channel = app.channel(channel);
        channel.add_authorizer(Restless(Arc::clone(&asked))).keep();
    }
    let session = app.session(&alice).unwrap();
    assert!(session.authenticate(None).await.is_empty());
    assert_eq!(asked.load(Ordering::Relaxed), 2);
    assert_eq!(session.principal().unwrap().name(), "restless");
}

/// Grants, and gives the session a new principal each time.
struct Restless(Arc<AtomicU32>);

impl cometd::Authorizer for Restless {
    fn authorize<'a>(&'a self, intent: Intent<'a>) -> Deferred<'a, Vote> {
        Deferred::later(async move {
            // Ends also where nothing else would end it.
            if self.0.fetch_add(1, Ordering::Relaxed) < 100 {
                let principal = Principal::new("restless");
                intent.session.authenticate(principal).await;
            }
            Vote::Grant
        })
    }
}

/// Grants to red, and turns the session blue before it says so.
struct Swap(ServerSession);

impl cometd::Authorizer for Swap {
    fn authorize<'a>(&'a self, intent: Intent<'a>) -> Deferred<'a, Vote> {
        let red = Some(&Team("red".to_owned()));
        let principal = intent.session.principal().unwrap();
        let is_red = principal.attribute() == red;
        Deferred::later(async move {
            if !is_red {
                return Vote::Ignore;
            }
            let blue = Principal::new("alice").with(Team("blue".to_owned()));
            self.0.authenticate(blue).await;
            Vote::Grant
        })
    }
}
