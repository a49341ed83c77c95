//! Where extensions see messages: section 1 of the specification of extensions.

use std::sync::Arc;

use cometd::{
    Deferred, Exchange, Extension, Flow, FrozenMessage, Message, QueueListener, RawJson, Reply,
    SendError, ServerSession,
};
use cometd_tests::{App, Client, delivery, failed, ok, setup};
use parking_lot::Mutex;
use serde_json::{Value, json};

/// What extensions have seen, in order.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    fn write(&self, line: String) {
        self.0.lock().push(line);
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock())
    }
}

/// Notes what it sees, under a name.
struct Notes(&'static str, Log);

impl Notes {
    fn note(&self, what: &str, session: Option<&ServerSession>, channel: &str) -> Flow {
        let whose = if session.is_some() { "" } else { " of nobody" };
        self.1.write(format!("{} {what} {channel}{whose}", self.0));
        Flow::Continue
    }
}

impl Extension for Notes {
    fn incoming<'a>(
        &'a self,
        session: Option<&'a ServerSession>,
        exchange: &'a mut Exchange,
    ) -> Deferred<'a, Flow> {
        let channel = exchange.message.channel().as_str();
        self.note("in", session, channel).into()
    }

    fn outgoing<'a>(
        &'a self,
        receiver: Option<&'a ServerSession>,
        message: &'a mut Message,
    ) -> Deferred<'a, Flow> {
        self.note("out", receiver, message.channel().as_str())
            .into()
    }

    fn reply<'a>(
        &'a self,
        session: Option<&'a ServerSession>,
        reply: &'a mut Reply,
    ) -> Deferred<'a, Flow> {
        let channel = reply.channel().unwrap_or_default();
        self.note("reply", session, channel).into()
    }
}

/// A server with the extensions A and B, and a client whose session has C and D.
async fn noted() -> (App, Client, Log) {
    let log = Log::default();
    let [a, b, c, d] = ["A", "B", "C", "D"].map(|name| Notes(name, log.clone()));
    let app = setup()
        .with(|it| it.extension(a).extension(b))
        .start()
        .await;
    let client = app.client().up().await;
    let session = app.session(&client).unwrap();
    session.add_extension(c).keep();
    session.add_extension(d).keep();
    log.take();
    (app, client, log)
}

#[tokio::test(start_paused = true)]
async fn incoming_ones_in_order_outgoing_ones_in_reverse_the_servers_first() {
    // 1.1, 1.2, 1.6, 1.13
    let (app, client, log) = noted().await;
    client.subscribe("/a").await;
    assert_eq!(
        log.take(),
        [
            "A in /meta/subscribe",
            "B in /meta/subscribe",
            "C in /meta/subscribe",
            "D in /meta/subscribe",
            "B reply /meta/subscribe",
            "A reply /meta/subscribe",
            "D reply /meta/subscribe",
            "C reply /meta/subscribe",
        ]
    );
    // A publication, once for all, then for each receiver.
    app.server().publish(None, "/a", 1).await.unwrap();
    let expected = [
        "B out /a of nobody",
        "A out /a of nobody",
        "D out /a",
        "C out /a",
    ];
    assert_eq!(log.take(), expected);
    // A delivery.
    let session = app.session(&client).unwrap();
    session.deliver(None, "/b", 1).await.unwrap();
    assert_eq!(log.take(), ["B out /b", "A out /b", "D out /b", "C out /b"]);
}

/// Has to do with meta messages only.
struct MetaOnly(Notes);

impl Extension for MetaOnly {
    fn is_meta_only(&self) -> bool {
        true
    }

    fn incoming<'a>(
        &'a self,
        session: Option<&'a ServerSession>,
        exchange: &'a mut Exchange,
    ) -> Deferred<'a, Flow> {
        self.0.incoming(session, exchange)
    }

    fn outgoing<'a>(
        &'a self,
        receiver: Option<&'a ServerSession>,
        message: &'a mut Message,
    ) -> Deferred<'a, Flow> {
        self.0.outgoing(receiver, message)
    }

    fn reply<'a>(
        &'a self,
        session: Option<&'a ServerSession>,
        reply: &'a mut Reply,
    ) -> Deferred<'a, Flow> {
        self.0.reply(session, reply)
    }
}

#[tokio::test(start_paused = true)]
async fn one_for_meta_messages_is_not_called_for_others() {
    let log = Log::default();
    let [a, b] = ["A", "B"].map(|name| Notes(name, log.clone()));
    let app = setup()
        .with(|it| it.extension(MetaOnly(a)).extension(b))
        .start()
        .await;
    let client = app.client().up().await;
    log.take();
    client.subscribe("/a").await;
    let both = [
        "A in /meta/subscribe",
        "B in /meta/subscribe",
        "B reply /meta/subscribe",
        "A reply /meta/subscribe",
    ];
    assert_eq!(log.take(), both);
    client.publish("/a", 1).await;
    let one = ["B in /a", "B out /a of nobody", "B reply /a"];
    assert_eq!(log.take(), one);
    let session = app.session(&client).unwrap();
    session.deliver(None, "/service/a", 1).await.unwrap();
    assert_eq!(log.take(), ["B out /service/a"]);
    session.disconnect().await;
    let both = ["B out /meta/disconnect", "A out /meta/disconnect"];
    assert_eq!(log.take(), both);
}

#[tokio::test(start_paused = true)]
async fn messages_of_unknown_sessions_are_seen_and_malformed_ones_are_not() {
    // 1.3
    let (_app, client, log) = noted().await;
    client.set_client_id(Some("nobody".to_owned()));
    client.publish("/a", 1).await;
    let expected = [
        "A in /a of nobody",
        "B in /a of nobody",
        "B reply /a of nobody",
        "A reply /a of nobody",
    ];
    assert_eq!(log.take(), expected);
    let malformed = json!([{"id": 1, "channel": "/a/**/b"}]);
    client.send(malformed).await;
    let expected = ["B reply /a/**/b of nobody", "A reply /a/**/b of nobody"];
    assert_eq!(log.take(), expected);
    // Even handshakes that are going to be refused.
    let mut handshake = client.handshake_message();
    handshake["ext"] = json!({"deny": true});
    client.send(json!([handshake])).await;
    assert_eq!(
        log.take()[..2],
        ["A in /meta/handshake", "B in /meta/handshake"]
    );
}

/// Adds an extension to each session that handshakes.
struct Adds(Log);

impl Extension for Adds {
    fn incoming<'a>(
        &'a self,
        session: Option<&'a ServerSession>,
        exchange: &'a mut Exchange,
    ) -> Deferred<'a, Flow> {
        if exchange.message.channel().as_str() == "/meta/handshake" {
            let notes = Notes("S", self.0.clone());
            session.unwrap().add_extension(notes).keep();
        }
        Flow::Continue.into()
    }
}

#[tokio::test(start_paused = true)]
async fn who_is_added_during_a_handshake_sees_it_and_its_reply() {
    // 1.4
    let log = Log::default();
    let adds = Adds(log.clone());
    let app = setup().with(|it| it.extension(adds)).start().await;
    app.client().handshake().await;
    assert_eq!(
        log.take(),
        ["S in /meta/handshake", "S reply /meta/handshake"]
    );
}

/// Stops and changes what says so in its data.
struct Obeys;

impl Extension for Obeys {
    fn incoming<'a>(
        &'a self,
        _: Option<&'a ServerSession>,
        exchange: &'a mut Exchange,
    ) -> Deferred<'a, Flow> {
        let data = exchange.message.data().to_value();
        if data == "handled" {
            exchange
                .reply
                .set_ext_field("by", Some(&RawJson::of("me").unwrap()));
            exchange.handle();
        }
        assert!(data != "panic in", "on purpose");
        Deferred::later(async move { Flow::from(data != "stop in" && data != "handled") })
    }

    fn outgoing<'a>(
        &'a self,
        _: Option<&'a ServerSession>,
        message: &'a mut Message,
    ) -> Deferred<'a, Flow> {
        let data = message.data().to_value();
        if data == "change" {
            message.set_data("changed").unwrap();
        }
        assert!(data != "panic out", "on purpose");
        Flow::from(data != "stop out").into()
    }
}

async fn obeying() -> (App, Client, Log) {
    let log = Log::default();
    let notes = Notes("A", log.clone());
    let app = setup()
        .with(|it| it.extension(Obeys).extension(notes))
        .start()
        .await;
    let client = app.client().up().await;
    client.subscribe("/a").await;
    log.take();
    (app, client, log)
}

#[tokio::test(start_paused = true)]
async fn an_incoming_veto_ends_the_way_of_a_message() {
    // 1.5
    let (_app, client, log) = obeying().await;
    let deleted = failed("/a", "404::message_deleted");
    client.publish("/a", "stop in").await.expect([deleted]);
    assert_eq!(log.take(), ["A reply /a"], "the others do not see it");
    let answer = client.publish("/a", "handled").await.only();
    assert_eq!(answer["ext"], json!({"by": "me"}));
    assert_eq!(
        (&answer["successful"], &answer["error"]),
        (&Value::Null, &Value::Null)
    );
}

#[tokio::test(start_paused = true)]
async fn an_outgoing_veto_of_the_server_is_for_all() {
    // 1.7
    let (app, client, _) = obeying().await;
    let deleted = failed("/a", "404::message_deleted");
    client.publish("/a", "stop out").await.expect([deleted]);
    let session = app.session(&client).unwrap();
    let refused = session.deliver(None, "/a", "stop out").await;
    assert!(matches!(refused, Err(SendError::Vetoed)), "{refused:?}");
}

#[tokio::test(start_paused = true)]
async fn what_the_server_changes_everyone_sees() {
    // 1.8
    let (app, client, _) = obeying().await;
    let changed = delivery("/a", "changed");
    client
        .publish("/a", "change")
        .await
        .expect([changed.clone(), ok("/a")]);
    let session = app.session(&client).unwrap();
    session.deliver(None, "/a", "change").await.unwrap();
    let connect = ok("/meta/connect");
    client.connect().await.expect([changed, connect]);
}

#[tokio::test(start_paused = true)]
async fn an_extension_that_fails_lets_the_message_pass() {
    // 1.10
    let (_app, client, _) = obeying().await;
    for data in ["panic in", "panic out"] {
        let expected = [delivery("/a", data), ok("/a")];
        client.publish("/a", data).await.expect(expected);
    }
}

/// Keeps what is queued.
#[derive(Clone, Default)]
struct Queued(Arc<Mutex<Vec<Arc<FrozenMessage>>>>);

impl QueueListener for Queued {
    fn queued(&self, _: &ServerSession, message: &Arc<FrozenMessage>) {
        self.0.lock().push(Arc::clone(message));
    }
}

#[tokio::test(start_paused = true)]
async fn what_no_extension_changes_is_serialised_once_for_all() {
    // 1.8, 1.9
    let app = setup().start().await;
    let log = Log::default();
    let queued = Queued::default();
    let [plain, seen, changed] = [(); 3].map(|()| app.client());
    for client in [&plain, &seen, &changed] {
        client.handshake().await;
        client.subscribe("/a").await;
        let session = app.session(client).unwrap();
        session.add_queue_listener(queued.clone()).keep();
    }
    let session = |client| app.session(client).unwrap();
    session(&seen).add_extension(Notes("A", log)).keep();
    session(&changed).add_extension(Obeys).keep();
    app.server().publish(None, "/a", "change").await.unwrap();

    let queued = queued.0.lock();
    let (own, shared): (Vec<_>, Vec<_>) =
        queued.iter().partition(|it| *it.data() == json!("changed"));
    assert_eq!((own.len(), shared.len()), (1, 2));
    assert!(Arc::ptr_eq(shared[0], shared[1]));
    assert_eq!(
        *shared[0].data(),
        json!("change"),
        "the others see what was sent"
    );
}
