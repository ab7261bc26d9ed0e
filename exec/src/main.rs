//! The FlexVolume exec binary.

fn main() {}
