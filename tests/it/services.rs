//! Annotated services in a running server: `services.md` 2, PRODUCT 2.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use cometd::prelude::*;
use cometd_tests::{App, Setup, delivery, failed, ok, setup};
use parking_lot::Mutex;
use serde::Deserialize;
use serde_json::json;

/// What handlers have seen.
type Journal = Arc<Mutex<Vec<String>>>;

#[service("rooms")]
struct Rooms {
    #[session]
    session: LocalSession,
    #[inject]
    journal: Journal,
    count: AtomicU64,
}

#[derive(Deserialize)]
struct Line<'a> {
    user: &'a str,
    chat: &'a str,
}

#[handlers]
impl Rooms {
    #[configure("/rooms/closed")]
    fn closed(channel: &mut ChannelConfig) {
        channel.authorizer(Grant::NONE);
    }

    /// Comes before `numbered` in the source, and after it on the way: its pattern is narrower.
    #[listener("/rooms/{room}/{number}")]
    async fn numbered(
        &self,
        room: &str,
        number: u32,
        session: &ServerSession,
    ) -> Result<(), HandlerError> {
        self.journal.lock().push(format!("{room} {number}"));
        session
            .deliver(&self.session, "/private", json!([room, number]))
            .await?;
        Ok(())
    }

    #[listener("/**")]
    fn everything(&self, message: &Message) {
        self.journal
            .lock()
            .push(format!("all {}", message.channel()));
    }

    #[listener("/service/say")]
    fn say(&self, Data(line): Data<Line<'_>>) -> bool {
        self.journal
            .lock()
            .push(format!("{}: {}", line.user, line.chat));
        line.chat != "veto"
    }

    #[listener("/count/up")]
    async fn count(&self, message: &mut Message, local: &LocalSession) -> Result<(), HandlerError> {
        let count = self.count.fetch_add(1, Ordering::Relaxed) + 1;
        message.set_data(count)?;
        // Not heard again by this very handler.
        if count < 3 {
            local.publish("/count/up", 0).await?;
        }
        Ok(())
    }

    #[listener("/service/fail")]
    fn fail(&self) -> Result<Flow, HandlerError> {
        Err(HandlerError::new("a secret of the database"))
    }

    #[listener("/rooms/panic", "/service/panic")]
    async fn panic(&self, server: BayeuxServer) {
        assert!(server.sessions().is_empty(), "a secret of the panic");
    }

    #[listener("/service/state")]
    fn state(&self, State(number): State<u32>, sender: Option<ServerSession>) {
        let known = sender.is_some();
        self.journal.lock().push(format!("state {number} {known}"));
    }
}

fn rooms(journal: &Journal) -> Setup {
    let journal = Arc::clone(journal);
    setup().with(|builder| {
        builder
            .provide::<Journal>(journal)
            .provide(7_u32)
            .discover_only(["rooms"])
    })
}

async fn started() -> (App, Journal) {
    let journal = Journal::default();
    (rooms(&journal).start().await, journal)
}

#[tokio::test(start_paused = true)]
async fn a_template_binds_and_parses_wherever_its_variables_are() {
    // services.md 2.7.40, 2.7.41
    let (app, journal) = started().await;
    let client = app.client().up().await;
    let answer = client.publish("/rooms/blue/5", 1).await;
    answer.expect([
        delivery("/private", json!(["blue", 5])),
        ok("/rooms/blue/5"),
    ]);
    client
        .publish("/rooms/blue/five", 1)
        .await
        .expect([ok("/rooms/blue/five")]);
    client
        .publish("/rooms/blue", 1)
        .await
        .expect([ok("/rooms/blue")]);
    let seen = journal.lock().clone();
    // PROC-7, services.md 2.8.43: wider wildcards first.
    let seen: Vec<&str> = seen
        .iter()
        .map(String::as_str)
        .filter(|it| it.contains("rooms") || it.contains("blue"))
        .collect();
    assert_eq!(
        seen,
        [
            "all /rooms/blue/5",
            "blue 5",
            "all /rooms/blue/five",
            "all /rooms/blue"
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_payload_that_does_not_fit_is_refused_with_the_name_of_the_field() {
    let (app, journal) = started().await;
    let client = app.client().up().await;
    let say = async |data| client.publish("/service/say", data).await;
    say(json!({"user": "alice", "chat": "hi"}))
        .await
        .expect([ok("/service/say")]);
    assert_eq!(journal.lock().last().unwrap(), "alice: hi");
    let error = "400:chat is missing:data_invalid";
    say(json!({"user": "alice"}))
        .await
        .expect([failed("/service/say", error)]);
}

#[tokio::test(start_paused = true)]
async fn false_is_a_veto() {
    // services.md 2.4.18, PUB-10
    let (app, _) = started().await;
    let client = app.client().up().await;
    let answer = client
        .publish("/service/say", json!({"user": "alice", "chat": "veto"}))
        .await;
    answer.expect([failed("/service/say", "404::message_deleted")]);
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_fails_lets_nothing_pass_and_nothing_out() {
    // PRODUCT 2.2
    let (app, _) = started().await;
    let client = app.client().up().await;
    client.subscribe("/rooms/panic").await;
    for channel in ["/service/fail", "/service/panic", "/rooms/panic"] {
        client
            .publish(channel, 1)
            .await
            .expect([failed(channel, "500::handler_failed")]);
    }
    client
        .publish("/rooms/fine", 1)
        .await
        .expect([ok("/rooms/fine")]);
}

#[tokio::test(start_paused = true)]
async fn a_change_is_seen_by_subscribers_and_own_publishes_are_not_heard() {
    // services.md 2.4.17, 2.4.20
    let (app, _) = started().await;
    let client = app.client().up().await;
    client.subscribe("/count/up").await;
    let answer = client.publish("/count/up", "ignored").await;
    answer.expect([
        delivery("/count/up", 0),
        delivery("/count/up", 1),
        ok("/count/up"),
    ]);
}

#[tokio::test(start_paused = true)]
async fn a_configured_channel_is_ready_before_the_first_client() {
    // services.md 2.3.11
    let (app, _) = started().await;
    let client = app.client().up().await;
    let error = "403:denied_by_not_granting:publish_denied";
    client
        .publish("/rooms/closed", 1)
        .await
        .expect([failed("/rooms/closed", error)]);
}

#[tokio::test(start_paused = true)]
async fn a_handler_takes_what_was_provided() {
    let (app, journal) = started().await;
    app.client()
        .up()
        .await
        .publish("/service/state", 1)
        .await
        .expect([ok("/service/state")]);
    app.server()
        .publish(None, "/service/state", 1)
        .await
        .unwrap();
    let seen = journal
        .lock()
        .iter()
        .filter(|it| it.starts_with("state"))
        .cloned()
        .collect::<Vec<_>>();
    assert_eq!(seen, ["state 7 true", "state 7 false"]);
}

#[service("first", order = -1)]
struct First;

#[handlers]
impl First {
    #[configure("/started", if_exists = "run")]
    fn configure(channel: &mut ChannelConfig) {
        channel.persistent(true);
    }

    #[listener("/service/first", own = true)]
    fn listen(&self) {}
}

#[service("second")]
struct Second(Journal);

#[handlers]
impl Second {
    #[configure("/started")]
    fn configure(&self, channel: &mut ChannelConfig) -> Result<(), HandlerError> {
        self.0.lock().push(channel.id().to_string());
        Err(HandlerError::new("not today"))
    }
}

#[tokio::test(start_paused = true)]
async fn every_problem_is_reported_at_once_with_its_place() {
    // PRODUCT 2.3, services.md 2.3.12
    let build = BayeuxServer::builder()
        .option("timeuot", "1")
        .discover_only(["rooms", "nobody"])
        .service(First)
        .service(First)
        .service_with(|context| {
            assert!(context.session().server().is_some());
            Second(Journal::default())
        })
        .build()
        .await;
    let error = build.unwrap_err();
    let texts: Vec<String> = error.problems().iter().map(ToString::to_string).collect();
    for expected in [
        r#"unknown option "timeuot"; did you mean "timeout"?"#,
        "no service is called `nobody`",
        "two services are called `first`; the other one is at ",
        "`/started` exists already when `configure` is to configure it",
        "nothing is provided for `alloc::sync::Arc<",
    ] {
        let found = texts.iter().find(|text| text.contains(expected));
        let text = found.unwrap_or_else(|| panic!("{expected}\nis not in {texts:#?}"));
        assert!(text.contains("services.rs:"), "no place: {text}");
    }
    assert_eq!(texts.len(), 5, "{texts:#?}");
}

#[tokio::test(start_paused = true)]
async fn a_configuration_that_fails_keeps_the_server_from_starting() {
    let journal = Journal::default();
    let service = Second(Arc::clone(&journal));
    let error = BayeuxServer::builder()
        .service(service)
        .build()
        .await
        .unwrap_err();
    assert!(
        error
            .to_string()
            .contains("`configure` could not configure `/started`: not today")
    );
    assert_eq!(*journal.lock(), ["/started"]);
}
