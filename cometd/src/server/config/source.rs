//! Where settings come from: TOML, anything else that `serde` reads, and the environment.

use std::{collections::BTreeMap, env};

use serde::{Deserialize, Deserializer, de::Error as _};

use super::{
    ServerConfig,
    error::{ConfigError, ConfigErrors, ConfigWarning},
    name::{self, Key},
    value::{RawValue, Value},
};

impl ServerConfig {
    /// Reads options from TOML, with the names and values of [`set`](Self::set). Values may be text or typed, and the
    /// part of a name before a dot may be a table:
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let config = cometd::ServerConfig::from_toml(
    ///     r#"
    ///     timeout = 30000
    ///     "long-polling.timeout" = "20000"
    ///     allowedTransports = ["websocket", "long-polling"]
    ///
    ///     [ws]
    ///     idleTimeout = 60000
    ///     enableExtension.permessage-deflate = false
    ///     "#,
    /// )?;
    /// # assert!(config.warnings().is_empty());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`ConfigError::Syntax`] alone if the text is not TOML, otherwise every unknown name, every bad value and every
    /// option that is set twice.
    pub fn from_toml(text: &str) -> Result<Self, ConfigErrors> {
        let table: Table = toml::from_str(text).map_err(|error| ConfigError::Syntax {
            message: error.to_string().trim_end().to_owned(),
        })?;
        Self::from_table(table)
    }

    /// Reads options from the environment of the process; see [`from_variables`](Self::from_variables).
    ///
    /// # Errors
    /// As for [`from_variables`](Self::from_variables).
    pub fn from_env() -> Result<Self, ConfigErrors> {
        // Other variables may be no text at all, which is their business.
        let variables = env::vars_os().filter_map(|(name, value)| {
            let name = name.into_string().ok()?;
            Some((name, value.to_string_lossy().into_owned()))
        });
        Self::from_variables(variables)
    }

    /// Reads options from variables with names such as `COMETD_MAX_INTERVAL`, with a prefix
    /// `COMETD_LONG_POLLING_TIMEOUT` or `COMETD_WS_IDLE_TIMEOUT`. Names that do not start with `COMETD_` are skipped;
    /// those that do but name no option are skipped with a [warning](Self::warnings), because the environment is
    /// shared: orchestrators define variables such as `COMETD_SERVICE_HOST` for a service called `cometd`.
    ///
    /// # Errors
    /// Every bad value, and every option that is set twice.
    pub fn from_variables(
        variables: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, ConfigErrors> {
        let mut config = Self::default();
        let mut problems = Vec::new();
        for (variable, value) in variables {
            let Some(rest) = variable.strip_prefix("COMETD_") else {
                continue;
            };
            match Key::parse_variable(rest) {
                Some(key) => problems.extend(config.add(key, Value::from(value.as_str())).err()),
                None => {
                    let suggestion = name::nearest_variable(rest).map(|it| format!("COMETD_{it}"));
                    config
                        .unknown_variables
                        .push(ConfigWarning::unknown_variable(
                            &variable,
                            suggestion.as_deref(),
                        ));
                }
            }
        }
        ConfigErrors::check(problems, config)
    }

    fn from_table(table: Table) -> Result<Self, ConfigErrors> {
        let mut settings = Vec::new();
        flatten("", table, &mut settings);
        let mut config = Self::default();
        let mut problems = Vec::new();
        for (name, value) in settings {
            let added = Self::key(&name).and_then(|key| config.add(key, value));
            problems.extend(added.err());
        }
        ConfigErrors::check(problems, config)
    }

    /// As `store`, but within one source nothing says which of two values is meant.
    fn add(&mut self, key: Key, value: Value) -> Result<(), ConfigError> {
        match self.settings.get(&key) {
            Some(first) if *first != value => Err(ConfigError::SetTwice {
                name: key.to_string(),
                first: first.to_string(),
                second: value.to_string(),
            }),
            _ => self.store(key, value),
        }
    }
}

impl<'de> Deserialize<'de> for ServerConfig {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let table = Table::deserialize(deserializer)?;
        Self::from_table(table).map_err(D::Error::custom)
    }
}

type Table = BTreeMap<String, RawValue>;

/// Turns `{ws: {timeout: 1}}` into `ws.timeout`. Parsers bound the depth of what they read.
fn flatten(prefix: &str, table: Table, settings: &mut Vec<(String, Value)>) {
    for (name, value) in table {
        let name = format!("{prefix}{name}");
        let value = match value {
            RawValue::Flag(flag) => Value::Flag(flag),
            RawValue::Integer(number) => Value::Integer(number),
            RawValue::Float(number) => Value::Text(number.to_string()),
            RawValue::Text(text) => Value::from(text.as_str()),
            RawValue::List(texts) => Value::from(texts.join(",").as_str()),
            RawValue::Table(table) => {
                flatten(&format!("{name}."), table, settings);
                continue;
            }
        };
        settings.push((name, value));
    }
}
