//! HTTP and long polling, and the session cookie: section 14.

use bytes::Bytes;
use cometd_tests::{Answer, Client, delivery, failed, ok, setup};
use http::Request;
use http_body_util::Full;
use serde_json::{Value, json};

/// Sends a request with these parts.
pub(crate) async fn request(
    client: &Client,
    method: &str,
    path: &str,
    content_type: &str,
    body: impl Into<Bytes>,
) -> Answer {
    let mut request = Request::builder().method(method).uri(path);
    if !content_type.is_empty() {
        request = request.header("content-type", content_type);
    }
    client
        .request(request.body(Full::new(body.into())).unwrap())
        .await
}

#[tokio::test(start_paused = true)]
async fn every_path_below_the_mount_point_is_the_server() {
    // LP-3: T-LP-1
    let app = setup().start().await;
    for path in [
        "/cometd",
        "/cometd/",
        "/cometd/handshake",
        "/cometd/any/thing",
    ] {
        let client = app.client();
        let body = client.handshake_message().to_string();
        let answer = request(&client, "POST", path, "application/json", body).await;
        assert_eq!(answer.only()["successful"], true, "{path}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_media_type_does_not_matter() {
    // LP-4, OLD-4: T-LP-2
    let app = setup().start().await;
    for media_type in [
        "application/json",
        "text/json;charset=UTF-8",
        "text/plain",
        "",
    ] {
        let client = app.client();
        let body = client.handshake_message().to_string();
        let answer = request(&client, "post", "/", media_type, body).await;
        assert_eq!(answer.only()["successful"], true, "{media_type}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_character_set_does_matter() {
    // LP-6, JSON-1: T-LP-3
    let app = setup().start().await;
    let client = app.client().up().await;
    client.subscribe("/a").await;
    let body = json!([client.publish_message("/a", "?")]).to_string();
    let greek: Vec<u8> = body
        .bytes()
        .map(|it| if it == b'?' { 0xe1 } else { it })
        .collect();
    let media_type = "text/json;charset=ISO-8859-7";
    let answer = request(&client, "POST", "/", media_type, greek.clone()).await;
    answer.expect([delivery("/a", "\u{3b1}"), ok("/a")]);
    request(&client, "POST", "/", "text/json", greek.clone())
        .await
        .refused(400);
    let unknown = request(&client, "POST", "/", "text/json;charset=klingon", greek).await;
    unknown.refused(415);
}

#[tokio::test(start_paused = true)]
async fn a_body_that_is_no_envelope_is_refused() {
    // ERR-2, ERR-4, JSON-2, JSON-3: T-LP-4, T-LP-5
    let app = setup().start().await;
    let client = app.client().up().await;
    let bodies = [
        "",
        " ",
        "[{",
        "\"x\"",
        "1",
        "true",
        "[{}] x",
        "[{}][{}]",
        "[{'channel':'/a'}]",
        "[{channel:1}]",
        "[{} /* no */]",
        "[{},]",
        "\u{feff}[{}]",
        "[]",
        "null",
        "[1]",
        "[null]",
        "[[{}]]",
        "[{}, 1]",
        "[{\"a\":01}]",
        "[{\"a\":\"\u{1}\"}]",
        "[{\"a\":\"\\ud800\"}]x",
    ];
    for body in bodies {
        let answer = client.send_text(body).await;
        assert_eq!(answer.status, 400, "{body:?}: {}", answer.text);
    }
    for body in ["{}", "[{}]", " \n[ {\t} ] \r\n"] {
        let answer = client.send_text(body).await.only();
        assert_eq!(
            answer,
            json!({"successful": false, "error": "400::channel_missing"})
        );
    }
}

#[tokio::test(start_paused = true)]
async fn other_methods_are_no_transport() {
    // LP-1, LP-2, ERR-3: T-LP-6
    let app = setup().start().await;
    let client = app.client().up().await;
    let body = client.handshake_message().to_string();
    for method in ["GET", "PUT", "DELETE", "HEAD", "PATCH"] {
        request(&client, method, "/", "", body.clone())
            .await
            .refused(400);
    }
    let options = request(&client, "OPTIONS", "/", "", "").await;
    assert_eq!((options.status, &*options.text), (200, ""));
}

#[tokio::test(start_paused = true)]
async fn a_response_is_json_that_nobody_caches() {
    // LP-7, LP-8: T-LP-7
    let app = setup().start().await;
    let answer = app.client().handshake().await;
    let header = |name: &str| answer.headers[name].to_str().unwrap();
    assert_eq!(header("content-type"), "application/json;charset=UTF-8");
    assert!(header("cache-control").contains("no-store"));
}

#[tokio::test(start_paused = true)]
async fn a_browser_gets_one_cookie() {
    // LP-20, LP-21, LP-22, LP-23: T-LP-9
    let app = setup().start().await;
    let client = app.client();
    let answer = client.handshake().await;
    let (cookie, attributes) = answer.set_cookie().unwrap().split_once("; ").unwrap();
    let value = cookie.strip_prefix("BAYEUX_BROWSER=").unwrap();
    assert!(
        value.len() >= 16 && value.bytes().all(|it| it.is_ascii_alphanumeric()),
        "{value}"
    );
    assert_eq!(attributes, "Path=/; HttpOnly");
    for answer in [
        client.neighbour().handshake().await,
        client.connect().await,
        client.publish("/a", 1).await,
    ] {
        assert_eq!(answer.set_cookie(), None);
    }
}

#[tokio::test(start_paused = true)]
async fn a_cookie_that_the_client_made_up_is_as_good() {
    // LP-21: T-LP-10
    let app = setup().start().await;
    let client = app.client();
    client.jar().set(Some("BAYEUX_BROWSER=mine"));
    assert_eq!(client.handshake().await.set_cookie(), None);
    client.connect().await.expect([ok("/meta/connect")]);
}

#[tokio::test(start_paused = true)]
async fn a_session_is_unknown_without_its_cookie() {
    // LP-24: T-LP-11
    let app = setup().start().await;
    let (a, b) = (app.client().up().await, app.client().up().await);
    let own = a.jar().cookie();
    for cookie in [None, b.jar().cookie()] {
        a.jar().set(cookie.as_deref());
        a.publish("/a", 1)
            .await
            .expect([failed("/a", "402::session_unknown")]);
    }
    a.jar().set(own.as_deref());
    a.publish("/a", 1).await.expect([ok("/a")]);
}

#[tokio::test(start_paused = true)]
async fn a_session_may_be_trusted_without_its_cookie() {
    // LP-25, CFG-23: T-LP-12
    let app = setup().option("trustClientSession", true).start().await;
    let (a, b) = (app.client().up().await, app.client().up().await);
    for cookie in [b.jar().cookie(), None] {
        a.jar().set(cookie.as_deref());
        a.publish("/a", 1).await.expect([ok("/a")]);
    }
    a.connect()
        .await
        .after(cometd_tests::ms(2000))
        .expect([ok("/meta/connect")]);
}

#[tokio::test(start_paused = true)]
async fn the_cookie_has_the_attributes_that_are_configured() {
    // LP-22, CFG-25 to CFG-32: T-LP-13
    let app = setup()
        .option("browserCookieName", "B")
        .option("browserCookieDomain", "example.com")
        .option("browserCookiePath", "/x")
        .option("browserCookieMaxAge", 60)
        .option("browserCookieHttpOnly", false)
        .option("browserCookieSecure", true)
        .option("browserCookieSameSite", "Lax")
        .option("browserCookiePartitioned", true)
        .start()
        .await;
    let answer = app.client().handshake().await;
    let (cookie, attributes) = answer.set_cookie().unwrap().split_once("; ").unwrap();
    assert!(cookie.starts_with("B="), "{cookie}");
    let expected = "Domain=example.com; Path=/x; Max-Age=60; SameSite=Lax; Partitioned";
    assert_eq!(attributes, expected);
}

#[tokio::test(start_paused = true)]
async fn a_post_is_long_polling_whatever_its_query_says() {
    // LP-1: T-LP-14
    let app = setup().start().await;
    let client = app.client();
    let body = json!([client.handshake_message()]).to_string();
    let answer = request(&client, "POST", "/?jsonp=x", "", body).await;
    assert!(answer.text.starts_with('['), "{}", answer.text);
    let reply: Value = answer.only();
    assert_eq!(reply["successful"], true);
}

#[tokio::test(start_paused = true)]
async fn the_cookie_is_secure_where_the_request_is() {
    // LP-22: T-LP-13
    let app = setup().option("browserCookieSecure", true).start().await;
    for secure in [false, true] {
        let body = r#"{"channel":"/meta/handshake"}"#;
        let mut request = Request::post("/cometd").body(Full::from(body)).unwrap();
        if secure {
            request.extensions_mut().insert(cometd::Secure);
        }
        let answer = app.call(request).await;
        let cookie = answer.headers["set-cookie"].to_str().unwrap();
        assert_eq!(cookie.contains("; Secure"), secure, "{cookie}");
    }
}
