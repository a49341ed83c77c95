//! How to test a service whose only effect is its log: give the thread a log of its own.

use std::io::{self, Read};
use std::sync::Mutex;

use cometd::prelude::*;
use tracing_subscriber::filter::LevelFilter;

use crate::Monitor;

/// What `action` writes into the log.
fn logged(action: impl FnOnce()) -> String {
    let (mut log, writer) = io::pipe().unwrap();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(LevelFilter::DEBUG)
        .with_writer(Mutex::new(writer))
        .finish();
    tracing::subscriber::with_default(subscriber, action);
    let mut text = String::new();
    log.read_to_string(&mut text).unwrap();
    text
}

#[test]
fn a_subscription_is_logged_with_the_session_that_asked_for_it() {
    let session = MockSession::new();
    let message = Message::publish("/meta/subscribe", ());
    let log = logged(|| Monitor.subscribed(&session, &message));
    assert!(log.contains("INFO"), "{log}");
    assert!(
        log.contains(&format!("subscribe session={}", *session)),
        "{log}"
    );
}

#[test]
fn messages_on_meta_channels_are_logged_for_those_who_look_closely() {
    let log = logged(|| Monitor.meta(&Message::publish("/meta/connect", "anything")));
    assert!(log.contains("DEBUG"), "{log}");
    assert!(log.contains(r#""channel":"/meta/connect""#), "{log}");
}

#[test]
fn what_a_client_does_is_logged() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    let log = logged(|| {
        runtime.block_on(async {
            let app = TestServer::builder().service(Monitor).build().await;
            app.connect().await.subscribe("/news").await.unwrap();
        });
    });
    for line in ["/meta/handshake", "/meta/connect", "subscription=", "/news"] {
        assert!(log.contains(line), "{line} is not in {log}");
    }
}
