//! What is known of a source, for people and for the dispatch.

use std::borrow::Cow;

use serde::Serialize;

use crate::values::{ValueSpec, Values};

/// How far a translation goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reach {
    /// From the object alone.
    Full,
    /// With values that only the site knows.
    NeedsValue,
    /// Left as it is: it works without CSI.
    Kept,
    /// Translated if asked for; otherwise left as it is.
    OnRequest,
    /// No CSI driver takes it over.
    NotTranslatable,
}

/// Where a field of the CSI volume comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct FieldOrigin {
    /// The field of the translated object.
    pub target: &'static str,
    /// The field, parameter, annotation or value that it is made of; empty for
    /// a fixed text.
    pub from: &'static str,
    /// How, where that is not plain.
    pub remark: &'static str,
}

/// One row of the table that a source's file has.
pub(crate) const fn field(
    target: &'static str,
    from: &'static str,
    remark: &'static str,
) -> FieldOrigin {
    FieldOrigin {
        target,
        from,
        remark,
    }
}

/// What is known of an in-tree source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SourceInfo {
    /// The member of a volume that holds the source, and the section of the
    /// values file.
    pub name: &'static str,
    /// The in-tree plugin.
    pub plugin: &'static str,
    /// The provisioners of its StorageClasses.
    pub provisioners: &'static [&'static str],
    /// The CSI driver that takes over.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub driver: Option<&'static str>,
    /// How far it goes.
    pub reach: Reach,
    /// One sentence.
    pub summary: &'static str,
    /// What only the site knows.
    pub values: Vec<ValueSpec>,
    /// Where each field comes from.
    pub fields: &'static [FieldOrigin],
}

/// The access mode of a volume made of an inline one.
#[derive(Debug, Clone, Copy)]
pub(crate) enum InlineMode {
    /// ReadWriteOnce, the driver having no mode for several readers.
    Once,
    /// ReadWriteOnce, or ReadOnlyMany where the source is read only.
    OnceOrReadOnly,
    /// ReadWriteMany, or ReadOnlyMany where the source is read only.
    ManyOrReadOnly,
    /// ReadWriteMany.
    Many,
}

/// What a source's file says of it.
pub(crate) struct About {
    /// As [`SourceInfo::name`].
    pub field: &'static str,
    /// As [`SourceInfo::plugin`].
    pub plugin: &'static str,
    /// As [`SourceInfo::provisioners`].
    pub provisioners: &'static [&'static str],
    /// As [`SourceInfo::driver`].
    pub driver: Option<&'static str>,
    /// Whether the driver gives block devices, to one node at a time.
    pub block: bool,
    /// What an inline volume's access mode becomes.
    pub inline: InlineMode,
    /// As [`SourceInfo::reach`].
    pub reach: Reach,
    /// As [`SourceInfo::summary`].
    pub summary: &'static str,
    /// The members of the source that the translation accounts for itself; any
    /// other that says something is named as dropped.
    pub known: &'static [&'static str],
    /// As [`SourceInfo::fields`].
    pub fields: &'static [FieldOrigin],
    /// As [`SourceInfo::values`].
    pub values: fn() -> Vec<ValueSpec>,
}

impl About {
    /// The CSI driver: as the site names it, or by its usual name.
    pub(crate) fn driver_for(&self, values: &Values) -> Option<Cow<'static, str>> {
        let usual = self.driver?;
        Some(match values.text(self.field, "driver") {
            Some(driver) => Cow::Owned(driver.to_owned()),
            None => Cow::Borrowed(usual),
        })
    }

    /// The public view.
    pub(crate) fn info(&self) -> SourceInfo {
        SourceInfo {
            name: self.field,
            plugin: self.plugin,
            provisioners: self.provisioners,
            driver: self.driver,
            reach: self.reach,
            summary: self.summary,
            values: (self.values)(),
            fields: self.fields,
        }
    }
}
