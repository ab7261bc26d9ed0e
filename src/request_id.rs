//! Request ids: what a call is called in our logs, the caller's and the
//! backend's.

use std::fmt;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};

use http::{HeaderName, HeaderValue};

/// The metadata key, in both directions.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The longest id that is taken over from a caller, in bytes.
const LONGEST: usize = 128;

/// The id of one call. Cloning it copies no text.
#[derive(Clone, PartialEq, Eq)]
pub struct RequestId(HeaderValue);

impl RequestId {
    /// The id that a caller gave, if it is one: 1 to 128 visible ASCII
    /// characters. Anything else could bend log lines, and is replaced.
    pub fn from_caller(value: &HeaderValue) -> Option<Self> {
        let bytes = value.as_bytes();
        let fits = (1..=LONGEST).contains(&bytes.len());
        (fits && bytes.iter().all(u8::is_ascii_graphic)).then(|| Self(value.clone()))
    }

    /// For logs.
    pub fn as_str(&self) -> &str {
        // Both ways to make one let only ASCII in.
        self.0.to_str().unwrap_or_default()
    }

    /// For the metadata of the call to the backend.
    pub fn header_value(&self) -> HeaderValue {
        self.0.clone()
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Gives out ids that no other call of this process has: a word that is
/// different in each process, and a number.
#[derive(Debug)]
pub struct RequestIds {
    process: u32,
    last: AtomicU64,
}

impl RequestIds {
    /// Starts to number.
    #[expect(clippy::new_without_default, reason = "two of them are not equal")]
    pub fn new() -> Self {
        // The standard library's hash keys are random in each process.
        let [a, b, c, d, ..] = RandomState::new().hash_one("request ids").to_le_bytes();
        Self {
            process: u32::from_le_bytes([a, b, c, d]),
            last: AtomicU64::new(0),
        }
    }

    /// The next id, as `9f02c4d1-1a`.
    pub fn next(&self) -> RequestId {
        let number = self.last.fetch_add(1, Ordering::Relaxed) + 1;
        let text = format!("{:08x}-{number:x}", self.process);
        // Hexadecimal digits are always a header's value.
        let value = HeaderValue::try_from(text);
        RequestId(value.unwrap_or(HeaderValue::from_static("-")))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_call_has_its_own() {
        let (one, other) = (RequestIds::new(), RequestIds::new());
        let ids: BTreeSet<String> = (0..100)
            .flat_map(|_| [one.next(), other.next()])
            .map(|id| id.to_string())
            .collect();
        assert_eq!(ids.len(), 200);
        let all_fit = |id: &String| {
            RequestId::from_caller(&HeaderValue::from_str(id).unwrap()).is_some() && id.len() < 30
        };
        assert!(ids.iter().all(all_fit), "{ids:?}");
    }

    #[test]
    fn a_callers_is_taken_over_if_it_cannot_bend_a_line() {
        let taken = |bytes: &[u8]| {
            let value = HeaderValue::from_bytes(bytes).unwrap();
            RequestId::from_caller(&value).map(|id| id.to_string())
        };
        assert_eq!(taken(b"4bf92f35").as_deref(), Some("4bf92f35"));
        assert!(taken(&[b'x'; 128]).is_some());
        for bytes in [&b""[..], b"a b", b"a\tb", b"\xc3\xa4", &[b'x'; 129]] {
            assert_eq!(taken(bytes), None, "{bytes:?}");
        }
    }
}
