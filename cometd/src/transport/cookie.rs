//! The cookie that binds sessions to their browser.

use std::fmt::Write;

use ::http::HeaderValue;

use crate::server::config::CookieConfig;

/// A new value: 16 characters of base 36, from the operating system's random bits (LP-21).
pub(super) fn random_value() -> String {
    let mut bytes = [0_u8; 16];
    #[expect(
        clippy::expect_used,
        reason = "an operating system without random bits cannot run a server"
    )]
    getrandom::fill(&mut bytes).expect("the operating system gives random bits");
    // A byte maps almost evenly to 36 letters: some 82 bits that nobody can guess.
    bytes
        .iter()
        .filter_map(|byte| char::from_digit(u32::from(byte % 36), 36))
        .collect()
}

/// The `Set-Cookie` header with the configured attributes, in the order of LP-22.
pub(super) fn header(config: &CookieConfig, value: &str, secure: bool) -> Option<HeaderValue> {
    let mut text = format!("{}={value}", config.name);
    // Writing to a string does not fail.
    if let Some(domain) = &config.domain {
        let _ = write!(text, "; Domain={domain}");
    }
    if let Some(path) = &config.path {
        let _ = write!(text, "; Path={path}");
    }
    if let Some(age) = config.max_age {
        let _ = write!(text, "; Max-Age={}", age.as_secs());
    }
    if config.http_only {
        text.push_str("; HttpOnly");
    }
    if config.secure && secure {
        text.push_str("; Secure");
    }
    if let Some(same_site) = config.same_site {
        let _ = write!(text, "; SameSite={}", same_site.name());
    }
    if config.partitioned {
        text.push_str("; Partitioned");
    }
    HeaderValue::try_from(text).ok()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::server::config::SameSite;

    #[test]
    fn attributes_come_in_order_and_only_if_configured() {
        // LP-20, LP-22: T-LP-9, T-LP-13
        let plain = CookieConfig::default();
        assert_eq!(
            header(&plain, "x", true).unwrap(),
            "BAYEUX_BROWSER=x; Path=/; HttpOnly"
        );
        let full = CookieConfig {
            name: "B".to_owned(),
            domain: Some("example.com".to_owned()),
            path: Some("/cometd".to_owned()),
            max_age: Some(Duration::from_secs(60)),
            secure: true,
            http_only: false,
            same_site: Some(SameSite::Lax),
            partitioned: true,
        };
        let expected =
            "B=x; Domain=example.com; Path=/cometd; Max-Age=60; Secure; SameSite=Lax; Partitioned";
        assert_eq!(header(&full, "x", true).unwrap(), expected);
        assert!(
            !header(&full, "x", false)
                .unwrap()
                .to_str()
                .unwrap()
                .contains("Secure")
        );
    }

    #[test]
    fn a_value_is_sixteen_letters_and_digits() {
        // LP-21
        let (one, other) = (random_value(), random_value());
        assert!(one.len() == 16 && one.bytes().all(|byte| byte.is_ascii_alphanumeric()));
        assert_ne!(one, other);
    }
}
