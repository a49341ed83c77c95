//! One row of the table of options.

use super::{
    error::ConfigError,
    name::{Key, Prefix, upper_snake},
    resolved::Draft,
    slot::Slot,
    value::Value,
};
use crate::protocol::Transport;

/// What an option is called, takes and does.
#[derive(Clone, Copy, Debug)]
pub struct OptionDescription {
    name: &'static str,
    reach: Reach,
    slot: Slot,
    documentation: &'static str,
}

impl OptionDescription {
    pub(super) const fn new(
        name: &'static str,
        reach: Reach,
        slot: Slot,
        documentation: &'static str,
    ) -> Self {
        Self {
            name,
            reach,
            slot,
            documentation,
        }
    }

    /// The name without prefix, as in `web.xml`. `<name>` at its end stands for a name that the user chooses.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// The variable that sets this option for all transports: `COMETD_MAX_INTERVAL` for `maxInterval`.
    #[must_use]
    pub fn variable(&self) -> String {
        format!("COMETD_{}", upper_snake(self.stem().unwrap_or(self.name)))
    }

    /// The prefixes that give the option another value for some transports, from general to specific.
    pub fn prefixes(&self) -> impl Iterator<Item = &'static str> {
        let prefixes = [
            Prefix::LongPolling,
            Prefix::Json,
            Prefix::Jsonp,
            Prefix::WebSocket,
        ];
        prefixes
            .into_iter()
            .filter(|prefix| self.looks_at(*prefix))
            .map(Prefix::spelling)
    }

    /// What a value looks like, with unit and limits.
    #[must_use]
    pub fn expected(&self) -> String {
        self.slot.expected()
    }

    /// The value of a server that does not set the option, as text.
    #[must_use]
    pub fn default_value(&self) -> String {
        self.slot.show(&mut Draft::default())
    }

    /// What the option does.
    #[must_use]
    pub const fn documentation(&self) -> &'static str {
        self.documentation
    }

    /// The fixed part of a name whose end the user chooses.
    pub(super) fn stem(&self) -> Option<&'static str> {
        self.name.strip_suffix("<name>")
    }

    /// Whether a setting with this prefix reaches anything.
    pub(super) fn looks_at(&self, prefix: Prefix) -> bool {
        prefix == Prefix::None
            || self
                .reach
                .transports()
                .iter()
                .any(|it| Prefix::layers(*it).contains(&prefix))
    }

    /// Why the option does nothing here.
    pub(super) fn ignored(&self) -> Option<&'static str> {
        matches!(self.slot, Slot::Ignored).then_some(self.documentation)
    }

    /// Checks the value and writes it to its place.
    pub(super) fn assign(
        &self,
        draft: &mut Draft,
        key: &Key,
        value: &Value,
    ) -> Result<(), ConfigError> {
        let extension = self
            .stem()
            .and_then(|stem| key.name.strip_prefix(stem))
            .unwrap_or_default();
        self.slot
            .assign(draft, extension, value)
            .ok_or_else(|| ConfigError::BadValue {
                name: key.to_string(),
                expected: self.expected(),
                found: value.to_string(),
            })
    }
}

/// Which transports have a value of their own for an option.
#[derive(Clone, Copy, Debug)]
pub(super) enum Reach {
    /// None: it is the server's.
    Server,
    Transports,
    Http,
    CallbackPolling,
    WebSocket,
}

impl Reach {
    const fn transports(self) -> &'static [Transport] {
        match self {
            Self::Server => &[],
            Self::Transports => &Transport::ALL,
            Self::Http => &[Transport::LongPolling, Transport::CallbackPolling],
            Self::CallbackPolling => &[Transport::CallbackPolling],
            Self::WebSocket => &[Transport::WebSocket],
        }
    }
}
