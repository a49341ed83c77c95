//! The server that conformance scenarios are played against.

mod control;
mod hooks;

use cometd::BuildError;
use serde_json::Value;

use crate::setup::{App, setup};

/// Starts the default set-up with these options, and with `/service/control` and `ext.hooks`, through
/// which a client makes the server act.
///
/// # Errors
/// Everything that is wrong with the options.
pub async fn start<'a>(
    options: impl IntoIterator<Item = (&'a String, &'a Value)>,
) -> Result<App, BuildError> {
    let greeter = control::Greeter::default();
    let mut setup = setup().with(|it| it.listener(greeter.clone()).extension(hooks::Hooks));
    for (name, value) in options {
        setup = match value {
            Value::String(text) => setup.option(name, text),
            other => setup.option(name, other),
        };
    }
    let app = setup.try_start().await?;
    control::install(app.server(), &greeter);
    Ok(app)
}
