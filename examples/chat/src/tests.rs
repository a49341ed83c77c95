//! The chat without a server: its handlers are called as the server would call them.

use std::sync::Arc;
use std::time::Duration;

use cometd::prelude::*;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::Chat;
use crate::rooms::{MOST_ROOMS, Rooms};

fn chat() -> Chat {
    Chat {
        session: LocalSession::mock(),
        rooms: Arc::default(),
    }
}

impl Chat {
    /// Somebody who hears what is said in the room, and whom nobody knows yet.
    fn visitor(&self) -> MockSession {
        MockSession::beside(&self.session)
            .subscribed("/chat/demo")
            .subscribed("/members/demo")
    }

    async fn joined_as(&self, session: &MockSession, user: &str) -> bool {
        let join = json!({"user": user, "room": "/chat/demo"});
        self.join(session, data(join)).await.unwrap()
    }

    async fn whispered(&self, session: &MockSession, user: &str, peer: &str) -> bool {
        let whisper = json!({"room": "/chat/demo", "user": user, "chat": "psst", "peer": peer});
        self.whisper(session, data(whisper)).await
    }
}

fn data<T: DeserializeOwned>(value: Value) -> Data<T> {
    Data(serde_json::from_value(value).unwrap())
}

#[tokio::test]
async fn the_members_of_a_room_are_told_who_joins() {
    let chat = chat();
    let [alice, bob] = [chat.visitor(), chat.visitor()];
    assert!(chat.joined_as(&bob, "bob").await);
    assert!(chat.joined_as(&alice, "alice").await);
    for member in [alice, bob] {
        member
            .expect_delivered("/members/demo")
            .data(json!(["bob"]));
        let both = json!(["alice", "bob"]);
        member.expect_delivered("/members/demo").data(both);
        member.expect_nothing();
    }
}

#[tokio::test]
async fn a_private_message_reaches_its_peers_and_its_sender() {
    let chat = chat();
    let all @ [alice, _, _, dora] = &[(); 4].map(|()| chat.visitor());
    for (member, name) in all.iter().zip(["alice", "bob", "carol", "dora"]) {
        chat.joined_as(member, name).await;
    }
    assert!(
        chat.whispered(alice, "alice", "carol, nobody,bob,carol")
            .await
    );
    let line = json!({"user": "alice", "chat": "psst", "scope": "private"});
    for member in &all[..3] {
        member.expect_delivered("/chat/demo").data(line.clone());
    }
    for _ in 0..4 {
        let _ = dora.expect_delivered("/members/demo");
    }
    dora.expect_nothing();
}

#[tokio::test]
async fn only_members_send_private_messages_and_only_in_their_own_name() {
    let chat = chat();
    let [alice, mallory] = [chat.visitor(), chat.visitor()];
    chat.joined_as(&alice, "alice").await;
    assert!(!chat.whispered(&mallory, "mallory", "alice").await);
    assert!(!chat.whispered(&mallory, "alice", "alice").await);
}

#[tokio::test]
async fn a_member_who_disappears_is_announced() {
    let chat = chat();
    let [alice, bob] = [chat.visitor(), chat.visitor()];
    chat.joined_as(&alice, "alice").await;
    chat.joined_as(&bob, "bob").await;
    bob.disconnect().await;
    let line = json!({"user": "bob", "chat": "bob has left", "membership": "leave"});
    alice.expect_delivered("/chat/demo").data(line);
    for names in [json!(["alice"]), json!(["alice", "bob"]), json!(["alice"])] {
        alice.expect_delivered("/members/demo").data(names);
    }
}

#[tokio::test(start_paused = true)]
async fn a_member_whose_network_is_gone_is_announced_when_the_session_has_expired() {
    let app = TestServer::builder().discover_only(["chat"]).build().await;
    let [alice, bob] = app.connect_all().await;
    for (member, name) in [(&alice, "alice"), (&bob, "bob")] {
        member.subscribe("/chat/demo").await.unwrap();
        let join = json!({"user": name, "room": "/chat/demo"});
        member.publish("/service/members", join).await.unwrap();
    }
    bob.vanish();
    app.advance(Duration::from_secs(60)).await;
    let line = json!({"user": "bob", "chat": "bob has left", "membership": "leave"});
    alice.expect_message("/chat/demo").data(line);
}

#[tokio::test]
async fn the_end_of_an_old_session_does_not_remove_a_newer_one_of_the_same_name() {
    let chat = chat();
    let [old, new] = [chat.visitor(), chat.visitor()];
    chat.joined_as(&old, "alice").await;
    chat.joined_as(&new, "alice").await;
    old.disconnect().await;
    for _ in 0..2 {
        new.expect_delivered("/members/demo").data(json!(["alice"]));
    }
    new.expect_nothing();
    assert!(chat.whispered(&new, "alice", "").await);
}

#[tokio::test]
async fn who_unsubscribes_leaves_the_room() {
    let rooms = Arc::<Rooms>::default();
    let present = Arc::clone(&rooms);
    let server = BayeuxServer::builder().service_with(|context| Chat {
        session: context.session(),
        rooms,
    });
    let server = server.build().await.unwrap();
    // A client with a mind of its own: what it sends goes all the way.
    let alice = server.local_session("alice").await.unwrap();
    for channel in ["/chat/demo", "/members/demo"] {
        let join = json!({"user": "<alice>", "room": "/chat/demo"});
        alice.subscribe(channel, |_: &Message| ()).await.unwrap();
        alice.publish("/service/members", join).await.unwrap();
        assert_eq!(names(&present), ["&lt;alice&gt;"]);
        alice.unsubscribe(channel).await.unwrap();
        assert_eq!(names(&present), [""; 0]);
    }
}

fn names(rooms: &Rooms) -> Vec<String> {
    let room = "/chat/demo".to_owned().try_into().unwrap();
    rooms.names(&room).iter().map(ToString::to_string).collect()
}

#[tokio::test]
async fn nobody_is_in_more_rooms_than_allowed_and_empty_rooms_are_forgotten() {
    let rooms = Rooms::default();
    let session = MockSession::new();
    let room = |number: usize| format!("/chat/{number}").try_into().unwrap();
    let name = || "alice".to_owned().try_into().unwrap();
    for number in 0..MOST_ROOMS {
        assert!(rooms.join(&room(number), name(), &session));
    }
    assert!(!rooms.join(&room(MOST_ROOMS), name(), &session));
    assert!(
        rooms.join(&room(0), name(), &session),
        "it is there already"
    );
    assert_eq!(rooms.leave_all(&session).len(), MOST_ROOMS);
    assert_eq!(format!("{rooms:?}"), format!("{:?}", Rooms::default()));
}
