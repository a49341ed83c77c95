//! Compares what was found with what was expected, and fills in variables.

use std::collections::BTreeMap;

use regex_lite::Regex;
use serde_json::{Map, Value};

use crate::failure::Checked;

/// What `$name` stands for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Variables(BTreeMap<String, Value>);

impl Variables {
    pub(crate) fn set(&mut self, name: &str, value: impl Into<Value>) {
        self.0.insert(name.to_owned(), value.into());
    }

    /// The variable that a string is the name of, if it is one: `$` and letters or digits.
    fn named(&self, text: &str) -> Checked<Option<&Value>> {
        let Some(name) = text.strip_prefix('$') else {
            return Ok(None);
        };
        if name.is_empty() || !name.bytes().all(|it| it.is_ascii_alphanumeric()) {
            return Ok(None);
        }
        let value = self.0.get(name);
        value
            .map(Some)
            .ok_or_else(|| format!("there is no ${name} yet"))
    }

    /// The value with every string `"$name"` replaced.
    pub(crate) fn fill(&self, value: &Value) -> Checked<Value> {
        Ok(match value {
            Value::String(text) => self.named(text)?.unwrap_or(value).clone(),
            Value::Array(items) => {
                let items: Checked<Vec<Value>> = items.iter().map(|it| self.fill(it)).collect();
                Value::Array(items?)
            }
            Value::Object(fields) => {
                let fill = |(name, it): (&String, &Value)| Ok((name.clone(), self.fill(it)?));
                let fields: Checked<Map<String, Value>> = fields.iter().map(fill).collect();
                Value::Object(fields?)
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
        })
    }

    /// The text with every `${name}` replaced.
    pub(crate) fn fill_text(&self, text: &str) -> String {
        let mut filled = text.to_owned();
        for (name, value) in &self.0 {
            let value = value
                .as_str()
                .map_or_else(|| value.to_string(), str::to_owned);
            filled = filled.replace(&format!("${{{name}}}"), &value);
        }
        filled
    }

    /// The found value is the expected one.
    pub(crate) fn check(&self, expected: &Value, found: &Value) -> Checked {
        self.compare("", expected, found)
            .map_err(|why| format!("{why}\n    expected {expected}\n       found {found}"))
    }

    fn compare(&self, path: &str, expected: &Value, found: &Value) -> Checked {
        match (expected, found) {
            (Value::Object(fields), _) if fields.keys().any(|it| it.starts_with('$')) => {
                for (name, argument) in fields {
                    self.matcher(path, name, argument, found)?;
                }
                Ok(())
            }
            (Value::Object(expected), Value::Object(found)) => {
                self.fields(path, expected, found)?;
                match found.keys().find(|it| !expected.contains_key(*it)) {
                    Some(name) => Err(format!("at {path}/{name}: expected no such field")),
                    None => Ok(()),
                }
            }
            (Value::Array(expected), Value::Array(found)) => {
                for (n, (expected, found)) in expected.iter().zip(found).enumerate() {
                    self.compare(&format!("{path}/{n}"), expected, found)?;
                }
                let (wanted, got) = (expected.len(), found.len());
                if wanted == got {
                    return Ok(());
                }
                Err(format!(
                    "at {}: expected {wanted} items, found {got}",
                    place(path)
                ))
            }
            (expected, found) => {
                let expected = self.fill(expected)?;
                if expected == *found {
                    return Ok(());
                }
                Err(format!(
                    "at {}: expected {expected}, found {found}",
                    place(path)
                ))
            }
        }
    }

    fn fields(
        &self,
        path: &str,
        expected: &Map<String, Value>,
        found: &Map<String, Value>,
    ) -> Checked {
        for (name, expected) in expected {
            let path = format!("{path}/{name}");
            match found.get(name) {
                Some(found) => self.compare(&path, expected, found)?,
                None => {
                    return Err(format!(
                        "at {path}: expected {expected}, found no such field"
                    ));
                }
            }
        }
        Ok(())
    }

    fn matcher(&self, path: &str, name: &str, argument: &Value, found: &Value) -> Checked {
        let text = argument.as_str().unwrap_or_default();
        let holds = match name {
            "$any" => true,
            "$match" => {
                let pattern = Regex::new(&format!("^(?:{text})$")).map_err(|it| it.to_string())?;
                found.as_str().is_some_and(|it| pattern.is_match(it))
            }
            "$contains" => found
                .as_str()
                .is_some_and(|it| it.contains(&self.fill_text(text))),
            "$not" => self.compare(path, argument, found).is_err(),
            "$one_of" => argument
                .as_array()
                .is_some_and(|it| it.iter().any(|it| self.compare(path, it, found).is_ok())),
            "$has" => {
                let (Some(expected), Some(found)) = (argument.as_object(), found.as_object())
                else {
                    return Err(format!(
                        "at {}: expected an object, found {found}",
                        place(path)
                    ));
                };
                return self.fields(path, expected, found);
            }
            other => return Err(format!("there is no matcher {other}")),
        };
        if holds {
            return Ok(());
        }
        Err(format!(
            "at {}: expected {name} {argument}, found {found}",
            place(path)
        ))
    }
}

const fn place(path: &str) -> &str {
    if path.is_empty() { "the top" } else { path }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check((expected, found): (Value, Value), holds: bool) {
        let mut variables = Variables::default();
        variables.set("A", "id");
        let result = variables.check(&expected, &found);
        assert_eq!(result.is_ok(), holds, "{expected} {found}: {result:?}");
    }

    #[test]
    fn everything_else_than_what_is_expected_is_wrong() {
        check((json!([{"a": 1}]), json!([{"a": 1}])), true);
        check((json!([{"a": 1}]), json!([{"a": 2}])), false);
        check((json!({"a": 1}), json!({"a": 1, "b": 2})), false);
        check((json!({"a": 1, "b": null}), json!({"a": 1})), false);
        check((json!([1, 2]), json!([1])), false);
        check((json!([1]), json!([1, 2])), false);
        check((json!(1), json!("1")), false);
    }

    #[test]
    fn matchers_leave_room() {
        check((json!({"$match": "[a-z]{2}"}), json!("ab")), true);
        check((json!({"$match": "[a-z]{2}"}), json!("abc")), false);
        check((json!({"$has": {"a": 1}}), json!({"a": 1, "b": 2})), true);
        check((json!({"$has": {"a": 1}}), json!({"b": 2})), false);
        check((json!({"$any": true}), json!(null)), true);
        check((json!({"$not": "$A"}), json!("other")), true);
        check((json!({"$not": "$A"}), json!("id")), false);
        check((json!({"$one_of": [400, 500]}), json!(500)), true);
        check((json!({"$contains": "<${A}>"}), json!("a<id>b")), true);
        check((json!({"$contain": "a"}), json!("a")), false);
    }

    #[test]
    fn variables_stand_for_what_the_server_said() {
        check((json!(["$A"]), json!(["id"])), true);
        check((json!("$B"), json!("$B")), false);
        check((json!("$(x)"), json!("$(x)")), true);
    }
}
