use std::io::Read;

use proptest::prelude::*;

use super::YamlSplitter;
use crate::manifest::Piece;

/// A piece without its borrow.
#[derive(Debug, PartialEq)]
enum Seen {
    Between(String),
    Document(u64, String),
    /// One with its own `---`.
    Marked(u64, String),
    Broken(u64, String, bool),
}

/// Reads at most so many bytes at once.
struct Chunks<'a>(&'a [u8], usize);

impl Read for Chunks<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let size = self.1.min(self.0.len()).min(buffer.len());
        let (now, rest) = self.0.split_at(size);
        buffer[..size].copy_from_slice(now);
        self.0 = rest;
        Ok(size)
    }
}

fn read(splitter: &mut YamlSplitter<impl Read>) -> Vec<Seen> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let mut seen = Vec::new();
    while let Some(piece) = splitter.next().unwrap() {
        seen.push(match piece {
            Piece::Between(bytes) => Seen::Between(text(bytes)),
            Piece::Object {
                text: bytes,
                line,
                own_marker: false,
                ..
            } => Seen::Document(line, text(bytes)),
            Piece::Object {
                text: bytes, line, ..
            } => Seen::Marked(line, text(bytes)),
            Piece::Broken {
                text: bytes,
                line,
                error,
            } => Seen::Broken(line, text(bytes), error.is_some()),
        });
    }
    seen
}

fn split(input: &str) -> Vec<Seen> {
    let whole = read(&mut YamlSplitter::new(input.as_bytes()));
    for size in 1..4 {
        assert_eq!(
            whole,
            read(&mut YamlSplitter::new(Chunks(input.as_bytes(), size)))
        );
    }
    whole
}

fn between(text: &str) -> Seen {
    Seen::Between(text.to_owned())
}

fn document(line: u64, text: &str) -> Seen {
    Seen::Document(line, text.to_owned())
}

fn marked(line: u64, text: &str) -> Seen {
    Seen::Marked(line, text.to_owned())
}

#[test]
fn markers_comments_and_blank_lines_are_between() {
    assert_eq!(
        split(
            "# license\n\n---\n# first\na: 1\n# inner\nb: 2\n\n--- # x\n---\t\n\nc: 3\n...\n# end\n"
        ),
        [
            between("# license\n\n---\n# first\n"),
            document(5, "a: 1\n# inner\nb: 2\n\n"),
            between("--- # x\n---\t\n\n"),
            document(12, "c: 3\n"),
            between("...\n# end\n"),
        ]
    );
}

#[test]
fn inputs_without_documents() {
    assert_eq!(split(""), []);
    assert_eq!(split("---"), [between("---")]);
    assert_eq!(
        split("---\n# x\n  \n---\n...\n"),
        [between("---\n# x\n  \n---\n...\n")]
    );
}

#[test]
fn a_marker_is_one_inside_a_block_scalar_too() {
    assert_eq!(
        split("a: |\n  x\n---\nb: |\n  ---\n  y\n"),
        [
            document(1, "a: |\n  x\n"),
            between("---\n"),
            document(4, "b: |\n  ---\n  y\n")
        ]
    );
}

#[test]
fn only_three_characters_and_white_space_are_a_marker() {
    let input = "---a: 1\n---- : 2\n --- : 3\n...b: 4\n--\n";
    assert_eq!(split(input), [document(1, input)]);
}

#[test]
fn a_document_may_start_on_its_markers_line() {
    assert_eq!(
        split("--- {a: 1}\n--- |\n # text\n--- !!map\nb: 2\n---\n- --- x\n"),
        [
            marked(1, "--- {a: 1}\n"),
            marked(2, "--- |\n # text\n"),
            marked(4, "--- !!map\nb: 2\n"),
            between("---\n"),
            document(7, "- --- x\n"),
        ]
    );
}

#[test]
fn directives_belong_to_the_document_behind_them() {
    assert_eq!(
        split("%YAML 1.1\n# x\n---\na: 1\n...\n%TAG ! a:\n--- b\n---\n%c: 3\n"),
        [
            marked(1, "%YAML 1.1\n# x\n---\na: 1\n"),
            between("...\n"),
            marked(6, "%TAG ! a:\n--- b\n"),
            between("---\n"),
            // Behind a `---` there are none.
            document(9, "%c: 3\n"),
        ]
    );
}

#[test]
fn windows_files_and_byte_order_marks_are_read() {
    assert_eq!(
        split("\u{feff}a: 1\r\n---\r\nb: 2\r\n...\r\n"),
        [
            between("\u{feff}"),
            document(1, "a: 1\r\n"),
            between("---\r\n"),
            document(3, "b: 2\r\n"),
            between("...\r\n"),
        ]
    );
}

#[test]
fn a_document_over_the_limit_is_passed_through_and_the_next_is_read() {
    for large in ["x: y\n".repeat(100), "z".repeat(500) + "\n"] {
        let input = format!("# c\n{large}---\nb: 2\n");
        for size in [1, 1000] {
            let chunks = Chunks(input.as_bytes(), size);
            let seen = read(&mut YamlSplitter::new(chunks).with_limit(40));
            assert_eq!(seen[0], between("# c\n"));
            assert!(matches!(&seen[1], Seen::Broken(2, _, true)), "{seen:?}");
            let documents = seen
                .iter()
                .filter(|seen| matches!(seen, Seen::Document(..)));
            assert_eq!(documents.count(), 1, "{seen:?}");
            let errors = seen
                .iter()
                .filter(|seen| matches!(seen, Seen::Broken(_, _, true)));
            assert_eq!(errors.count(), 1, "{seen:?}");
        }
    }
    let mut splitter = YamlSplitter::new(&b"aaaaaaaaaaaa"[..]).with_limit(5);
    let Some(Piece::Broken {
        error: Some(error), ..
    }) = splitter.next().unwrap()
    else {
        panic!()
    };
    assert!(error.to_string().contains("give it as JSON"), "{error}");
}

fn jumble() -> impl Strategy<Value = Vec<u8>> {
    let bit = prop::sample::select(vec![
        "---", "...", "\n", "\n", "\r\n", " ", "\t", "#", "%", "a: 1", "- ", "|", "{", "\u{feff}",
        "x",
    ]);
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..200),
        prop::collection::vec(bit, 0..60).prop_map(|bits| bits.concat().into_bytes()),
    ]
}

proptest! {
    #[test]
    fn pieces_are_the_input(input in jumble(), size in 1_usize..50, limit in 1_usize..300) {
        let mut splitter = YamlSplitter::new(Chunks(&input, size)).with_limit(limit);
        let mut output = Vec::new();
        while let Some(piece) = splitter.next().unwrap() {
            prop_assert!(!piece.text().is_empty());
            if let Piece::Object { line, .. } | Piece::Broken { line, .. } = &piece {
                let before = output.iter().filter(|b| **b == b'\n').count() as u64;
                prop_assert_eq!(*line, before + 1);
            }
            output.extend_from_slice(piece.text());
        }
        prop_assert_eq!(output, input);
    }

    #[test]
    fn chunks_do_not_matter(input in jumble(), size in 1_usize..50) {
        let whole = read(&mut YamlSplitter::new(&input[..]));
        prop_assert_eq!(read(&mut YamlSplitter::new(Chunks(&input, size))), whole);
    }
}
