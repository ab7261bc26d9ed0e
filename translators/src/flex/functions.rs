//! The text functions of expressions. Each bounds what it makes, so that no
//! expression grows without end.

/// The longest text that a function makes, and that an expression may read of
/// an object, in bytes.
pub(super) const TEXT_BYTES: usize = 16 * 1024;
/// The longest list that a function makes.
pub(super) const ITEMS: usize = 1024;

/// A function's result would be too large.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TooLarge;

/// `text` with every `old` replaced.
pub(super) fn replace(text: &str, old: &str, new: &str) -> Result<String, TooLarge> {
    if old.is_empty() {
        return Ok(text.to_owned());
    }
    let mut out = String::with_capacity(text.len());
    let mut parts = text.split(old);
    out.push_str(parts.next().unwrap_or_default());
    for part in parts {
        if out.len() + new.len() + part.len() > TEXT_BYTES {
            return Err(TooLarge);
        }
        out.push_str(new);
        out.push_str(part);
    }
    Ok(out)
}

/// `text` cut at every `separator`.
pub(super) fn split(text: &str, separator: &str) -> Result<Vec<String>, TooLarge> {
    let parts: Vec<String> = if separator.is_empty() {
        text.chars().take(ITEMS + 1).map(String::from).collect()
    } else {
        let parts = text.split(separator).take(ITEMS + 1);
        parts.map(str::to_owned).collect()
    };
    if parts.len() > ITEMS {
        return Err(TooLarge);
    }
    Ok(parts)
}

/// The texts with `separator` between them.
pub(super) fn join<'t>(
    texts: impl IntoIterator<Item = &'t str>,
    separator: &str,
) -> Result<String, TooLarge> {
    let mut out = String::new();
    for (index, text) in texts.into_iter().enumerate() {
        if out.len() + separator.len() + text.len() > TEXT_BYTES {
            return Err(TooLarge);
        }
        if index > 0 {
            out.push_str(separator);
        }
        out.push_str(text);
    }
    Ok(out)
}

/// The options in a text as `mount` takes them, `a,b -o c`: cut at commas and
/// at `-o`, trimmed, without empty ones.
pub(super) fn mount_options(text: &str) -> Result<Vec<String>, TooLarge> {
    let mut options = Vec::new();
    for word in text.split(',') {
        // `-o` is a word of its own: at the start, or after a space.
        let padded = format!(" {} ", word.trim());
        for option in padded.split(" -o ") {
            let option = option.trim();
            if !option.is_empty() {
                options.push(option.to_owned());
            }
        }
        if options.len() > ITEMS {
            return Err(TooLarge);
        }
    }
    Ok(options)
}

/// Bytes as lower-case hexadecimal.
pub(super) fn hex(bytes: &[u8]) -> Result<String, TooLarge> {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    if bytes.len() > TEXT_BYTES / 2 {
        return Err(TooLarge);
    }
    let digit = |value: u8| char::from(DIGITS[usize::from(value & 15)]);
    let digits = bytes
        .iter()
        .flat_map(|byte| [digit(byte >> 4), digit(*byte)]);
    Ok(digits.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mount_options_are_cut_at_commas_and_at_dash_o() {
        let cases: &[(&str, &[&str])] = &[
            ("", &[]),
            ("ro", &["ro"]),
            (" dir_mode=0755, noperm ,,", &["dir_mode=0755", "noperm"]),
            ("-o allow_other", &["allow_other"]),
            ("-o a=1 -o b=2,c -o d", &["a=1", "b=2", "c", "d"]),
            ("a -o b", &["a", "b"]),
            ("x-o y", &["x-o y"]),
            ("--flag=1", &["--flag=1"]),
        ];
        for (text, expected) in cases {
            assert_eq!(mount_options(text).unwrap(), *expected, "{text:?}");
        }
    }

    #[test]
    fn what_would_be_too_large_is_refused() {
        let long = "a".repeat(1000);
        assert_eq!(replace(&long, "a", &long), Err(TooLarge));
        assert_eq!(split(&",".repeat(2000), ","), Err(TooLarge));
        assert_eq!(mount_options(&"a,".repeat(2000)), Err(TooLarge));
        assert_eq!(join([long.as_str(); 20], ","), Err(TooLarge));
    }

    #[test]
    fn hexadecimal_is_lower_case() {
        assert_eq!(hex(b"\x00\xafz").unwrap(), "00af7a");
    }
}
