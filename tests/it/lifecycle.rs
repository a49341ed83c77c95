//! How services start and end: `services.md` 2.9.

use std::sync::Arc;

use cometd::prelude::*;
use cometd::{CallError, Stopped};
use cometd_tests::{App, delivery, failed, ms, ok, setup, start};
use parking_lot::Mutex;
use serde_json::json;
use tokio::sync::Notify;

/// What services have done.
type Journal = Arc<Mutex<Vec<String>>>;

/// How a service of a test behaves.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
enum Mood {
    #[default]
    Fine,
    FailsAtStart,
    PanicsAtStart,
    FailsAtEnd,
    WaitsAtEnd,
}

#[derive(Default)]
struct Diary {
    name: &'static str,
    journal: Journal,
    mood: Mood,
}

impl Diary {
    fn note(&self, what: &str) {
        self.journal.lock().push(format!("{} {what}", self.name));
    }

    fn start(&self) -> Result<(), HandlerError> {
        self.note("starts");
        match self.mood {
            Mood::FailsAtStart => Err(HandlerError::new("not today")),
            Mood::PanicsAtStart => panic!("not ever"),
            Mood::Fine | Mood::FailsAtEnd | Mood::WaitsAtEnd => Ok(()),
        }
    }
}

#[service("one")]
struct One {
    #[session]
    session: LocalSession,
    #[inject]
    diary: Arc<Diary>,
}

#[handlers]
impl One {
    #[configure("/one/configured")]
    fn configure(&self, _channel: &mut ChannelConfig) {
        self.diary.note("configures");
    }

    #[post_construct]
    async fn start(&self) -> Result<(), HandlerError> {
        // Not heard: the listener is not there yet.
        self.session.publish("/one", 1).await?;
        self.diary.start()
    }

    #[listener("/one", own = true)]
    fn heard(&self) {
        self.diary.note("hears");
    }

    #[subscription("/farewell")]
    fn farewell(&self, Data(text): Data<String>) {
        self.diary.note(&text);
    }

    #[remote_call("one")]
    fn answer(&self) {}

    #[pre_destroy]
    async fn end(&self) -> Result<(), HandlerError> {
        self.diary.note("ends");
        match self.diary.mood {
            Mood::WaitsAtEnd => std::future::pending().await,
            Mood::FailsAtEnd => Err(HandlerError::new("not now")),
            Mood::Fine | Mood::FailsAtStart | Mood::PanicsAtStart => {
                self.session.publish("/farewell", "from one").await?;
                Ok(())
            }
        }
    }
}

#[service("two", order = 1)]
struct Two(Diary);

#[handlers]
impl Two {
    #[post_construct]
    fn start(&self) -> Result<(), HandlerError> {
        self.0.start()
    }

    #[listener("/one")]
    fn heard(&self) {
        self.0.note("hears");
    }

    #[pre_destroy]
    async fn end(&self) {
        self.0.note("ends");
    }
}

fn diaries(first: Mood, second: Mood) -> (Arc<Diary>, Diary, Journal) {
    let journal = Journal::default();
    let diary = |name, mood| Diary {
        name,
        journal: Arc::clone(&journal),
        mood,
    };
    (Arc::new(diary("one", first)), diary("two", second), journal)
}

#[tokio::test(start_paused = true)]
async fn a_service_prepares_itself_before_it_hears_anything() {
    // services.md 2.9.46, and what it suggests
    let (one, two, journal) = diaries(Mood::Fine, Mood::Fine);
    let with = setup().with(|it| it.provide(one).discover_only(["one"]).service(Two(two)));
    let app = with.start().await;
    let seen = std::mem::take(&mut *journal.lock());
    assert_eq!(seen, ["one configures", "one starts", "two starts"]);
    app.client().up().await.publish("/one", 1).await;
    assert_eq!(*journal.lock(), ["one hears", "two hears"]);
}

#[tokio::test(start_paused = true)]
async fn services_end_in_reverse_and_then_hear_nothing_any_more() {
    // services.md 2.9.47, 2.9.51
    let (one, two, journal) = diaries(Mood::Fine, Mood::Fine);
    let with = setup().with(|it| it.provide(one).discover_only(["one"]).service(Two(two)));
    let app = with.start().await;
    let mut socket = app.socket().await.up().await;
    socket.subscribe("/farewell").await;
    journal.lock().clear();

    assert_eq!(app.server().shutdown(ms(1000)).await, Stopped::Drained);
    let ended = ["two ends", "one ends", "one from one"];
    assert_eq!(*journal.lock(), ended);
    // Connections were told to stop only after that.
    socket.expect([delivery("/farewell", "from one")]).await;
    socket.expect_close(1001).await;
    assert!(app.server().sessions().iter().all(|it| !it.is_local()));
    let local = app.server().local_session("late").await.unwrap();
    local.publish("/one", 1).await.unwrap();
    let error = local.remote_call("one", 1).await.unwrap_err();
    assert!(matches!(error, CallError::NoAnswer), "{error}");
    assert_eq!(app.server().shutdown(ms(1000)).await, Stopped::Drained);
    assert_eq!(*journal.lock(), ended);
}

/// Vetoes what is published to `/guarded`, and takes its time.
#[service("guard")]
struct Guard {
    gates: Arc<Gates>,
}

/// What a guard waits for.
#[derive(Default)]
struct Gates {
    end: Notify,
    slow: Notify,
}

#[handlers]
impl Guard {
    #[listener("/guarded")]
    fn veto(&self) -> bool {
        false
    }

    #[listener("/slow")]
    async fn slow(&self) {
        self.gates.slow.notified().await;
    }

    #[remote_call("guard")]
    fn answer(&self) -> u8 {
        7
    }

    #[pre_destroy]
    async fn end(&self) {
        self.gates.end.notified().await;
    }
}

async fn guarded() -> (App, Arc<Gates>) {
    let gates = Arc::new(Gates::default());
    let guard = Guard {
        gates: Arc::clone(&gates),
    };
    (setup().with(|it| it.service(guard)).start().await, gates)
}

#[tokio::test(start_paused = true)]
async fn a_service_that_takes_its_time_to_end_goes_on_to_veto_and_to_answer() {
    // decisions.md, services 2.9.47
    let (app, gates) = guarded().await;
    let mut socket = app.socket().await.up().await;
    let client = app.client().up().await;
    let server = app.server().clone();
    let stopping = start(async move { server.shutdown(ms(1000)).await });
    cometd_tests::settle().await;

    let vetoed = failed("/guarded", "404::message_deleted");
    client.publish("/guarded", 1).await.expect([vetoed.clone()]);
    socket
        .send(json!([socket.publish_message("/guarded", 1)]))
        .await;
    socket.expect([vetoed]).await;
    client.publish("/service/guard", 1).await.expect([
        delivery("/service/guard", 7).with("successful", true),
        ok("/service/guard"),
    ]);
    assert!(stopping.is_held());
    gates.end.notify_one();
    assert_eq!(stopping.answer().await, Stopped::Drained);
    app.server().publish(None, "/guarded", 1).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_message_that_is_under_way_at_the_end_passes_no_listener() {
    let (app, gates) = guarded().await;
    let client = app.client().up().await;
    let envelope = json!([
        client.publish_message("/slow", 1),
        client.publish_message("/guarded", 1),
    ]);
    let pending = client.start(envelope).await;
    gates.end.notify_one();
    let server = app.server().clone();
    let stopping = start(async move { server.shutdown(ms(1000)).await });
    cometd_tests::settle().await;
    assert!(stopping.is_held());
    gates.slow.notify_one();
    let vetoed = failed("/guarded", "404::message_deleted");
    pending.answer().await.expect([ok("/slow"), vetoed]);
    assert_eq!(stopping.answer().await, Stopped::Drained);
}

#[tokio::test(start_paused = true)]
async fn what_is_not_told_in_time_stays_attached() {
    let (app, _gates) = guarded().await;
    assert_eq!(app.server().shutdown(ms(1000)).await, Stopped::TimedOut);
    let published = app.server().publish(None, "/guarded", 1).await;
    assert!(published.is_err());
    // Who asks again does not tell it again.
    assert_eq!(app.server().shutdown(ms(1000)).await, Stopped::Drained);
    app.server().publish(None, "/guarded", 1).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_end_that_fails_keeps_nobody_from_ending() {
    // services.md 2.9.49
    let (one, two, journal) = diaries(Mood::FailsAtEnd, Mood::Fine);
    let with = setup().with(|it| it.provide(one).discover_only(["one"]).service(Two(two)));
    let app = with.start().await;
    assert_eq!(app.server().shutdown(ms(1000)).await, Stopped::Drained);
    assert_eq!(journal.lock().last().unwrap(), "one ends");
}

#[tokio::test(start_paused = true)]
async fn an_end_that_takes_too_long_is_left_behind() {
    let (one, two, _) = diaries(Mood::WaitsAtEnd, Mood::Fine);
    let with = setup().with(|it| it.provide(one).discover_only(["one"]).service(Two(two)));
    let app = with.start().await;
    let client = app.client().up().await;
    let held = client.hold().await;
    assert_eq!(app.server().shutdown(ms(1000)).await, Stopped::TimedOut);
    held.answer().await.refused(503);
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_that_is_dropped_still_stops_the_server() {
    let (one, two, _) = diaries(Mood::WaitsAtEnd, Mood::Fine);
    let with = setup().with(|it| it.provide(one).discover_only(["one"]).service(Two(two)));
    let app = with.start().await;
    let held = app.client().up().await.hold().await;
    let server = app.server().clone();
    let stopping = start(async move { server.shutdown(ms(1000)).await });
    cometd_tests::settle().await;
    assert!(held.is_held());
    stopping.cut().await;
    held.answer().await.refused(503);
}

#[tokio::test(start_paused = true)]
async fn a_start_that_fails_takes_down_what_had_been_started() {
    // services.md 2.9.49, 2.9.51
    for (mood, why) in [
        (Mood::FailsAtStart, "`start` failed: not today"),
        (Mood::PanicsAtStart, "`start` failed: panicked: not ever"),
    ] {
        let (one, two, journal) = diaries(Mood::Fine, mood);
        let build = BayeuxServer::builder()
            .provide(one)
            .discover_only(["one"])
            .service(Two(two))
            .build();
        let error = build.await.unwrap_err();
        let [problem] = error.problems() else {
            panic!("{error}");
        };
        let text = problem.to_string();
        assert!(
            text.contains("lifecycle.rs:") && text.contains(why),
            "{text}"
        );
        let seen = journal.lock().clone();
        // What did not start is not told of its end.
        assert_eq!(
            seen,
            [
                "one configures",
                "one starts",
                "two starts",
                "one ends",
                "one from one"
            ]
        );
    }
}

#[service("refused")]
struct Refused;

#[handlers]
impl Refused {
    #[subscription("/nosub/room")]
    fn heard(&self) {}
}

#[tokio::test(start_paused = true)]
async fn a_subscription_that_is_refused_keeps_the_server_from_starting() {
    // services.md 2.5.27
    let error = setup()
        .with(|it| it.service(Refused))
        .try_start()
        .await
        .unwrap_err();
    let text = error.to_string();
    let expected = "`heard` cannot subscribe to `/nosub/room`: refused: 403:denied_by_security_policy:subscribe_denied";
    assert!(
        text.contains("lifecycle.rs:") && text.contains(expected),
        "{text}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_listener_without_annotations_lasts_as_long_as_its_attachment() {
    // services.md 3.7
    let app = setup().start().await;
    let client = app.client().up().await;
    let seen = Arc::new(Mutex::new(Vec::new()));
    let journal = Arc::clone(&seen);
    let attachment = app
        .server()
        .on("/rooms/{room}", move |session, message: Message| {
            let journal = Arc::clone(&journal);
            async move {
                journal.lock().push(message.channel().to_string());
                session
                    .deliver(None, "/heard", message.data())
                    .await
                    .unwrap();
                message.data().as_str() != "\"veto\""
            }
        });
    client
        .publish("/rooms/1", 7)
        .await
        .expect([delivery("/heard", 7), ok("/rooms/1")]);
    client
        .publish("/rooms/1/lines", 7)
        .await
        .expect([ok("/rooms/1/lines")]);
    let vetoed = failed("/rooms/2", "404::message_deleted");
    client
        .publish("/rooms/2", "veto")
        .await
        .expect([delivery("/heard", "veto"), vetoed]);
    app.server().publish(None, "/rooms/3", 7).await.unwrap();
    assert_eq!(*seen.lock(), ["/rooms/1", "/rooms/2"]);
    drop(attachment.unwrap());
    client
        .publish("/rooms/1", json!({}))
        .await
        .expect([ok("/rooms/1")]);
    assert!(app.server().on("rooms", |_, _| async {}).is_err());
}
