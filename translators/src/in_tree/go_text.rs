//! Where Go's strings differ from Rust's.

/// Bytes as Go's JSON encoder prints them: each byte that is no part of a
/// character becomes U+FFFD (`String::from_utf8_lossy` makes one of several).
pub(crate) fn from_bytes(bytes: Vec<u8>) -> String {
    let mut rest = match String::from_utf8(bytes) {
        Ok(text) => return text,
        Err(error) => error.into_bytes(),
    };
    let mut text = String::with_capacity(rest.len());
    loop {
        match std::str::from_utf8(&rest) {
            Ok(valid) => {
                text.push_str(valid);
                return text;
            }
            Err(error) => {
                let valid = error.valid_up_to();
                text.push_str(&String::from_utf8_lossy(&rest[..valid]));
                text.push(char::REPLACEMENT_CHARACTER);
                rest.drain(..=valid);
            }
        }
    }
}

/// `strings.ToLower`: one character for each, where Rust knows longer forms
/// (`İ`) and forms that depend on the place in the word (`Σ`).
pub(crate) fn to_lower(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    let lower = |character: char| character.to_lowercase().next().unwrap_or(character);
    text.chars().map(lower).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_of_a_cut_character_counts() {
        assert_eq!(
            from_bytes(b"a\xe2\x82b\xff".to_vec()),
            "a\u{fffd}\u{fffd}b\u{fffd}"
        );
        assert_eq!(from_bytes("é".into()), "é");
    }

    #[test]
    fn lower_case_is_by_character() {
        assert_eq!(to_lower("DİSKFormat"), "diskformat");
        assert_eq!(to_lower("\u{212a}ind"), "kind");
        assert_eq!(to_lower("ΣΣ ſ"), "σσ ſ");
    }
}
