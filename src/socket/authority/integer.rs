//! Integers of HPACK (RFC 7541, section 5.1).

/// Why a part of a header block was not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unread {
    /// The block ends before it does.
    Incomplete,
    /// It is no HPACK, or beyond all bounds.
    Malformed,
}

/// How many bytes may follow the first: 28 bits hold any length and index in a frame.
const MAX_LENGTH: usize = 4;

/// Reads an integer whose first byte has so many bits for it; gives what
/// follows as well.
pub(super) fn read(bytes: &[u8], prefix: u32) -> Result<(usize, &[u8]), Unread> {
    let (&first, mut rest) = bytes.split_first().ok_or(Unread::Incomplete)?;
    let most = (1 << prefix) - 1;
    let mut value = usize::from(first) & most;
    if value < most {
        return Ok((value, rest));
    }
    for byte in 0..MAX_LENGTH {
        let (&next, after) = rest.split_first().ok_or(Unread::Incomplete)?;
        rest = after;
        value += usize::from(next & 0x7f) << (7 * byte);
        if next & 0x80 == 0 {
            return Ok((value, rest));
        }
    }
    Err(Unread::Malformed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_examples_of_the_rfc() {
        assert_eq!(read(&[0b1110_1010], 5), Ok((10, &[][..])));
        assert_eq!(read(&[31, 154, 10, 7], 5), Ok((1337, &[7][..])));
        assert_eq!(read(&[42], 8), Ok((42, &[][..])));
    }

    #[test]
    fn says_what_is_missing_and_what_is_too_much() {
        assert_eq!(read(&[], 5), Err(Unread::Incomplete));
        assert_eq!(read(&[31, 154], 5), Err(Unread::Incomplete));
        assert_eq!(read(&[31; 1], 5), Err(Unread::Incomplete));
        assert_eq!(read(&[0xff; 9], 7), Err(Unread::Malformed));
    }
}
