//! The front of a header block (RFC 7541, section 6), where pseudo-headers are.

use super::integer::{self, Unread};
use super::{huffman, literal};

/// What the front of a block holds.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Front {
    /// An authority that is not legal, `start` bytes into the block, and the
    /// text to put in its place.
    Illegal { start: usize, legal: Vec<u8> },
    /// Nothing to change.
    Fine,
    /// Its end is not here yet.
    Incomplete,
}

/// Looks for an authority that is not legal.
pub(super) fn front(block: &[u8]) -> Front {
    let mut rest = block;
    loop {
        match field(rest) {
            Ok(Field::Passed(after)) => rest = after,
            Ok(Field::Authority(value)) => {
                return match literal::legal(value.text, value.huffman) {
                    Some(legal) => Front::Illegal {
                        // `value` is a part of `block`.
                        start: block.len() - value.rest.len() - value.text.len(),
                        legal,
                    },
                    None => Front::Fine,
                };
            }
            Ok(Field::Regular) | Err(Unread::Malformed) => return Front::Fine,
            Err(Unread::Incomplete) => return Front::Incomplete,
        }
    }
}

/// The first field of a block.
enum Field<'a> {
    /// The authority, as a literal.
    Authority(Text<'a>),
    /// Something that an authority can follow; then what follows it.
    Passed(&'a [u8]),
    /// A regular field: no pseudo-header comes after it (RFC 9113, section 8.3).
    Regular,
}

fn field(block: &[u8]) -> Result<Field<'_>, Unread> {
    let first = *block.first().ok_or(Unread::Incomplete)?;
    // An indexed field, or the new size of the dynamic table.
    if first & 0x80 != 0 || first & 0xe0 == 0x20 {
        let indexed = first & 0x80 != 0;
        let (index, rest) = integer::read(block, if indexed { 7 } else { 5 })?;
        return Ok(if indexed && Name::of(index) == Name::Regular {
            Field::Regular
        } else {
            Field::Passed(rest)
        });
    }
    let inserted = first & 0xc0 == 0x40;
    let (index, rest) = integer::read(block, if inserted { 6 } else { 4 })?;
    let (name, rest) = if index == 0 {
        let name = Text::read(rest)?;
        (name.as_name(), name.rest)
    } else {
        (Name::of(index), rest)
    };
    if name == Name::Regular {
        return Ok(Field::Regular);
    }
    let value = Text::read(rest)?;
    Ok(if name == Name::Authority {
        Field::Authority(value)
    } else {
        Field::Passed(value.rest)
    })
}

/// What a field's name says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Name {
    Authority,
    /// Another pseudo-header, or one in the dynamic table, which is not
    /// followed: names there are those of earlier requests, and whoever puts
    /// `:authority` there knows it from the static table.
    Other,
    Regular,
}

impl Name {
    /// By its index in the static table (RFC 7541, appendix A) or the dynamic one.
    fn of(index: usize) -> Self {
        match index {
            1 => Self::Authority,
            2..=7 | 62.. => Self::Other,
            _ => Self::Regular,
        }
    }
}

/// A string (RFC 7541, section 5.2), and what follows it.
#[derive(Debug, Clone, Copy)]
struct Text<'a> {
    text: &'a [u8],
    huffman: bool,
    rest: &'a [u8],
}

impl<'a> Text<'a> {
    fn read(bytes: &'a [u8]) -> Result<Self, Unread> {
        let first = *bytes.first().ok_or(Unread::Incomplete)?;
        let (length, rest) = integer::read(bytes, 7)?;
        let (text, rest) = rest.split_at_checked(length).ok_or(Unread::Incomplete)?;
        Ok(Self {
            text,
            huffman: first & 0x80 != 0,
            rest,
        })
    }

    fn as_name(&self) -> Name {
        let decoded;
        let name = if self.huffman {
            decoded = huffman::decode(self.text).unwrap_or_default();
            &decoded
        } else {
            self.text
        };
        match name {
            b":authority" => Name::Authority,
            [b':', ..] => Name::Other,
            _ => Name::Regular,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn illegal(start: usize, legal: &[u8]) -> Front {
        let legal = legal.to_vec();
        Front::Illegal { start, legal }
    }

    /// POST, http, then what is given.
    fn after_method(rest: &[&[u8]]) -> Vec<u8> {
        [&[0x83, 0x86][..], &rest.concat()].concat()
    }

    #[test]
    fn an_authority_is_found_in_each_literal_form() {
        for start in [
            &[0x41, 2][..],
            &[0x01, 2],
            &[0x11, 2],
            &[&[0x40, 10][..], b":authority", &[2]].concat(),
            &[&[0x00, 0x88][..], b"\xb8\x3b\x53\x39\xec\x32\x7d\x7f", &[2]].concat(),
        ] {
            let block = after_method(&[start, b"/x"]);
            assert_eq!(front(&block), illegal(block.len() - 2, b"-x"), "{start:x?}");
        }
    }

    #[test]
    fn what_comes_before_it_is_passed() {
        for start in [
            &[0x3f, 0xe1, 0x1f][..],      // a table size of 4096
            &[0x20, 0x3f, 0x09],          // two of them
            &[0xbe],                      // from the dynamic table
            &[0x44, 2, b'/', b'p'],       // a literal path
            &[0x7f, 0x00, 2, b'/', b'p'], // a path named by the dynamic table
            &[&[0x40, 9][..], b":protocol", &[1, b'x']].concat(),
        ] {
            let block = [start, &[0x41, 2], b"/x"].concat();
            assert_eq!(front(&block), illegal(block.len() - 2, b"-x"), "{start:x?}");
        }
    }

    #[test]
    fn what_ends_the_pseudo_headers_ends_the_search() {
        for start in [
            &[0x90][..],                                 // accept-encoding, indexed
            &[0x5f, 1, b'x'],                            // content-type
            &[0x40, 1, b'x', 1, b'y'],                   // a name of its own
            &[0x80],                                     // index 0 is none
            &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], // no index at all
        ] {
            let block = [start, &[0x41, 2], b"/x"].concat();
            assert_eq!(front(&block), Front::Fine, "{start:x?}");
        }
    }

    #[test]
    fn a_legal_authority_stays() {
        let block = after_method(&[&[0x41, 9], b"localhost"]);
        assert_eq!(front(&block), Front::Fine);
    }

    #[test]
    fn any_part_of_a_front_is_incomplete() {
        let block = after_method(&[&[0x44, 2], b"/p", &[0x41, 4], b"/a/b"]);
        for end in 0..block.len() {
            assert_eq!(front(&block[..end]), Front::Incomplete, "{end}");
        }
        assert_eq!(front(&block), illegal(block.len() - 4, b"-a-b"));
    }
}
