//! Options set in code.

use crate::{protocol::Transport, session::QueueOverflow};
use std::time::Duration;

use super::{super::*, config};

#[test]
fn typed_setters_set_the_option_of_their_name() {
    for (typed, name, value) in SETTERS {
        let mut set_in_code = ServerConfig::default();
        typed(&mut set_in_code);
        assert_eq!(set_in_code, config(&[(name, value)]), "{name}");
    }
}

#[test]
fn a_duration_in_code_is_rounded_up_to_milliseconds() {
    let mut config = ServerConfig::default();
    config
        .max_processing(Some(Duration::from_nanos(1)))
        .timeout(Duration::from_micros(1_500));
    let config = config.resolve().unwrap().long_polling.common;
    assert_eq!(config.max_processing, Some(Duration::from_millis(1)));
    assert_eq!(config.timeout, Duration::from_millis(2));
}

#[test]
fn values_from_code_are_checked_together() {
    let mut config = ServerConfig::default();
    config
        .timeout(Duration::MAX)
        .max_batch_length(Some(0))
        .allowed_transports([]);
    let problems = config.resolve().unwrap_err();
    let names: Vec<_> = problems
        .iter()
        .map(|it| match it {
            ConfigError::BadValue { name, .. } => name.as_str(),
            other => panic!("{other}"),
        })
        .collect();
    assert_eq!(names, ["allowedTransports", "maxBatchLength", "timeout"]);
}

type Set = fn(&mut ServerConfig) -> &mut ServerConfig;

const SECOND: Duration = Duration::from_secs(1);

const SETTERS: &[(Set, &str, &str)] = &[
    (|it| it.timeout(SECOND), "timeout", "1000"),
    (|it| it.interval(SECOND), "interval", "1000"),
    (|it| it.max_interval(SECOND), "maxInterval", "1000"),
    (
        |it| it.max_processing(Some(SECOND)),
        "maxProcessing",
        "1000",
    ),
    (|it| it.max_lazy_timeout(None), "maxLazyTimeout", "-1"),
    (
        |it| it.meta_connect_deliver_only(true),
        "metaConnectDeliverOnly",
        "true",
    ),
    (|it| it.max_queue(Some(7)), "maxQueue", "7"),
    (|it| it.max_message_size(7), "maxMessageSize", "7"),
    (
        |it| it.handshake_reconnect(true),
        "handshakeReconnect",
        "true",
    ),
    (
        |it| it.allow_message_delivery_during_handshake(true),
        "allowMessageDeliveryDuringHandshake",
        "true",
    ),
    (
        |it| it.allowed_transports([Transport::LongPolling, Transport::WebSocket]),
        "allowedTransports",
        "long-polling,websocket",
    ),
    (
        |it| it.validate_message_fields(false),
        "validateMessageFields",
        "false",
    ),
    (
        |it| it.broadcast_to_publisher(false),
        "broadcastToPublisher",
        "false",
    ),
    (|it| it.sweep_period(SECOND), "sweepPeriod", "1000"),
    (
        |it| it.max_sessions_per_browser(None),
        "maxSessionsPerBrowser",
        "-1",
    ),
    (
        |it| it.http2_max_sessions_per_browser(Some(0)),
        "http2MaxSessionsPerBrowser",
        "0",
    ),
    (
        |it| it.multi_session_interval(Some(SECOND)),
        "multiSessionInterval",
        "1000",
    ),
    (
        |it| it.trust_client_session(true),
        "trustClientSession",
        "true",
    ),
    (
        |it| it.browser_cookie_secure(true),
        "browserCookieSecure",
        "true",
    ),
    (
        |it| it.browser_cookie_same_site(Some(SameSite::Lax)),
        "browserCookieSameSite",
        "Lax",
    ),
    (|it| it.idle_timeout(Some(SECOND)), "idleTimeout", "1000"),
    (|it| it.messages_per_frame(None), "messagesPerFrame", "-1"),
    (|it| it.max_batch_length(Some(7)), "maxBatchLength", "7"),
    (|it| it.max_json_depth(7), "maxJsonDepth", "7"),
    (|it| it.max_channel_length(Some(7)), "maxChannelLength", "7"),
    (
        |it| it.max_channel_segments(Some(7)),
        "maxChannelSegments",
        "7",
    ),
    (
        |it| it.max_subscriptions_per_session(Some(7)),
        "maxSubscriptionsPerSession",
        "7",
    ),
    (|it| it.max_sessions(Some(7)), "maxSessions", "7"),
    (
        |it| it.max_sessions_per_address(Some(7)),
        "maxSessionsPerAddress",
        "7",
    ),
    (
        |it| it.max_handshakes_per_second(Some(7)),
        "maxHandshakesPerSecond",
        "7",
    ),
    (
        |it| it.max_handshakes_per_second_per_address(None),
        "maxHandshakesPerSecondPerAddress",
        "-1",
    ),
    (
        |it| it.handshake_timeout(Some(SECOND)),
        "handshakeTimeout",
        "1000",
    ),
    (
        |it| it.allowed_origins(["https://a", "null"]),
        "allowedOrigins",
        "https://a,null",
    ),
    (|it| it.deny_by_default(true), "denyByDefault", "true"),
    (|it| it.max_queue_bytes(Some(7)), "maxQueueBytes", "7"),
    (
        |it| it.queue_overflow(QueueOverflow::DropOldest),
        "queueOverflow",
        "dropOldest",
    ),
];
