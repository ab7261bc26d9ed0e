//! A guide, and the commands in it.

use std::path::{Path, PathBuf};

/// A page of `docs/guides`, or beside it.
pub struct Page {
    /// The overlay that it is about.
    pub overlay: String,
    /// Its commands, by the word after `#` in the first line.
    blocks: Vec<(String, String)>,
}

impl Page {
    /// The page of an overlay.
    pub fn of(overlay: &str) -> Self {
        Self::at(&guides().join(format!("{overlay}.md")), overlay)
    }

    /// The page on what all overlays have in common, where this one is the example.
    pub fn of_installing(overlay: &str) -> Self {
        Self::at(&guides().join("../install.md"), overlay)
    }

    fn at(path: &Path, overlay: &str) -> Self {
        let text = std::fs::read_to_string(path).unwrap();
        let blocks = text.split("```sh\n").skip(1).map(|block| {
            let (block, _) = block.split_once("```").unwrap();
            let (title, commands) = block.split_once('\n').unwrap();
            let title = title.strip_prefix("# ").unwrap();
            (title.to_owned(), commands.to_owned())
        });
        Self {
            overlay: overlay.to_owned(),
            blocks: blocks.collect(),
        }
    }

    /// The commands under a title.
    pub fn commands(&self, title: &str) -> &str {
        let mut found = self.blocks.iter().filter(|(other, _)| other == title);
        let (_, commands) = found
            .next()
            .unwrap_or_else(|| panic!("{} has no {title}", self.overlay));
        assert!(found.next().is_none(), "{} has two {title}", self.overlay);
        commands
    }

    /// All titles, in their order.
    pub fn titles(&self) -> Vec<&str> {
        let titles = self.blocks.iter().map(|(title, _)| title.as_str());
        titles.collect()
    }
}

/// `docs/guides`.
pub fn guides() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/guides"))
}

/// Each overlay for a site has its guide, which is about no other.
#[test]
fn every_overlay_has_its_guide() {
    /// For tests, and for those who write an overlay of their own.
    const WITHOUT: [&str; 2] = ["endpoint", "test-hostpath"];
    let deploy = concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy/overlays");
    let mut count = 0;
    for entry in std::fs::read_dir(deploy).unwrap() {
        let overlay = entry.unwrap().file_name().into_string().unwrap();
        if WITHOUT.contains(&overlay.as_str()) {
            continue;
        }
        let page = Page::of(&overlay);
        for (title, commands) in &page.blocks {
            let overlays = commands.match_indices("deploy/overlays/");
            for (at, found) in overlays {
                let rest = &commands[at + found.len()..];
                assert!(rest.starts_with(&overlay), "{overlay}: {title}");
            }
        }
        count += 1;
    }
    assert_eq!(count, std::fs::read_dir(guides()).unwrap().count());
}
