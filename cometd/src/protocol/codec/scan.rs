//! What a look at the characters alone tells of a JSON text.

use crate::protocol::error::ParseError;

/// Checks that arrays and objects are not nested deeper than `limit` levels, and that strings have
/// no half of a surrogate pair: a text is passed on as it is, and readers that are strict about it
/// could not read what else is in their envelope.
///
/// Looks at brackets, quotes and escapes only, so it may be asked before anything is known to be
/// JSON.
pub(super) fn check(text: &str, limit: usize) -> Result<(), ParseError> {
    let mut depth = 0_usize;
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' => skip_string(&mut bytes)?,
            b'[' | b'{' => {
                depth += 1;
                if depth > limit {
                    return Err(ParseError::TooDeep { limit });
                }
            }
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    Ok(())
}

/// Moves behind the quote that ends a string.
fn skip_string(bytes: &mut impl Iterator<Item = u8>) -> Result<(), ParseError> {
    // Whether the last thing was the first half of a pair.
    let mut half = false;
    while let Some(byte) = bytes.next() {
        let unit = if byte == b'\\' { escaped(bytes) } else { None };
        let second = unit.is_some_and(|unit| (0xdc00..0xe000).contains(&unit));
        if half != second {
            return Err(ParseError::LoneSurrogate);
        }
        half = unit.is_some_and(|unit| (0xd800..0xdc00).contains(&unit));
        if byte == b'"' {
            return Ok(());
        }
    }
    Ok(())
}

/// The number of an escape such as `\u0041`, or `None` for the short ones.
fn escaped(bytes: &mut impl Iterator<Item = u8>) -> Option<u32> {
    if bytes.next()? != b'u' {
        return None;
    }
    bytes.take(4).try_fold(0, |unit, byte| {
        Some(unit * 16 + char::from(byte).to_digit(16)?)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_depth(text: &str, limit: usize, fits: bool) {
        assert_eq!(check(text, limit).is_ok(), fits, "{text}");
    }

    #[test]
    fn brackets_in_strings_do_not_count() {
        check_depth(r#"[{"a":"[[[[\"[["}]"#, 2, true);
        check_depth(r#"[{"a":[1]}]"#, 2, false);
        check_depth(r#"[{"a":[1]},{"a":[1]}]"#, 3, true);
    }

    #[test]
    fn half_a_surrogate_pair_is_refused() {
        for text in [
            r#""\ud83d\ude00""#,
            r#""\u00e9\n\"""#,
            r#""\uD83D\uDE00x""#,
            r#""\\ud800""#,
        ] {
            assert!(check(text, 1).is_ok(), "{text}");
        }
        for text in [
            r#""\ud800""#,
            r#""\udc00""#,
            r#""\ud800x\udc00""#,
            r#""\ud800\n""#,
            r#""\ud83d\ud83d""#,
        ] {
            assert!(
                matches!(check(text, 1), Err(ParseError::LoneSurrogate)),
                "{text}"
            );
        }
    }
}
