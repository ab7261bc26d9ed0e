//! What a failed call leaves behind.

/// Whether a gRPC status says that a call has failed and does nothing more. After
/// any other it may have happened, or may happen yet (kubernetes v1.36
/// `pkg/volume/csi/csi_client.go`, `isFinalError`).
pub fn is_final(code: i32) -> bool {
    const CANCELLED: i32 = 1;
    const DEADLINE_EXCEEDED: i32 = 4;
    const RESOURCE_EXHAUSTED: i32 = 8;
    const ABORTED: i32 = 10;
    const UNAVAILABLE: i32 = 14;
    !matches!(
        code,
        CANCELLED | DEADLINE_EXCEEDED | RESOURCE_EXHAUSTED | ABORTED | UNAVAILABLE
    )
}
