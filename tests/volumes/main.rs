//! The volumes of the FlexVolume door, in front of a scripted CSI driver: no mount
//! is real, every call is.

#![allow(clippy::unwrap_used, reason = "helpers of tests as well")]

mod any_sequence;
mod attached;
mod cluster;
mod collected;
mod driver;
mod expanded;
mod failed;
mod groups;
mod handed_over;
mod late;
mod mounted;
mod record;
mod rig;
#[expect(dead_code, reason = "the daemons' tests use the rest")]
#[path = "../csi/scripted.rs"]
mod scripted;
mod secrets;
mod shared;
mod unmounted;
