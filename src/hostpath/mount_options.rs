//! Mount flags as `mount -o` takes them.

use rustix::mount::MountFlags;

/// Longest list of options for a filesystem: the kernel takes one page.
const LONGEST: usize = 4096;

/// Flags, told apart by whom they are for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct MountOptions {
    /// For the mount itself, so that each mount of a filesystem has its own.
    pub of_mount: MountFlags,
    /// For the filesystem, in its own words.
    pub of_filesystem: Vec<String>,
}

/// What `mount` calls the flags of a mount; `false` takes one back.
const FLAGS: [(&str, MountFlags, bool); 17] = [
    ("defaults", MountFlags::empty(), true),
    ("ro", MountFlags::RDONLY, true),
    ("rw", MountFlags::RDONLY, false),
    ("nosuid", MountFlags::NOSUID, true),
    ("suid", MountFlags::NOSUID, false),
    ("nodev", MountFlags::NODEV, true),
    ("dev", MountFlags::NODEV, false),
    ("noexec", MountFlags::NOEXEC, true),
    ("exec", MountFlags::NOEXEC, false),
    ("noatime", MountFlags::NOATIME, true),
    ("atime", MountFlags::NOATIME, false),
    ("nodiratime", MountFlags::NODIRATIME, true),
    ("diratime", MountFlags::NODIRATIME, false),
    ("relatime", MountFlags::RELATIME, true),
    ("norelatime", MountFlags::RELATIME, false),
    ("strictatime", MountFlags::STRICTATIME, true),
    ("nostrictatime", MountFlags::STRICTATIME, false),
];

/// Words of `mount` that are no options of a filesystem and would do harm here.
const REFUSED: [&str; 9] = [
    "remount", "bind", "loop", "move", "rbind", "user", "users", "nofail", "_netdev",
];

impl MountOptions {
    /// Reads flags, of which each may be a list; the later one counts.
    pub(super) fn parse(flags: &[String]) -> Result<Self, String> {
        let mut of_mount = MountFlags::empty();
        let mut of_filesystem = Vec::new();
        let each = flags.iter().flat_map(|flags| flags.split(','));
        for option in each.filter(|option| !option.is_empty()) {
            match FLAGS.iter().find(|(name, ..)| *name == option) {
                Some((_, flag, set)) => of_mount.set(*flag, *set),
                None if REFUSED.contains(&option) => {
                    return Err(format!("the mount flag {option:?} is not for volumes"));
                }
                None if option.contains('\0') => {
                    return Err("a mount flag has a zero byte in it".to_owned());
                }
                None => of_filesystem.push(option.to_owned()),
            }
        }
        if of_filesystem
            .iter()
            .map(|each| each.len() + 1)
            .sum::<usize>()
            >= LONGEST
        {
            return Err(format!("mount flags are longer than {LONGEST} bytes"));
        }
        Ok(Self {
            of_mount,
            of_filesystem,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(flags: &[&str]) -> Result<MountOptions, String> {
        MountOptions::parse(
            &flags
                .iter()
                .map(|flag| (*flag).to_owned())
                .collect::<Vec<_>>(),
        )
    }

    #[test]
    fn flags_are_told_apart() {
        let options = parse(&["ro,noatime", "data=ordered", "nosuid", "suid", ""]).unwrap();
        assert_eq!(options.of_mount, MountFlags::RDONLY | MountFlags::NOATIME);
        assert_eq!(options.of_filesystem, ["data=ordered"]);
        assert_eq!(parse(&[]).unwrap().of_mount, MountFlags::empty());
    }

    #[test]
    fn what_does_harm_is_refused() {
        for flags in [
            &["remount"][..],
            &["a\0"],
            &["ro,loop"],
            &["x".repeat(4096).as_str()],
        ] {
            assert!(parse(flags).is_err(), "{flags:?}");
        }
    }
}
