//! The Huffman code of HPACK (RFC 7541, appendix B), as far as a text has to be
//! read, and characters in it be replaced by others of the same code length.

/// The characters whose codes have one length. The code is canonical: codes
/// ascend within a length, and go on where the shorter ones ended.
pub(super) struct Group {
    pub(super) bits: usize,
    pub(super) count: u32,
    /// In the order of their codes. Not listed where nobody asks which it is.
    pub(super) characters: &'static [u8],
}

const fn group(bits: usize, characters: &'static [u8]) -> Group {
    Group {
        bits,
        count: characters.len() as u32,
        characters,
    }
}

/// A group of characters that are legal in no authority.
const fn unlisted(bits: usize, count: u32) -> Group {
    Group {
        bits,
        count,
        characters: &[],
    }
}

pub(super) static GROUPS: [Group; 21] = [
    group(5, b"012aceiost"),
    group(6, b" %-./3456789=A_bdfghlmnpru"),
    group(7, b":BCDEFGHIJKLMNOPQRSTUVWYjkqvwxyz"),
    group(8, b"&*,;XZ"),
    group(10, b"!\"()?"),
    group(11, b"'+|"),
    group(12, b"#>"),
    group(13, b"\0$@[]~"),
    group(14, b"^}"),
    group(15, b"<`{"),
    unlisted(19, 3),
    unlisted(20, 8),
    unlisted(21, 13),
    unlisted(22, 26),
    unlisted(23, 29),
    unlisted(24, 12),
    unlisted(25, 4),
    unlisted(26, 15),
    unlisted(27, 19),
    unlisted(28, 29),
    // The end-of-string symbol, the last of this length, may not be in a text.
    unlisted(30, 3),
];

/// A character with its place in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Coded {
    /// None if it is not listed.
    pub(super) character: Option<u8>,
    /// Where its code starts, in bits.
    pub(super) at: usize,
    /// The length of its code.
    pub(super) bits: usize,
}

/// A text is no Huffman code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Malformed;

/// The characters of a text, one by one.
pub(super) fn characters(text: &[u8]) -> impl Iterator<Item = Result<Coded, Malformed>> {
    let end = text.len() * 8;
    let mut at = 0;
    std::iter::from_fn(move || {
        // Less than a byte of ones fills the last one up.
        if at == end || (end - at < 8 && (at..end).all(|place| bit(text, place) == 1)) {
            return None;
        }
        let coded = character(text, at);
        at = coded.map_or(end, |coded| at + coded.bits);
        Some(coded)
    })
}

fn character(text: &[u8], at: usize) -> Result<Coded, Malformed> {
    let (mut code, mut first, mut read) = (0, 0, 0);
    for group in &GROUPS {
        if at + group.bits > text.len() * 8 {
            return Err(Malformed);
        }
        first <<= group.bits - read;
        while read < group.bits {
            code = code << 1 | bit(text, at + read);
            read += 1;
        }
        // It is not below the first: what is has been found in a shorter group.
        let place = code - first;
        if place < group.count {
            return Ok(Coded {
                character: group.characters.get(place as usize).copied(),
                at,
                bits: group.bits,
            });
        }
        first += group.count;
    }
    Err(Malformed)
}

fn bit(text: &[u8], place: usize) -> u32 {
    u32::from(text[place / 8] >> (7 - place % 8) & 1)
}

/// The text in clear, with NUL for what is not listed.
pub(super) fn decode(text: &[u8]) -> Result<Vec<u8>, Malformed> {
    characters(text)
        .map(|coded| coded.map(|coded| coded.character.unwrap_or(0)))
        .collect()
}

/// A character with its code.
pub(super) struct StandIn {
    pub(super) bits: usize,
    code: u32,
}

/// One that is legal anywhere in an authority for each length that has one.
static STAND_INS: [StandIn; 7] = [
    stand_in(5, 0x03),    // a
    stand_in(6, 0x16),    // -
    stand_in(7, 0x79),    // x
    stand_in(8, 0xfc),    // X
    stand_in(10, 0x3f8),  // !
    stand_in(11, 0x7fb),  // +
    stand_in(13, 0x1ffd), // ~
];

const fn stand_in(bits: usize, code: u32) -> StandIn {
    StandIn { bits, code }
}

impl StandIn {
    pub(super) fn of_length(bits: usize) -> Option<&'static Self> {
        STAND_INS.iter().find(|stand_in| stand_in.bits == bits)
    }

    /// Puts its code into a text, at a place in bits.
    pub(super) fn write(&self, text: &mut [u8], at: usize) {
        for offset in 0..self.bits {
            let place = at + offset;
            let mask = 1 << (7 - place % 8);
            if self.code >> (self.bits - 1 - offset) & 1 == 1 {
                text[place / 8] |= mask;
            } else {
                text[place / 8] &= !mask;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_examples_of_the_rfc() {
        let text = b"\xf1\xe3\xc2\xe5\xf2\x3a\x6b\xa0\xab\x90\xf4\xff";
        assert_eq!(decode(text).unwrap(), b"www.example.com");
        let text = b"\xb8\x3b\x53\x39\xec\x32\x7d\x7f";
        assert_eq!(decode(text).unwrap(), b":authority");
    }

    #[test]
    fn the_code_is_complete() {
        let codes: u64 = GROUPS.iter().map(|group| u64::from(group.count)).sum();
        assert_eq!(codes, 256);
        // With the end of string, every sequence of bits is taken (Kraft's equality).
        let taken: u64 = GROUPS
            .iter()
            .map(|group| u64::from(group.count) << (30 - group.bits))
            .sum();
        assert_eq!(taken + 1, 1 << 30);
    }

    #[test]
    fn stand_ins_have_the_codes_that_they_are_written_with() {
        let expected = b"a-xX!+~";
        for (stand_in, expected) in STAND_INS.iter().zip(expected) {
            let mut text = [0xff; 2];
            stand_in.write(&mut text, 0);
            let coded = character(&text, 0).unwrap();
            assert_eq!(coded.character, Some(*expected));
            assert_eq!(coded.bits, stand_in.bits);
        }
    }

    #[test]
    fn what_is_no_code_is_malformed() {
        for text in [
            &[0xff][..],               // a whole byte of padding
            &[0xff, 0xff, 0xff, 0xff], // the end of string
            &[0x18 << 2],              // padded with zeros
        ] {
            assert_eq!(decode(text), Err(Malformed), "{text:x?}");
        }
        assert_eq!(decode(&[]).unwrap(), b"");
    }
}
