//! Floats as Go prints them.

/// As Go's encoding/json writes it.
pub(super) fn json(value: f64) -> String {
    let magnitude = value.abs();
    if magnitude == 0.0 || (1e-6..1e21).contains(&magnitude) {
        return format!("{value}");
    }
    go_exponent(&format!("{value:e}"), 1)
}

/// As sigs.k8s.io/yaml writes a key that is a float: `%g`, in 32 bits.
pub(super) fn key(value: f64) -> String {
    #[expect(clippy::cast_possible_truncation, reason = "it is what kubectl does")]
    let value = value as f32;
    if value.is_nan() {
        return ".nan".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { ".inf" } else { "-.inf" }.to_owned();
    }
    let magnitude = value.abs();
    if magnitude == 0.0 || (1e-4..1e6).contains(&magnitude) {
        return format!("{value}");
    }
    go_exponent(&format!("{value:e}"), 2)
}

/// `1e7` as `1e+07`: Go writes the sign, and sometimes two digits at least.
fn go_exponent(scientific: &str, digits: usize) -> String {
    match scientific.split_once('e') {
        Some((mantissa, exponent)) => {
            let (sign, exponent) = match exponent.strip_prefix('-') {
                Some(exponent) => ('-', exponent),
                None => ('+', exponent),
            };
            format!("{mantissa}e{sign}{exponent:0>digits$}")
        }
        None => scientific.to_owned(),
    }
}
