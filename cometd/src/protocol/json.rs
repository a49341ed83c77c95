//! JSON values that are passed through as the text in which they were written.

use std::fmt;

use bytestring::ByteString;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

/// One JSON value as text, checked once and never parsed again on its way through the server.
///
/// A clone shares the text. Number texts, key order and escapes arrive as they were sent, which
/// re-serialising would not keep (JSON-4).
#[derive(Clone, Eq, Hash, PartialEq)]
pub struct RawJson(ByteString);

impl RawJson {
    /// The value `null`.
    pub const NULL: Self = Self(ByteString::from_static("null"));

    /// Takes a text that is one JSON value.
    ///
    /// # Errors
    /// The text is not JSON, or something follows the value.
    pub fn parse(text: impl Into<ByteString>) -> Result<Self, serde_json::Error> {
        let text = text.into();
        let value: &RawValue = serde_json::from_str(&text)?;
        Ok(Self(text.slice_ref(value.get())))
    }

    /// Serialises a value.
    ///
    /// # Errors
    /// The `Serialize` implementation failed, for example for a map with keys that are no strings.
    pub fn of<T: Serialize + ?Sized>(value: &T) -> Result<Self, serde_json::Error> {
        serde_json::to_string(value).map(|text| Self(text.into()))
    }

    /// A text that the caller has just parsed or written as JSON.
    pub(super) const fn checked(text: ByteString) -> Self {
        Self(text)
    }

    /// The text of the value.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Reads the value into a type, borrowing from the text where the type does.
    ///
    /// # Errors
    /// The value does not have the shape of `T`.
    pub fn to<'a, T: Deserialize<'a>>(&'a self) -> Result<T, serde_json::Error> {
        serde_json::from_str(&self.0)
    }

    /// The value as a tree; `null` if the text nests deeper than a tree may.
    #[must_use]
    pub fn to_value(&self) -> Value {
        self.to().unwrap_or_default()
    }

    /// A copy that shares nothing with the text around it.
    pub(super) fn detached(&self) -> Self {
        Self(String::from(self.as_str()).into())
    }

    /// The text as a shared string.
    pub(super) const fn text(&self) -> &ByteString {
        &self.0
    }

    /// Whether the value is `null`.
    #[must_use]
    pub fn is_null(&self) -> bool {
        self.as_str() == "null"
    }
}

impl fmt::Debug for RawJson {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl fmt::Display for RawJson {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl PartialEq<Value> for RawJson {
    fn eq(&self, other: &Value) -> bool {
        self.to::<Value>().is_ok_and(|value| value == *other)
    }
}

impl<'de> Deserialize<'de> for RawJson {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Box::<RawValue>::deserialize(deserializer)?;
        Ok(Self(String::from(Box::<str>::from(value)).into()))
    }
}

/// What can be the `data` of a message: anything that serialises, or a [`RawJson`] as it stands.
///
/// `RawJson` does not implement `Serialize` on purpose: so its text is shared and not copied.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the data of a message",
    note = "data is anything that implements `serde::Serialize`, or a `RawJson`"
)]
pub trait IntoData {
    /// The value as JSON text.
    ///
    /// # Errors
    /// The value does not serialise.
    fn into_data(self) -> Result<RawJson, serde_json::Error>;

    /// The value, if it is JSON text as it stands; that is lent to the server then, not converted.
    #[doc(hidden)]
    fn as_json(&self) -> Option<&RawJson> {
        None
    }

    /// Whether clients find bytes in it: then the message says so, in `ext.binary`.
    fn is_binary(&self) -> bool {
        false
    }
}

impl<T: Serialize> IntoData for T {
    fn into_data(self) -> Result<RawJson, serde_json::Error> {
        RawJson::of(&self)
    }
}

impl IntoData for RawJson {
    fn into_data(self) -> Result<RawJson, serde_json::Error> {
        Ok(self)
    }

    fn as_json(&self) -> Option<&RawJson> {
        Some(self)
    }
}

impl IntoData for &RawJson {
    fn into_data(self) -> Result<RawJson, serde_json::Error> {
        Ok(self.clone())
    }

    fn as_json(&self) -> Option<&RawJson> {
        Some(self)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn number_texts_and_key_order_are_kept() {
        // JSON-4
        let text = r#"[1.0,1e2,12345678901234567890,{"z":1,"a":2}]"#;
        let raw = RawJson::parse(text).unwrap();
        assert_eq!(raw.as_str(), text);
        assert_eq!(raw.into_data().unwrap().as_str(), text);
    }

    #[test]
    fn anything_that_serialises_can_be_data() {
        assert_eq!(json!({"n": 1}).into_data().unwrap().as_str(), r#"{"n":1}"#);
        assert_eq!(vec!["alice"].into_data().unwrap().as_str(), r#"["alice"]"#);
        assert!(RawJson::parse("{} x").is_err());
    }
}
