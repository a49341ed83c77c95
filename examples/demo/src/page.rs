//! The page, which is part of the binary.

use axum::Router;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS,
};
use axum::routing::{MethodRouter, get};

/// The routes of the page and of what it loads.
pub(crate) fn router() -> Router {
    let page = include_str!("../page/index.html");
    let style = include_str!("../page/style.css");
    let script = include_str!("../page/app.js");
    let client = include_str!("../page/bayeux.js");
    Router::new()
        .route("/", file("text/html; charset=utf-8", page))
        .route("/style.css", file("text/css; charset=utf-8", style))
        .route("/app.js", file("text/javascript; charset=utf-8", script))
        .route("/bayeux.js", file("text/javascript; charset=utf-8", client))
}

fn file(content_type: &'static str, text: &'static str) -> MethodRouter {
    let headers = [
        (CONTENT_TYPE, content_type),
        (CONTENT_SECURITY_POLICY, POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        // A new binary has a new page.
        (CACHE_CONTROL, "no-cache"),
    ];
    get(move || async move { (headers, text) })
}

/// The page runs nothing that does not come from here. `ws:` is there for browsers whose `'self'` does
/// not cover sockets.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; \
    connect-src 'self' ws: wss:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";
