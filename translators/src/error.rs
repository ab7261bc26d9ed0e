//! Why an object was not translated.

use std::borrow::Cow;

use crate::json::{JsonError, Path};
use crate::note::Code;

/// A driver's or a plugin's name as it stands in messages.
pub type DriverName = Cow<'static, str>;

/// Why an object was not translated. It then goes through as it was.
///
/// Messages never hold the value of an option, an attribute or a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The object is not what the Kubernetes API accepts.
    #[error(transparent)]
    Json(#[from] JsonError),
    /// A field that has to be there is not, or holds nothing.
    #[error("{driver}: {path} is not set")]
    MissingField {
        /// CSI driver, in-tree plugin or FlexVolume driver.
        driver: DriverName,
        /// The field.
        path: Path,
    },
    /// A field's value has no form in the target.
    #[error("{driver}: {reason} at {path}")]
    Invalid {
        /// CSI driver, in-tree plugin or FlexVolume driver.
        driver: DriverName,
        /// The field.
        path: Path,
        /// What is wrong with it.
        reason: String,
    },
    /// No translation is known for what the object holds.
    #[error("no translation is known for {what}")]
    NoTranslation {
        /// What holds it.
        path: Path,
        /// The kind of source, plugin or driver that was asked for.
        what: String,
    },
    /// More than one volume source stands in one volume.
    #[error("more than one volume source: {}", .sources.join(", "))]
    SeveralSources {
        /// What holds them.
        path: Path,
        /// The sources' field names.
        sources: Vec<String>,
    },
    /// The translation needs what only the site knows.
    #[error("{driver}: the value `{source_name}.{value}` is needed: {help}")]
    MissingValue {
        /// What is translated with the value.
        path: Path,
        /// CSI driver, in-tree plugin or FlexVolume driver.
        driver: DriverName,
        /// The section of the values file.
        source_name: String,
        /// The key in that section.
        value: String,
        /// What it is and where to find it.
        help: String,
    },
    /// The volume has no successor in CSI, or none that a translation reaches.
    #[error("{driver} cannot be translated: {reason}")]
    NotTranslatable {
        /// The source, or the field that says so.
        path: Path,
        /// In-tree plugin or FlexVolume driver.
        driver: DriverName,
        /// Why.
        reason: String,
        /// What to do instead.
        instead: String,
    },
    /// A FlexVolume driver without a mapping.
    #[error("no mapping is known for the FlexVolume driver {driver:?}")]
    UnknownDriver {
        /// `flexVolume.driver`.
        path: Path,
        /// As it stands in `flexVolume.driver`.
        driver: String,
        /// A mapping file to start from, filled in from the object; option
        /// values that look like credentials are left out.
        skeleton: String,
    },
    /// A newer flex2csi wrote it in a form that this one does not know.
    #[error("{driver}: {path} is of version {version:?}, which this flex2csi does not know")]
    NewerVersion {
        /// What names the version.
        path: Path,
        /// What has versions.
        driver: DriverName,
        /// As it stands, cut to a few characters.
        version: String,
    },
    /// A mapping's expression did not give what it has to.
    #[error("mapping {mapping}: {expression}: {reason}")]
    Mapping {
        /// What the mapping translates.
        path: Path,
        /// The mapping's name.
        mapping: String,
        /// The mapping's field that holds the expression, as `csi.volumeHandle`.
        expression: String,
        /// What went wrong; never a value.
        reason: String,
    },
}

impl Error {
    /// The stable code under which the report names this error.
    pub fn code(&self) -> Code {
        match self {
            Self::Json(_) => Code::InvalidObject,
            Self::MissingField { .. } => Code::MissingField,
            Self::Invalid { .. } | Self::NewerVersion { .. } => Code::InvalidField,
            Self::NoTranslation { .. } => Code::NoTranslation,
            Self::SeveralSources { .. } => Code::SeveralSources,
            Self::MissingValue { .. } => Code::MissingValue,
            Self::NotTranslatable { .. } => Code::NotTranslatable,
            Self::UnknownDriver { .. } => Code::UnknownDriver,
            Self::Mapping { .. } => Code::MappingFailed,
        }
    }

    /// The field that the error is about; empty for the whole object.
    pub fn path(&self) -> &Path {
        match self {
            Self::Json(error) => &error.path,
            Self::MissingField { path, .. }
            | Self::Invalid { path, .. }
            | Self::NoTranslation { path, .. }
            | Self::SeveralSources { path, .. }
            | Self::MissingValue { path, .. }
            | Self::NotTranslatable { path, .. }
            | Self::UnknownDriver { path, .. }
            | Self::NewerVersion { path, .. }
            | Self::Mapping { path, .. } => path,
        }
    }

    fn path_mut(&mut self) -> &mut Path {
        match self {
            Self::Json(error) => &mut error.path,
            Self::MissingField { path, .. }
            | Self::Invalid { path, .. }
            | Self::NoTranslation { path, .. }
            | Self::SeveralSources { path, .. }
            | Self::MissingValue { path, .. }
            | Self::NotTranslatable { path, .. }
            | Self::UnknownDriver { path, .. }
            | Self::NewerVersion { path, .. }
            | Self::Mapping { path, .. } => path,
        }
    }

    /// The same error about another field.
    #[must_use]
    pub fn with_path(mut self, path: Path) -> Self {
        *self.path_mut() = path;
        self
    }

    /// The same error; about the field at `keys` where it names none.
    #[must_use]
    pub(crate) fn about(self, keys: &[&str]) -> Self {
        if self.path().is_empty() {
            self.with_path(Path::of(keys))
        } else {
            self
        }
    }

    /// What the reader of the message can do: what its code says, unless more is known.
    pub fn remedy(&self) -> Cow<'static, str> {
        match self {
            Self::MissingValue {
                source_name, value, ..
            } => format!("add `{source_name}: {{{value}: …}}` to the file given with --values")
                .into(),
            Self::NotTranslatable { instead, .. } => instead.clone().into(),
            Self::NewerVersion { .. } => "use the flex2csi that wrote it, or a newer one".into(),
            Self::Mapping { mapping, .. } => {
                format!("correct the volume, or override the mapping {mapping} with --mappings")
                    .into()
            }
            _ => self.code().remedy().into(),
        }
    }
}
