//! Remote calls: `services.md` 2.6, PRODUCT 2.2.

use std::sync::Arc;

use cometd::prelude::*;
use cometd::{
    BuildError, CallError, Deferred, Extension, Failure, IntoFailure, SendError, Stopped,
};
use cometd_tests::{App, Client, Expected, Pending, delivery, failed, ok, setup, start};
use parking_lot::Mutex;
use serde::Serialize;
use serde_json::{Value, json};
use tokio::sync::Notify;

/// Callers that wait, for a test to answer them.
type Callers = Arc<Mutex<Vec<Caller>>>;

#[service("archive")]
struct Archive {
    #[session]
    session: LocalSession,
    #[inject]
    callers: Callers,
}

#[derive(Serialize)]
struct Line {
    room: u32,
    text: String,
}

#[derive(Debug)]
struct NoSuchRoom;

impl IntoFailure for NoSuchRoom {
    fn into_failure(self) -> Failure {
        Failure::new(json!({"reason": "no such room"}))
    }
}

#[handlers]
impl Archive {
    #[remote_call("rooms/{room}/history")]
    async fn history(&self, room: u32, Data(text): Data<String>) -> Result<Vec<Line>, NoSuchRoom> {
        if room == 0 {
            return Err(NoSuchRoom);
        }
        Ok(vec![Line { room, text }])
    }

    #[remote_call("/echo", "repeat")]
    fn echo(&self, message: &Message) -> RawJson {
        message.data().clone()
    }

    #[remote_call("nothing")]
    fn nothing(&self) {}

    #[remote_call("fail")]
    fn fail(&self) -> Result<u8, HandlerError> {
        Err(HandlerError::new("a secret of the database"))
    }

    #[remote_call("panic")]
    async fn panic(&self, local: &LocalSession) -> bool {
        assert!(local.server().is_none(), "a secret of the panic");
        true
    }

    #[remote_call("late")]
    fn late(&self, caller: Caller) {
        self.callers.lock().push(caller);
    }

    #[remote_call("early")]
    async fn early(&self, caller: Caller, server: BayeuxServer) {
        server.spawn(async move {
            let _ = caller.result("early").await;
        });
        // The answer has left, and waits for an extension, when this returns.
        tokio::task::yield_now().await;
    }

    #[remote_call("drop")]
    fn drop(&self, _caller: Caller) {}

    #[remote_call("reject")]
    async fn reject(&self, caller: Caller, Data(keep): Data<bool>) -> Result<(), NoSuchRoom> {
        if keep {
            self.callers.lock().push(caller);
        }
        Err(NoSuchRoom)
    }

    #[remote_call("own")]
    async fn own(&self) -> Result<String, HandlerError> {
        let answer = self.session.remote_call("echo", 1).await;
        Ok(answer.unwrap_err().to_string())
    }

    #[listener("/service/guarded")]
    fn guard(&self) -> bool {
        false
    }

    #[remote_call("guarded")]
    fn guarded(&self) -> bool {
        true
    }
}

async fn started() -> (App, Callers) {
    let callers = Callers::default();
    let provided = Arc::clone(&callers);
    let setup = setup().with(|it| it.provide::<Callers>(provided).discover_only(["archive"]));
    (setup.start().await, callers)
}

/// What a caller gets besides the acknowledgement.
fn answer(channel: &str, successful: bool, data: impl Into<Value>) -> Expected {
    delivery(channel, data).with("successful", successful)
}

/// Calls, and expects this answer and an acknowledgement.
async fn check_call(client: &Client, target: &str, data: Value, successful: bool, expected: Value) {
    let channel = format!("/service/{target}");
    client
        .publish(&channel, data)
        .await
        .expect([answer(&channel, successful, expected), ok(&channel)]);
}

#[tokio::test(start_paused = true)]
async fn an_answer_has_the_id_and_the_concrete_channel_of_its_request() {
    // services.md 2.6.30, 2.6.36
    let (app, _) = started().await;
    let client = app.client().up().await;
    let request = client.publish_message("/service/rooms/7/history", "hi");
    let id = request["id"].clone();
    let messages = client.send(json!([request])).await.messages();
    let data = json!([{"room": 7, "text": "hi"}]);
    let channel = "/service/rooms/7/history";
    let answer = json!({"channel": channel, "data": data, "id": id, "successful": true});
    let acknowledgement = json!({"channel": channel, "id": id, "successful": true});
    assert_eq!(messages, [answer, acknowledgement]);
}

#[tokio::test(start_paused = true)]
async fn a_result_is_any_value_and_a_failure_what_the_error_says() {
    // services.md 2.6.32
    let (app, _) = started().await;
    let client = app.client().up().await;
    check_call(
        &client,
        "echo",
        json!({"n": 1.50}),
        true,
        json!({"n": 1.50}),
    )
    .await;
    check_call(&client, "repeat", json!([]), true, json!([])).await;
    let reason = json!({"reason": "no such room"});
    check_call(&client, "rooms/0/history", json!("x"), false, reason).await;
}

#[tokio::test(start_paused = true)]
async fn an_answer_always_has_data_so_that_it_is_no_acknowledgement() {
    // services.md 2.6.37
    let (app, _) = started().await;
    let client = app.client().up().await;
    check_call(&client, "nothing", json!(1), true, Value::Null).await;
    let envelope = json!([client.message("/service/echo", json!({}))]);
    let answered = client.send(envelope).await;
    answered.expect([
        answer("/service/echo", true, Value::Null),
        ok("/service/echo"),
    ]);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_breaks_is_acknowledged_and_fails_without_a_secret() {
    // services.md 2.6.33
    let (app, _) = started().await;
    let client = app.client().up().await;
    let failure = json!({"class": "handler_failed", "message": null});
    check_call(&client, "fail", json!(1), false, failure.clone()).await;
    check_call(&client, "panic", json!(1), false, failure).await;
}

#[tokio::test(start_paused = true)]
async fn a_payload_that_does_not_fit_is_a_failure_that_says_where() {
    // services.md 2.6.31
    let (app, _) = started().await;
    let client = app.client().up().await;
    let failure = json!({"class": "data_invalid", "message": "the data is invalid"});
    check_call(&client, "rooms/1/history", json!(7), false, failure).await;
}

#[tokio::test(start_paused = true)]
async fn a_target_that_does_not_bind_is_nobodys_call() {
    // services.md 2.7.40
    let (app, _) = started().await;
    let client = app.client().up().await;
    let channel = "/service/rooms/blue/history";
    client.publish(channel, "hi").await.expect([ok(channel)]);
}

#[tokio::test(start_paused = true)]
async fn a_caller_can_be_answered_later_from_anywhere() {
    // services.md 2.6.32
    let (app, callers) = started().await;
    let client = app.client().up().await;
    let other = app.client().up().await;
    let channel = "/service/late";
    client.publish(channel, 1).await.expect([ok(channel)]);
    other.publish(channel, 1).await.expect([ok(channel)]);
    let held = client.hold().await;

    let waiting = std::mem::take(&mut *callers.lock());
    for (n, caller) in waiting.into_iter().enumerate() {
        let session = app.session(&other).unwrap();
        assert_eq!(caller.session() == &session, n == 1);
        if n == 0 {
            caller.result(json!([n])).await.unwrap();
        } else {
            caller.failure(NoSuchRoom).await.unwrap();
        }
    }
    let data = json!([0]);
    let arrived = held.answer().await;
    arrived.expect([answer(channel, true, data), ok("/meta/connect")]);
    let reason = json!({"reason": "no such room"});
    let arrived = other.connect0().await;
    let connected = ok("/meta/connect").advice(0, 2000);
    arrived.expect([answer(channel, false, reason), connected]);
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_is_dropped_fails() {
    // services.md 2.6.35
    let (app, callers) = started().await;
    let client = app.client().up().await;
    let failure = json!({"class": "not_answered", "message": null});
    check_call(&client, "drop", json!(1), false, failure.clone()).await;

    let channel = "/service/late";
    client.publish(channel, 1).await.expect([ok(channel)]);
    let held = client.hold().await;
    callers.lock().clear();
    let arrived = held.answer().await;
    arrived.expect([answer(channel, false, failure), ok("/meta/connect")]);
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_outlives_its_server_is_dropped_in_silence() {
    let (app, callers) = started().await;
    let client = app.client().up().await;
    client.publish("/service/late", 1).await;
    client.publish("/service/late", 1).await;
    app.server().shutdown(cometd_tests::ms(100)).await;
    let stopped = callers.lock().pop();
    drop(stopped);
    let outside = callers.lock().pop();
    drop(app);
    // No runtime is at hand there.
    std::thread::spawn(move || drop(outside)).join().unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_error_answers_for_a_caller_that_has_not() {
    // services.md 2.6.32: one answer, whoever is first
    let (app, callers) = started().await;
    let client = app.client().up().await;
    let reason = json!({"reason": "no such room"});
    check_call(&client, "reject", json!(false), false, reason.clone()).await;
    check_call(&client, "reject", json!(true), false, reason).await;
    let kept = callers.lock().pop().unwrap();
    kept.result("too late").await.unwrap();
    client
        .connect0()
        .await
        .expect([ok("/meta/connect").advice(0, 2000)]);
}

#[tokio::test(start_paused = true)]
async fn a_result_that_does_not_serialise_is_a_failure() {
    let (app, callers) = started().await;
    let client = app.client().up().await;
    client.publish("/service/late", 1).await;
    let caller = callers.lock().pop().unwrap();
    let no_text_keys = std::collections::HashMap::from([((1, 2), 3)]);
    assert!(caller.result(no_text_keys).await.is_err());
    let failure = json!({"class": "handler_failed", "message": null});
    let connected = ok("/meta/connect").advice(0, 2000);
    let arrived = client.connect0().await;
    arrived.expect([answer("/service/late", false, failure), connected]);
}

#[tokio::test(start_paused = true)]
async fn a_vetoed_request_is_refused_and_not_answered() {
    // services.md 2.6.38
    let (app, _) = started().await;
    let client = app.client().up().await;
    let channel = "/service/guarded";
    let refused = failed(channel, "404::message_deleted");
    client.publish(channel, 1).await.expect([refused]);
}

#[tokio::test(start_paused = true)]
async fn nobody_answers_what_has_no_sender_or_comes_from_the_service_itself() {
    // services.md 2.6.34
    let (app, _) = started().await;
    app.server()
        .publish(None, "/service/echo", 1)
        .await
        .unwrap();
    let client = app.client().up().await;
    let told = json!("nobody answers this remote call");
    check_call(&client, "own", json!(1), true, told).await;
}

#[tokio::test(start_paused = true)]
async fn a_local_session_calls_as_a_client_does() {
    // services.md 4.2.13
    let (app, callers) = started().await;
    let local = app.server().local_session("local").await.unwrap();
    let result = local.remote_call("rooms/1/history", "hi").await.unwrap();
    assert_eq!(result, json!([{"room": 1, "text": "hi"}]));
    match local.remote_call("/rooms/0/history", "hi").await {
        Err(CallError::Failed(data)) => assert_eq!(data, json!({"reason": "no such room"})),
        other => panic!("{other:?}"),
    }
    let error = local.remote_call("missing", 1).await.unwrap_err();
    assert!(matches!(error, CallError::NoAnswer), "{error}");
    let error = local.remote_call("guarded", 1).await.unwrap_err();
    assert_eq!(error.to_string(), "refused: 404::message_deleted");

    let late = call_later(&local, &callers).await;
    let caller = callers.lock().pop().unwrap();
    caller.result("at last").await.unwrap();
    assert_eq!(late.answer().await.unwrap(), json!("at last"));

    let given_up = call_later(&local, &callers).await;
    given_up.cut().await;
    let caller = callers.lock().pop().unwrap();
    caller.result("too late").await.unwrap();
}

/// A call whose caller waits with the others when this returns.
async fn call_later(
    local: &LocalSession,
    callers: &Callers,
) -> Pending<Result<RawJson, CallError>> {
    let local = local.clone();
    let call = start(async move { local.remote_call("late", 1).await });
    cometd_tests::settle().await;
    assert_eq!(callers.lock().len(), 1);
    assert!(call.is_held());
    call
}

/// Keeps answers until it is told what to do with the next one.
struct Customs(Arc<Gate>);

#[derive(Default)]
struct Gate {
    flow: Mutex<Flow>,
    open: Notify,
}

impl Gate {
    fn let_go(&self, flow: Flow) {
        *self.flow.lock() = flow;
        self.open.notify_one();
    }
}

impl Extension for Customs {
    fn outgoing<'a>(
        &'a self,
        _: Option<&'a ServerSession>,
        message: &'a mut Message,
    ) -> Deferred<'a, Flow> {
        if !message.channel().as_str().starts_with("/service/") {
            return Flow::Continue.into();
        }
        Deferred::later(async move {
            self.0.open.notified().await;
            *self.0.flow.lock()
        })
    }
}

async fn with_customs() -> (App, Callers, Arc<Gate>) {
    let (callers, gate) = (Callers::default(), Arc::new(Gate::default()));
    let (provided, customs) = (Arc::clone(&callers), Customs(Arc::clone(&gate)));
    let setup = setup().with(|it| {
        it.extension(customs)
            .provide::<Callers>(provided)
            .discover_only(["archive"])
    });
    (setup.start().await, callers, gate)
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_on_its_way_when_the_method_returns_arrives() {
    let (app, _, gate) = with_customs().await;
    let local = app.server().local_session("local").await.unwrap();
    let call = start(async move { local.remote_call("early", 1).await });
    cometd_tests::settle().await;
    assert!(call.is_held());
    gate.let_go(Flow::Continue);
    assert_eq!(call.answer().await.unwrap(), json!("early"));
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_does_not_arrive_ends_the_call() {
    let (app, callers, gate) = with_customs().await;
    let local = app.server().local_session("local").await.unwrap();

    // An extension objects.
    let call = call_later(&local, &callers).await;
    let caller = callers.lock().pop().unwrap();
    gate.let_go(Flow::Stop);
    assert!(matches!(caller.result(1).await, Err(SendError::Vetoed)));
    let error = call.answer().await.unwrap_err();
    assert!(matches!(error, CallError::NoAnswer), "{error}");

    // Whoever answers is cut off.
    let call = call_later(&local, &callers).await;
    let caller = callers.lock().pop().unwrap();
    let answering = start(caller.result(1));
    cometd_tests::settle().await;
    answering.cut().await;
    let error = call.answer().await.unwrap_err();
    assert!(matches!(error, CallError::NoAnswer), "{error}");

    // Nobody can answer for a caller that is dropped where there is no runtime.
    let call = call_later(&local, &callers).await;
    let caller = callers.lock().pop().unwrap();
    std::thread::spawn(move || drop(caller)).join().unwrap();
    let error = call.answer().await.unwrap_err();
    assert!(matches!(error, CallError::NoAnswer), "{error}");

    // The session that calls has ended.
    let call = call_later(&local, &callers).await;
    let caller = callers.lock().pop().unwrap();
    local.disconnect().await;
    gate.let_go(Flow::Continue);
    assert!(matches!(caller.result(1).await, Err(SendError::Gone(_))));
    let error = call.answer().await.unwrap_err();
    assert!(matches!(error, CallError::NoAnswer), "{error}");
}

#[service("asks")]
struct Asks(#[session] LocalSession);

#[handlers]
impl Asks {
    #[listener("/asks")]
    async fn asks(&self) -> Result<bool, CallError> {
        self.0.remote_call("late", 1).await.map(|_| true)
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_that_nobody_answers_does_not_keep_a_server_from_stopping() {
    let callers = Callers::default();
    let provided = Arc::clone(&callers);
    let app = setup()
        .with(|it| it.provide(provided).discover_only(["archive", "asks"]))
        .start()
        .await;
    let client = app.client().up().await;
    let asking = client
        .start(json!([client.publish_message("/asks", 1)]))
        .await;
    assert!(asking.is_held());
    let stopped = app.server().shutdown(cometd_tests::ms(1000)).await;
    assert_eq!(stopped, Stopped::Drained);
    let refused = failed("/asks", "500::handler_failed");
    asking.answer().await.expect([refused]);
}

#[service("other")]
struct Other;

#[handlers]
impl Other {
    #[remote_call("rooms/all/{what}")]
    fn everything(&self, what: &str) -> usize {
        what.len()
    }
}

#[tokio::test(start_paused = true)]
async fn two_services_that_answer_one_remote_call_are_a_problem() {
    let build = BayeuxServer::builder()
        .provide(Callers::default())
        .discover_only(["archive"])
        .service(Other)
        .build();
    let error: BuildError = build.await.unwrap_err();
    let [problem] = error.problems() else {
        panic!("{error}");
    };
    let text = problem.to_string();
    assert!(
        text.contains("`rooms/all/{what}` is answered by `history` in ")
            && text.contains("remote_call.rs:"),
        "{text}"
    );
}

#[service("slow")]
struct Slow(Arc<Notify>);

#[handlers]
impl Slow {
    #[remote_call("slow")]
    async fn slow(&self) -> u8 {
        self.0.notified().await;
        7
    }
}

#[tokio::test(start_paused = true)]
async fn a_method_that_waits_holds_up_its_own_sender_only() {
    // services.md 2.8.45
    let go_on = Arc::new(Notify::new());
    let service = Slow(Arc::clone(&go_on));
    let app = setup().with(|it| it.service(service)).start().await;
    let (client, other) = (app.client().up().await, app.client().up().await);
    let envelope = json!([
        client.publish_message("/service/slow", 1),
        client.publish_message("/x", 2),
    ]);
    let pending = client.start(envelope).await;
    assert!(pending.is_held());
    other.publish("/x", 1).await.at_once();
    go_on.notify_one();
    let answered = pending.answer().await;
    answered.expect([
        answer("/service/slow", true, 7),
        ok("/service/slow"),
        ok("/x"),
    ]);
}
