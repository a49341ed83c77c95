//! Prefixes, rules between options, warnings.

use crate::protocol::Transport;
use std::{collections::BTreeSet, time::Duration};

use super::{super::*, config, resolved};

fn milliseconds(number: u64) -> Duration {
    Duration::from_millis(number)
}

#[test]
fn the_most_specific_prefix_wins_whatever_the_order() {
    let mut settings = vec![
        ("timeout", "1000"),
        ("long-polling.timeout", "2000"),
        ("long-polling.json.timeout", "3000"),
        ("long-polling.jsonp.timeout", "4000"),
        ("ws.timeout", "5000"),
    ];
    for _ in 0..settings.len() {
        settings.rotate_left(1);
        let config = resolved(&settings);
        assert_eq!(
            config.transport(Transport::LongPolling).timeout,
            milliseconds(3000)
        );
        assert_eq!(
            config.transport(Transport::CallbackPolling).timeout,
            milliseconds(4000)
        );
        assert_eq!(
            config.transport(Transport::WebSocket).timeout,
            milliseconds(5000)
        );
    }
}

#[test]
fn each_transport_falls_back_to_its_own_prefixes_only() {
    // A setting, and the timeouts of long polling, callback polling and WebSocket that follow.
    let table = [
        ("timeout", [1, 1, 1]),
        ("long-polling.timeout", [1, 1, 20_000]),
        ("long-polling.json.timeout", [1, 20_000, 20_000]),
        ("long-polling.jsonp.timeout", [20_000, 1, 20_000]),
        ("callback-polling.jsonp.timeout", [20_000, 1, 20_000]),
        ("ws.timeout", [20_000, 20_000, 1]),
    ];
    let transports = [
        Transport::LongPolling,
        Transport::CallbackPolling,
        Transport::WebSocket,
    ];
    for (name, expected) in table {
        let config = resolved(&[(name, "1")]);
        let timeouts = transports.map(|it| config.transport(it).timeout);
        assert_eq!(timeouts, expected.map(milliseconds), "{name}");
    }
}

#[test]
fn both_spellings_of_the_callback_prefix_are_one_setting() {
    let spellings = [
        "long-polling.jsonp.interval",
        "callback-polling.jsonp.interval",
    ];
    let [wire, documented] = spellings.map(|name| config(&[(name, "7")]));
    assert_eq!(wire, documented);
}

#[test]
fn a_later_value_replaces_an_earlier_one() {
    assert_eq!(
        config(&[("timeout", "1"), ("timeout", "2")]),
        config(&[("timeout", "2")])
    );
    let mut file = config(&[("timeout", "1"), ("interval", "1")]);
    file.merge(config(&[("timeout", "2")]));
    assert_eq!(file, config(&[("timeout", "2"), ("interval", "1")]));
}

#[test]
fn cfg_1_allowed_transports_keep_their_order() {
    let config = resolved(&[(
        "allowedTransports",
        "callback-polling, websocket,callback-polling",
    )]);
    let expected = [Transport::CallbackPolling, Transport::WebSocket];
    assert_eq!(config.server.allowed_transports, expected);
}

#[test]
fn cfg_15_callback_polling_delivers_with_connects_only() {
    let config = resolved(&[("long-polling.jsonp.metaConnectDeliverOnly", "false")]);
    assert!(config.callback_polling.common.meta_connect_deliver_only);
    assert!(!config.long_polling.common.meta_connect_deliver_only);
}

#[test]
fn cfg_41_extensions_are_disabled_by_name() {
    let config = resolved(&[
        ("ws.enableExtension.Permessage-Deflate", "false"),
        ("ws.enableExtension.x-other", "true"),
    ]);
    assert_eq!(
        config.websocket.disabled_extensions,
        BTreeSet::from(["permessage-deflate".to_owned()])
    );
}

#[test]
fn cookies_that_browsers_refuse_are_conflicts() {
    type Settings = &'static [(&'static str, &'static str)];
    let table: [(Settings, Option<&str>); 9] = [
        (
            &[("browserCookieSameSite", "None")],
            Some("browserCookieSameSite"),
        ), // CFG-31
        (
            &[
                ("browserCookieSameSite", "None"),
                ("browserCookieSecure", "true"),
            ],
            None,
        ),
        (&[("browserCookieSameSite", "Lax")], None),
        (
            &[("browserCookiePartitioned", "true")],
            Some("browserCookiePartitioned"),
        ), // CFG-32
        (
            &[
                ("browserCookiePartitioned", "true"),
                ("browserCookieSecure", "true"),
            ],
            None,
        ),
        (
            &[("browserCookieName", "__Secure-b")],
            Some("browserCookieName"),
        ), // CFG-25
        (
            &[
                ("browserCookieName", "__Host-b"),
                ("browserCookieSecure", "true"),
            ],
            None,
        ),
        (
            &[
                ("browserCookieName", "__Host-b"),
                ("browserCookieSecure", "true"),
                ("browserCookiePath", "/a"),
            ],
            Some("browserCookieName"),
        ),
        (
            &[
                ("browserCookieName", "__Host-b"),
                ("browserCookieSecure", "true"),
                ("browserCookieDomain", "a.b"),
            ],
            Some("browserCookieName"),
        ),
    ];
    for (settings, conflict) in table {
        let problems = config(settings).resolve().err().into_iter().flatten();
        let names: Vec<_> = problems
            .map(|it| match it {
                ConfigError::Conflict { name, .. } => name,
                other => panic!("{other}"),
            })
            .collect();
        assert_eq!(names, Vec::from_iter(conflict), "{settings:?}");
    }
}

#[test]
fn every_problem_is_reported_once() {
    let mut config = config(&[
        ("browserCookieSameSite", "None"),
        ("browserCookiePartitioned", "true"),
    ]);
    config.max_json_depth(1);
    let text = config.resolve().unwrap_err().to_string();
    assert_eq!(
        text,
        "option \"maxJsonDepth\" expects a whole number from 3 to 127, found \"1\"; \
         option \"browserCookieSameSite\" conflicts: browsers refuse None unless browserCookieSecure is true; \
         option \"browserCookiePartitioned\" conflicts: browsers refuse a partitioned cookie unless \
         browserCookieSecure is true"
    );
}

#[test]
fn settings_without_effect_are_warnings() {
    let table = [
        (
            "transports",
            "org.example.Transport",
            Some("names Java classes"),
        ), // CFG-2
        (
            "jsonContext",
            "org.example.Json",
            Some("names a Java class"),
        ), // CFG-5
        ("sweepThreads", "2", Some("thread pool")), // CFG-7
        ("schedulerThreads", "1", Some("thread pool")), // CFG-8
        ("executorMaxThreads", "128", Some("thread pool")), // CFG-9
        ("services", "org.example.Echo", Some("given to the builder")),
        ("ws.cometdURLMapping", "/cometd/*", Some("mounted")), // CFG-35
        (
            "ws.sweepPeriod",
            "1",
            Some("not an option of these transports"),
        ),
        (
            "ws.trustClientSession",
            "true",
            Some("not an option of these transports"),
        ),
        (
            "long-polling.idleTimeout",
            "1",
            Some("not an option of these transports"),
        ),
        (
            "long-polling.json.callbackParameter",
            "cb",
            Some("not an option of these transports"),
        ),
        ("long-polling.callbackParameter", "cb", None),
        ("idleTimeout", "60000", None),
        (
            "ws.idleTimeout",
            "20000",
            Some("closes connections that wait"),
        ), // CFG-39, WS-6
        ("ws.idleTimeout", "20001", None),
        ("ws.timeout", "300000", Some("closes connections that wait")),
        (
            "allowedTransports",
            "websocket,carrier-pigeon",
            Some("\"carrier-pigeon\""),
        ), // CFG-1
        ("maxMessageSize", "16777217", Some("fit no queue")),
        ("ws.maxMessageSize", "-1", Some("fit no queue")),
        ("maxMessageSize", "16777216", None),
    ];
    for (name, value, expected) in table {
        let config = config(&[(name, value)]);
        config.resolve().unwrap();
        let warnings: Vec<_> = config.warnings().iter().map(ToString::to_string).collect();
        match (expected, warnings.as_slice()) {
            (None, []) => (),
            (Some(part), [warning]) if warning.contains(part) => (),
            _ => panic!("{name}={value}: {warnings:?}"),
        }
    }
}

#[test]
fn an_idle_timeout_does_not_matter_without_web_sockets() {
    let config = config(&[
        ("ws.idleTimeout", "1"),
        ("allowedTransports", "long-polling"),
    ]);
    assert_eq!(config.warnings(), []);
}
