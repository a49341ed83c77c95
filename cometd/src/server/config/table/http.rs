//! Options of the HTTP transports.

use super::super::{
    alphabet::Alphabet,
    option::{OptionDescription, Reach},
    slot::{Bounds, Slot, Zero},
};

pub(super) const OPTIONS: &[OptionDescription] = &[
    // CFG-20
    row(
        "maxSessionsPerBrowser",
        Slot::Limit(Zero::Nothing, |it| &mut it.http.max_sessions_per_browser),
        "The connects that are held for one browser over HTTP/1; others are answered at once.",
    ),
    // CFG-21
    row(
        "http2MaxSessionsPerBrowser",
        Slot::Limit(Zero::Nothing, |it| {
            &mut it.http.http2_max_sessions_per_browser
        }),
        "The connects that are held for one browser over HTTP/2; others are answered at once.",
    ),
    // CFG-22
    row(
        "multiSessionInterval",
        Slot::OptionalDuration(|it| &mut it.http.multi_session_interval),
        "The interval advised to sessions beyond maxSessionsPerBrowser; none tells them not to reconnect.",
    ),
    // CFG-23
    row(
        "trustClientSession",
        Slot::Flag(|it| &mut it.http.trust_client_session),
        "Whether a session is found by its id alone when the cookie does not lead to it.",
    ),
    // CFG-24
    row(
        "duplicateMetaConnectHttpResponseCode",
        Slot::ErrorStatus(|it| &mut it.http.duplicate_meta_connect_http_response_code),
        "The status of a held connect that a later one of the same session replaces.",
    ),
    // CFG-25
    row(
        "browserCookieName",
        Slot::Name(Alphabet::Token, |it| &mut it.http.cookie.name),
        "The name of the cookie that identifies a browser.",
    ),
    // CFG-26
    row(
        "browserCookieDomain",
        Slot::Text(Alphabet::CookieAttribute, |it| &mut it.http.cookie.domain),
        "The Domain of the cookie.",
    ),
    // CFG-27
    row(
        "browserCookiePath",
        Slot::Text(Alphabet::CookieAttribute, |it| &mut it.http.cookie.path),
        "The Path of the cookie.",
    ),
    // CFG-28
    row(
        "browserCookieMaxAge",
        Slot::Seconds(|it| &mut it.http.cookie.max_age),
        "The Max-Age of the cookie; none keeps it until the browser is closed.",
    ),
    // CFG-29
    row(
        "browserCookieSecure",
        Slot::Flag(|it| &mut it.http.cookie.secure),
        "Whether the cookie is Secure when it is set by a secure request.",
    ),
    // CFG-30
    row(
        "browserCookieHttpOnly",
        Slot::Flag(|it| &mut it.http.cookie.http_only),
        "Whether the cookie is hidden from scripts.",
    ),
    // CFG-31
    row(
        "browserCookieSameSite",
        Slot::SameSite(|it| &mut it.http.cookie.same_site),
        "The SameSite of the cookie; None needs browserCookieSecure.",
    ),
    // CFG-32
    row(
        "browserCookiePartitioned",
        Slot::Flag(|it| &mut it.http.cookie.partitioned),
        "Whether the cookie is Partitioned, which needs browserCookieSecure.",
    ),
    // CFG-33
    OptionDescription::new(
        "callbackParameter",
        Reach::CallbackPolling,
        Slot::Name(Alphabet::QueryName, |it| &mut it.http.callback_parameter),
        "The query parameter with the name of the function that a callback polling response calls.",
    ),
    // CFG-34
    OptionDescription::new(
        "callbackParameterMaxLength",
        Reach::CallbackPolling,
        Slot::Bounded(Bounds(1, 1024), |it| {
            &mut it.http.callback_parameter_max_length
        }),
        "The characters of that function's name; a request with a longer one is refused.",
    ),
];

const fn row(name: &'static str, slot: Slot, documentation: &'static str) -> OptionDescription {
    OptionDescription::new(name, Reach::Http, slot, documentation)
}
