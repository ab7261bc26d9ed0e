//! FlexVolume drivers, as data.

/// The known FlexVolume drivers.
#[derive(Debug, Default)]
pub struct Mappings;
