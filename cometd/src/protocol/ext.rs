//! Single fields of an `ext` object, which is otherwise passed on as the text that it is.

use std::borrow::Cow;
use std::fmt;

use bytestring::ByteString;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::json::RawJson;

/// The fields of an object in the order of its text.
struct Fields<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Fields<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;

        impl<'de> Visitor<'de> for Object {
            type Value = Vec<(Cow<'de, str>, &'de RawValue)>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut fields = Vec::new();
                while let Some((Name(name), value)) = map.next_entry()? {
                    fields.push((name, value));
                }
                Ok(fields)
            }
        }

        deserializer.deserialize_map(Object).map(Self)
    }
}

/// A field name, which is borrowed unless it has escapes.
#[derive(serde::Deserialize)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

/// The last field of this name.
pub(super) fn field(ext: Option<&RawJson>, name: &str) -> Option<RawJson> {
    let ext = ext?;
    let Fields(fields) = ext.to().ok()?;
    let (_, value) = fields.iter().rfind(|(it, _)| it == name)?;
    Some(RawJson::checked(ext.text().slice_ref(value.get())))
}

/// The object with this field set or, for `None`, removed; no object if no field is left.
pub(super) fn with_field(
    ext: Option<&RawJson>,
    name: &str,
    value: Option<&RawJson>,
) -> Option<RawJson> {
    let fields = ext.and_then(|ext| ext.to().ok());
    let Fields(mut fields) = fields.unwrap_or(Fields(Vec::new()));
    fields.retain(|(it, _)| it != name);
    let kept = fields.iter().map(|(name, value)| (&**name, value.get()));
    let set = value.map(|value| (name, value.as_str()));
    let mut text = String::new();
    for (name, value) in kept.chain(set) {
        text.push(if text.is_empty() { '{' } else { ',' });
        text.push_str(RawJson::of(name).ok()?.as_str());
        text.push(':');
        text.push_str(value);
    }
    if text.is_empty() {
        return None;
    }
    text.push('}');
    Some(RawJson::checked(ByteString::from(text)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(text: &'static str) -> RawJson {
        RawJson::parse(text).unwrap()
    }

    #[track_caller]
    fn check(ext: &'static str, value: Option<&'static str>, expected: Option<&str>) {
        let value = value.map(raw);
        let ext = with_field(Some(&raw(ext)), "ack", value.as_ref());
        assert_eq!(ext.as_ref().map(RawJson::as_str), expected);
    }

    #[test]
    fn one_field_is_changed_and_the_others_stay_as_they_were() {
        check(r#"{"a":1.0}"#, Some("7"), Some(r#"{"a":1.0,"ack":7}"#));
        check(
            r#"{"ack":1,"\"":[ ]}"#,
            Some("7"),
            Some(r#"{"\"":[ ],"ack":7}"#),
        );
        check(r#"{"ack":1,"b":2}"#, None, Some(r#"{"b":2}"#));
        check(r#"{"ack":1}"#, None, None);
        check("[]", Some("true"), Some(r#"{"ack":true}"#));
        assert_eq!(with_field(None, "a", None), None);
    }

    #[test]
    fn a_field_is_found_by_its_name_and_shares_the_text() {
        let ext = raw(r#"{"a":1,"\u0061ck":[2],"a":{"b":3}}"#);
        assert_eq!(field(Some(&ext), "ack"), Some(raw("[2]")));
        assert_eq!(field(Some(&ext), "a"), Some(raw(r#"{"b":3}"#)));
        assert_eq!(field(Some(&ext), "b"), None);
        assert_eq!(field(Some(&raw("[1]")), "a"), None);
        assert_eq!(field(None, "a"), None);
    }
}
