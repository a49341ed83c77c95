//! How to test a service over time: a server in memory, two clients, and a clock moved by hand.

use std::time::Duration;

use cometd::testing::{TestClient, TestServer};
use serde_json::json;

/// Ann and Bob watch a vase, which is up for a minute, from 10 on.
async fn vase() -> (TestServer, [TestClient; 2]) {
    let app = TestServer::builder().discover().build().await;
    let clients: [_; 2] = app.connect_all().await;
    let terms = json!({"start": 10, "seconds": 60});
    clients[0].call("auction/vase/open", terms).await.unwrap();
    for client in &clients {
        client.subscribe("/auction/vase").await.unwrap();
    }
    (app, clients)
}

#[tokio::test(start_paused = true)]
async fn the_outbid_is_told_and_the_clock_ends_it() {
    let (app, [ann, bob]) = vase().await;
    let (first, second) = (
        json!({"bidder": "ann", "amount": 12}),
        json!({"bidder": "bob", "amount": 15}),
    );
    ann.publish("/auction/vase", &first).await.unwrap();
    bob.publish("/auction/vase", &second).await.unwrap();
    ann.expect_message("/service/outbid")
        .data(json!({"item": "vase", "amount": 15}));
    assert_eq!(ann.call("auction/vase", ()).await.unwrap(), 15);
    app.advance(Duration::from_secs(60)).await;
    for client in [&ann, &bob] {
        client.expect_message("/auction/vase").data(first.clone());
        client.expect_message("/auction/vase").data(second.clone());
        client
            .expect_message("/auction/vase")
            .data(json!({ "sold": second }));
        client.expect_nothing();
    }
}

#[tokio::test(start_paused = true)]
async fn a_bid_that_is_too_low_is_refused_and_so_is_a_lot_that_nobody_opened() {
    let (_app, [ann, bob]) = vase().await;
    let low = ann
        .publish("/auction/vase", json!({"bidder": "ann", "amount": 10}))
        .await;
    assert_eq!(low.unwrap_err().error(), "404::message_deleted");
    assert!(ann.subscribe("/auction/lamp").await.is_err());
    bob.expect_nothing();
}
