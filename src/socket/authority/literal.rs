//! The text of an authority.

use http::uri::Authority;

use super::huffman::{self, StandIn};

/// Another authority of the same length, in bytes and in characters, for one
/// that `h2` refuses. None for a legal one, and for one that cannot be read.
pub(super) fn legal(text: &[u8], huffman: bool) -> Option<Vec<u8>> {
    if text.is_empty() {
        return None;
    }
    if huffman {
        legal_code(text)
    } else {
        legal_plain(text)
    }
}

/// What `h2` asks.
fn is_legal(authority: &[u8]) -> bool {
    Authority::try_from(authority).is_ok()
}

/// What a registered name is made of (RFC 3986, section 3.2.2), so that it is
/// legal anywhere.
fn is_plain(character: u8) -> bool {
    character.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=".contains(&character)
}

fn legal_plain(text: &[u8]) -> Option<Vec<u8>> {
    let plain = |&character| if is_plain(character) { character } else { b'-' };
    (!is_legal(text)).then(|| text.iter().map(plain).collect())
}

fn legal_code(text: &[u8]) -> Option<Vec<u8>> {
    if is_legal(&huffman::decode(text).ok()?) {
        return None;
    }
    characters_replaced(text).or_else(|| all_replaced(text))
}

/// With stand-ins for the characters that are not plain. None if one of them
/// has a length that no legal character has.
fn characters_replaced(text: &[u8]) -> Option<Vec<u8>> {
    let mut legal = text.to_vec();
    for coded in huffman::characters(text) {
        let coded = coded.ok()?;
        if !coded.character.is_some_and(is_plain) {
            StandIn::of_length(coded.bits)?.write(&mut legal, coded.at);
        }
    }
    Some(legal)
}

/// As many other characters, that need as many bits. None if they need more
/// than a byte each: nobody codes what becomes longer by it.
fn all_replaced(text: &[u8]) -> Option<Vec<u8>> {
    let (mut count, mut bits) = (0, 0);
    for coded in huffman::characters(text) {
        count += 1;
        bits += coded.ok()?.bits;
    }
    let short = StandIn::of_length(bits / count)?;
    let longer = bits % count;
    let long = StandIn::of_length(short.bits + usize::from(longer > 0))?;
    let mut legal = text.to_vec();
    let mut at = 0;
    for place in 0..count {
        let stand_in = if place < longer { long } else { short };
        stand_in.write(&mut legal, at);
        at += stand_in.bits;
    }
    Some(legal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn legal_ones_stay() {
        for text in ["localhost", "a.b:8080", "[::1]:80", "x", ""] {
            assert_eq!(legal(text.as_bytes(), false), None, "{text}");
        }
        // "www.example.com"
        let text = b"\xf1\xe3\xc2\xe5\xf2\x3a\x6b\xa0\xab\x90\xf4\xff";
        assert_eq!(legal(text, true), None);
    }

    #[test]
    fn illegal_ones_become_legal() {
        for (text, expected) in [
            ("/var/lib/x.sock", "-var-lib-x.sock"),
            ("%2Fvar%2Fx.sock", "-2Fvar-2Fx.sock"),
            ("/a b#c^d{}|\\", "-a-b-c-d----"),
            ("a:b:c", "a-b-c"),
            ("name@", "name-"),
            ("/\u{e9}", "---"),
        ] {
            let legal = legal(text.as_bytes(), false).unwrap();
            assert_eq!(String::from_utf8(legal).unwrap(), expected);
        }
    }

    #[test]
    fn text_that_is_no_huffman_code_stays() {
        assert_eq!(legal(&[0xff; 8], true), None);
    }
}
