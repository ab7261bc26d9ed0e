//! A CSI driver that fails, hangs, or answers late.

use crate::node::Node;
use crate::process::until;

/// Codes after which a driver is done with a call, and those after which it may not be
/// (kubernetes `pkg/volume/csi/csi_client.go`, `isFinalError`).
const FINAL: [&str; 3] = ["INTERNAL", "INVALID_ARGUMENT", "FAILED_PRECONDITION"];
const NOT_FINAL: [&str; 5] = [
    "CANCELLED",
    "DEADLINE_EXCEEDED",
    "UNAVAILABLE",
    "RESOURCE_EXHAUSTED",
    "ABORTED",
];
