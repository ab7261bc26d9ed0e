//! How calls end, as labels.

use tonic::Code;

/// The codes of gRPC, each at its number.
const NAMES: [&str; 17] = [
    "OK",
    "Canceled",
    "Unknown",
    "InvalidArgument",
    "DeadlineExceeded",
    "NotFound",
    "AlreadyExists",
    "PermissionDenied",
    "ResourceExhausted",
    "FailedPrecondition",
    "Aborted",
    "OutOfRange",
    "Unimplemented",
    "Internal",
    "Unavailable",
    "DataLoss",
    "Unauthenticated",
];
/// How many there are.
pub(super) const COUNT: usize = NAMES.len();

/// The code's name, as grpc-go and the metrics of Kubernetes write it.
pub(super) fn name(code: Code) -> &'static str {
    NAMES[code as usize]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_code_has_its_own_name() {
        for (number, name_there) in (0..).zip(NAMES) {
            let code = Code::from_i32(number);
            assert_eq!(code as i32, number);
            let ours = format!("{code:?}").replace("Cancelled", "Canceled");
            assert_eq!(ours.to_lowercase(), name_there.to_lowercase());
            assert_eq!(name(code), name_there);
        }
        assert_eq!(Code::from_i32(COUNT as i32), Code::Unknown, "no more codes");
    }
}
