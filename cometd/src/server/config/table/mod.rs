//! The table of options: reading, checking, suggestions and documentation follow from its rows.

mod http;
mod ignored;
mod server;
mod transport;
mod websocket;

use super::option::OptionDescription;

/// Every option that a configuration may set, by group.
///
/// ```
/// for option in cometd::config::options() {
///     println!("{} ({}): {}", option.name(), option.expected(), option.documentation());
/// }
/// ```
pub fn options() -> impl Iterator<Item = &'static OptionDescription> {
    let groups = [
        server::OPTIONS,
        transport::OPTIONS,
        http::OPTIONS,
        websocket::OPTIONS,
        ignored::OPTIONS,
    ];
    groups.into_iter().flatten()
}
