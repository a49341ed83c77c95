//! What a page of another origin may do, played by its author: LP-10, CB-9, WS-5, and section 12.7 of
//! the specification of security.

use bytes::Bytes;
use cometd::{Context, Exchange, Extension, Flow, Secure, ServerSession};
use cometd_tests::{Answer, App, Client, ok, setup};
use http::Request;
use http_body_util::Full;
use parking_lot::Mutex;
use serde_json::json;
use std::sync::Arc;

const HOST: &str = "chat.example:8080";
const OWN: &str = "http://chat.example:8080";
const PARTNER: &str = "https://partner.example";
const EVIL: &str = "https://evil.example";

/// What a browser sends for a page: a handshake with these headers beside the cookie.
async fn handshake(client: &Client, headers: &[(&str, &str)]) -> Answer {
    let body = json!([client.handshake_message()]).to_string();
    let mut request = Request::post("/").header("host", HOST);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    client
        .request(request.body(Full::new(Bytes::from(body))).unwrap())
        .await
}

/// The same by a script element.
async fn script(client: &Client, headers: &[(&str, &str)]) -> Answer {
    let message = client.handshake_message().to_string();
    let query = form_urlencoded::Serializer::new(String::new())
        .extend_pairs([("jsonp", "cb"), ("message", &message)])
        .finish();
    let mut request = Request::get(format!("/?{query}")).header("host", HOST);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    client.request(request.body(Full::default()).unwrap()).await
}

async fn preflight(app: &App, origin: &str) -> Answer {
    let request = Request::options("/handshake")
        .header("host", HOST)
        .header("origin", origin)
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "content-type");
    app.call(request.body(Full::<Bytes>::default()).unwrap())
        .await
}

fn header<'a>(answer: &'a Answer, name: &str) -> Option<&'a str> {
    answer.headers.get(name).map(|it| it.to_str().unwrap())
}

/// No header tells a page that it may read the answer.
#[track_caller]
fn no_cors(answer: &Answer) {
    let mut names = answer.headers.keys().map(http::HeaderName::as_str);
    assert!(
        !names.any(|it| it.starts_with("access-control")),
        "{:?}",
        answer.headers
    );
}

#[tokio::test(start_paused = true)]
async fn a_page_of_another_origin_is_refused_before_anything_happens() {
    let app = setup().start().await;
    let alice = app.client();
    for origin in [
        EVIL,
        "https://chat.example:8080.evil.example",
        "http://chat.example",
        "null",
        "",
    ] {
        let answer = handshake(&alice, &[("origin", origin)]).await;
        answer.refused(403);
        no_cors(&answer);
        assert!(answer.set_cookie().is_none());
        let answer = preflight(&app, origin).await;
        answer.refused(403);
        no_cors(&answer);
    }
    assert!(app.server().sessions().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_page_of_another_origin_gets_no_socket() {
    // WS-5: cross-site WebSocket hijacking.
    let app = setup().start().await;
    for headers in [
        "Origin: https://evil.example\r\n",
        "Origin: null\r\n",
        "Origin: http://test\r\nOrigin: https://evil.example\r\n",
        "Sec-Fetch-Site: cross-site\r\n",
    ] {
        let refused = app.upgrade(headers).await.err();
        assert_eq!(refused, Some(403), "{headers}");
    }
    for headers in ["", "Origin: http://test\r\n", "Origin: https://TEST\r\n"] {
        assert!(app.upgrade(headers).await.is_ok(), "{headers}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_page_of_the_server_and_what_is_no_page_is_answered_as_ever() {
    let app = setup().start().await;
    for headers in [
        &[][..],
        &[("origin", OWN)],
        &[("origin", "https://chat.example:8080")],
    ] {
        let answer = handshake(&app.client(), headers).await;
        assert_eq!(answer.only()["successful"], true, "{headers:?}");
        no_cors(&answer);
    }
}

#[tokio::test(start_paused = true)]
async fn an_unencrypted_page_is_a_stranger_to_an_encrypted_server() {
    let app = setup().start().await;
    for (origin, status) in [(OWN, 403), ("https://chat.example:8080", 200)] {
        let body = json!([app.client().handshake_message()]).to_string();
        let request = Request::post("/")
            .header("host", HOST)
            .header("origin", origin)
            .extension(Secure);
        let answer = app.call(request.body(Full::new(Bytes::from(body))).unwrap());
        assert_eq!(answer.await.status, status, "{origin}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_page_of_a_named_origin_may_read_answers_and_keep_its_session() {
    // LP-10: T-LP-15
    let app = setup().option("allowedOrigins", PARTNER).start().await;
    let answer = preflight(&app, PARTNER).await;
    assert_eq!((answer.status, &*answer.text), (200, ""));
    let expected = [
        ("access-control-allow-origin", PARTNER),
        ("access-control-allow-credentials", "true"),
        ("access-control-allow-methods", "POST,GET"),
        (
            "access-control-allow-headers",
            "content-type,pragma,x-requested-with,authorization,accept",
        ),
        ("access-control-max-age", "3600"),
    ];
    for (name, value) in expected {
        assert_eq!(header(&answer, name), Some(value), "{name}");
    }

    let client = app.client();
    let answer = handshake(&client, &[("origin", PARTNER)]).await;
    assert_eq!(
        header(&answer, "access-control-allow-origin"),
        Some(PARTNER)
    );
    assert_eq!(
        header(&answer, "access-control-allow-credentials"),
        Some("true")
    );
    assert!(header(&answer, "vary").unwrap().contains("origin"));
    client.set_client_id(answer.client_id());
    client.publish("/a", 1).await.expect([ok("/a")]);

    let upgrade = format!("Origin: {PARTNER}\r\n");
    assert!(app.upgrade(&upgrade).await.is_ok());
    // T-LP-15: nobody else.
    for origin in [
        EVIL,
        "http://partner.example",
        "https://partner.example:444",
    ] {
        no_cors(
            handshake(&app.client(), &[("origin", origin)])
                .await
                .refused(403),
        );
    }
}

/// Notes what a policy would see of a visitor who has logged in.
#[derive(Clone, Default)]
struct Visitors(Arc<Mutex<Vec<bool>>>);

impl Extension for Visitors {
    fn incoming<'a>(
        &'a self,
        _: Option<&'a ServerSession>,
        exchange: &'a mut Exchange,
    ) -> cometd::Deferred<'a, Flow> {
        let context: &Context = &exchange.context;
        let login = context.cookie("login").is_some();
        let authorization = context.headers().contains_key("authorization");
        assert_eq!(login, authorization);
        self.0.lock().push(login);
        Flow::Continue.into()
    }
}

#[tokio::test(start_paused = true)]
async fn a_script_element_that_hides_its_page_acts_for_nobody() {
    // Browsers without fetch metadata send no Referer if the page forbids it.
    let visitors = Visitors::default();
    let extension = visitors.clone();
    let app = setup().with(|it| it.extension(extension)).start().await;
    let alice = app.callback_client();
    alice
        .jar()
        .set(Some("a=b; login=alice; BAYEUX_BROWSER=hers; login2=c"));
    let basic = ("authorization", "Basic eA==");
    let own = ("sec-fetch-site", "same-origin");
    for (headers, known) in [(&[basic][..], false), (&[basic, own], true)] {
        let answer = script(&alice, headers).await;
        assert_eq!(std::mem::take(&mut *visitors.0.lock()), [known]);
        assert_eq!(answer.set_cookie(), None);
        // A plain client goes on with its session.
        alice.set_client_id(answer.client_id());
        alice.publish("/a", 1).await.expect([ok("/a")]);
        visitors.0.lock().clear();
    }
    handshake(&alice, &[basic]).await;
    assert_eq!(*visitors.0.lock(), [true]);
}

/// Notes which cookies come with handshakes.
#[derive(Clone, Default)]
struct Cookies(Arc<Mutex<Vec<bool>>>);

impl Extension for Cookies {
    fn incoming<'a>(
        &'a self,
        _: Option<&'a ServerSession>,
        exchange: &'a mut Exchange,
    ) -> cometd::Deferred<'a, Flow> {
        let context: &Context = &exchange.context;
        self.0
            .lock()
            .push(context.cookie("BAYEUX_BROWSER").is_some());
        Flow::Continue.into()
    }
}

#[tokio::test(start_paused = true)]
async fn a_page_that_nobody_vouches_for_acts_without_the_cookies_of_its_visitor() {
    let cookies = Cookies::default();
    let extension = cookies.clone();
    let app = setup()
        .option("allowedOrigins", format!("*,{PARTNER}"))
        .with(|it| it.extension(extension))
        .start()
        .await;
    let alice = app.client();
    alice.jar().set(Some("BAYEUX_BROWSER=hers"));
    for origin in [EVIL, "null"] {
        let answer = handshake(&alice, &[("origin", origin)]).await;
        assert_eq!(header(&answer, "access-control-allow-origin"), Some("*"));
        assert_eq!(header(&answer, "access-control-allow-credentials"), None);
        assert_eq!(std::mem::take(&mut *cookies.0.lock()), [false], "{origin}");
        // Nor are those of her other pages replaced.
        assert_eq!(answer.set_cookie(), None, "{origin}");
    }
    let upgrade = "Origin: https://evil.example\r\nCookie: BAYEUX_BROWSER=hers\r\n";
    app.upgrade(upgrade).await.unwrap().handshake().await;
    assert_eq!(std::mem::take(&mut *cookies.0.lock()), [false]);
    for origin in [OWN, PARTNER] {
        handshake(&alice, &[("origin", origin)]).await;
        assert_eq!(std::mem::take(&mut *cookies.0.lock()), [true], "{origin}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_page_without_an_origin_is_let_in_only_by_name() {
    // A sandboxed frame of any page has the origin `null`.
    let app = setup().option("allowedOrigins", "null").start().await;
    let answer = handshake(&app.client(), &[("origin", "null")]).await;
    assert_eq!(header(&answer, "access-control-allow-origin"), Some("*"));
    handshake(&app.client(), &[("origin", EVIL)])
        .await
        .refused(403);
}

#[tokio::test(start_paused = true)]
async fn a_script_element_on_another_origin_runs_nothing() {
    // CB-9: script elements need no CORS and send no Origin.
    let app = setup().option("allowedOrigins", PARTNER).start().await;
    let client = app.callback_client();
    let hidden = ("sec-fetch-site", "cross-site");
    for headers in [
        &[hidden][..],
        &[("sec-fetch-site", "same-site")],
        &[
            hidden,
            ("referer", "https://evil.example/x?https://partner.example/"),
        ],
        &[("referer", "https://evil.example/")],
        &[("referer", "https://partner.example.evil.example/")],
        &[("referer", "nonsense")],
    ] {
        script(&client, headers).await.refused(403);
    }
    assert!(app.server().sessions().is_empty());
    for headers in [
        &[][..],
        &[("sec-fetch-site", "same-origin")],
        &[
            ("sec-fetch-site", "same-origin"),
            ("referer", "http://chat.example:8080/"),
        ],
        &[("referer", "http://chat.example:8080/page")],
        &[hidden, ("referer", "https://partner.example/")],
    ] {
        let answer = script(&client, headers).await;
        assert_eq!(answer.only()["successful"], true, "{headers:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_that_a_page_sends_comes_back_in_a_refusal() {
    let app = setup().start().await;
    let client = app.client();
    let marker = "evilmarker";
    let requests = [
        Request::get("/evilmarker?jsonp=evilmarker(1)&message=evilmarker"),
        Request::get("/?jsonp=evilmarker&message=evilmarker"),
        Request::post("/evilmarker").header("content-type", "text/json;charset=evilmarker"),
        Request::post("/evilmarker").header("content-encoding", "evilmarker"),
        Request::post("/").header("origin", "https://evilmarker.example"),
        Request::get("/")
            .header("upgrade", "websocket")
            .header("sec-websocket-version", "evilmarker"),
        Request::put("/evilmarker"),
    ];
    for request in requests {
        let body = Full::new(Bytes::from("[\"evilmarker\"]"));
        let request = request.header("host", HOST).body(body).unwrap();
        let what = format!("{request:?}");
        let answer = client.request(request).await;
        assert_ne!(answer.status, 200, "{what}");
        let all = format!("{:?} {}", answer.headers, answer.text);
        assert!(!all.contains(marker), "{what} {all}");
        let sniffable =
            !answer.text.is_empty() && header(&answer, "x-content-type-options").is_none();
        assert!(!sniffable, "{what}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_guessed_id_is_nobody() {
    // 12.1: an id has 128 random bits; knowing one tells nothing about another.
    let app = setup().start().await;
    let (alice, mallory) = (app.client().up().await, app.client().up().await);
    let own = mallory.client_id().unwrap();
    assert!(own.len() >= 22, "{own}");
    let (last, start) = own.as_bytes().split_last().unwrap();
    let near = if *last == b'0' { "1" } else { "0" };
    let near = format!("{}{near}", std::str::from_utf8(start).unwrap());
    mallory.jar().set(alice.jar().cookie().as_deref());
    for guess in [near, "0".repeat(own.len()), String::new()] {
        mallory.set_client_id(Some(guess));
        let reply = mallory.publish("/a", 1).await.only();
        assert_eq!(reply["error"], "402::session_unknown");
    }
}
