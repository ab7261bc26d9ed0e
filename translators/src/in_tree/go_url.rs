//! `url.Parse` of Go 1.26, as far as an id `aws://zone/volume` needs it:
//! whether it accepts the text, and the path.

use std::borrow::Cow;
use std::net::Ipv6Addr;

/// Why Go would not take the text for a URL; without any of the text.
pub(crate) type Reason = &'static str;

const ESCAPE: Reason = "the URL has an invalid escape";
const HOST: Reason = "the URL has a character that no host name has";
const PORT: Reason = "the URL has an invalid port";
const IP_LITERAL: Reason = "the URL has an invalid address in brackets";

/// Where percent signs stand, which decides what they may hide.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    /// Anything.
    Path,
    /// Only bytes beyond ASCII, and the percent sign (RFC 3986 and 6874).
    Host,
    /// What a host may hold, a space, and the percent sign.
    Zone,
}

/// The decoded path of a URL, given what follows its scheme and `//`.
pub(crate) fn path(after_scheme: &str) -> Result<Cow<'_, [u8]>, Reason> {
    // Nearly every id: nothing in it that a URL has rules for.
    let bytes = after_scheme.as_bytes();
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'/');
    if bytes.iter().all(is_plain) {
        let start = bytes.iter().position(|byte| *byte == b'/');
        return Ok(Cow::Borrowed(&bytes[start.unwrap_or(bytes.len())..]));
    }
    path_by_the_rules(after_scheme).map(Cow::Owned)
}

fn path_by_the_rules(after_scheme: &str) -> Result<Vec<u8>, Reason> {
    let (url, fragment) = after_scheme.split_once('#').unwrap_or((after_scheme, ""));
    if url.bytes().any(|byte| byte < 0x20 || byte == 0x7f) {
        return Err("the URL has a control character");
    }
    let url = url.split_once('?').map_or(url, |(before, _)| before);
    let (authority, path) = url.split_at(url.find('/').unwrap_or(url.len()));
    check_authority(authority)?;
    let path = unescape(path, Part::Path)?;
    unescape(fragment, Part::Path)?;
    Ok(path)
}

fn check_authority(authority: &str) -> Result<(), Reason> {
    let Some((user, host)) = authority.rsplit_once('@') else {
        return check_host(authority);
    };
    check_host(host)?;
    if !user.bytes().all(is_user_byte) {
        return Err("the URL has invalid user information");
    }
    // Go looks at name and password one by one, so no escape may span the colon.
    let (name, password) = user.split_once(':').unwrap_or((user, ""));
    unescape(name, Part::Path)?;
    unescape(password, Part::Path)?;
    Ok(())
}

fn is_user_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._:~!$&'()*+,;=%@".contains(&byte)
}

fn check_host(host: &str) -> Result<(), Reason> {
    match host.rfind('[') {
        Some(0) => check_ip_literal(&host[1..]),
        Some(_) => Err(IP_LITERAL),
        None => {
            let port = host.rfind(':').map_or("", |colon| &host[colon..]);
            check_port(port)?;
            unescape(host, Part::Host).map(drop)
        }
    }
}

/// What follows the opening bracket.
fn check_ip_literal(text: &str) -> Result<(), Reason> {
    let (address, port) = text.rsplit_once(']').ok_or(IP_LITERAL)?;
    check_port(port)?;
    let (address, zone) = match address.find("%25") {
        Some(percent) => address.split_at(percent),
        None => (address, ""),
    };
    let address = unescape(address, Part::Host)?;
    let named = zone.is_empty() || unescape(zone, Part::Zone)?.len() > 1;
    let parsed = std::str::from_utf8(&address).map(str::parse::<Ipv6Addr>);
    match parsed {
        Ok(Ok(_)) if named => Ok(()),
        _ => Err(IP_LITERAL),
    }
}

/// A port with its colon, or nothing.
fn check_port(port: &str) -> Result<(), Reason> {
    let digits = match port.strip_prefix(':') {
        Some(digits) => digits,
        None if port.is_empty() => "",
        None => return Err(PORT),
    };
    if digits.bytes().all(|byte| byte.is_ascii_digit()) {
        Ok(())
    } else {
        Err(PORT)
    }
}

fn is_host_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!\"$&'()*+,-.:;<=>[]_~".contains(&byte)
}

fn unescape(text: &str, part: Part) -> Result<Vec<u8>, Reason> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        if byte != b'%' {
            if part != Part::Path && byte < 0x80 && !is_host_byte(byte) {
                return Err(HOST);
            }
            bytes.push(byte);
            rest = after;
            continue;
        }
        let (hex, after) = after.split_at_checked(2).ok_or(ESCAPE)?;
        let hidden = decode_hex(hex).ok_or(ESCAPE)?;
        let allowed = match part {
            Part::Path => true,
            Part::Host => hidden >= 0x80 || hidden == b'%',
            Part::Zone => hidden == b'%' || hidden == b' ' || is_host_byte(hidden),
        };
        if !allowed {
            return Err(ESCAPE);
        }
        bytes.push(hidden);
        rest = after;
    }
    Ok(bytes)
}

fn decode_hex(hex: &[u8]) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let [high, low] = hex else { return None };
    u8::try_from(digit(*high)? * 16 + digit(*low)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn accepted(text: &str, expected: &[u8]) {
        assert_eq!(path(text).as_deref(), Ok(expected), "{text}");
    }

    #[test]
    fn the_path_is_what_stands_between_host_and_query() {
        accepted("us-east-1a/vol-1", b"/vol-1");
        accepted("/vol-%41?a=%zz#b", b"/vol-A");
        accepted("zone", b"");
        accepted("zone?x/vol-1", b"");
        accepted("/%ff%00", b"/\xff\0");
    }

    #[test]
    fn hosts_that_go_takes() {
        for host in [
            "",
            ":80",
            "a:b:80",
            "::1",
            "x]",
            "z%C3%A9",
            "é",
            "[::1]",
            "[::1]:80",
            "[fe80::1%25en0]",
            "[fe80::1%25%20]",
            "[::ffff:1.2.3.4]",
            "u:p@z",
            "u@v@z",
            "a%25b",
        ] {
            accepted(&format!("{host}/vol-1"), b"/vol-1");
        }
    }

    #[test]
    fn hosts_that_go_refuses() {
        for host in [
            "a b",
            "z%20ne",
            "z\\",
            "z|",
            "z`",
            "z{",
            "z^",
            ":8a",
            "a[::1]",
            "[::1",
            "[1.2.3.4]",
            "[::1]x",
            "[::1%25]",
            "[::1%25%C3]",
            "[]",
            "[zone]",
            "u%zz@z",
            "u é@z",
            "%4",
            "z%7F",
        ] {
            assert!(path(&format!("{host}/vol-1")).is_err(), "{host}");
        }
    }

    #[test]
    fn control_characters_count_before_the_fragment_only() {
        assert!(path("/vol-1\n").is_err());
        accepted("/vol-1#\n", b"/vol-1");
        assert!(path("/vol-1#%zz").is_err());
    }
}
