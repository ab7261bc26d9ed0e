//! The canonical form of quantities, as far as capacities of volumes go.

/// `1024Mi` as `1Gi`; what is no quantity stays as it is.
pub fn canonical(text: &str) -> String {
    let end = text
        .find(|c: char| !c.is_ascii_digit() && !"+-.".contains(c))
        .unwrap_or(text.len());
    let (number, suffix) = text.split_at(end);
    let (base, suffixes): (i128, &[&str]) = match suffix {
        "" | "k" | "M" | "G" | "T" | "P" | "E" => (1000, &["", "k", "M", "G", "T", "P", "E"]),
        "Ki" | "Mi" | "Gi" | "Ti" | "Pi" | "Ei" => {
            (1024, &["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"])
        }
        // With an exponent: no case has one that is not canonical.
        _ => return text.to_owned(),
    };
    let power = suffixes.iter().position(|known| *known == suffix);
    let Some(mut value) = power.and_then(|power| whole(number, base.pow(power as u32))) else {
        return text.to_owned();
    };
    let mut power = 0;
    while value != 0 && value % base == 0 && power + 1 < suffixes.len() {
        value /= base;
        power += 1;
    }
    format!("{value}{}", suffixes[power])
}

/// A decimal number times `unit`, if that is whole.
fn whole(number: &str, unit: i128) -> Option<i128> {
    let (before, after) = number.split_once('.').unwrap_or((number, ""));
    let digits: i128 = format!("{before}{after}").parse().ok()?;
    let scale = 10_i128.checked_pow(after.len() as u32)?;
    let scaled = digits.checked_mul(unit)?;
    (scaled % scale == 0).then_some(scaled / scale)
}

#[test]
fn quantities() {
    for (text, expected) in [
        ("1.5Ti", "1536Gi"),
        ("1024Mi", "1Gi"),
        ("1073741824", "1073741824"),
        ("1000M", "1G"),
        ("500M", "500M"),
        ("10e9", "10e9"),
        ("0", "0"),
    ] {
        assert_eq!(canonical(text), expected);
    }
}
