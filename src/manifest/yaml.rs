//! YAML to JSON as kubectl reads it, and JSON to YAML as kubectl writes it.
//!
//! kubectl's reader is sigs.k8s.io/yaml, which is Go's yaml.v2: YAML 1.1. What
//! plain words mean is decided here, by its rules and not by a YAML library's,
//! since those differ (`yEs`, `1_`, `1e400`); the grammar is the library's.
//!
//! Where this differs from kubectl: a key that comes twice is an error, kubectl
//! takes the last; `!!binary` is refused, and so are quoted strings that go on
//! further left than they should; aliases may repeat 64 MiB; members stay in
//! their order; `<`, `>` and `&` are not escaped in the JSON. NEL, LS and PS
//! (U+0085, U+2028, U+2029) are characters, as in YAML 1.2, to kubectl they
//! break lines; they are written as escapes, which both read alike.

mod decode;
mod encode;
mod map;
mod number;
mod scalar;
mod tag;

use super::{Error, Place};

pub use decode::to_json;
pub use encode::from_json;

/// The text of a document that starts on `first_line`.
///
/// # Errors
/// [`Error::Utf8`] with the place of the first byte that is not UTF-8.
pub fn text(bytes: &[u8], first_line: u64) -> Result<&str, Error> {
    std::str::from_utf8(bytes).map_err(|error| {
        let before = &bytes[..error.valid_up_to()];
        let line = memchr::memchr_iter(b'\n', before).count() as u64;
        let start = memchr::memrchr(b'\n', before).map_or(0, |newline| newline + 1);
        let column = String::from_utf8_lossy(&before[start..]).chars().count() as u64;
        Error::Utf8 {
            at: Place {
                line: first_line + line,
                column: column + 1,
            },
        }
    })
}

#[cfg(test)]
mod tests;
