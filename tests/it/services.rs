//! Annotated services in a running server: `services.md` 2, PRODUCT 2.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use cometd::Context;
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

#[service("reader")]
struct Reader {
    #[session]
    session: LocalSession,
    #[inject]
    journal: Journal,
}

/// What a client has done before.
struct Visits(u32);

#[handlers]
impl Reader {
    #[subscription("/**")]
    fn everything(&self, message: &Message) {
        self.journal
            .lock()
            .push(format!("all {}", message.channel()));
    }

    /// All of its channels cover what is published to `/news/sports`.
    #[subscription("/news/*", "/news/sports", "/news/**")]
    async fn news(&self, message: &Message) -> Result<(), HandlerError> {
        self.journal
            .lock()
            .push(format!("news {}", message.channel()));
        Err(HandlerError::new(
            "a subscription that fails concerns nobody",
        ))
    }

    #[subscription("/news/{topic}/{number}", "/{topic}/{number}")]
    fn numbered(&self, topic: &str, number: u32, local: &LocalSession) {
        let own = local.server_session() == self.session.server_session();
        self.journal.lock().push(format!("{topic} {number} {own}"));
    }

    #[subscription("/news/panic")]
    fn panic(&self, Data(number): Data<u32>) {
        assert_eq!(number, 0, "not what was expected");
    }

    #[subscription("/service/private")]
    fn private(&self, Data(text): Data<&str>) {
        self.journal.lock().push(text.to_owned());
    }

    #[listener("/own")]
    async fn publish(&self) -> Result<(), HandlerError> {
        self.session.publish("/news/sports", "own").await?;
        Ok(())
    }

    #[listener("/service/visit")]
    fn visit(
        &self,
        session: ServerSession,
        before: Option<Attribute<Visits>>,
        context: &Context,
    ) -> Result<(), HandlerError> {
        let count = before.map_or(1, |it| it.0 + 1);
        session.insert(Visits(count));
        let header = context.headers().get("x-name").map(|it| it.to_str());
        let name = header.transpose()?.unwrap_or("somebody");
        let tab = context.cookie("BAYEUX_BROWSER").is_some();
        self.journal
            .lock()
            .push(format!("{name} {count} {tab} {:?}", context.peer()));
        Ok(())
    }

    #[listener("/service/regular")]
    fn regular(&self, visits: Attribute<Visits>) {
        self.journal.lock().push(format!("regular {}", visits.0));
    }
}

async fn reading() -> (App, Journal) {
    let journal = Journal::default();
    let provided = Arc::clone(&journal);
    let setup = setup().with(|it| it.provide::<Journal>(provided).discover_only(["reader"]));
    (setup.start().await, journal)
}

fn taken(journal: &Journal) -> Vec<String> {
    std::mem::take(&mut *journal.lock())
}

#[tokio::test(start_paused = true)]
async fn a_subscription_is_called_once_for_a_message_the_most_precise_first() {
    // services.md 2.5.27, 2.5.29, 2.8.43
    let (app, journal) = reading().await;
    let client = app.client().up().await;
    client
        .publish("/news/sports", 1)
        .await
        .expect([ok("/news/sports")]);
    assert_eq!(taken(&journal), ["news /news/sports", "all /news/sports"]);
    client
        .publish("/news/sports/7", 1)
        .await
        .expect([ok("/news/sports/7")]);
    let seen = taken(&journal);
    assert_eq!(
        seen,
        ["news /news/sports/7", "sports 7 true", "all /news/sports/7"]
    );
}

#[tokio::test(start_paused = true)]
async fn a_subscription_hears_code_of_the_server_and_its_own_service() {
    // services.md 2.5.28
    let (app, journal) = reading().await;
    app.server().publish(None, "/a/5", 1).await.unwrap();
    assert_eq!(taken(&journal), ["all /a/5", "a 5 true"]);
    app.client().up().await.publish("/own", 1).await;
    assert_eq!(
        taken(&journal),
        ["news /news/sports", "all /news/sports", "all /own"]
    );
}

#[tokio::test(start_paused = true)]
async fn a_subscription_that_breaks_concerns_nobody_else() {
    // services.md 2.5.29
    let (app, journal) = reading().await;
    let client = app.client().up().await;
    client.subscribe("/news/panic").await;
    for data in [json!(1), json!("no number")] {
        client
            .publish("/news/panic", data.clone())
            .await
            .expect([delivery("/news/panic", data), ok("/news/panic")]);
    }
    assert_eq!(taken(&journal).len(), 4);
}

#[tokio::test(start_paused = true)]
async fn a_subscription_to_a_service_channel_sees_what_is_delivered() {
    // services.md 2.5.26
    let (app, journal) = reading().await;
    let client = app.client().up().await;
    client
        .publish("/service/private", "published")
        .await
        .expect([ok("/service/private")]);
    let sessions = app.server().sessions();
    let reader = sessions.iter().find(|it| it.is_local()).unwrap();
    reader
        .deliver(None, "/service/private", "delivered")
        .await
        .unwrap();
    assert_eq!(taken(&journal), ["delivered", "all /service/private"]);
}

#[tokio::test(start_paused = true)]
async fn a_handler_takes_what_is_known_of_its_sender() {
    let (app, journal) = reading().await;
    let client = app.client().up().await;
    client
        .publish("/service/regular", 1)
        .await
        .expect([ok("/service/regular")]);
    client.publish("/service/visit", 1).await;
    let visit = json!([client.publish_message("/service/visit", 1)]).to_string();
    let request = ::http::Request::post("/").header("X-Name", "alice");
    let request = request.body(visit.into()).unwrap();
    client.request(request).await.expect([ok("/service/visit")]);
    client.publish("/service/regular", 1).await;
    assert_eq!(
        taken(&journal),
        ["somebody 1 true None", "alice 2 true None", "regular 2"]
    );
}

#[tokio::test(start_paused = true)]
async fn a_session_keeps_one_value_of_a_type() {
    // services.md 4.1.6
    let app = setup().start().await;
    let client = app.client().up().await;
    let session = app.session(&client).unwrap();
    assert!(session.insert(1_u8).is_none());
    assert_eq!(session.insert(2_u8).as_deref(), Some(&1));
    assert!(!session.set_attribute("u8", 3_u8));
    assert_eq!(session.get::<u8>().as_deref(), Some(&2));
    assert!(session.get::<u16>().is_none());
    assert_eq!(session.remove::<u8>().as_deref(), Some(&2));
    assert!(session.get::<u8>().is_none());
}

#[tokio::test(start_paused = true)]
async fn a_local_session_publishes_a_batch_in_order() {
    // services.md 4.2.13
    let app = setup().start().await;
    let client = app.client().up().await;
    client.subscribe("/a").await;
    let local = app.server().local_session("local").await.unwrap();
    let outcomes = local
        .batch([
            Message::publish("/a", 1),
            Message::publish("/nopublish/a", 2),
            Message::publish("/a", 3),
        ])
        .await;
    let texts: Vec<_> = outcomes.iter().map(|it| it.as_ref().err()).collect();
    assert_eq!((texts[0].is_none(), texts[2].is_none()), (true, true));
    let refused = "refused: 403:denied_by_security_policy:publish_denied";
    assert_eq!(texts[1].unwrap().to_string(), refused);
    let arrived = client.connect0().await;
    let connected = ok("/meta/connect").advice(0, 2000);
    arrived.expect([delivery("/a", 1), delivery("/a", 3), connected]);
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
