//! The partition that EBS and GCE PD sources name.

use super::csi_source::CSI;
use super::plugin::invalid;
use crate::error::Error;

/// The attribute's name.
pub(crate) const PARTITION: &str = "partition";

/// The number in an attribute, as Go's `strconv.Atoi` reads it: a sign and
/// digits within 64 bits, of which the lower 32 are kept.
pub(crate) fn parse(text: &str, driver: &'static str) -> Result<i32, Error> {
    let number: i64 = text.parse().map_err(|_| {
        let path = ["spec", CSI, "volumeAttributes", PARTITION];
        invalid(driver, &path, "the partition is not an integer")
    })?;
    Ok(number as i32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_as_go_reads_them() {
        for (text, expected) in [
            ("1", Some(1)),
            ("+1", Some(1)),
            ("-007", Some(-7)),
            ("4294967297", Some(1)),
            ("9223372036854775808", None),
            ("", None),
            ("+", None),
            (" 1", None),
            ("1_0", None),
            ("0x1", None),
            ("١", None),
        ] {
            assert_eq!(parse(text, "d").ok(), expected, "{text}");
        }
    }
}
