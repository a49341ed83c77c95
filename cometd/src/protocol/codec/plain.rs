//! Finds the end of what stands for itself in a JSON string.

/// The first quote, backslash or control character from this place on, or the end of the text.
#[inline(always)] // A call costs as much as a short string.
pub(super) fn plain(text: &[u8], mut at: usize) -> usize {
    for _ in 0..2 {
        let Some(word) = text.get(at..).and_then(<[u8]>::first_chunk) else {
            return plain_end(text, at);
        };
        let special = special(u64::from_le_bytes(*word));
        if special != 0 {
            return at + special.trailing_zeros() as usize / 8;
        }
        at += size_of_val(word);
    }
    plain_rest(text, at)
}

/// Whether there is no such character. What is asked about are mostly names and ids, which are short.
#[inline]
pub(super) fn is_plain(text: &str) -> bool {
    let text = text.as_bytes();
    match (text.first_chunk(), text.last_chunk()) {
        // These two have seen them all.
        (Some(first), Some(last)) if text.len() <= size_of_val(first) + size_of_val(last) => {
            special(u64::from_le_bytes(*first)) | special(u64::from_le_bytes(*last)) == 0
        }
        (Some(_), _) => plain(text, 0) == text.len(),
        (None, _) => !text.iter().any(is_special),
    }
}

/// The same for what is not short.
fn plain_rest(text: &[u8], at: usize) -> usize {
    let mut rest = text.get(at..).unwrap_or_default();
    while let Some((bytes, behind)) = rest.split_first_chunk()
        && all_plain(bytes)
    {
        rest = behind;
    }
    while let Some((word, behind)) = rest.split_first_chunk() {
        let special = special(u64::from_le_bytes(*word));
        if special != 0 {
            return text.len() - rest.len() + special.trailing_zeros() as usize / 8;
        }
        rest = behind;
    }
    plain_end(text, text.len() - rest.len())
}

/// The same for the last few bytes of a text.
#[inline(never)] // There is one end, and there are many strings.
fn plain_end(text: &[u8], at: usize) -> usize {
    let rest = text.get(at..).unwrap_or_default();
    let start = text.len() - rest.len();
    match text.last_chunk() {
        Some(word) if !rest.is_empty() => {
            // What has been seen is shifted out; zeros come in, which are special.
            let unseen = u64::from_le_bytes(*word) >> (64 - 8 * rest.len());
            start + special(unseen).trailing_zeros() as usize / 8
        }
        _ => start + rest.iter().position(is_special).unwrap_or(rest.len()),
    }
}

const fn is_special(byte: &u8) -> bool {
    matches!(byte, 0..b' ' | b'"' | b'\\')
}

/// The high bit of each byte that is a quote, a backslash or a control character; those behind the
/// lowest one may be wrong. Eight bytes are looked at as one number, as Mycroft's test for zero does.
const fn special(word: u64) -> u64 {
    const EACH: u64 = u64::MAX / 0xff;
    // The quote changes places with a space, and follows the control characters then.
    let control_or_quote = (word ^ (EACH * 2)).wrapping_sub(EACH * (b' ' as u64 + 1));
    let backslash = (word ^ (EACH * b'\\' as u64)).wrapping_sub(EACH);
    (control_or_quote | backslash) & !word & (EACH << 7)
}

/// Whether none of these is special. It looks at all of them, each in the same way, because the
/// processor does that at once; what is zero for one of them is special.
fn all_plain(bytes: &[u8; 16]) -> bool {
    bytes.iter().fold(true, |plain, byte| {
        let special = (byte ^ b'"')
            .min(byte ^ b'\\')
            .min(byte.saturating_sub(0x1f));
        plain & (special != 0)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn each_byte_is_told_wherever_it_is() {
        for byte in 0..=u8::MAX {
            for (length, at) in (0..60).flat_map(|it| (0..it).map(move |at| (it, at))) {
                let mut bytes = vec![0x7f; length];
                bytes[at] = byte;
                let expected = if is_special(&byte) { at } else { length };
                assert_eq!(plain(&bytes, 0), expected, "{byte} at {at} of {length}");
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn a_plain_start_ends_at_the_first_special_byte(
            text in "[ -!#-\\[\\]-\\x7fé😀]{0,60}[ -\\x7fé😀\\x00-\\x1f\"\\\\]{0,40}",
            at in 0..60_usize,
        ) {
            let bytes = text.as_bytes();
            let rest = bytes.get(at..).unwrap_or_default();
            let seen = rest.iter().position(is_special).unwrap_or(rest.len());
            prop_assert_eq!(is_plain(&text), !bytes.iter().any(is_special));
            prop_assert_eq!(plain(bytes, at), bytes.len().min(at + seen).max(bytes.len() - rest.len()));
        }
    }
}
