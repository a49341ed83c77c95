//! From settings to checked values: prefixes are applied, rules between options are checked.

use super::{
    ServerConfig,
    choice::SameSite,
    error::{ConfigError, ConfigErrors, ConfigWarning},
    name::{Key, Prefix},
    resolved::{CookieConfig, Draft, HttpConfig, ResolvedConfig, TransportConfig, WebSocketConfig},
    slot,
};
use crate::protocol::Transport;

impl ServerConfig {
    /// The values that a server runs with.
    ///
    /// # Errors
    /// Every value given in code that its option does not take, and every conflict between options.
    pub(crate) fn resolve(&self) -> Result<ResolvedConfig, ConfigErrors> {
        let mut problems = Problems::default();
        let server = self.draft(&[Prefix::None], &mut problems).server;
        let long_polling = self.http(Transport::LongPolling, &mut problems);
        let mut callback_polling = self.http(Transport::CallbackPolling, &mut problems);
        // CFG-15, CB-5: a script element can only wait for a connect.
        callback_polling.common.meta_connect_deliver_only = true;
        let websocket = self.draft(Prefix::layers(Transport::WebSocket), &mut problems);
        let websocket = WebSocketConfig {
            common: websocket.common,
            ..websocket.websocket
        };
        ConfigErrors::check(
            problems.0,
            ResolvedConfig {
                server,
                long_polling,
                callback_polling,
                websocket,
            },
        )
    }

    /// Settings that have no effect, or one that their author may not expect; a server logs them when it starts.
    #[must_use]
    pub fn warnings(&self) -> Vec<ConfigWarning> {
        let mut warnings = self.unknown_variables.clone();
        warnings.extend(self.settings.keys().filter_map(without_effect));
        let unknown = self
            .settings
            .get(&Key::general("allowedTransports"))
            .map(slot::unknown_transports);
        warnings.extend(unknown.unwrap_or_default().into_iter().map(|name| {
            ConfigWarning::new(
                "allowedTransports",
                format!("names {name:?}, which is no transport, and is ignored"),
            )
        }));
        // Values that cannot be read stop the server, with a better message than a warning about them.
        if let Ok(config) = self.resolve() {
            warnings.extend(closes_live_connections(&config));
            warnings.extend(undeliverable_messages(&config));
        }
        warnings
    }

    fn http(&self, transport: Transport, problems: &mut Problems) -> HttpConfig {
        let draft = self.draft(Prefix::layers(transport), problems);
        let config = HttpConfig {
            common: draft.common,
            ..draft.http
        };
        problems.extend(cookie_conflicts(&config.cookie));
        config
    }

    /// The defaults, overwritten by the settings with these prefixes, the most specific last.
    fn draft(&self, prefixes: &[Prefix], problems: &mut Problems) -> Draft {
        let mut draft = Draft::default();
        for (key, value) in self
            .settings
            .iter()
            .filter(|(key, _)| prefixes.contains(&key.prefix))
        {
            let assigned = match key.option() {
                Some(option) => option.assign(&mut draft, key, value),
                None => Err(ConfigError::UnknownOption {
                    name: key.to_string(),
                    suggestion: None,
                }),
            };
            problems.extend(assigned.err());
        }
        draft
    }
}

/// What was found, each problem once even when it concerns several transports.
#[derive(Default)]
struct Problems(Vec<ConfigError>);

impl Problems {
    fn extend(&mut self, problems: impl IntoIterator<Item = ConfigError>) {
        for problem in problems {
            if !self.0.contains(&problem) {
                self.0.push(problem);
            }
        }
    }
}

/// What makes browsers throw the cookie away, and with it every HTTP session.
fn cookie_conflicts(cookie: &CookieConfig) -> Vec<ConfigError> {
    let host = cookie.name.starts_with("__Host-");
    let rules = [
        (
            cookie.same_site == Some(SameSite::None) && !cookie.secure,
            "browserCookieSameSite",
            "browsers refuse None unless browserCookieSecure is true",
        ),
        (
            cookie.partitioned && !cookie.secure,
            "browserCookiePartitioned",
            "browsers refuse a partitioned cookie unless browserCookieSecure is true",
        ),
        (
            (host || cookie.name.starts_with("__Secure-")) && !cookie.secure,
            "browserCookieName",
            "browsers refuse a name with this prefix unless browserCookieSecure is true",
        ),
        (
            host && (cookie.domain.is_some() || cookie.path.as_deref() != Some("/")),
            "browserCookieName",
            "browsers refuse __Host- unless browserCookiePath is / and browserCookieDomain is not set",
        ),
    ];
    let broken = rules.into_iter().filter(|(is_broken, ..)| *is_broken);
    broken
        .map(|(_, name, reason)| ConfigError::Conflict {
            name: name.to_owned(),
            reason: reason.to_owned(),
        })
        .collect()
}

fn without_effect(key: &Key) -> Option<ConfigWarning> {
    let option = key.option()?;
    let reason = match option.ignored() {
        Some(reason) => format!("has no effect: it {reason}"),
        None if option.looks_at(key.prefix) => return None,
        None => format!(
            "has no effect: {} is not an option of these transports",
            option.name()
        ),
    };
    Some(ConfigWarning::new(key.to_string(), reason))
}

/// WS-6: a connection is silent for as long as a connect is held. A warning only, because a client may keep its
/// connection alive by other messages, and the server may want to close it on purpose.
fn closes_live_connections(config: &ResolvedConfig) -> Option<ConfigWarning> {
    let TransportConfig {
        timeout, interval, ..
    } = config.websocket.common;
    let idle_timeout = config.websocket.idle_timeout?;
    let is_allowed = config
        .server
        .allowed_transports
        .contains(&Transport::WebSocket);
    (is_allowed && idle_timeout <= timeout + interval).then(|| {
        let reason = format!(
            "closes connections that wait for messages: {} ms is not more than timeout and interval together, {} ms",
            idle_timeout.as_millis(),
            (timeout + interval).as_millis(),
        );
        ConfigWarning::new("ws.idleTimeout", reason)
    })
}

/// A message that fits no queue would end the session of every subscriber, or be dropped for all of them.
fn undeliverable_messages(config: &ResolvedConfig) -> Option<ConfigWarning> {
    let max_queue_bytes = config.server.limits.max_queue_bytes?;
    let transports = config.server.allowed_transports.iter();
    let largest = transports
        .map(|it| config.transport(*it).max_message_size)
        .max()?;
    (largest > max_queue_bytes).then(|| {
        let reason = format!(
            "lets in messages longer than maxQueueBytes, {max_queue_bytes}, which fit no queue"
        );
        ConfigWarning::new("maxMessageSize", reason)
    })
}
