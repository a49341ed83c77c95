//! Which pages of other origins may speak to the server.

use std::fmt;

/// The origins that are let in beside the server's own, as browsers write them.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct AllowedOrigins {
    /// `*`: pages of every origin, without cookies.
    any: bool,
    /// `null`: pages without an origin, without cookies.
    opaque: bool,
    /// In lower case and without default ports, as in the `Origin` header.
    listed: Vec<String>,
}

impl AllowedOrigins {
    /// Reads names of origins; `None` if one of them is no origin.
    pub(super) fn read(names: impl Iterator<Item = String>) -> Option<Self> {
        let mut origins = Self::default();
        for name in names {
            match name.as_str() {
                "*" => origins.any = true,
                "null" => origins.opaque = true,
                name => {
                    let origin = canonical(name)?;
                    if !origins.listed.contains(&origin) {
                        origins.listed.push(origin);
                    }
                }
            }
        }
        Some(origins)
    }

    /// Whether an origin is named.
    pub(crate) fn lists(&self, origin: &str) -> bool {
        self.listed.iter().any(|it| it == origin)
    }

    /// Whether an origin is let in without being named, and so without being trusted: every page can
    /// have the origin `null`.
    pub(crate) fn tolerates(&self, origin: &str) -> bool {
        self.any || self.opaque && origin == "null"
    }
}

/// As text that `read` reads back.
impl fmt::Display for AllowedOrigins {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let wide = [(self.any, "*"), (self.opaque, "null")];
        let wide = wide.into_iter().filter_map(|(is, name)| is.then_some(name));
        let names: Vec<&str> = wide.chain(self.listed.iter().map(String::as_str)).collect();
        formatter.write_str(&names.join(","))
    }
}

/// An origin as a browser writes it: in lower case, without the port that its scheme has anyway.
fn canonical(text: &str) -> Option<String> {
    let (scheme, authority) = text.split_once("://")?;
    let scheme_byte = |it: u8| it.is_ascii_alphanumeric() || b"+-.".contains(&it);
    let host_byte = |it: u8| it.is_ascii_alphanumeric() || b"-._[]:".contains(&it);
    let is_legal = !scheme.is_empty()
        && !authority.is_empty()
        && scheme.bytes().all(scheme_byte)
        && authority.bytes().all(host_byte);
    let origin = text.to_ascii_lowercase();
    let port = default_port(&scheme.to_ascii_lowercase());
    let origin = port
        .and_then(|port| origin.strip_suffix(port))
        .unwrap_or(&origin);
    is_legal.then(|| origin.to_owned())
}

/// The end of an authority that browsers leave out.
pub(crate) fn default_port(scheme: &str) -> Option<&'static str> {
    match scheme {
        "http" => Some(":80"),
        "https" => Some(":443"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<AllowedOrigins> {
        AllowedOrigins::read(text.split(',').map(str::to_owned))
    }

    #[test]
    fn an_origin_is_compared_as_browsers_write_it() {
        let origins = read("HTTPS://App.Example:443,http://[::1]:8080,http://a:80").unwrap();
        for origin in ["https://app.example", "http://[::1]:8080", "http://a"] {
            assert!(origins.lists(origin), "{origin}");
        }
        for origin in [
            "http://app.example",
            "https://app.example:444",
            "https://example",
            "null",
        ] {
            assert!(
                !origins.lists(origin) && !origins.tolerates(origin),
                "{origin}"
            );
        }
        let text = origins.to_string();
        assert_eq!(text, "https://app.example,http://[::1]:8080,http://a");
        assert_eq!(read(&text), Some(origins));
    }

    #[test]
    fn what_is_no_origin_is_not_read() {
        for text in [
            "example.com",
            "https://",
            "https://a/",
            "https://a/b",
            "://a",
            "https://ä",
            "https://*.a",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn every_page_can_be_nobody() {
        let (any, nobody) = (read("*").unwrap(), read("null").unwrap());
        assert!(any.tolerates("https://a") && any.tolerates("null") && !any.lists("https://a"));
        assert!(
            nobody.tolerates("null") && !nobody.tolerates("https://a") && !nobody.lists("null")
        );
        assert_eq!(read("null,*").unwrap().to_string(), "*,null");
    }
}
