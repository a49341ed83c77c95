//! Those who see the queue of a session: section 11.

use std::collections::VecDeque;
use std::sync::Arc;

use cometd::{
    BayeuxServer, Flow, FrozenMessage, LocalSession, Message, QueueListener, Reply, SendError,
    ServerSession,
};
use cometd_tests::{App, Client, delivery, ok, settle, setup};
use parking_lot::Mutex;

/// Refuses what is too many, and ends the session.
struct Strict(BayeuxServer);

impl QueueListener for Strict {
    fn queue_maxed(&self, session: &ServerSession, _: &FrozenMessage) -> Flow {
        let session = session.clone();
        self.0.spawn(async move { session.disconnect().await });
        Flow::Stop
    }
}

async fn limited() -> (App, Client, ServerSession, LocalSession) {
    let app = setup().option("maxQueue", 2).start().await;
    let client = app.client().up().await;
    let session = app.session(&client).unwrap();
    let local = app.server().local_session("sender").await.unwrap();
    (app, client, session, local)
}

#[tokio::test(start_paused = true)]
async fn a_full_queue_asks_whoever_listens_to_it() {
    // SES-4: T-SES-7
    let (app, client, session, local) = limited().await;
    session
        .add_queue_listener(Strict(app.server().clone()))
        .keep();
    session.deliver(&local, "/a", 1).await.unwrap();
    session.deliver(&local, "/a", 2).await.unwrap();
    let refused = session.deliver(&local, "/a", 3).await.unwrap_err();
    assert!(matches!(refused, SendError::Full(message) if *message.data() == serde_json::json!(3)));
    settle().await;
    assert!(app.session(&client).is_none());
}

#[tokio::test(start_paused = true)]
async fn a_full_queue_that_nobody_listens_to_has_no_limit_of_messages() {
    // SES-4, CFG-16: T-SES-7
    let (_app, client, session, local) = limited().await;
    for number in 1..=3 {
        session.deliver(&local, "/a", number).await.unwrap();
    }
    let [one, two, three] = [1, 2, 3].map(|number| delivery("/a", number));
    client
        .connect()
        .await
        .expect([one, two, three, ok("/meta/connect")]);
}

/// Keeps the last message only, and notes what it saw.
#[derive(Clone, Default)]
struct Last(Arc<Mutex<Vec<String>>>);

impl QueueListener for Last {
    fn queued(&self, _: &ServerSession, message: &Arc<FrozenMessage>) {
        self.0.lock().push(message.data().to_string());
    }

    fn dequeue(
        &self,
        _: &ServerSession,
        messages: &mut VecDeque<Arc<FrozenMessage>>,
        replies: &mut Vec<Reply>,
    ) {
        messages.drain(..messages.len().saturating_sub(1));
        self.0
            .lock()
            .push(format!("{} and {}", messages.len(), replies.len()));
    }
}

#[tokio::test(start_paused = true)]
async fn what_leaves_can_be_changed() {
    // SES-5: T-SES-12
    let (_app, client, session, _) = limited().await;
    let last = Last::default();
    session.add_queue_listener(last.clone()).keep();
    for number in 1..=3 {
        let message = Message::new("/a", number).unwrap();
        session.deliver_message(None, message).await.unwrap();
    }
    client
        .connect()
        .await
        .expect([delivery("/a", 3), ok("/meta/connect")]);
    // Asked for an empty queue, too.
    client.publish("/b", 1).await.expect([ok("/b")]);
    assert_eq!(*last.0.lock(), ["1", "2", "3", "1 and 1", "0 and 1"]);
}

#[tokio::test(start_paused = true)]
async fn what_leaves_over_a_socket_can_be_changed() {
    // SES-5: T-SES-12
    let app = setup().start().await;
    let mut socket = app.socket().await.up().await;
    let session = app.session(&socket).unwrap();
    session.add_queue_listener(Last::default()).keep();
    let deliver = async |number| session.deliver(None, "/a", number).await.unwrap();
    session
        .batch(async {
            deliver(1).await;
            deliver(2).await
        })
        .await;
    socket.expect([delivery("/a", 2)]).await;
}
