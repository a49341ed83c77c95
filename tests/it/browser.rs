//! Several sessions in one browser: section 17.

use cometd_tests::{Client, Expected, delivery, ms, ok, setup};
use serde_json::json;

fn too_many() -> Expected {
    let advice = json!({"reconnect": "retry", "interval": 2000, "multiple-clients": true});
    ok("/meta/connect").with("advice", advice)
}

/// Two tabs that have connected.
async fn tabs(setup: cometd_tests::Setup) -> (Client, Client) {
    let app = setup.start().await;
    let first = app.client().up().await;
    let second = first.neighbour();
    (first, second.up().await)
}

#[tokio::test(start_paused = true)]
async fn a_second_tab_is_told_to_poll_slowly() {
    // MULTI-3: T-MULTI-1
    let (a, tab) = tabs(setup()).await;
    let held = a.hold().await;
    tab.connect().await.at_once().expect([too_many()]);
    held.answer()
        .await
        .after(ms(2000))
        .expect([ok("/meta/connect")]);
}

#[tokio::test(start_paused = true)]
async fn a_second_tab_may_be_told_to_stop() {
    // MULTI-4: T-MULTI-2
    let (a, tab) = tabs(setup().option("multiSessionInterval", 0)).await;
    let _held = a.hold().await;
    let mut reply = tab.connect().await.at_once().only();
    assert!(reply.as_object_mut().unwrap().remove("id").is_some());
    let advice = json!({"reconnect": "none", "multiple-clients": true});
    assert_eq!(
        reply,
        json!({"channel": "/meta/connect", "successful": false, "advice": advice})
    );
    tab.publish("/a", 1).await.expect([ok("/a")]);
}

#[tokio::test(start_paused = true)]
async fn the_number_of_held_connects_is_an_option() {
    // MULTI-2: T-MULTI-3
    for (limit, may_hold) in [(2, 2), (-1, 3), (0, 0)] {
        let app = setup().option("maxSessionsPerBrowser", limit).start().await;
        let first = app.client().up().await;
        let tabs = [
            first.clone(),
            first.neighbour().up().await,
            first.neighbour().up().await,
        ];
        let mut held = Vec::new();
        for (n, tab) in tabs.iter().enumerate() {
            if n < may_hold {
                held.push(tab.hold().await);
            } else {
                tab.connect().await.at_once().expect([too_many()]);
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_tab_is_held_when_another_one_is_not_any_more() {
    // MULTI-6: T-MULTI-4
    let (a, tab) = tabs(setup()).await;
    a.connect()
        .await
        .after(ms(2000))
        .expect([ok("/meta/connect")]);
    let held = tab.hold().await;
    a.connect().await.at_once().expect([too_many()]);
    held.cut().await;
    a.connect().await.after(ms(2000));
}

#[tokio::test(start_paused = true)]
async fn a_tab_that_has_messages_gets_them_without_advice() {
    // MULTI-5: T-MULTI-5
    let (a, tab) = tabs(setup()).await;
    tab.subscribe("/a").await;
    let _held = a.hold().await;
    a.publish("/a", 1).await;
    tab.connect()
        .await
        .at_once()
        .expect([delivery("/a", 1), ok("/meta/connect")]);
}

#[tokio::test(start_paused = true)]
async fn a_tab_may_replace_its_own_connect() {
    // MULTI-8: T-MULTI-6
    let (a, _) = tabs(setup()).await;
    let first = a.hold().await;
    let second = a.hold().await;
    first.answer().await.refused(500);
    second
        .answer()
        .await
        .after(ms(2000))
        .expect([ok("/meta/connect")]);
    a.connect()
        .await
        .after(ms(2000))
        .expect([ok("/meta/connect")]);
}

#[tokio::test(start_paused = true)]
async fn a_first_connect_and_one_that_asks_for_no_hold_are_told_too() {
    // MULTI-3, MULTI-5: other advice is kept.
    let (a, tab) = tabs(setup()).await;
    let _held = a.hold().await;
    let advice = json!({
        "reconnect": "retry", "interval": 2000, "timeout": 2000, "multiple-clients": true,
    });
    let advised = ok("/meta/connect").with("advice", advice);
    tab.connect0().await.at_once().expect([advised]);
    let newest = a.neighbour();
    newest.handshake().await;
    newest.connect().await.at_once().expect([too_many()]);
}

#[tokio::test(start_paused = true)]
async fn http2_has_a_limit_of_its_own() {
    // MULTI-2, CFG-21: T-MULTI-7
    let (a, tab) = tabs(setup()).await;
    let (a, tab) = (a.http2(), tab.http2());
    let _held = (a.hold().await, tab.hold().await);

    let (a, tab) = tabs(setup().option("http2MaxSessionsPerBrowser", 1)).await;
    let (a, tab) = (a.http2(), tab.http2());
    let _held = a.hold().await;
    tab.connect().await.at_once().expect([too_many()]);
}

#[tokio::test(start_paused = true)]
async fn websockets_are_not_counted() {
    // MULTI-9: T-MULTI-8
    let app = setup().start().await;
    let cookie = "Cookie: BAYEUX_BROWSER=one\r\n";
    let mut sockets = Vec::new();
    for _ in 0..2 {
        let mut socket = app.upgrade(cookie).await.unwrap().up().await;
        socket.hold().await;
        sockets.push(socket);
    }
    for socket in &mut sockets {
        let frame = socket.frame().await;
        cometd_tests::check(&frame, [ok("/meta/connect")]);
    }
}
