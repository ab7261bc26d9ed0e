//! Reading a configuration with all that it refers to.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use flex2csi_translators::Values;
use flex2csi_translators::flex::Mappings;

use super::error::{ConfigError, Faults, fault};
use super::model::Config;
use super::resolve::resolve;
use super::seen::Seen;
use super::{schema, site, text};

/// A configuration that was checked, with what it refers to.
pub struct Loaded {
    /// The configuration itself.
    pub config: Config,
    /// What only the site knows. Some of it may be secret.
    pub values: Arc<Values>,
    /// The built-in mappings and the site's own.
    pub mappings: Arc<Mappings>,
}

impl Loaded {
    /// Reads a configuration and checks it, with its values and mappings. It
    /// blocks: mappings run their examples.
    ///
    /// # Errors
    /// Everything that is wrong, with file, line and column.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        read(path, &mut Seen::default())
    }
}

impl fmt::Debug for Loaded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Loaded")
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}

/// [`Loaded::read`], which says what it looked at even where it fails.
pub(super) fn read(path: &Path, seen: &mut Seen) -> Result<Loaded, ConfigError> {
    let one = |fault| ConfigError::Wrong(vec![fault]);
    seen.look(path);
    let bytes = text::read(path).map_err(|message| one(fault(path, 1, 1, message)))?;
    let text = text::utf8(path, &bytes).map_err(one)?;
    // First what is no YAML, in the words that every input of ours gets.
    let json = text::to_json(path, text).map_err(one)?;
    let file: schema::File = text::parse(path, text).map_err(one)?;
    let mut faults = Faults::of(path);
    let config = resolve(&file, &mut faults);
    let site = site::mappings(&file, &mut faults, seen).map(|mappings| {
        let values = site::values(&file, &json, &mappings, &mut faults, seen);
        site::provisioners(&file, &mappings, &mut faults);
        (mappings, values)
    });
    match site {
        Some((mappings, values)) if faults.is_empty() => Ok(Loaded {
            config,
            values: Arc::new(values),
            mappings: Arc::new(mappings),
        }),
        _ => Err(faults.into_error()),
    }
}
