//! The FlexVolume source of a volume, opened.

use std::borrow::Cow;

use super::plan::Plan;
use crate::context::Context;
use crate::error::Error;
use crate::json::{At, JsonError, Object, Path};
use crate::kind::Kind;
use crate::source::FLEX_VOLUME;
use crate::storage_class;

/// What a translation needs of the source before any expression runs.
pub(super) struct Legacy<'a> {
    pub driver: Cow<'a, str>,
    /// `secretRef.name`, empty without one.
    pub secret_name: Cow<'a, str>,
    /// `secretRef.namespace`, or the claim's; empty where neither is known.
    pub secret_namespace: Cow<'a, str>,
    /// Whether the namespace is the claim's.
    pub namespace_assumed: bool,
    pub read_only: bool,
    /// The volume names a StorageClass that is not known.
    pub unknown_class: bool,
}

fn under_source(error: JsonError) -> JsonError {
    error.under(FLEX_VOLUME).under("spec")
}

fn missing(path: &[&str]) -> Error {
    Error::MissingField {
        driver: "FlexVolume".into(),
        path: Path::of(path),
    }
}

/// The FlexVolume source of a volume.
pub(super) fn source_of<'p, 'a>(pv: &'p mut Object<'a>) -> Result<&'p mut Object<'a>, Error> {
    let spec = pv.object("spec")?.ok_or_else(|| missing(&["spec"]))?;
    let source = spec.object(FLEX_VOLUME).at(&["spec"])?;
    source.ok_or_else(|| missing(&["spec", FLEX_VOLUME]))
}

/// The driver of a FlexVolume source.
pub(super) fn driver_of<'a>(source: &Object<'a>) -> Result<Cow<'a, str>, Error> {
    let driver = source.str("driver").map_err(under_source)?;
    match driver {
        Some(driver) if !driver.is_empty() => Ok(driver),
        _ => Err(missing(&["spec", FLEX_VOLUME, "driver"])),
    }
}

/// The options of a FlexVolume source; texts every one, as the API has it.
pub(super) fn options_of<'s, 'a>(
    source: &'s mut Object<'a>,
) -> Result<Option<&'s Object<'a>>, Error> {
    let options = source.object("options").map_err(under_source)?;
    if let Some(options) = &options {
        for member in options.members() {
            member
                .value
                .as_str()
                .map_err(|error| under_source(error.under(member.key()).under("options")))?;
        }
    }
    Ok(options.map(|options| &*options))
}

impl<'a> Legacy<'a> {
    /// Opens what expressions look at, so that it is read once. FlexVolume
    /// looks for a Secret without a namespace in the pod's, which is the claim's.
    pub fn open(pv: &mut Object<'a>, plan: &Plan, context: &Context<'_>) -> Result<Self, Error> {
        if let Some(metadata) = pv.object("metadata")?
            && plan.reads_annotations
        {
            let opened = metadata.object("annotations");
            opened.at(&["metadata"])?;
        }
        let unknown_class = context.storage_class.is_none()
            && storage_class::name_of(Kind::PersistentVolume, pv)?.is_some();
        let spec = pv.object("spec")?.ok_or_else(|| missing(&["spec"]))?;
        let under_spec = |error: JsonError| error.under("spec");
        let claim = match spec.contains("claimRef") && plan.needs_namespace {
            true => spec.object("claimRef").map_err(under_spec)?,
            false => None,
        };
        let claim = match claim {
            Some(claim) => claim.str("namespace").at(&["spec", "claimRef"])?,
            None => None,
        };
        let source = source_of(pv)?;
        let driver = driver_of(source)?;
        options_of(source)?;
        let mut legacy = Self {
            driver,
            secret_name: Cow::Borrowed(""),
            secret_namespace: Cow::Borrowed(""),
            namespace_assumed: false,
            read_only: source.bool("readOnly").map_err(under_source)? == Some(true),
            unknown_class,
        };
        let of_claim = match (claim, context.claim) {
            (Some(namespace), _) if !namespace.is_empty() => namespace,
            (_, Some(claim)) => Cow::Owned(claim.namespace.to_owned()),
            _ => Cow::Borrowed(""),
        };
        let under_ref = |error: JsonError| under_source(error.under("secretRef"));
        let Some(secret) = source.object("secretRef").map_err(under_source)? else {
            legacy.secret_namespace = of_claim;
            return Ok(legacy);
        };
        legacy.secret_name = secret.str("name").map_err(under_ref)?.unwrap_or_default();
        legacy.secret_namespace = secret
            .str("namespace")
            .map_err(under_ref)?
            .unwrap_or_default();
        if legacy.secret_namespace.is_empty() && !of_claim.is_empty() {
            legacy.secret_namespace = of_claim;
            legacy.namespace_assumed = true;
        }
        Ok(legacy)
    }
}
