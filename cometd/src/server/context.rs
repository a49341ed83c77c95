//! The request that a message came with.

use std::fmt;
use std::net::SocketAddr;

use http::{HeaderMap, HeaderName, HeaderValue, Uri, Version};

use crate::protocol::Transport;

/// What a hook can know of the request that carries a message (CTX-1).
///
/// Over HTTP it is the request itself, over WebSocket the one that opened the socket (CTX-2).
#[derive(Clone)]
pub struct Context {
    pub(crate) transport: Option<Transport>,
    pub(crate) uri: Uri,
    pub(crate) version: Version,
    pub(crate) headers: HeaderMap,
    pub(crate) peer: Option<SocketAddr>,
    pub(crate) secure: bool,
}

impl Context {
    /// The context of code in this process.
    pub(crate) fn local() -> Self {
        Self {
            transport: None,
            uri: Uri::default(),
            version: Version::default(),
            headers: HeaderMap::new(),
            peer: None,
            secure: true,
        }
    }

    /// A copy that shares nothing with the buffer that the request was read into: whoever keeps a context
    /// for long would keep that buffer.
    pub(crate) fn detached(&self) -> Self {
        let headers = self.headers.iter().filter_map(|(name, value)| {
            let mut copy = HeaderValue::from_bytes(value.as_bytes()).ok()?;
            copy.set_sensitive(value.is_sensitive());
            // Names of their own are short and rare; the known ones are numbers.
            let name = HeaderName::from_bytes(name.as_str().as_bytes()).ok()?;
            Some((name, copy))
        });
        Self {
            uri: self.uri.to_string().parse().unwrap_or_default(),
            headers: headers.collect(),
            ..*self
        }
    }

    /// The connection type; `None` for a local session.
    #[must_use]
    pub const fn transport(&self) -> Option<Transport> {
        self.transport
    }

    /// The request target.
    #[must_use]
    pub const fn uri(&self) -> &Uri {
        &self.uri
    }

    /// The version of HTTP.
    #[must_use]
    pub const fn version(&self) -> Version {
        self.version
    }

    /// The request headers; names are found whatever their case.
    #[must_use]
    pub const fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// The address of the peer, if the server that runs the app says it
    /// ([`cometd::serve`](crate::serve) does).
    #[must_use]
    pub const fn peer(&self) -> Option<SocketAddr> {
        self.peer
    }

    /// Whether the request came over TLS: whether it was marked with [`Secure`](crate::Secure).
    #[must_use]
    pub const fn is_secure(&self) -> bool {
        self.secure
    }

    /// The value of a cookie. Names and values are trimmed, quotes removed, `$` attributes ignored
    /// (CTX-3).
    #[must_use]
    pub fn cookie(&self, name: &str) -> Option<&str> {
        self.headers
            .get_all(http::header::COOKIE)
            .iter()
            .filter_map(|header| header.to_str().ok())
            .flat_map(Cookies)
            .find(|(it, _)| *it == name)
            .map(|(_, value)| value)
    }
}

/// Names headers and does not show their values: cookies and authorizations are credentials.
impl fmt::Debug for Context {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.headers.keys().map(HeaderName::as_str).collect();
        formatter
            .debug_struct("Context")
            .field("transport", &self.transport)
            .field("path", &self.uri.path())
            .field("version", &self.version)
            .field("headers", &names)
            .field("peer", &self.peer)
            .field("secure", &self.secure)
            .finish()
    }
}

/// The cookies of one header; a quoted value may contain `;`.
struct Cookies<'a>(&'a str);

impl<'a> Iterator for Cookies<'a> {
    type Item = (&'a str, &'a str);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if self.0.is_empty() {
                return None;
            }
            let mut end = self.0.find(';');
            if self
                .0
                .get(..end.unwrap_or_default())
                .is_some_and(|it| it.contains('"'))
            {
                let mut quoted = false;
                end = self.0.find(|it| {
                    quoted ^= it == '"';
                    it == ';' && !quoted
                });
            }
            let (cookie, rest) = match end.and_then(|end| self.0.split_at_checked(end)) {
                Some((cookie, rest)) => (cookie, rest.get(1..).unwrap_or_default()),
                None => (self.0, ""),
            };
            self.0 = rest;
            if let Some((name, value)) = cookie.split_once('=')
                && !name.trim().starts_with('$')
            {
                return Some((name.trim(), value.trim().trim_matches('"')));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cookies_are_trimmed_and_unquoted() {
        // CTX-3
        let mut context = Context::local();
        let header = r#" a = 1 ; $Path="/"; b="x;y" ;c"#;
        context
            .headers
            .insert(http::header::COOKIE, header.parse().unwrap());
        assert_eq!(context.cookie("a"), Some("1"));
        assert_eq!(context.cookie("b"), Some("x;y"));
        assert_eq!(context.cookie("$Path"), None);
        assert_eq!(context.cookie("c"), None);
    }
}
