//! How deeply a JSON text is nested.

/// Whether arrays and objects are nested deeper than `limit` levels.
///
/// Looks at brackets and quotes only, so it may be asked before anything is known to be JSON.
pub(super) fn exceeds(text: &str, limit: usize) -> bool {
    let mut depth = 0_usize;
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' => skip_string(&mut bytes),
            b'[' | b'{' => {
                depth += 1;
                if depth > limit {
                    return true;
                }
            }
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    false
}

/// Moves behind the quote that ends a string.
fn skip_string(bytes: &mut impl Iterator<Item = u8>) {
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' => return,
            b'\\' => {
                bytes.next();
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_in_strings_do_not_count() {
        assert!(!exceeds(r#"[{"a":"[[[[\"[["}]"#, 2));
        assert!(exceeds(r#"[{"a":[1]}]"#, 2));
        assert!(!exceeds(r#"[{"a":[1]},{"a":[1]}]"#, 3));
    }
}
