use std::os::unix::ffi::OsStrExt;

use proptest::prelude::*;

use super::*;

const TABLE: &[u8] = b"\
22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw,discard
36 22 98:0 /mnt1 /mnt2 ro,noatime master:1 propagate_from:2 - ext3 /dev/root rw,errors=continue
40 22 0:30 / /a\\040b\\011c\\012d\\134e rw - tmpfs  ro,size=4k
41 40 7:3 / /mnt2 rw - fuse.sshfs user@host:/x\\043y rw
";

#[test]
fn a_table_is_read() {
    let table = MountTable::parse(TABLE).unwrap();
    let [root, bind, odd, above] = table.mounts.as_slice() else {
        panic!("{table:?}")
    };
    assert_eq!(root.propagation, ["shared:1"]);
    assert_eq!(
        (bind.id, bind.parent, bind.device, bind.root.to_str()),
        (36, 22, (98, 0), Some("/mnt1"))
    );
    assert!(bind.is_readonly() && !bind.is_filesystem_readonly());
    assert_eq!(bind.propagation, ["master:1", "propagate_from:2"]);
    assert_eq!(odd.target, Path::new("/a b\tc\nd\\e"));
    assert_eq!(odd.source, "");
    assert!(odd.is_filesystem_readonly() && !odd.has_option("ro"));
    assert_eq!(above.source, "user@host:/x#y");
    assert_eq!(table.at(Path::new("/mnt2")), Some(above), "the last one");
    assert_eq!(table.at(Path::new("/mnt")), None);
    assert_eq!(
        table.of_source(Path::new("/dev/root")).collect::<Vec<_>>(),
        [bind]
    );
}

#[test]
fn what_is_mounted_where_is_found_without_the_rest() {
    let paths = ["/mnt2", "/mnt", "/a b\tc\nd\\e", "/", "/mnt2"].map(Path::new);
    let found = targets::among(TABLE, &paths).unwrap();
    assert_eq!(found, [true, false, true, true, true]);
    assert!(targets::among(TABLE, &[] as &[&Path]).unwrap().is_empty());
    let cut = [TABLE, b"42 22 0:30 /"].concat();
    let error = targets::among(&*cut, &paths).unwrap_err();
    assert!(error.to_string().contains("line 5"), "{error}");
    assert_eq!(are_mounted(&["/proc", "/proc/no"]).unwrap(), [true, false]);
}

#[test]
fn what_is_no_escape_stays() {
    for text in [r"\04", r"\", r"\4000", r"\08x", r"a\x41"] {
        assert_eq!(unescape(text.as_bytes()), text);
    }
    assert_eq!(unescape(br"\1340").as_bytes(), br"\0", "once only");
}

#[test]
fn a_wrong_line_is_named() {
    let table: [(&[u8], &str); 5] = [
        (b"x", "a mount id that is no number"),
        (b"1 2 3 / /", "a device that is not MAJOR:MINOR"),
        (b"1 2 3:4 / / rw shared:1", "no separator"),
        (
            b"1 2 3:4 / / rw - ext4 /dev/vda",
            "no options of the filesystem",
        ),
        (b"1 2 3:4 / / \xff - a b c", "options that are no text"),
    ];
    for (line, what) in table {
        let text = [TABLE, line].concat();
        assert_eq!(
            MountTable::parse(&text),
            Err(ParseError { line: 5, what }),
            "{line:?}"
        );
    }
}

#[test]
fn the_table_of_this_process_is_one() {
    let table = MountTable::read().unwrap();
    assert!(table.at(Path::new("/proc")).is_some());
}

/// As the kernel's `mangle` writes it.
fn escape(plain: &[u8]) -> Vec<u8> {
    plain
        .iter()
        .flat_map(|byte| match byte {
            b' ' | b'\t' | b'\n' | b'\\' | b'#' => format!("\\{byte:03o}").into_bytes(),
            other => vec![*other],
        })
        .collect()
}

proptest! {
    #[test]
    fn any_path_comes_back(path in prop::collection::vec(1..=255u8, 0..64)) {
        let escaped = escape(&path);
        let plain = unescape(&escaped);
        prop_assert_eq!(plain.as_bytes(), path.as_slice());
        let line = [b"1 2 3:4 / /", &escaped[..], b" rw - a ", &escaped[..], b" rw"].concat();
        let table = MountTable::parse(&line).unwrap();
        let mut target = b"/".to_vec();
        target.extend(&path);
        prop_assert!(table.at(Path::new(OsStr::from_bytes(&target))).is_some());
        prop_assert_eq!(table.mounts[0].source.as_bytes(), path.as_slice());
        let target = Path::new(OsStr::from_bytes(&target));
        let found = targets::among(&*line, &[target, Path::new("/other/")]).unwrap();
        prop_assert_eq!(found, [true, false]);
    }

    #[test]
    fn no_text_panics(text in prop::collection::vec(any::<u8>(), 0..256)) {
        let _ = MountTable::parse(&text);
        let _ = targets::among(&*text, &["/a"]);
    }
}
