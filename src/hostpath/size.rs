//! Sizes as they are written on command lines: `10Gi`, `512Mi`, `4096`.

use std::str::FromStr;

/// A number of bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size(pub u64);

/// Why a text is no size.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no size: a whole number of bytes, or of Ki, Mi, Gi, Ti")]
pub struct SizeError(String);

const UNITS: [(&str, u32); 4] = [("Ki", 10), ("Mi", 20), ("Gi", 30), ("Ti", 40)];

impl FromStr for Size {
    type Err = SizeError;

    fn from_str(text: &str) -> Result<Self, SizeError> {
        let (number, shift) = UNITS
            .iter()
            .find_map(|(unit, shift)| Some((text.strip_suffix(unit)?, *shift)))
            .unwrap_or((text, 0));
        number
            .parse::<u64>()
            .ok()
            .and_then(|number| number.checked_mul(1 << shift))
            // CSI has sizes signed.
            .filter(|bytes| i64::try_from(*bytes).is_ok())
            .map(Self)
            .ok_or_else(|| SizeError(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read() {
        let table = [
            ("0", Some(0)),
            ("4096", Some(4096)),
            ("3Gi", Some(3 << 30)),
            ("1Ti", Some(1 << 40)),
            ("", None),
            ("Gi", None),
            ("-1", None),
            ("1.5Gi", None),
            ("1G", None),
            ("9999999999Ti", None),
        ];
        for (text, bytes) in table {
            assert_eq!(text.parse().ok(), bytes.map(Size), "{text:?}");
        }
    }
}
