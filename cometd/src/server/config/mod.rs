//! The configuration of a server: CometD's options by their names, and our limits.

use std::collections::BTreeMap;

mod alphabet;
mod choice;
mod error;
mod name;
mod option;
mod origins;
mod resolve;
mod resolved;
mod setters;
mod slot;
mod source;
mod table;
#[cfg(test)]
mod tests;
mod value;

pub use self::{
    choice::SameSite,
    error::{ConfigError, ConfigErrors, ConfigWarning},
    option::OptionDescription,
    table::options,
};
use self::{name::Key, resolved::Draft, value::Value};
pub(crate) use self::{
    origins::{AllowedOrigins, default_port},
    resolved::{
        CookieConfig, HttpConfig, Limits, ResolvedConfig, TransportConfig, WebSocketConfig,
    },
};

/// How a server behaves, option by option; [`options`] lists them with their defaults.
///
/// Options have the names that they have in a CometD `web.xml`, and are read as text ([`set`](Self::set)), as TOML
/// ([`from_toml`](Self::from_toml)), by `serde`, from the environment ([`from_env`](Self::from_env)) and in code
/// ([`timeout`](Self::timeout) and its siblings). Times are milliseconds where they are not [`Duration`]s.
///
/// A prefix sets an option for some transports only, and the most specific wins, whatever the order of setting:
///
/// | transport | looks at, in this order |
/// | --- | --- |
/// | long polling | `long-polling.json.X`, `long-polling.X`, `X` |
/// | callback polling | `long-polling.jsonp.X` (also written `callback-polling.jsonp.X`), `long-polling.X`, `X` |
/// | WebSocket | `ws.X`, `X` |
///
/// The default configuration sets nothing.
///
/// [`Duration`]: std::time::Duration
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ServerConfig {
    /// What was set, and nothing else, so that configurations can be laid over each other. Values from text are
    /// checked when they are set.
    settings: BTreeMap<Key, Value>,
    /// Variables of the environment that look like options and are none.
    unknown_variables: Vec<ConfigWarning>,
}

impl ServerConfig {
    /// Sets an option by its name with any prefix, to a value as text. Surrounding white space is ignored.
    ///
    /// ```
    /// # fn main() -> Result<(), cometd::config::ConfigError> {
    /// let mut config = cometd::ServerConfig::default();
    /// config.set("maxInterval", "15000")?;
    /// config.set("ws.idleTimeout", "60000")?;
    /// let error = config.set("maxIntervall", "15000").unwrap_err();
    /// assert_eq!(error.to_string(), r#"unknown option "maxIntervall"; did you mean "maxInterval"?"#);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`ConfigError::UnknownOption`] and [`ConfigError::BadValue`]; the configuration is then as before.
    pub fn set(&mut self, name: &str, value: &str) -> Result<(), ConfigError> {
        self.store(Self::key(name)?, Value::from(value))
    }

    /// Lays another configuration over this one: what both set, `other` decides.
    pub fn merge(&mut self, other: Self) -> &mut Self {
        self.settings.extend(other.settings);
        self.unknown_variables.extend(other.unknown_variables);
        self
    }

    fn key(name: &str) -> Result<Key, ConfigError> {
        let name = name.trim();
        Key::parse(name).ok_or_else(|| ConfigError::UnknownOption {
            name: name.to_owned(),
            suggestion: name::nearest(name),
        })
    }

    fn store(&mut self, key: Key, value: Value) -> Result<(), ConfigError> {
        if let Some(option) = key.option() {
            option.assign(&mut Draft::default(), &key, &value)?;
        }
        self.settings.insert(key, value);
        Ok(())
    }
}
