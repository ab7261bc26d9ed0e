use std::io::{Read, Write};

use super::{Format, Reader, open};
use crate::manifest::{DEFAULT_LIMIT, Error, Piece, Source};

/// Gives its bytes one by one.
struct Slowly(&'static [u8]);

impl Read for Slowly {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        self.0.read(&mut buffer[..1])
    }
}

fn format_and_objects(input: &'static [u8]) -> (Format, Vec<String>) {
    let mut reader = Reader::new(Slowly(input), DEFAULT_LIMIT).unwrap();
    let mut objects = Vec::new();
    let mut copy = Vec::new();
    while let Some(piece) = reader.next().unwrap() {
        copy.extend_from_slice(piece.text());
        if let Piece::Object { text, .. } = piece {
            objects.push(String::from_utf8_lossy(text).into_owned());
        }
    }
    assert_eq!(copy, input);
    (reader.format(), objects)
}

#[test]
fn a_brace_means_json_and_everything_else_yaml() {
    for (input, format, objects) in [
        (
            &b"\xef\xbb\xbf \r\n\t{}\n{}"[..],
            Format::Json,
            &["{}", "{}"][..],
        ),
        (b"{a: 1}", Format::Json, &["{a: 1}"]),
        (b"\xef\xbb\xbf# x\na: 1", Format::Yaml, &["a: 1"]),
        (b"---\n{}\n", Format::Yaml, &["{}\n"]),
        (b"[1]", Format::Yaml, &["[1]"]),
        (b"\xef\xbb", Format::Yaml, &["\u{fffd}"]),
        (b" \n", Format::Yaml, &[]),
        (b"", Format::Yaml, &[]),
    ] {
        let (is, seen) = format_and_objects(input);
        assert_eq!(is, format, "{input:?}");
        assert_eq!(seen, objects, "{input:?}");
    }
}

#[test]
fn files_are_opened() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(b"{}").unwrap();
    let reader = open(&Source::File(file.path().to_owned())).unwrap();
    assert_eq!(reader.format(), Format::Json);
    let gone = Source::File(file.path().with_extension("gone"));
    assert!(matches!(open(&gone), Err(Error::Missing { .. })));
}
