//! What a client publishes at once reaches the same subscribers at once, and nobody can tell.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};

use cometd::{
    Authorizer, BayeuxServer, ChannelId, Deferred, Extension, Flow, FrozenMessage, Intent,
    LocalSession, Message, QueueListener, QueueOverflow, Removal, Reply, ServerListener,
    ServerSession, Subscriber, Vote,
};
use cometd_tests::{App, Event, Socket, advance, delivery, ms, ok, open_setup, settle};
use futures_util::FutureExt;
use parking_lot::Mutex;
use proptest::prelude::*;
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf};
use tokio::sync::Notify;

/// More than are gathered.
const MANY: i64 = 200;

async fn subscriber(app: &App, channel: &str) -> Socket {
    let mut socket = app.socket().await.up().await;
    socket.subscribe(channel).await;
    socket
}

fn frames(socket: &Socket, messages: impl IntoIterator<Item = (&'static str, i64)>) -> Vec<Value> {
    let frame = |(channel, data)| json!([socket.publish_message(channel, data)]);
    messages.into_iter().map(frame).collect()
}

/// Channel and data of what has come so far.
fn heard(socket: &mut Socket) -> Vec<(String, Value)> {
    let messages = socket.arrived().into_iter().flat_map(|event| match event {
        Event::Messages(messages) => messages,
        other => panic!("expected messages, found {other:?}"),
    });
    messages
        .map(|it| {
            let channel = it["channel"].as_str().unwrap().to_owned();
            (channel, it["data"].clone())
        })
        .collect()
}

#[tokio::test(start_paused = true)]
async fn a_burst_arrives_whole_and_in_order() {
    // BAT-11, PUB-12
    let app = open_setup().start().await;
    let mut over_socket = subscriber(&app, "/a").await;
    let polling = app.client().up().await;
    polling.subscribe("/a").await;
    let mut sender = app.socket().await.up().await;
    let delivered = app.server().statistics().delivered;
    let burst = frames(&sender, (0..MANY).map(|it| ("/a", it)));
    sender.send_together(&burst).await;
    sender.expect((0..MANY).map(|_| ok("/a"))).await;
    over_socket
        .expect((0..MANY).map(|it| delivery("/a", it)))
        .await;
    let all = (0..MANY).map(|it| delivery("/a", it));
    let connect = polling.connect().await;
    connect.expect(all.chain([ok("/meta/connect")]));
    let after = app.server().statistics().delivered;
    assert_eq!(after - delivered, 2 * MANY as u64);
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_does_not_read_gets_bursts_whole_and_in_order() {
    // BAT-11: what is too much for the stream, and what is too much for what is written at once, too
    for bursts in [5, 10] {
        let app = open_setup().start().await;
        let mut slow = subscriber(&app, "/a").await;
        let mut quick = subscriber(&app, "/a").await;
        let mut sender = app.socket().await.up().await;
        let padding = "x".repeat(1000);
        let data = |it| json!([it, padding]);
        for burst in 0..bursts {
            let numbers = burst * 60..(burst + 1) * 60;
            let frame = |it| json!([sender.publish_message("/a", data(it))]);
            let frames: Vec<Value> = numbers.clone().map(frame).collect();
            sender.send_together(&frames).await;
            quick
                .expect(numbers.map(|it| delivery("/a", data(it))))
                .await;
        }
        let all = (0..bursts * 60).map(|it| delivery("/a", data(it)));
        slow.expect(all).await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_large_is_compressed_for_those_who_can_read_that() {
    // CFG-41, BAT-11
    let app = open_setup().start().await;
    let packing = app.upgrade("Sec-WebSocket-Extensions: permessage-deflate\r\n");
    let mut packing = packing.await.unwrap().up().await;
    packing.subscribe("/a").await;
    let mut plain = subscriber(&app, "/a").await;
    let mut sender = app.socket().await.up().await;
    let large = json!("x".repeat(2000));
    for burst in [&[json!(1), large, json!(2)][..], &[json!(3), json!(4)]] {
        let messages = burst
            .iter()
            .map(|it| sender.publish_message("/a", it.clone()));
        let frames: Vec<Value> = messages.map(|it| json!([it])).collect();
        sender.send_together(&frames).await;
        plain
            .expect(burst.iter().map(|it| delivery("/a", it.clone())))
            .await;
        for data in burst {
            match data.as_str() {
                Some(_) => assert_eq!(packing.event().await, Event::Packed),
                None => packing.expect([delivery("/a", data.clone())]).await,
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_envelope_arrives_whole_and_in_order() {
    // BAT-4, BAT-11: T-BAT-1, without a policy
    let app = open_setup().start().await;
    let mut other = subscriber(&app, "/a").await;
    let sender = app.client().up().await;
    let batch: Vec<Value> = (0..MANY)
        .map(|it| sender.publish_message("/a", it))
        .collect();
    let replies = sender.send(batch.into()).await;
    replies.expect((0..MANY).map(|_| ok("/a")));
    other.expect((0..MANY).map(|it| delivery("/a", it))).await;
}

/// Notes how many messages wait for a session whenever something about `/a` is written.
struct Watched {
    stream: DuplexStream,
    session: ServerSession,
    noted: Arc<Mutex<Vec<usize>>>,
}

impl AsyncRead for Watched {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Watched {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if bytes.windows(4).any(|it| it == br#""/a""#) {
            self.noted.lock().push(self.session.queued());
        }
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[tokio::test(start_paused = true)]
async fn no_reply_leaves_before_its_message_is_queued() {
    // BAT-2: the answer to a ping is written with the replies before it
    let app = open_setup().start().await;
    let other = app.client().up().await;
    other.subscribe("/a").await;
    let noted = Arc::default();
    let watched = |stream| Watched {
        stream,
        session: app.session(&other).unwrap(),
        noted: Arc::clone(&noted),
    };
    let mut sender = app.socket_through(watched).await.up().await;
    let publish = json!([sender.publish_message("/a", 0)]);
    for (published, has_ping) in [(1, false), (2, true)] {
        // One read finds both.
        if has_ping {
            sender.send_frame(0x89, b"").await;
        }
        sender.send(publish.clone()).await;
        while noted.lock().is_empty() {
            sender.event().await;
        }
        assert_eq!(*std::mem::take(&mut *noted.lock()), [published]);
    }
}

#[tokio::test(start_paused = true)]
async fn who_speaks_in_between_is_heard_in_between() {
    // BAT-2
    let app = open_setup().start().await;
    let mut other = subscriber(&app, "/a").await;
    let told = app.session(&other).unwrap();
    for channel in ["/service/talk", "/meta/unsubscribe", "/talk"] {
        let told = told.clone();
        let listener = cometd_tests::listener(move |_, _| {
            let told = told.clone();
            async move { told.deliver(None, "/told", 0).await.unwrap() }
        });
        let made = app.server().create_channel_if_absent(channel, |_| ());
        made.unwrap().0.add_listener(listener).keep();
    }
    let mut sender = app.socket().await.up().await;
    for between in [
        sender.publish_message("/service/talk", 0),
        sender.publish_message("/talk", 0),
        sender.unsubscribe_message("/b"),
    ] {
        let mut burst = frames(&sender, [("/a", 1), ("/a", 2), ("/a", 3)]);
        burst.insert(2, json!([between]));
        sender.send_together(&burst).await;
        let told = delivery("/told", 0);
        let [one, two, three] = [1, 2, 3].map(|it| delivery("/a", it));
        other.expect([one, two, told, three]).await;
    }
}

/// Decides when it is told to.
struct Late(Arc<Notify>);

impl Authorizer for Late {
    fn authorize<'a>(&'a self, _: Intent<'a>) -> Deferred<'a, Vote> {
        Deferred::later(async {
            self.0.notified().await;
            Vote::Grant
        })
    }
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_for_what_a_later_message_waits_for() {
    // PROC-6
    let app = open_setup().start().await;
    let decided = Arc::new(Notify::new());
    let late = Late(Arc::clone(&decided));
    app.server()
        .create_channel_if_absent("/late", |channel| {
            channel.authorizer(late);
        })
        .unwrap();
    let mut other = subscriber(&app, "/a").await;
    let mut sender = app.socket().await.up().await;
    let burst = [("/a", 1), ("/a", 2), ("/late", 3), ("/a", 4)];
    sender.send_together(&frames(&sender, burst)).await;
    other.expect([delivery("/a", 1), delivery("/a", 2)]).await;
    sender.expect([ok("/a"), ok("/a")]).await;
    decided.notify_one();
    other.expect([delivery("/a", 4)]).await;
    sender.expect([ok("/late"), ok("/a")]).await;
}

#[tokio::test(start_paused = true)]
async fn all_that_comes_before_a_mistake_is_answered() {
    // WS-9, FAYE-5: the mistake is the last of those that are read before the first is processed, the next, ...
    let app = open_setup().start().await;
    let mut other = subscriber(&app, "/a").await;
    for count in [1, 12, 13, 14, 15, 40] {
        let mut sender = app.socket().await.up().await;
        let publish = json!([sender.publish_message("/a", 0)]);
        let mut burst = vec![json!([]), publish.clone()];
        burst.extend((1..count).map(|_| publish.clone()));
        burst.extend([json!([]), json!("no message"), publish]);
        sender.send_together(&burst).await;
        sender.expect((0..count).map(|_| ok("/a"))).await;
        sender.expect_close(1011).await;
        other.expect((0..count).map(|_| delivery("/a", 0))).await;
        assert_eq!(heard(&mut other), []);
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_text_leads_to_comes_before_the_next_one() {
    // DIS-6, WS-14: the farewell, to a session whose messages leave with connects only
    let app = open_setup().start().await;
    let made = app
        .server()
        .create_channel_if_absent("/service/end", |_| ());
    let ending = cometd_tests::listener(|sender, _| async move { sender.disconnect().await });
    made.unwrap().0.add_listener(ending).keep();
    let mut socket = app.socket().await.up().await;
    let session = app.session(&socket).unwrap();
    session.set_meta_connect_delivery_only(true);
    let end = json!([socket.publish_message("/service/end", 0)]);
    socket.send_together(&[end.clone(), end]).await;
    socket.expect([ok("/service/end")]).await;
    assert_eq!(socket.frame().await[0]["channel"], "/meta/disconnect");
    assert_eq!(socket.frame().await[0]["error"], "402::session_unknown");
}

#[tokio::test(start_paused = true)]
async fn what_was_published_before_a_mistake_is_not_lost() {
    // WS-4
    let app = open_setup().start().await;
    let mut other = subscriber(&app, "/a").await;
    for end in [json!(1), json!("no message")] {
        let mut sender = app.socket().await.up().await;
        let mut burst = frames(&sender, [("/a", 1), ("/a", 2)]);
        burst.push(end);
        sender.send_together(&burst).await;
        other.expect([delivery("/a", 1), delivery("/a", 2)]).await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_published_before_the_end_of_a_socket_is_not_lost() {
    // WS-17
    let app = open_setup().start().await;
    let mut other = subscriber(&app, "/a").await;
    let mut sender = app.socket().await.up().await;
    let burst = frames(&sender, [("/a", 1), ("/a", 2)]);
    sender.send_together(&burst).await;
    drop(sender);
    other.expect([delivery("/a", 1), delivery("/a", 2)]).await;
}

#[tokio::test(start_paused = true)]
async fn a_queue_with_too_little_room_takes_what_it_can() {
    // SES-4
    let app = open_setup()
        .option("maxQueueBytes", 2_000)
        .with(|it| it.queue_overflow(QueueOverflow::DropNewest))
        .start()
        .await;
    let polling = app.client().up().await;
    polling.subscribe("/a").await;
    let mut sender = app.socket().await.up().await;
    let burst = frames(&sender, (0..MANY).map(|it| ("/a", it)));
    sender.send_together(&burst).await;
    sender.expect((0..MANY).map(|_| ok("/a"))).await;
    let got = polling.connect().await.messages();
    let data = got.iter().filter_map(|it| it["data"].as_i64());
    let data: Vec<i64> = data.collect();
    assert!((50..100).contains(&data.len()), "{data:?}");
    assert!((0..).zip(&data).all(|(nth, it)| nth == *it), "{data:?}");
}

/// Tells a session that another one has ended.
struct Mourning(Arc<OnceLock<Telling>>);

impl ServerListener for Mourning {
    fn session_removed(&self, _: &ServerSession, _: Removal) {
        self.0.get().unwrap().tell();
    }
}

#[tokio::test(start_paused = true)]
async fn the_end_of_a_full_session_is_told_behind_what_filled_it() {
    // SES-4
    let telling = Arc::new(OnceLock::new());
    let mourning = Mourning(Arc::clone(&telling));
    let app = open_setup()
        .option("maxQueueBytes", 2_000)
        .with(|it| it.listener(mourning))
        .start()
        .await;
    let full = app.client().up().await;
    full.subscribe("/a").await;
    let mut other = subscriber(&app, "/a").await;
    assert!(telling.set(Telling(app.session(&other).unwrap())).is_ok());
    let mut sender = app.socket().await.up().await;
    let mut expected = Vec::new();
    for numbers in [0..40, 40..80] {
        let burst = frames(&sender, numbers.clone().map(|it| ("/a", it)));
        sender.send_together(&burst).await;
        settle().await;
        expected.extend(numbers.map(|it| ("/a".to_owned(), json!(it))));
    }
    expected.push(("/told".to_owned(), json!(0)));
    assert_eq!(heard(&mut other), expected);
    assert!(app.session(&full).is_none());
}

/// Publishes an answer to what it hears.
struct Answering(LocalSession);

impl Subscriber for Answering {
    fn on_message<'a>(&'a self, _: &'a ChannelId, message: &'a Message) -> Deferred<'a, ()> {
        Deferred::later(async {
            let answered = self.0.publish("/answers", message.data().clone()).await;
            answered.unwrap();
        })
    }
}

async fn answering(server: &BayeuxServer, channel: &str) -> LocalSession {
    let answering = server.local_session("answering").await.unwrap();
    let subscriber = Answering(answering.clone());
    answering.subscribe(channel, subscriber).await.unwrap();
    answering
}

/// Tells a session of what it hears or what is queued elsewhere.
struct Telling(ServerSession);

impl Telling {
    fn tell(&self) {
        let told = self.0.deliver(None, "/told", 0).now_or_never();
        told.expect("nobody is waited for").unwrap();
    }
}

impl Subscriber for Telling {
    fn on_message<'a>(&'a self, _: &'a ChannelId, _: &'a Message) -> Deferred<'a, ()> {
        self.tell();
        ().into()
    }
}

impl QueueListener for Telling {
    fn queued(&self, _: &ServerSession, _: &Arc<FrozenMessage>) {
        self.tell();
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_subscriber_of_this_process_says_comes_before_the_reply() {
    // BAT-2, BAT-8
    let app = open_setup().start().await;
    let mut sender = app.socket().await.up().await;
    let telling = Telling(app.session(&sender).unwrap());
    let local = app.server().local_session("telling").await.unwrap();
    local.subscribe("/a", telling).await.unwrap();
    sender.publish("/a", 1).await;
    sender.expect([delivery("/told", 0), ok("/a")]).await;
}

#[tokio::test(start_paused = true)]
async fn who_listens_to_a_queue_hears_of_one_message_at_a_time() {
    // BAT-2, SES-4
    let app = open_setup().start().await;
    let listened_to = subscriber(&app, "/a").await;
    let mut other = subscriber(&app, "/a").await;
    let telling = Telling(app.session(&other).unwrap());
    let session = app.session(&listened_to).unwrap();
    session.add_queue_listener(telling).keep();
    let mut sender = app.socket().await.up().await;
    let burst = frames(&sender, [("/a", 1), ("/a", 2)]);
    sender.send_together(&burst).await;
    let [one, two] = [1, 2].map(|it| delivery("/a", it));
    let told = || delivery("/told", 0);
    other.expect([told(), one, told(), two]).await;
}

/// Lets a reply pass when it is told to.
struct LateReply {
    decided: Arc<Notify>,
    channel: &'static str,
    is_meta_only: bool,
}

impl Extension for LateReply {
    fn is_meta_only(&self) -> bool {
        self.is_meta_only
    }

    fn reply<'a>(
        &'a self,
        _: Option<&'a ServerSession>,
        reply: &'a mut Reply,
    ) -> Deferred<'a, Flow> {
        if reply.channel() != Some(self.channel) {
            return Flow::Continue.into();
        }
        Deferred::later(async {
            self.decided.notified().await;
            Flow::Continue
        })
    }
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_for_who_looks_at_replies() {
    // PROC-9
    for (channel, is_meta_only) in [("/a", false), ("/meta/connect", true)] {
        let decided = Arc::new(Notify::new());
        let late = LateReply {
            decided: Arc::clone(&decided),
            channel,
            is_meta_only,
        };
        let app = open_setup().with(|it| it.extension(late)).start().await;
        let mut other = app.socket().await;
        other.handshake().await;
        other.subscribe("/a").await;
        let mut sender = app.socket().await;
        sender.handshake().await;
        let connect = sender.connect_message(json!({"timeout": 0}));
        let publish = sender.publish_message("/a", 1);
        sender.send(json!([connect, publish])).await;
        other.expect([delivery("/a", 1)]).await;
        decided.notify_one();
        sender.frame().await;
    }
}

/// What may be sent in a burst.
fn step() -> impl Strategy<Value = (&'static str, &'static str)> {
    let channel = prop::sample::select(vec!["/a", "/a", "/a", "/a", "/b", "/lazy", "/veto", "/c"]);
    let subscription = prop::sample::select(vec!["/meta/subscribe", "/meta/unsubscribe"]);
    prop_oneof![
        12 => channel.prop_map(|it| (it, "")),
        1 => Just(("/service/echo", "")),
        1 => (subscription, prop::sample::select(vec!["/a", "/**"])),
    ]
}

/// What a client that publishes and others hear if these are sent together, or one after the other.
async fn outcome(
    steps: &[(&str, &str)],
    together: bool,
    [answered, wide]: [bool; 2],
) -> Vec<Vec<(String, Value)>> {
    let app = open_setup().option("maxLazyTimeout", 100).start().await;
    let mut sockets = vec![app.socket().await.up().await];
    let channels: [&[&str]; 3] = [&["/a", "/b"], &["/answers", "/a"], &["/**"]];
    for channels in &channels[..if wide { 3 } else { 2 }] {
        let mut socket = app.socket().await.up().await;
        for channel in *channels {
            socket.subscribe(channel).await;
        }
        sockets.push(socket);
    }
    let _answering = match answered {
        true => Some(answering(app.server(), "/a").await),
        false => None,
    };
    settle().await;
    let sender = &mut sockets[0];
    let frame = |(nth, (channel, subscription)): (usize, &(&str, &str))| match *subscription {
        "" => json!([sender.publish_message(channel, nth)]),
        it => json!([sender.message(channel, json!({"subscription": it}))]),
    };
    let burst: Vec<Value> = steps.iter().enumerate().map(frame).collect();
    let mut heard_by = vec![Vec::new(); sockets.len()];
    let chunk = if together { burst.len() } else { 1 };
    let nothing: &[Value] = &[];
    for frames in burst.chunks(chunk.max(1)).chain([nothing]) {
        sockets[0].send_together(frames).await;
        match frames.is_empty() {
            true => advance(ms(200)).await, // What is lazy has left then.
            false => settle().await,
        }
        for (socket, heard_by) in sockets.iter_mut().zip(&mut heard_by) {
            heard_by.extend(heard(socket));
        }
    }
    heard_by
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_burst_is_as_good_as_its_messages_one_by_one(
        steps in prop::collection::vec(step(), 1..80),
        circumstances: [bool; 2],
    ) {
        // BAT-2, BAT-11
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = runtime.enable_time().start_paused(true).build().unwrap();
        let together = runtime.block_on(outcome(&steps, true, circumstances));
        let singly = runtime.block_on(outcome(&steps, false, circumstances));
        prop_assert_eq!(together, singly);
    }
}
