//! Rules of the configuration, as tables; CFG numbers are those of the behaviour specification.

mod rules;
mod setters;
mod sources;
mod values;

use super::{ConfigError, ServerConfig, resolved::ResolvedConfig};

/// A configuration with these options set in this order.
fn config(settings: &[(&str, &str)]) -> ServerConfig {
    let mut config = ServerConfig::default();
    for (name, value) in settings {
        config.set(name, value).unwrap();
    }
    config
}

fn resolved(settings: &[(&str, &str)]) -> ResolvedConfig {
    config(settings).resolve().unwrap()
}

fn set(name: &str, value: &str) -> Result<(), ConfigError> {
    ServerConfig::default().set(name, value)
}

fn variables(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}
