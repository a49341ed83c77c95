//! What is wrong with a payload.

use serde::Deserialize;

/// Longest path of a field that is shown, in characters: names can come from the payload.
const MOST_SHOWN: usize = 100;

/// Says where a payload that does not fit a type goes wrong, without names of Rust types and without
/// `:`, which separates the parts of an error on the wire.
pub(super) fn explain<'de, T: Deserialize<'de>>(data: &'de str) -> String {
    let mut json = serde_json::Deserializer::from_str(data);
    let Err(error) = serde_path_to_error::deserialize::<_, T>(&mut json) else {
        return "the data is invalid".to_owned();
    };
    let path = error.path().to_string();
    let text = error.inner().to_string();
    let field = text.split('`').nth(1).unwrap_or_default();
    let (place, what) = if text.starts_with("missing field") {
        (join(&path, field), "missing")
    } else if text.starts_with("unknown field") {
        (path, "unknown")
    } else {
        (path, "invalid")
    };
    let place = if place == "." { "the data" } else { &place };
    let place: String = place.chars().take(MOST_SHOWN).collect();
    format!("{place} is {what}").replace(':', " ")
}

fn join(path: &str, field: &str) -> String {
    if path == "." {
        field.to_owned()
    } else {
        format!("{path}.{field}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "read by serde")]
    struct Join<'a> {
        user: &'a str,
        #[serde(default)]
        rooms: Vec<Room>,
        #[serde(default)]
        mode: Option<Mode>,
    }

    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "read by serde")]
    struct Room {
        number: u8,
    }

    #[derive(Debug, Deserialize)]
    enum Mode {
        #[serde(rename = "quiet")]
        Quiet,
    }

    #[track_caller]
    fn check(data: &str, expected: &str) {
        assert!(serde_json::from_str::<Join<'_>>(data).is_err(), "{data}");
        assert_eq!(explain::<Join<'_>>(data), expected, "{data}");
    }

    #[test]
    fn a_payload_that_does_not_fit_names_the_field_and_no_type() {
        check("{}", "user is missing");
        check(r#"{"user":"a","x":1}"#, "x is unknown");
        check(r#"{"user":7}"#, "user is invalid");
        check(
            r#"{"user":"a","rooms":[{"number":1},{}]}"#,
            "rooms[1].number is missing",
        );
        check(
            r#"{"user":"a","rooms":[{"number":256}]}"#,
            "rooms[0].number is invalid",
        );
        check(r#"{"user":"a","mode":"loud"}"#, "mode is invalid");
        check("7", "the data is invalid");
        check("null", "the data is invalid");
    }

    #[test]
    fn what_a_client_calls_its_fields_is_shown_in_part_and_without_separators() {
        let long = format!(r#"{{"user":"a","a:{}":1}}"#, "x".repeat(200));
        let explained = explain::<Join<'_>>(&long);
        assert!(explained.starts_with("a xx"), "{explained}");
        assert!(explained.len() < 120, "{explained}");
    }
}
