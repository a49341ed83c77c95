//! From the pages of which origins requests are answered.
//!
//! A browser sends the cookies of a visitor along with what any page asks for. Whether a page may ask
//! is decided here, before a request is looked at any further or becomes a socket.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use ::http::header::{self, HeaderMap, HeaderName};
use ::http::{HeaderValue, Method, Request, Response, StatusCode};
use bytes::Bytes;
use http_body::Body as HttpBody;
use tower_http::cors::{AllowOrigin, Cors};
use tower_service::Service;

use super::response::{self, Body};
use super::service::{self, Endpoint, Secure};
use crate::server::config::{AllowedOrigins, default_port};

/// Lets requests through to an endpoint, and tells the pages of other origins that they may read the
/// answers.
#[derive(Debug)]
pub(super) struct Gate {
    answers: Answers,
    allowed: AllowedOrigins,
    /// Answers to pages of origins that are named.
    named: Cors<Answers>,
    /// Answers to pages of whatever origin: without cookies.
    any: Cors<Answers>,
    /// Somebody has been told that an origin is missing.
    told: AtomicBool,
}

/// The endpoint as a service.
#[derive(Clone, Debug)]
pub(super) struct Answers(Arc<Endpoint>);

/// A response that is on its way.
pub(super) type Answer = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

/// Where the page is from that a request comes from.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Page<'a> {
    /// There is none, or one in an old browser that keeps it to itself.
    None,
    /// The browser says that it is of the origin of this server.
    Own,
    Of(&'a str),
    /// It is not of this server, and does not say what it is of.
    Hidden,
}

/// How a browser says that a page of another origin asks, even if that hides where it is from.
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// How long a browser may go without asking again what pages of an origin may do.
const MAX_AGE: Duration = Duration::from_secs(60 * 60);

impl Gate {
    pub(super) fn new(endpoint: Endpoint, allowed: AllowedOrigins) -> Self {
        let answers = Answers(Arc::new(endpoint));
        // LP-10: what the official clients need.
        let cors = Cors::new(answers.clone())
            .allow_methods([Method::POST, Method::GET])
            .allow_headers([
                header::CONTENT_TYPE,
                header::PRAGMA,
                HeaderName::from_static("x-requested-with"),
                header::AUTHORIZATION,
                header::ACCEPT,
            ])
            .max_age(MAX_AGE);
        Self {
            answers,
            allowed,
            // Only an origin that is named comes this far.
            named: cors
                .clone()
                .allow_origin(AllowOrigin::mirror_request())
                .allow_credentials(true),
            any: cors.allow_origin(AllowOrigin::any()),
            told: AtomicBool::new(false),
        }
    }

    pub(super) const fn endpoint(&self) -> &Arc<Endpoint> {
        &self.answers.0
    }

    /// Answers a request, if the page that it comes from may ask.
    pub(super) fn answer<B>(&self, mut request: Request<B>) -> Answer
    where
        B: HttpBody<Data = Bytes> + Send + 'static,
        B::Error: std::error::Error + Send + Sync + 'static,
    {
        let origin = match Page::of(request.headers()) {
            Page::None => {
                if is_script(&request) {
                    let config = &self.endpoint().core.config().callback_polling;
                    disown(request.headers_mut(), &config.cookie.name);
                }
                return self.endpoint().answer(request);
            }
            Page::Own => return self.endpoint().answer(request),
            Page::Of(origin) if is_own(origin, &request) => return self.endpoint().answer(request),
            Page::Of(origin) => origin,
            Page::Hidden => HIDDEN,
        };
        if self.allowed.lists(origin) {
            return Box::pin(self.named.clone().call(request));
        }
        if self.allowed.tolerates(origin) {
            // Nobody has vouched for this page: it must not act in the name of its visitor, nor take
            // the place of the cookie that his other pages have.
            request.headers_mut().remove(header::COOKIE);
            let answer = self.any.clone().call(request);
            return Box::pin(async move {
                let mut response = answer.await?;
                response.headers_mut().remove(header::SET_COOKIE);
                Ok(response)
            });
        }
        self.tell(origin);
        service::at_once(response::plain(
            StatusCode::FORBIDDEN,
            "not from pages of this origin",
        ))
    }

    /// Tells the log about an origin that is not allowed: the first time in a way that cannot be
    /// overlooked, later so that hostile pages cannot fill it.
    fn tell(&self, origin: &str) {
        if self.told.swap(true, Ordering::Relaxed) {
            tracing::debug!(origin, "a page of another origin is refused");
        } else {
            tracing::warn!(
                origin,
                "a page of another origin is refused: name it in allowedOrigins if it may use this server; \
                 if it is of this server, see to it that the proxy in front keeps the Host header"
            );
        }
    }
}

/// Stands for the origin of a page that hides it, as `null` does.
const HIDDEN: &str = "null";

impl<'a> Page<'a> {
    fn of(headers: &'a HeaderMap) -> Self {
        let mut origins = headers.get_all(header::ORIGIN).iter();
        if let Some(origin) = origins.next() {
            return match origin.to_str() {
                Ok(origin) if origins.next().is_none() => Self::Of(origin),
                _ => Self::Hidden,
            };
        }
        // A script element, which is what callback polling is made of, sends no `Origin`.
        let site = headers.get(SEC_FETCH_SITE);
        if site.is_some_and(|site| site == "same-origin" || site == "none") {
            return Self::Own;
        }
        match headers.get(header::REFERER) {
            Some(referer) => referer
                .to_str()
                .ok()
                .and_then(origin_of)
                .map_or(Self::Hidden, Self::Of),
            None if site.is_some() => Self::Hidden,
            None => Self::None,
        }
    }
}

/// Whether a request may come from a script element, as callback polling does.
fn is_script<B>(request: &Request<B>) -> bool {
    request.method() == Method::GET && !super::websocket::asks_for_websocket(request)
}

/// Takes from a request what a browser adds in the name of its visitor; the one cookie that is kept
/// binds requests to each other, and gives no rights.
fn disown(headers: &mut HeaderMap, kept: &str) {
    headers.remove(header::AUTHORIZATION);
    let cookies = headers.get_all(header::COOKIE).iter();
    let cookies: Vec<_> = cookies
        .filter_map(|it| it.to_str().ok())
        .flat_map(|it| it.split(';'))
        .filter(|it| it.split('=').next().is_some_and(|it| it.trim() == kept))
        .filter_map(|it| HeaderValue::from_str(it.trim()).ok())
        .collect();
    headers.remove(header::COOKIE);
    for cookie in cookies {
        headers.append(header::COOKIE, cookie);
    }
}

/// The origin of a URL.
fn origin_of(url: &str) -> Option<&str> {
    let authority = url.find("://")? + "://".len();
    let path = url.get(authority..)?.find('/');
    path.map_or(Some(url), |path| url.get(..authority + path))
}

/// Whether a page of this origin comes from where the request goes to.
///
/// Whether that is encrypted is known only if somebody says so: what comes without [`Secure`] may
/// have been decrypted by a proxy.
fn is_own<B>(origin: &str, request: &Request<B>) -> bool {
    let Some((scheme, page)) = origin.split_once("://") else {
        return false;
    };
    let secure = request.extensions().get::<Secure>().is_some();
    if !(scheme == "https" || scheme == "http" && !secure) {
        return false;
    }
    let host = match request.uri().authority() {
        Some(authority) => Some(authority.as_str()),
        None => request
            .headers()
            .get(header::HOST)
            .and_then(|it| it.to_str().ok()),
    };
    let port = default_port(scheme).unwrap_or_default();
    host.is_some_and(|host| without(port, host).eq_ignore_ascii_case(without(port, page)))
}

/// An authority without this port.
fn without<'a>(port: &str, authority: &'a str) -> &'a str {
    authority.strip_suffix(port).unwrap_or(authority)
}

/// For the layer that adds the headers.
impl<B> Service<Request<B>> for Answers
where
    B: HttpBody<Data = Bytes> + Send + 'static,
    B::Error: std::error::Error + Send + Sync + 'static,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Answer;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Answer {
        self.0.answer(request)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_own(origin: &str, host: &str, secure: bool, expected: bool) {
        let mut request = Request::get("/").header("host", host).body(()).unwrap();
        if secure {
            request.extensions_mut().insert(Secure);
        }
        assert_eq!(
            is_own(origin, &request),
            expected,
            "{origin} {host} {secure}"
        );
    }

    #[test]
    fn a_page_is_of_the_server_if_it_has_its_host_and_port() {
        check_own("http://a.example", "a.example", false, true);
        check_own("http://a.example", "A.Example:80", false, true);
        check_own("https://a.example", "a.example:443", false, true);
        check_own("http://a.example:8080", "a.example:8080", false, true);
        check_own("http://[::1]:8080", "[::1]:8080", false, true);
        check_own("https://a.example", "a.example", true, true);
        check_own("http://a.example", "a.example", true, false);
        check_own("http://a.example", "a.example:443", false, false);
        check_own("http://a.example:8081", "a.example:8080", false, false);
        check_own("http://b.example", "a.example", false, false);
        check_own("http://a.example.evil", "a.example", false, false);
        check_own("ftp://a.example", "a.example", false, false);
        check_own("null", "null", false, false);
    }

    #[test]
    fn http2_says_the_host_in_the_target() {
        let request = Request::get("https://a.example/x").body(()).unwrap();
        assert!(is_own("https://a.example", &request));
        assert!(!is_own("https://b.example", &request));
    }

    #[track_caller]
    fn check_page(headers: &[(&'static str, &'static str)], expected: Page<'static>) {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().unwrap());
        }
        assert_eq!(Page::of(&map), expected, "{headers:?}");
    }

    #[test]
    fn a_browser_says_where_a_page_is_from() {
        check_page(&[], Page::None);
        check_page(&[("origin", "http://a")], Page::Of("http://a"));
        check_page(
            &[("origin", "http://a"), ("origin", "http://b")],
            Page::Hidden,
        );
        check_page(&[("sec-fetch-site", "same-origin")], Page::Own);
        check_page(&[("sec-fetch-site", "none")], Page::Own);
        check_page(&[("sec-fetch-site", "cross-site")], Page::Hidden);
        check_page(&[("sec-fetch-site", "same-site")], Page::Hidden);
        check_page(
            &[("sec-fetch-site", "same-origin"), ("origin", "null")],
            Page::Of("null"),
        );
        check_page(&[("referer", "http://a:1/b/c?d")], Page::Of("http://a:1"));
        check_page(&[("referer", "http://a")], Page::Of("http://a"));
        check_page(&[("referer", "about:blank")], Page::Hidden);
        let hidden = [("sec-fetch-site", "cross-site"), ("referer", "https://a/")];
        check_page(&hidden, Page::Of("https://a"));
    }
}
