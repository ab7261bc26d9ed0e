//! Notes: every choice that changes how a volume behaves is named.

use std::borrow::Cow;
use std::fmt;

use serde::Serialize;

use crate::error::Error;
use crate::json::Path;

/// How much a note matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Good to know.
    Info,
    /// Look at it before the object is used.
    Warn,
    /// The object was not translated.
    Block,
}

/// What is worth knowing about one translated object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// Stable; each is explained in `docs/notes.md`.
    pub code: Code,
    /// The code's severity, or a higher one.
    pub severity: Severity,
    /// The field in the input object.
    pub path: Path,
    /// What happened. Never holds a secret.
    pub message: Cow<'static, str>,
    /// What to do about it; empty if there is nothing to do.
    pub remedy: Cow<'static, str>,
}

impl Note {
    /// A note with its code's own severity, path and message.
    pub fn new(code: Code, path: Path, message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            code,
            severity: code.severity(),
            path,
            message: message.into(),
            remedy: Cow::Borrowed(code.remedy()),
        }
    }

    /// The same note with a remedy of its own.
    #[must_use]
    pub fn remedy(mut self, remedy: impl Into<Cow<'static, str>>) -> Self {
        self.remedy = remedy.into();
        self
    }
}

impl From<&Error> for Note {
    fn from(error: &Error) -> Self {
        Self {
            code: error.code(),
            severity: Severity::Block,
            path: error.path().clone(),
            message: error.to_string().into(),
            remedy: error.remedy(),
        }
    }
}

macro_rules! codes {
    ($($variant:ident, $text:literal, $severity:ident, $remedy:literal, $doc:literal;)*) => {
        /// The stable code of a [`Note`].
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum Code {
            $(#[doc = $doc] $variant,)*
        }

        impl Code {
            /// Every code, in the order of the documentation.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The code as written in reports.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }

            /// How much it matters, unless a note says more.
            pub fn severity(self) -> Severity {
                match self { $(Self::$variant => Severity::$severity,)* }
            }

            /// What to do about it, unless a note says more.
            pub fn remedy(self) -> &'static str {
                match self { $(Self::$variant => $remedy,)* }
            }

            /// What it means, in a sentence.
            pub fn meaning(self) -> &'static str {
                match self { $(Self::$variant => $doc,)* }
            }
        }
    };
}

codes! {
    InvalidObject, "invalid-object", Block, "correct the object", "The object is not JSON or YAML that the Kubernetes API accepts.";
    MissingField, "missing-field", Block, "set the field, or translate the volume by hand", "A field that the translation needs is not set.";
    InvalidField, "invalid-field", Block, "correct the field, or translate the volume by hand", "A field's value has no form in the target.";
    NoTranslation, "no-translation", Block, "`flex2csi drivers` lists what can be translated", "No translation is known for the source.";
    SeveralSources, "several-sources", Block, "keep the one source that the volume has", "One volume has more than one source.";
    MissingValue, "missing-value", Block, "add it to the file given with `--values`; `flex2csi explain` says what it is", "The translation needs a value that only the site knows.";
    NotTranslatable, "not-translatable", Block, "the message says what to do instead", "The volume has no successor that a translation reaches.";
    UnknownDriver, "unknown-driver", Block, "write a mapping, from the skeleton in the report of `flex2csi translate`, and give it with `--mappings`", "No mapping is known for the FlexVolume driver.";
    MappingFailed, "mapping-failed", Block, "correct the volume, or override the mapping with `--mappings`", "A mapping's expression did not give what it has to.";
    SecretConflict, "secret-conflict", Block, "give one of the volumes a Secret of its own, and translate it again", "Two volumes ask for one new Secret with different content.";
    ReadOnlyDiffers, "read-only-differs", Warn, "set readOnly on the claim reference of the pods that must not write", "readOnly means something else in CSI: kubelet does not pass it to NodePublish.";
    AccessModesChanged, "access-modes-changed", Warn, "the claim must ask for the same modes: check it before it is bound again", "The volume's access modes are others than before.";
    MultiNodeBlock, "multi-node-block", Warn, "check that the pods of this claim run on one node; most block drivers refuse the mode", "ReadWriteMany stands on a driver that gives one node access at a time.";
    FsGroupChown, "fs-group-chown", Warn, "set the CSIDriver's fsGroupPolicy to None, or fsGroupChangePolicy: OnRootMismatch in the pods", "fsGroup, which the legacy driver left alone, will now change the owner of files.";
    CredentialsInOptions, "credentials-in-options", Warn, "move them to a Secret and remove them from the object", "Credentials stand in the volume's options.";
    SecretKeysDiffer, "secret-keys-differ", Warn, "fill in the Secret that was written beside the volume", "The CSI driver reads other keys than the legacy Secret has.";
    SecretNamespaceAssumed, "secret-namespace-assumed", Info, "", "The Secret's namespace was taken from the claim.";
    SecretDropped, "secret-dropped", Warn, "check that the CSI driver is configured with these credentials", "The CSI driver takes no Secret from the volume; the reference is dropped.";
    StorageClassUnknown, "storage-class-unknown", Info, "give the StorageClass before the volumes, or with --context", "The volume's StorageClass was not in the input, so what it says could not be used.";
    ProvisionerChanged, "provisioner-changed", Info, "", "The provisioner named in the object is now the CSI driver's.";
    ParameterChanged, "parameter-changed", Info, "", "A StorageClass parameter has another name or form.";
    ParameterDropped, "parameter-dropped", Warn, "check that new volumes are still made as they should be", "A StorageClass parameter has no counterpart and is dropped.";
    OptionDropped, "option-dropped", Warn, "check that the volume works without it", "A field or option of the legacy volume has no counterpart and is dropped.";
    MountOptionsAdded, "mount-options-added", Info, "", "Mount options were made from the volume's options.";
    TopologyWritten, "topology-written", Info, "", "Node affinity was made from what the legacy volume says of its place.";
    RetainOnly, "retain-only", Warn, "keep the reclaim policy Retain; delete the backend's volume by hand", "The CSI driver cannot delete this volume.";
    ExpandByHand, "expand-by-hand", Info, "", "The CSI driver cannot expand or snapshot this volume.";
    BackendConfiguration, "backend-configuration", Warn, "configure the backend before the volume is used", "The CSI driver must be configured for this volume first.";
    HandleLong, "handle-long", Info, "", "The handle is longer than the 128 bytes that CSI asks drivers to accept.";
    HandleAssumed, "handle-assumed", Warn, "compare the handle with what the backend lists", "The handle was built by a rule that this project could not try with the vendor's system.";
    Kept, "kept", Info, "", "The source works without CSI and is kept as it is.";
    InlineVolume, "inline-volume", Warn, "apply the new volume and claim, then the workload", "An inline volume became a volume and a claim of its own.";
    InlineShared, "inline-shared", Warn, "check that the replicas may share one volume", "An inline volume of a workload with several pods became one claim for all of them.";
    InlineKept, "inline-kept", Info, "", "An inline volume stays as it is.";
    SnapshotHandleChanges, "snapshot-handle-changes", Warn, "change the handle together with the volume's", "A snapshot names its volume by a handle that translation changes.";
    ViaEndpoint, "via-endpoint", Info, "", "The volume is written for the endpoint of flex2csi, which translates at call time.";
    UnknownSource, "unknown-source", Info, "", "The volume has no source that is known here, and is left alone.";
}

impl Code {
    /// The code that is written so.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| code.as_str() == text)
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Code {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_found_by_what_it_is_written_as() {
        for code in Code::ALL {
            assert_eq!(Code::parse(code.as_str()), Some(*code));
        }
        assert_eq!(Code::parse("no-such-code"), None);
    }
}
