//! How large a volume is to be: CSI's `CapacityRange`, checked.

use super::error::Error;
use super::kind::Kind;
use crate::csi::v1;

/// What a volume has that nobody asked a size of: 1 GiB.
pub(super) const DEFAULT: u64 = 1 << 30;

/// A range of bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Capacity {
    required: u64,
    limit: Option<u64>,
}

impl Capacity {
    /// A range from a request; none sets no bound.
    pub(super) fn of_wire(range: Option<&v1::CapacityRange>) -> Result<Self, Error> {
        let Some(range) = range else {
            return Ok(Self {
                required: 0,
                limit: None,
            });
        };
        let bytes = |bytes: i64| {
            u64::try_from(bytes).map_err(|_| Error::invalid("capacity_range", "is negative"))
        };
        let (required, limit) = (bytes(range.required_bytes)?, bytes(range.limit_bytes)?);
        let limit = (limit > 0).then_some(limit);
        if limit.is_some_and(|limit| limit < required) {
            return Err(Error::Capacity(format!(
                "asks for {required} bytes at least and {} at most",
                limit.unwrap_or_default()
            )));
        }
        Ok(Self { required, limit })
    }

    /// Whether a volume of this size will do.
    pub(super) fn has(&self, bytes: u64) -> bool {
        bytes >= self.required && self.limit.is_none_or(|limit| bytes <= limit)
    }

    /// The size of a new volume that holds `least` bytes, as a copy has to hold
    /// its source, and at most `most`.
    pub(super) fn choose(&self, kind: Kind, least: u64, most: u64) -> Result<u64, Error> {
        let floor = kind.minimum().max(least);
        let wanted = match (self.required, self.limit) {
            (0, None) if least == 0 => DEFAULT,
            (0, Some(limit)) if least == 0 => DEFAULT.min(limit),
            (required, _) => required,
        };
        let step = kind.granularity();
        let bytes = wanted
            .max(floor)
            .checked_next_multiple_of(step)
            .ok_or_else(|| Error::Capacity("is larger than any volume".to_owned()))?;
        // Rather a little less than asked for by nobody than more than allowed.
        let bytes = match self.limit {
            Some(limit) if bytes > limit && self.required <= limit / step * step => {
                limit / step * step
            }
            _ => bytes,
        };
        let refuse = |why: String| Err(Error::Capacity(why));
        if bytes < floor || !self.has(bytes) {
            return refuse(format!(
                "cannot be met: a volume of kind {kind} has at least {floor} bytes here, in steps of {step}"
            ));
        }
        if bytes > most {
            return refuse(format!(
                "asks for {bytes} bytes; a volume has at most {most}"
            ));
        }
        Ok(bytes)
    }
}

/// Bytes for a message of CSI, which has them signed.
pub(super) fn wire(bytes: u64) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MOST: u64 = 1 << 40;

    fn range(required: i64, limit: i64) -> Result<Capacity, Error> {
        Capacity::of_wire(Some(&v1::CapacityRange {
            required_bytes: required,
            limit_bytes: limit,
        }))
    }

    #[test]
    fn a_size_is_chosen() {
        const MIB: u64 = 1 << 20;
        let table = [
            ((0, 0), Kind::Directory, 0, Some(DEFAULT)),
            ((0, 0), Kind::Directory, 7, Some(7)),
            ((0, 5), Kind::Directory, 0, Some(5)),
            ((5, 5), Kind::Directory, 0, Some(5)),
            ((5, 5), Kind::Block, 0, None),
            ((4097, 0), Kind::Block, 0, Some(8192)),
            ((4097, 8191), Kind::Block, 0, None),
            ((1, 0), Kind::Ext4, 0, Some(16 * MIB)),
            ((1, 0), Kind::Xfs, 0, Some(300 * MIB)),
            ((1, 1 << 20), Kind::Xfs, 0, None),
            ((1, 4), Kind::Directory, 5, None),
            ((1 << 41, 0), Kind::Directory, 0, None),
            ((i64::MAX, 0), Kind::Block, 0, None),
        ];
        for ((required, limit), kind, least, expected) in table {
            let chosen = range(required, limit).unwrap().choose(kind, least, MOST);
            assert_eq!(chosen.ok(), expected, "{kind} {required}..{limit} {least}");
        }
    }

    #[test]
    fn a_range_is_one() {
        assert!(range(2, 1).is_err());
        assert!(range(-1, 0).is_err());
        assert!(range(0, -1).is_err());
    }

    proptest! {
        #[test]
        fn what_is_chosen_was_asked_for(required in 0..i64::MAX, limit in 0..i64::MAX, least in 0..MOST) {
            for kind in [Kind::Directory, Kind::Ext4, Kind::Xfs, Kind::Btrfs, Kind::Block] {
                if let Ok(range) = range(required, limit)
                    && let Ok(bytes) = range.choose(kind, least, MOST)
                {
                    prop_assert!(range.has(bytes) && bytes >= least && bytes <= MOST);
                    prop_assert!(bytes >= kind.minimum() && bytes % kind.granularity() == 0);
                }
            }
        }
    }
}
