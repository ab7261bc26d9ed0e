//! The disk's name in its URI. The Go library finds it with these patterns,
//! anywhere in the text, where `.` is any character but a line break:
//!
//! - `.*/subscriptions/(?:.*)/resourceGroups/(?:.*)/providers/Microsoft.Compute/disks/(.+)`
//! - `http(?:.*)://(?:.*)/vhds/(.+)`, for what begins with `http` in any case
//!
//! Each part takes as much as it can, so the first parts may stand anywhere
//! before the last one, and of several last ones the last counts.

/// The disk's name.
pub(super) fn of(uri: &str) -> Option<&str> {
    let start = uri.as_bytes().get(..4);
    let is_url = uri.len() > 4 && start.is_some_and(|start| start.eq_ignore_ascii_case(b"http"));
    uri.split('\n').find_map(|line| match is_url {
        true => blob(line),
        false => managed(line),
    })
}

fn managed(line: &str) -> Option<&str> {
    let rest = after(line, "/subscriptions/")?;
    let rest = after(rest, "/resourceGroups/")?;
    rest.rmatch_indices("/providers/Microsoft")
        .find_map(|(start, found)| {
            let mut rest = rest[start + found.len()..].chars();
            // The pattern's dot.
            rest.next()?;
            let name = rest.as_str().strip_prefix("Compute/disks/")?;
            (!name.is_empty()).then_some(name)
        })
}

fn blob(line: &str) -> Option<&str> {
    const FOLDER: &str = "/vhds/";
    let rest = after(line, "http")?;
    let rest = after(rest, "://")?;
    // At least one character has to follow.
    let last = rest.chars().next_back()?;
    let start = rest[..rest.len() - last.len_utf8()].rfind(FOLDER)?;
    Some(&rest[start + FOLDER.len()..])
}

fn after<'a>(text: &'a str, part: &str) -> Option<&'a str> {
    text.split_once(part).map(|(_, rest)| rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn managed_disks() {
        let id = "/subscriptions/1/resourceGroups/2/providers/Microsoft.Compute/disks/";
        for (uri, expected) in [
            (format!("{id}d"), Some("d")),
            (format!("x{id}d/e"), Some("d/e")),
            (format!("{id}{id}d"), Some("d")),
            (
                format!("{id}a/providers/Microsoft.Compute/disks/"),
                Some("a/providers/Microsoft.Compute/disks/"),
            ),
            (format!("\n{id}d\nx"), Some("d")),
            (format!("{id}\nd"), None),
            (id.to_owned(), None),
            (id.replace("Microsoft.", "Microsoftü") + "d", Some("d")),
            (
                "/subscriptions//resourceGroups//providers/Microsoft.Compute/disks/d".into(),
                Some("d"),
            ),
            (
                "/subscriptions/resourceGroups/providers/Microsoft.Compute/disks/d".into(),
                None,
            ),
            (id.to_lowercase() + "d", None),
        ] {
            assert_eq!(of(&uri), expected, "{uri}");
        }
    }

    #[test]
    fn blobs() {
        for (uri, expected) in [
            ("https://foo/vhds/n.vhd", Some("n.vhd")),
            ("http:///vhds/n", Some("n")),
            ("http://foo/vhds/vhds/n", Some("n")),
            ("http://foo/vhds/vhds/", Some("vhds/")),
            ("http://vhds/n", None),
            ("http://foo/vhds/", None),
            ("Http://foo/vhds/n", None),
            ("HTTPx/http://foo/vhds/n", Some("n")),
            ("http", None),
        ] {
            assert_eq!(of(uri), expected, "{uri}");
        }
    }
}
