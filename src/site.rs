//! What a site adds: its values file and its own mappings, read from files.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;
use flex2csi_translators::flex::Mappings;
use flex2csi_translators::values::ValuesError;
use flex2csi_translators::{Values, in_tree};

use crate::exit::Usage;
use crate::manifest;

/// Where a site's own mappings are.
#[derive(Debug, Clone, Default, Args)]
pub struct MappingsArgs {
    /// Further mappings of FlexVolume drivers: a file, or a directory of them; may be
    /// repeated.
    #[arg(long = "mappings", value_name = "FILE|DIR")]
    pub places: Vec<PathBuf>,
}

impl MappingsArgs {
    /// The built-in mappings and these, as [`mappings`].
    ///
    /// # Errors
    /// As [`mappings`].
    pub fn read(&self) -> anyhow::Result<Mappings> {
        mappings(&self.places)
    }
}

/// Reads the built-in mappings and those of the directories, in order: a later
/// one takes the place of an earlier one.
///
/// # Errors
/// A directory or a file cannot be read, or a mapping in it is wrong.
pub fn mappings(directories: &[PathBuf]) -> anyhow::Result<Mappings> {
    let mut mappings = Mappings::built_in();
    for directory in directories {
        for file in mapping_files(directory)? {
            let text = read(&file)?;
            mappings
                .add(&file.display().to_string(), &text)
                .map_err(|error| Usage(error.to_string()))?;
        }
    }
    Ok(mappings)
}

/// The mapping files of a directory, in order; of a file, the file itself.
///
/// # Errors
/// The directory cannot be read, or has none.
pub fn mapping_files(directory: &Path) -> Result<Vec<PathBuf>, Usage> {
    let usage = |error: std::io::Error| Usage(format!("{}: {error}", directory.display()));
    if directory.is_file() {
        return Ok(vec![directory.to_owned()]);
    }
    let mut files = Vec::new();
    for entry in std::fs::read_dir(directory).map_err(usage)? {
        let path = entry.map_err(usage)?.path();
        if matches!(
            path.extension().and_then(|end| end.to_str()),
            Some("yaml" | "yml")
        ) {
            files.push(path);
        }
    }
    files.sort();
    if files.is_empty() {
        let message = format!("{}: no mapping (*.yaml) in it", directory.display());
        return Err(Usage(message));
    }
    Ok(files)
}

/// Reads a values file and checks it against what the sources declare.
///
/// # Errors
/// The file cannot be read, is not a values file, or has a section or a key
/// that no source declares.
pub fn values(file: Option<&Path>, mappings: &Mappings) -> anyhow::Result<Values> {
    let Some(file) = file else {
        return Ok(Values::default());
    };
    let text = read(file)?;
    let json = manifest::yaml::to_json(&text, 1)
        .map_err(|error| Usage(format!("{}: {error}", file.display())))?;
    // Values may be secret: what is wrong is said without them.
    let wrong = |error: ValuesError| Usage(format!("{}: {error}", file.display()));
    let values = Values::parse(&json).map_err(wrong)?;
    check_values(&values, mappings).map_err(wrong)?;
    Ok(values)
}

/// Checks values against what the in-tree sources and the mappings declare.
///
/// # Errors
/// The first section, key or value that no source declares.
pub fn check_values(values: &Values, mappings: &Mappings) -> Result<(), ValuesError> {
    let in_tree: Vec<_> = in_tree::stored::catalogue().collect();
    let in_tree = in_tree
        .iter()
        .map(|source| (source.name, source.values.as_slice()));
    values.check(mappings.values_sections().chain(in_tree))
}

fn read(file: &Path) -> anyhow::Result<String> {
    std::fs::read_to_string(file)
        .with_context(|| format!("cannot read {}", file.display()))
        .map_err(|error| Usage(format!("{error:#}")).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> String {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("site.yaml");
        std::fs::write(&file, text).unwrap();
        let error = values(Some(&file), &Mappings::built_in()).unwrap_err();
        error.to_string()
    }

    #[test]
    fn what_is_wrong_with_values_is_said_once() {
        let wanted = "a section for each source, `name: {key: value}`";
        assert_eq!(said("- a\n").matches(wanted).count(), 1);
        let number = said("rbd: {clusterID: 5}\n");
        assert!(number.ends_with("numbers go in quotes"), "{number}");
    }
}
