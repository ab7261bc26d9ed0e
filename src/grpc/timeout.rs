//! Deadlines (gRPC over HTTP/2, "Timeout"): at most eight digits and a unit.

use std::time::Duration;

use http::HeaderMap;

const DIGITS: usize = 8;

/// How long the caller waits, from now on; `None` if it does not say, or says
/// what is no timeout.
pub fn timeout_of(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get("grpc-timeout")?.to_str().ok()?;
    let (amount, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    if amount.is_empty() || amount.len() > DIGITS || !amount.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let amount: u64 = amount.parse().ok()?;
    match unit {
        "H" => Some(Duration::from_secs(amount * 3600)),
        "M" => Some(Duration::from_secs(amount * 60)),
        "S" => Some(Duration::from_secs(amount)),
        "m" => Some(Duration::from_millis(amount)),
        "u" => Some(Duration::from_micros(amount)),
        "n" => Some(Duration::from_nanos(amount)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timeout_is_digits_and_a_unit() {
        for (text, expected) in [
            ("2H", Some(Duration::from_secs(7200))),
            ("99999999M", Some(Duration::from_secs(99_999_999 * 60))),
            ("15S", Some(Duration::from_secs(15))),
            ("100m", Some(Duration::from_millis(100))),
            ("7u", Some(Duration::from_micros(7))),
            ("0n", Some(Duration::ZERO)),
            ("", None),
            ("S", None),
            ("100000000S", None),
            ("-1S", None),
            ("+1S", None),
            ("1", None),
            ("1s", None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert("grpc-timeout", http::HeaderValue::from_static(text));
            assert_eq!(timeout_of(&headers), expected, "{text:?}");
        }
        assert_eq!(timeout_of(&HeaderMap::new()), None);
    }
}
