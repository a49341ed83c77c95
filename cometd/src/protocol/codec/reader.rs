//! Reads JSON text once, from its start to its end.

use std::borrow::Cow;

use super::plain::plain;

/// What is wrong with the text of an envelope.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Fault {
    /// Not JSON, or not what was asked for.
    Malformed,
    /// Arrays and objects are nested too deep.
    TooDeep,
    /// A string has half of a surrogate pair. A text is passed on as it is, and readers that are strict
    /// about it could not read what else is in their envelope.
    LoneSurrogate,
    /// A message has too many fields.
    TooManyFields,
}

/// A value that has been found to be JSON.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Value<'a> {
    /// As it stands in its text.
    pub(super) text: &'a str,
    /// Whether it is a string that stands for itself.
    plain: bool,
}

/// A place in a text; what is in front of it has been found to be JSON.
///
/// Values are told from each other and checked, and otherwise left as the text that they are.
pub(super) struct Reader<'a> {
    text: &'a str,
    /// The next byte.
    at: usize,
    /// How many levels deeper the text may nest.
    levels: usize,
}

impl<'a> Value<'a> {
    /// What a string says; nothing for other values.
    #[inline]
    pub(super) fn string(self) -> Option<Cow<'a, str>> {
        if self.plain {
            let end = self.text.len() - 1;
            return self.text.get(1..end).map(Cow::Borrowed);
        }
        self.unescaped().map(Cow::Owned)
    }

    /// What is made of what a string says; nothing for other values.
    #[inline]
    pub(super) fn map_string<T>(self, make: impl FnOnce(&str) -> T) -> Option<T> {
        if self.plain {
            let end = self.text.len() - 1;
            return self.text.get(1..end).map(make);
        }
        self.unescaped().as_deref().map(make)
    }

    /// Whether it is a string that says this, and is written as it is.
    #[inline]
    pub(super) fn says(self, text: &str) -> bool {
        self.plain && self.text.get(1..self.text.len() - 1) == Some(text)
    }

    #[cold]
    fn unescaped(self) -> Option<String> {
        // The reader has been over it: what is no string does not parse as one, and nothing else fails.
        serde_json::from_str(self.text).ok()
    }
}

impl<'a> Reader<'a> {
    /// At the start of a text that may nest so many levels deep, at most 128.
    pub(super) const fn new(text: &'a str, levels: usize) -> Self {
        Self {
            text,
            at: 0,
            levels,
        }
    }

    /// The next byte that is no white space, which is skipped.
    #[inline]
    pub(super) fn peek(&mut self) -> Option<u8> {
        let text = self.text.as_bytes();
        match text.get(self.at) {
            Some(&byte) if byte > b' ' => Some(byte),
            _ => {
                self.at = blank(text, self.at);
                text.get(self.at).copied()
            }
        }
    }

    /// Makes sure that nothing follows.
    pub(super) fn end(&mut self) -> Result<(), Fault> {
        self.peek().map_or(Ok(()), |_| Err(Fault::Malformed))
    }

    /// Checks a value and moves behind it.
    #[inline(always)] // A call costs as much as a short string.
    pub(super) fn value(&mut self) -> Result<Value<'a>, Fault> {
        let text = self.text.as_bytes();
        let start = blank(text, self.at);
        let string = plain_string(text, start);
        self.at = match string {
            Some(end) => end,
            None => value(text, start, self.levels)?,
        };
        Ok(Value {
            text: self.text.get(start..self.at).ok_or(Fault::Malformed)?,
            plain: string.is_some(),
        })
    }

    /// Checks a value and moves behind it, whatever it is.
    pub(super) fn skip(&mut self) -> Result<(), Fault> {
        self.peek();
        self.at = value(self.text.as_bytes(), self.at, self.levels)?;
        Ok(())
    }

    /// Reads an array; the function reads each of its elements.
    pub(super) fn array(
        &mut self,
        element: impl FnMut(&mut Self) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        self.list([b'[', b']'], element)
    }

    /// Reads an object; the function reads each of its members.
    pub(super) fn object(
        &mut self,
        member: impl FnMut(&mut Self) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        self.list([b'{', b'}'], member)
    }

    #[inline]
    fn list(
        &mut self,
        [open, close]: [u8; 2],
        mut item: impl FnMut(&mut Self) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        self.expect(open)?;
        self.levels = self.levels.checked_sub(1).ok_or(Fault::TooDeep)?;
        if !self.accept(close) {
            loop {
                item(self)?;
                let next = self.peek();
                self.at += 1;
                match next {
                    Some(b',') => {}
                    Some(byte) if byte == close => break,
                    _ => return Err(Fault::Malformed),
                }
            }
        }
        self.levels += 1;
        Ok(())
    }

    /// Moves behind the key of a member, if that is written just like this, with its quotes and its colon.
    #[inline]
    pub(super) fn accept_key(&mut self, key: &[u8]) -> bool {
        let rest = self.text.as_bytes().get(self.at..);
        let found = rest.is_some_and(|rest| rest.starts_with(key));
        if found {
            self.at += key.len();
        }
        found
    }

    /// Moves behind a string of so many bytes, if the function makes something of them. It must not take
    /// bytes that are special in a string.
    #[inline]
    pub(super) fn accept_string<const N: usize, T>(
        &mut self,
        make: impl FnOnce(&[u8; N]) -> Option<T>,
    ) -> Option<T> {
        let rest = self.text.as_bytes().get(self.at..)?;
        let (bytes, behind) = rest.strip_prefix(b"\"")?.split_first_chunk()?;
        if behind.first() != Some(&b'"') {
            return None;
        }
        let made = make(bytes)?;
        self.at += N + 2;
        Some(made)
    }

    /// Reads the key of a member, however it is written.
    pub(super) fn key(&mut self) -> Result<Cow<'a, str>, Fault> {
        if self.peek() != Some(b'"') {
            return Err(Fault::Malformed);
        }
        let key = self.value()?.string().ok_or(Fault::Malformed)?;
        self.expect(b':')?;
        Ok(key)
    }

    /// Moves behind this byte and the white space in front of it, if it is the next.
    fn accept(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, byte: u8) -> Result<(), Fault> {
        self.accept(byte).then_some(()).ok_or(Fault::Malformed)
    }
}

// The rules of the grammar: each gets a place in a text, and tells the place behind what is there. Places
// are passed on like this because they stay in a register.

/// Any value, which may nest so many levels deep; not the white space in front of it.
fn value(text: &[u8], mut at: usize, levels: usize) -> Result<usize, Fault> {
    let mut nesting = Nesting::default();
    loop {
        at = match text.get(at) {
            Some(b'"') => string(text, at + 1)?,
            Some(b'{') => {
                nesting.enter(Kind::Object, levels)?;
                let first = blank(text, at + 1);
                if text.get(first) != Some(&b'}') {
                    at = key(text, first)?;
                    continue;
                }
                first
            }
            Some(b'[') => {
                nesting.enter(Kind::Array, levels)?;
                let first = blank(text, at + 1);
                if text.get(first) != Some(&b']') {
                    at = first;
                    continue;
                }
                first
            }
            Some(b't') => word(text, at, b"true")?,
            Some(b'f') => word(text, at, b"false")?,
            Some(b'n') => word(text, at, b"null")?,
            _ => number(text, at)?,
        };
        // Out of all that ends here, up to the next value.
        loop {
            let Some(kind) = nesting.innermost() else {
                return Ok(at);
            };
            at = blank(text, at);
            match (kind, text.get(at)) {
                (Kind::Array, Some(b',')) => {
                    at = blank(text, at + 1);
                    break;
                }
                (Kind::Object, Some(b',')) => {
                    at = key(text, blank(text, at + 1))?;
                    break;
                }
                (Kind::Array, Some(b']')) | (Kind::Object, Some(b'}')) => nesting.leave(),
                _ => return Err(Fault::Malformed),
            }
            at += 1;
        }
    }
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Kind {
    Array,
    Object,
}

/// The arrays and objects around a place; a bit for each, the innermost is the lowest.
#[derive(Default)]
struct Nesting {
    objects: u128,
    depth: usize,
}

impl Nesting {
    fn enter(&mut self, kind: Kind, levels: usize) -> Result<(), Fault> {
        if self.depth >= levels {
            return Err(Fault::TooDeep);
        }
        self.depth += 1;
        self.objects = self.objects << 1 | u128::from(kind == Kind::Object);
        Ok(())
    }

    const fn leave(&mut self) {
        self.depth -= 1;
        self.objects >>= 1;
    }

    const fn innermost(&self) -> Option<Kind> {
        match (self.depth, self.objects & 1) {
            (0, _) => None,
            (_, 0) => Some(Kind::Array),
            _ => Some(Kind::Object),
        }
    }
}

/// White space, if there is any.
fn blank(text: &[u8], mut at: usize) -> usize {
    while let Some(b' ' | b'\t' | b'\n' | b'\r') = text.get(at) {
        at += 1;
    }
    at
}

/// The key of a member, its colon, and the white space behind it.
#[inline(always)] // As a string, which it mostly is.
fn key(text: &[u8], at: usize) -> Result<usize, Fault> {
    let end = string(text, one_of(b"\"", text, at).ok_or(Fault::Malformed)?)?;
    let colon = one_of(b":", text, blank(text, end)).ok_or(Fault::Malformed)?;
    Ok(blank(text, colon))
}

fn word(text: &[u8], at: usize, word: &[u8]) -> Result<usize, Fault> {
    let end = at + word.len();
    match text.get(at..end) {
        Some(found) if found == word => Ok(end),
        _ => Err(Fault::Malformed),
    }
}

fn number(text: &[u8], at: usize) -> Result<usize, Fault> {
    let start = one_of(b"-", text, at).unwrap_or(at);
    let mut end = match one_of(b"0", text, start) {
        Some(end) => end,
        None => digits(text, start)?,
    };
    if let Some(fraction) = one_of(b".", text, end) {
        end = digits(text, fraction)?;
    }
    if let Some(exponent) = one_of(b"eE", text, end) {
        end = digits(text, one_of(b"+-", text, exponent).unwrap_or(exponent))?;
    }
    Ok(end)
}

fn digits(text: &[u8], start: usize) -> Result<usize, Fault> {
    let mut at = start;
    while let Some(b'0'..=b'9') = text.get(at) {
        at += 1;
    }
    if at == start {
        return Err(Fault::Malformed);
    }
    Ok(at)
}

/// A string without escapes, if that is what is there.
#[inline(always)] // A call costs as much as a short string.
fn plain_string(text: &[u8], at: usize) -> Option<usize> {
    one_of(b"\"", text, plain(text, one_of(b"\"", text, at)?))
}

/// The rest of a string, from behind its first quote.
#[inline(always)] // A call costs as much as a short string.
fn string(text: &[u8], mut at: usize) -> Result<usize, Fault> {
    loop {
        at = plain(text, at);
        match text.get(at) {
            Some(b'"') => return Ok(at + 1),
            Some(b'\\') => at = escape(text, at + 1)?,
            _ => return Err(Fault::Malformed),
        }
    }
}

/// An escape from behind its backslash, or the two of a surrogate pair.
#[cold]
fn escape(text: &[u8], at: usize) -> Result<usize, Fault> {
    if let Some(end) = one_of(br#""\/bfnrt"#, text, at) {
        return Ok(end);
    }
    let end = at + 5;
    match unit(text.get(at..end)).ok_or(Fault::Malformed)? {
        0xd800..0xdc00 => {
            let second = text.get(end + 1..end + 6);
            match unit(second.filter(|_| text.get(end) == Some(&b'\\'))) {
                Some(0xdc00..0xe000) => Ok(end + 6),
                _ => Err(Fault::LoneSurrogate),
            }
        }
        0xdc00..0xe000 => Err(Fault::LoneSurrogate),
        _ => Ok(end),
    }
}

/// The number of an escape such as `\u0041`, from its `u` on.
fn unit(escape: Option<&[u8]>) -> Option<u32> {
    let digits = escape?.strip_prefix(b"u")?.iter();
    digits.copied().try_fold(0, |unit, digit| {
        Some(unit * 16 + char::from(digit).to_digit(16)?)
    })
}

/// One of these bytes, if it is there.
fn one_of(bytes: &[u8], text: &[u8], at: usize) -> Option<usize> {
    let byte = text.get(at)?;
    bytes.contains(byte).then_some(at + 1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    /// Reads a text that is one value: as a whole, and element by element, which must come to the same.
    fn read(text: &str, levels: usize) -> Result<(), Fault> {
        let mut whole = Reader::new(text, levels);
        let outcome = whole.value().and_then(|_| whole.end());
        let mut parts = Reader::new(text, levels);
        assert_eq!(
            walk(&mut parts).and_then(|()| parts.end()),
            outcome,
            "{text}"
        );
        outcome
    }

    fn walk(reader: &mut Reader<'_>) -> Result<(), Fault> {
        match reader.peek() {
            Some(b'[') => reader.array(walk),
            Some(b'{') => reader.object(|reader| {
                if !reader.accept_key(br#""a":"#) {
                    reader.key()?;
                }
                walk(reader)
            }),
            _ => reader.value().map(drop),
        }
    }

    /// What serde_json makes of a text; nothing for a number that is JSON and no `f64`.
    fn reference(text: &str) -> Option<bool> {
        match serde_json::from_str::<Value>(text) {
            Ok(_) => Some(true),
            Err(error) if error.to_string().starts_with("number out of range") => None,
            Err(_) => Some(false),
        }
    }

    #[track_caller]
    fn check(text: &str) {
        if let Some(expected) = reference(text) {
            assert_eq!(read(text, 127).is_ok(), expected, "{text}");
        }
    }

    #[test]
    fn what_is_json_is_a_matter_of_grammar() {
        // JSON-2
        for text in [
            "0",
            "-0",
            "-",
            "01",
            "-01",
            "1.",
            ".5",
            "1.5",
            "1e",
            "1e5",
            "1E+5",
            "1e-5",
            "1e+",
            "+1",
            "0x1",
            "NaN",
            "1 2",
            "true",
            "tru",
            "truee",
            "false",
            "null",
            "nul",
            "",
            " ",
            "[",
            "]",
            "[]",
            "[1,]",
            "[,1]",
            "[1 2]",
            "[1,2]",
            "[1}",
            "{}",
            "{",
            "{]",
            "{1:2}",
            "{\"a\"}",
            "{\"a\":}",
            "{\"a\":1,}",
            "{\"a\":1 \"b\":2}",
            "{\"a\":1,\"a\":2}",
            "{,}",
            "{\"a\" : [ ] }",
            "\"",
            "\"\\\"",
            "\"\\u12\"",
            "\"\\u12g4\"",
            "\"\\u+123\"",
            "\"\\x\"",
            "\"\\\"\"",
            "\"\t\"",
            "\"\u{7f}\u{80}é\u{2028}😀\"",
            "'a'",
            "\u{a0}1",
            "\u{feff}1",
            "\r\n\t 1 \t",
            "/**/1",
            "\"\\b\\f\\n\\r\\t\\/\\\\\"",
            "\"0123456\u{1}\"",
            "\"01234567\u{1f}89\"",
        ] {
            check(text);
        }
    }

    #[test]
    fn a_value_is_the_text_between_white_space() {
        let mut reader = Reader::new(" [ { \"a\\n\" : [ 1 , 2 ] } ] ", 3);
        let mut members = Vec::new();
        let outcome = reader.array(|reader| {
            reader.object(|reader| {
                members.push((reader.key()?.into_owned(), reader.value()?.text));
                Ok(())
            })
        });
        assert_eq!((outcome, reader.end()), (Ok(()), Ok(())));
        assert_eq!(members, [("a\n".to_owned(), "[ 1 , 2 ]")]);
    }

    #[test]
    fn half_a_surrogate_pair_is_refused() {
        // JSON-4
        for text in [
            r#""\ud83d\ude00""#,
            r#""\u00e9\n\"""#,
            r#""\uD83D\uDE00x""#,
            r#""\\ud800""#,
        ] {
            assert_eq!(read(text, 1), Ok(()), "{text}");
        }
        for text in [
            r#""\ud800""#,
            r#""\udc00""#,
            r#""\ud800x\udc00""#,
            r#""\ud800\n""#,
            r#""\ud83d\ud83d""#,
            r#"{"\ud800":1}"#,
        ] {
            assert_eq!(read(text, 1), Err(Fault::LoneSurrogate), "{text}");
        }
    }

    #[test]
    fn brackets_nest_and_those_in_strings_do_not_count() {
        let nested = |text: &str, levels: usize| match read(text, levels) {
            Ok(()) => true,
            Err(fault) => {
                assert_eq!(fault, Fault::TooDeep, "{text}");
                false
            }
        };
        assert!(nested(r#"[{"a":"[[[[\"[["}]"#, 2));
        assert!(!nested(r#"[{"a":[1]}]"#, 2));
        assert!(nested(r#"[{"a":[1]},{"a":[1]}]"#, 3));
        assert!(nested("1", 0));
        assert!(!nested("[]", 0));
    }

    /// Texts that are JSON, or nearly.
    fn texts() -> impl Strategy<Value = String> {
        let leaf = prop_oneof![
            Just("null".to_owned()),
            Just("true".to_owned()),
            "-?(0|[1-9][0-9]{0,3})(\\.[0-9]{1,3})?([eE][+-]?[0-9])?",
            "\"([ -!#-\\[\\]-~é😀]|\\\\[\"\\\\/bfnrtu]|\\\\u[0-9a-fA-F]{4}){0,20}\"",
        ];
        let json = leaf.prop_recursive(4, 40, 5, |inner| {
            let key = "\"[a-c\\\\n]{0,9}\"|\"a\"";
            let members = prop::collection::vec((key, " ?: ?", inner.clone()), 0..4);
            let members = members.prop_map(|it| {
                let members = it
                    .iter()
                    .map(|(key, colon, it)| format!("{key}{colon}{it}"));
                let members: Vec<_> = members.collect();
                format!("{{{}}}", members.join(","))
            });
            let elements = prop::collection::vec(inner, 0..4);
            prop_oneof![
                members,
                elements.prop_map(|it| format!("[{}]", it.join(" ,\n")))
            ]
        });
        // A character in another's place, or one less, or one more.
        let change = (any::<prop::sample::Index>(), 0..3_u8, "[\\x00-\\x7fé]");
        (json, prop::collection::vec(change, 0..3)).prop_map(|(mut json, changes)| {
            for (place, what, character) in changes {
                let mut ends: Vec<_> = json.char_indices().map(|(at, _)| at).collect();
                ends.push(json.len());
                if json.is_empty() {
                    break;
                }
                let at = place.index(ends.len() - 1);
                let (start, end) = (ends[at], ends[at + 1]);
                match what {
                    0 => json.replace_range(start..end, ""),
                    1 => json.replace_range(start..end, &character),
                    _ => json.insert_str(start, &character),
                }
            }
            json
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn what_serde_json_refuses_is_refused_and_nothing_else(text in texts()) {
            if let Some(expected) = reference(&text) {
                prop_assert_eq!(read(&text, 127).is_ok(), expected);
            }
        }

        #[test]
        fn a_string_says_what_serde_json_says(text in texts()) {
            if reference(&text) == Some(true) {
                let value = Reader::new(&text, 127).value().unwrap();
                let expected = serde_json::from_str::<String>(&text).ok();
                prop_assert_eq!(value.string().map(Cow::into_owned), expected);
            }
        }
    }
}
