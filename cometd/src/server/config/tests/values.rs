//! What options take, and what becomes of it.

use std::time::Duration;

use super::{super::*, config, resolved, set};

#[test]
fn defaults_are_those_of_the_specification() {
    let described: Vec<_> = options()
        .filter(|it| it.ignored().is_none())
        .map(|it| (it.name(), it.default_value()))
        .collect();
    let described: Vec<_> = described
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    assert_eq!(described, DEFAULTS);
}

#[test]
fn a_default_given_as_text_changes_nothing() {
    for option in options() {
        let name = option.name().replace("<name>", "permessage-deflate");
        let config = config(&[(&name, &option.default_value())]).resolve();
        assert_eq!(config, ServerConfig::default().resolve(), "{name}");
    }
}

#[test]
fn names_are_unique_and_documented() {
    let mut names: Vec<_> = options().map(OptionDescription::name).collect();
    names.sort_unstable();
    assert!(names.is_sorted_by(|left, right| left < right), "{names:?}");
    for option in options() {
        assert!(
            !option.documentation().is_empty() && !option.expected().is_empty(),
            "{option:?}"
        );
    }
}

#[test]
fn values_outside_the_limits_are_refused() {
    for (name, good, bad) in LIMITS {
        for value in *good {
            assert_eq!(set(name, value), Ok(()), "{name}={value}");
        }
        for value in *bad {
            let error = set(name, value).unwrap_err();
            assert!(
                matches!(error, ConfigError::BadValue { .. }),
                "{name}={value}: {error}"
            );
        }
    }
}

#[test]
fn a_bad_value_says_what_was_expected_and_found_and_changes_nothing() {
    let mut config = config(&[("ws.timeout", "1000")]);
    let before = config.clone();
    let error = config.set("ws.timeout", "2s").unwrap_err();
    let text = r#"option "ws.timeout" expects milliseconds from 0 to 315360000000, found "2s""#;
    assert_eq!(error.to_string(), text);
    assert_eq!(config, before);
}

#[test]
fn what_java_writes_as_a_number_without_meaning_becomes_none() {
    let config = resolved(&[
        ("maxProcessing", "0"),              // CFG-13
        ("maxLazyTimeout", "0"),             // CFG-14, LAZY-2
        ("maxQueue", "0"),                   // CFG-16, SES-4
        ("maxMessageSize", "-1"),            // CFG-17, LP-11
        ("maxSessionsPerBrowser", "-1"),     // CFG-20, MULTI-2
        ("http2MaxSessionsPerBrowser", "0"), // CFG-21: 0 holds none
        ("multiSessionInterval", "0"),       // CFG-22, MULTI-4
        ("browserCookieMaxAge", "0"),        // CFG-28: 0 is sent
        ("browserCookiePath", ""),           // CFG-27
        ("messagesPerFrame", "0"),           // CFG-37, WS-10
        ("idleTimeout", "0"),                // CFG-39
        ("sweepPeriod", "-5"),               // CFG-6
        ("maxQueueBytes", "-1"),
    ]);
    let http = &config.long_polling;
    assert_eq!(http.common.max_processing, None);
    assert_eq!(http.common.max_lazy_timeout, None);
    assert_eq!(http.common.max_queue, None);
    assert_eq!(http.common.max_message_size, usize::MAX);
    assert_eq!(http.max_sessions_per_browser, None);
    assert_eq!(http.http2_max_sessions_per_browser, Some(0));
    assert_eq!(http.multi_session_interval, None);
    assert_eq!(http.cookie.max_age, Some(Duration::ZERO));
    assert_eq!(http.cookie.path, None);
    assert_eq!(config.websocket.messages_per_frame, None);
    assert_eq!(config.websocket.idle_timeout, None);
    assert_eq!(config.server.sweep_period, Duration::from_millis(997));
    assert_eq!(config.server.limits.max_queue_bytes, None);
}

const DEFAULTS: &[(&str, &str)] = &[
    (
        "allowedTransports",
        "websocket,long-polling,callback-polling",
    ), // CFG-1
    ("allowedOrigins", ""),
    ("denyByDefault", "false"),
    ("validateMessageFields", "true"), // CFG-3
    ("broadcastToPublisher", "true"),  // CFG-4
    ("sweepPeriod", "997"),            // CFG-6
    ("maxBatchLength", "1024"),
    ("maxJsonDepth", "64"),
    ("maxChannelLength", "1024"),
    ("maxChannelSegments", "32"),
    ("maxSubscriptionsPerSession", "10000"),
    ("maxSessions", "1000000"),
    ("maxSessionsPerAddress", "10000"),
    ("maxHandshakesPerSecond", "-1"),
    ("maxHandshakesPerSecondPerAddress", "1000"),
    ("maxQueueBytes", "16777216"),
    ("queueOverflow", "disconnect"),
    ("timeout", "20000"),                             // CFG-10
    ("interval", "0"),                                // CFG-11
    ("maxInterval", "10000"),                         // CFG-12
    ("maxProcessing", "-1"),                          // CFG-13
    ("maxLazyTimeout", "5000"),                       // CFG-14
    ("metaConnectDeliverOnly", "false"),              // CFG-15
    ("maxQueue", "-1"),                               // CFG-16
    ("maxMessageSize", "1048576"),                    // CFG-17, ours
    ("handshakeReconnect", "false"),                  // CFG-18
    ("allowMessageDeliveryDuringHandshake", "false"), // CFG-19
    ("maxSessionsPerBrowser", "1"),                   // CFG-20
    ("http2MaxSessionsPerBrowser", "-1"),             // CFG-21
    ("multiSessionInterval", "2000"),                 // CFG-22
    ("trustClientSession", "false"),                  // CFG-23
    ("duplicateMetaConnectHttpResponseCode", "500"),  // CFG-24
    ("browserCookieName", "BAYEUX_BROWSER"),          // CFG-25
    ("browserCookieDomain", ""),                      // CFG-26
    ("browserCookiePath", "/"),                       // CFG-27
    ("browserCookieMaxAge", "-1"),                    // CFG-28
    ("browserCookieSecure", "false"),                 // CFG-29
    ("browserCookieHttpOnly", "true"),                // CFG-30
    ("browserCookieSameSite", ""),                    // CFG-31
    ("browserCookiePartitioned", "false"),            // CFG-32
    ("callbackParameter", "jsonp"),                   // CFG-33
    ("callbackParameterMaxLength", "64"),             // CFG-34
    ("protocol", ""),                                 // CFG-36
    ("messagesPerFrame", "1"),                        // CFG-37
    ("bufferSize", "128"),                            // CFG-38
    ("idleTimeout", "300000"),                        // CFG-39
    ("handshakeTimeout", "10000"),
    ("requireHandshakePerConnection", "false"), // CFG-40
    ("enableExtension.<name>", "true"),         // CFG-41
];

/// An option, values at its limits, values just beyond them.
const LIMITS: &[(&str, &[&str], &[&str])] = &[
    (
        "allowedTransports",
        &["websocket", "LONG-POLLING , nosuch,"],
        &["", ",", "nosuch"],
    ), // CFG-1
    (
        "allowedOrigins",
        &[
            "",
            "*",
            "null",
            "https://a.example:8443,http://[::1],app://x",
        ],
        &["a.example", "https://a/", "https://"],
    ),
    ("denyByDefault", &["true", "false"], &["", "0"]),
    (
        "validateMessageFields",
        &["true", "FALSE", " true "],
        &["", "1", "yes"],
    ), // CFG-3
    ("sweepPeriod", &["-1", "1", LONGEST], &["0", "315360000001"]), // CFG-6
    (
        "timeout",
        &["0", LONGEST],
        &["-1", "315360000001", "1.5", "20s", ""],
    ), // CFG-10
    ("interval", &["0"], &["-1"]),                                  // CFG-11
    ("maxInterval", &["0"], &["-1"]),                               // CFG-12
    (
        "maxProcessing",
        &["-1", "0", LONGEST],
        &["315360000001", "never"],
    ), // CFG-13
    ("maxLazyTimeout", &["-1", "0"], &["99999999999999999999"]),    // CFG-14
    ("maxQueue", &["-1", "0", "1"], &["many", "true"]),             // CFG-16
    ("maxMessageSize", &["-1", "0", "1"], &["64k"]),                // CFG-17
    ("maxSessionsPerBrowser", &["-1", "0", "2"], &["all"]),         // CFG-20
    ("multiSessionInterval", &["-1", "0"], &["x"]),                 // CFG-22
    (
        "duplicateMetaConnectHttpResponseCode",
        &["400", "599"],
        &["399", "600", "-1"],
    ), // CFG-24
    (
        "browserCookieName",
        &["a", "a.b!#~"],
        &["", "a b", "a=b", "a;b", "a\r\nb", "é"],
    ), // CFG-25
    (
        "browserCookieDomain",
        &["", "example.com"],
        &["a;Secure", "a\nb"],
    ), // CFG-26
    ("browserCookiePath", &["", "/a b"], &["/;Secure", "/\u{7f}"]), // CFG-27
    (
        "browserCookieMaxAge",
        &["-1", "0", "3600", LONGEST],
        &["1h", "315360000001"],
    ), // CFG-28
    (
        "browserCookieSameSite",
        &["", "strict", "Lax", "None"],
        &["Some"],
    ), // CFG-31
    (
        "callbackParameter",
        &["cb", "a.b-c_d9"],
        &["", "a&b", "a b"],
    ), // CFG-33
    (
        "callbackParameterMaxLength",
        &["1", "1024"],
        &["0", "-1", "1025"],
    ), // CFG-34
    (
        "ws.protocol",
        &["", "bayeux/1.0"],
        &["a,b", "a b", "\"a\"", "a\u{1}b"],
    ), // CFG-36
    ("ws.messagesPerFrame", &["-1", "0", "1"], &["one"]),           // CFG-37
    (
        "ws.bufferSize",
        &["128", "16777216"],
        &["127", "-1", "16777217"],
    ), // CFG-38
    ("ws.idleTimeout", &["-1", "0", "1"], &["315360000001"]),       // CFG-39
    (
        "ws.enableExtension.permessage-deflate",
        &["true", "false"],
        &["", "0"],
    ), // CFG-41
    ("maxBatchLength", &["-1", "1"], &["0"]),
    ("maxJsonDepth", &["3", "127"], &["-1", "0", "2", "128"]),
    ("maxChannelLength", &["-1", "1"], &["0"]),
    ("maxChannelSegments", &["-1", "1"], &["0"]),
    ("maxSubscriptionsPerSession", &["-1", "1"], &["0"]),
    ("maxSessions", &["-1", "1"], &["0"]),
    ("maxSessionsPerAddress", &["-1", "1"], &["0"]),
    ("maxHandshakesPerSecond", &["-1", "1"], &["0"]),
    ("maxHandshakesPerSecondPerAddress", &["-1", "1"], &["0"]),
    ("ws.handshakeTimeout", &["-1", "0", "1"], &["315360000001"]),
    ("maxQueueBytes", &["-1", "1"], &["0"]),
    (
        "queueOverflow",
        &["disconnect", "dropoldest", "dropNewest"],
        &["", "drop"],
    ),
];

/// Ten years.
const LONGEST: &str = "315360000000";
