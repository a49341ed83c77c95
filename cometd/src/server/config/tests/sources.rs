//! TOML, the environment, and misspelt names.

use super::{super::*, config, set, variables};

#[test]
fn toml_values_may_be_text_or_typed_and_prefixes_may_be_tables() {
    let table: &[(&str, &[(&str, &str)])] = &[
        ("", &[]),
        ("timeout = 5000", &[("timeout", "5000")]),
        ("timeout = ' 5000 '", &[("timeout", "5000")]),
        (
            "handshakeReconnect = true",
            &[("handshakeReconnect", "true")],
        ),
        (
            "handshakeReconnect = 'true'",
            &[("handshakeReconnect", "true")],
        ),
        ("browserCookieName = '007'", &[("browserCookieName", "007")]),
        (
            "'long-polling.timeout' = 5000",
            &[("long-polling.timeout", "5000")],
        ),
        (
            "[long-polling]\ntimeout = 5000",
            &[("long-polling.timeout", "5000")],
        ),
        (
            "[long-polling.json]\ntimeout = 5000",
            &[("long-polling.json.timeout", "5000")],
        ),
        (
            "[callback-polling]\njsonp.timeout = 5000",
            &[("long-polling.jsonp.timeout", "5000")],
        ),
        ("[ws]\nidleTimeout = 60000", &[("ws.idleTimeout", "60000")]),
        (
            "[ws.enableExtension]\npermessage-deflate = false",
            &[("ws.enableExtension.permessage-deflate", "false")],
        ),
        (
            "allowedTransports = ['websocket', 'long-polling']",
            &[("allowedTransports", "websocket,long-polling")],
        ),
        (
            "ws.timeout = 1\n'callback-polling.jsonp.timeout' = 2\n'long-polling.jsonp.timeout' = 2",
            &[("ws.timeout", "1"), ("long-polling.jsonp.timeout", "2")],
        ),
    ];
    for (text, settings) in table {
        assert_eq!(
            ServerConfig::from_toml(text),
            Ok(config(settings)),
            "{text}"
        );
    }
}

#[test]
fn every_mistake_in_toml_is_reported() {
    let text = "timeout = 1.5\nintervall = 0\nmaxQueue = true\n\
                [ws]\nmaxIntervals = 1\n[long-polling.jsonp]\ninterval = 1\n[callback-polling.jsonp]\ninterval = 2";
    let problems = ServerConfig::from_toml(text).unwrap_err();
    let problems: Vec<_> = problems.iter().map(ToString::to_string).collect();
    assert_eq!(
        problems,
        [
            "unknown option \"intervall\"; did you mean \"interval\"?",
            "option \"long-polling.jsonp.interval\" is set twice: \"2\" and \"1\"",
            "option \"maxQueue\" expects a whole number, 0 or less for no limit, found \"true\"",
            "option \"timeout\" expects milliseconds from 0 to 315360000000, found \"1.5\"",
            "unknown option \"ws.maxIntervals\"; did you mean \"ws.maxInterval\"?",
        ]
    );
}

#[test]
fn a_configuration_can_be_part_of_a_larger_document() {
    #[derive(Debug, serde::Deserialize)]
    struct Document {
        bayeux: ServerConfig,
    }
    let document: Document = toml::from_str("[bayeux]\ntimeout = 1\nws.timeout = '2'").unwrap();
    assert_eq!(
        document.bayeux,
        config(&[("timeout", "1"), ("ws.timeout", "2")])
    );
    let error = toml::from_str::<Document>("[bayeux]\ntimeuot = 1").unwrap_err();
    assert!(
        error.to_string().contains("did you mean \"timeout\"?"),
        "{error}"
    );
}

#[test]
fn what_is_not_toml_says_where() {
    for text in [
        "timeout = ",
        "timeout = [1]",
        "= 1",
        "timeout = 99999999999999999999",
    ] {
        let error = ServerConfig::from_toml(text).unwrap_err().to_string();
        assert!(
            error.starts_with(
                "expected TOML with names and values of options: TOML parse error at line 1"
            ),
            "{error}"
        );
    }
}

#[test]
fn every_option_has_a_variable() {
    for option in options() {
        let variable = option
            .variable()
            .replace("ENABLE_EXTENSION_", "ENABLE_EXTENSION_PERMESSAGE_DEFLATE");
        let name = option.name().replace("<name>", "permessage-deflate");
        for (prefix, spelling) in [("", ""), ("WS_", "ws."), ("LONG_POLLING_", "long-polling.")] {
            let variable = variable.replace("COMETD_", &format!("COMETD_{prefix}"));
            if option.name() == "cometdURLMapping" {
                continue;
            }
            let from_variables =
                ServerConfig::from_variables([(variable.clone(), option.default_value())]).unwrap();
            let name = format!("{spelling}{name}");
            assert_eq!(
                from_variables,
                config(&[(&name, &option.default_value())]),
                "{variable}"
            );
        }
    }
}

#[test]
fn variables_are_named_like_options() {
    let table = [
        ("COMETD_MAX_INTERVAL", "maxInterval", "1"),
        ("COMETD_LONG_POLLING_TIMEOUT", "long-polling.timeout", "1"),
        (
            "COMETD_LONG_POLLING_JSON_TIMEOUT",
            "long-polling.json.timeout",
            "1",
        ),
        (
            "COMETD_LONG_POLLING_JSONP_TIMEOUT",
            "long-polling.jsonp.timeout",
            "1",
        ),
        (
            "COMETD_CALLBACK_POLLING_JSONP_TIMEOUT",
            "long-polling.jsonp.timeout",
            "1",
        ),
        ("COMETD_WS_IDLE_TIMEOUT", "ws.idleTimeout", "1"),
        (
            "COMETD_HTTP2_MAX_SESSIONS_PER_BROWSER",
            "http2MaxSessionsPerBrowser",
            "1",
        ),
        (
            "COMETD_WS_COMETD_URL_MAPPING",
            "ws.cometdURLMapping",
            "/cometd",
        ),
        (
            "COMETD_WS_ENABLE_EXTENSION_PERMESSAGE_DEFLATE",
            "ws.enableExtension.permessage-deflate",
            "false",
        ),
    ];
    for (variable, name, value) in table {
        let from_variables = ServerConfig::from_variables(variables(&[(variable, value)]));
        assert_eq!(from_variables, Ok(config(&[(name, value)])), "{variable}");
    }
}

#[test]
fn bad_values_of_variables_are_reported_together() {
    let pairs = [
        ("COMETD_TIMEOUT", "x"),
        ("COMETD_LONG_POLLING_JSONP_INTERVAL", "1"),
        ("COMETD_CALLBACK_POLLING_JSONP_INTERVAL", "2"),
    ];
    let problems: Vec<_> = ServerConfig::from_variables(variables(&pairs))
        .unwrap_err()
        .into_iter()
        .collect();
    assert!(
        matches!(
            problems.as_slice(),
            [ConfigError::BadValue { .. }, ConfigError::SetTwice { .. }]
        ),
        "{problems:?}"
    );
}

#[test]
fn other_variables_do_not_stop_the_server() {
    let pairs = [
        ("HOME", "/"),
        ("COMETD_SERVICE_HOST", "10.0.0.1"),
        ("COMETD_MAX_INTERVALL", "1"),
    ];
    let config = ServerConfig::from_variables(variables(&pairs)).unwrap();
    let warnings: Vec<_> = config.warnings().iter().map(ToString::to_string).collect();
    assert_eq!(
        warnings,
        [
            "\"COMETD_SERVICE_HOST\" names no option and is ignored",
            "\"COMETD_MAX_INTERVALL\" names no option and is ignored; did you mean \"COMETD_MAX_INTERVAL\"?",
        ]
    );
}

#[test]
fn an_unknown_name_suggests_the_nearest_known_one() {
    let table = [
        ("maxIntervall", Some("maxInterval")),
        ("max_interval", Some("maxInterval")),
        ("MAXINTERVAL", Some("maxInterval")),
        ("long-poling.timeout", Some("long-polling.timeout")),
        ("websocket.timeout", None),
        (
            "callback-polling.timeout",
            Some("callback-polling.jsonp.timeout"),
        ),
        ("ws.idletimeout", Some("ws.idleTimeout")),
        ("ws.idle-timeout", Some("ws.idleTimeout")),
        ("long-polling.ws.timeout", Some("long-polling.timeout")),
        ("ws.enableExtension.", Some("ws.enableExtension.<name>")),
        ("", None),
        ("colour", None),
    ];
    for (name, expected) in table {
        let Err(ConfigError::UnknownOption { suggestion, .. }) = set(name, "1") else {
            panic!("{name} is known")
        };
        assert_eq!(suggestion.as_deref(), expected, "{name}");
    }
    let endless = "timeout".repeat(10_000);
    assert!(matches!(
        set(&endless, "1"),
        Err(ConfigError::UnknownOption {
            suggestion: None,
            ..
        })
    ));
}
