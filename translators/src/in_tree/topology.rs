//! Zones and regions: node affinity and labels of PersistentVolumes.
//!
//! Which generation of labels counts is decided once for a volume, as the
//! library does: by the first of these that has a zone label, in node affinity
//! GA, then beta, in the volume's labels GA, then beta; without any, GA. It is
//! enough that the key is there.

use std::borrow::Cow;
use std::collections::BTreeSet;

use super::affinity::Affinity;
use super::fields::Fields;
use super::go_text;
use super::plugin::invalid;
use super::regions::RegionOf;
use crate::error::Error;
use crate::json::{At, Object, Value};

/// The node label of a zone.
pub(crate) const ZONE: &str = "topology.kubernetes.io/zone";
/// The node label of a region.
pub(crate) const REGION: &str = "topology.kubernetes.io/region";
/// The label of a zone up to Kubernetes 1.16.
pub(crate) const BETA_ZONE: &str = "failure-domain.beta.kubernetes.io/zone";
/// The label of a region up to Kubernetes 1.16.
pub(crate) const BETA_REGION: &str = "failure-domain.beta.kubernetes.io/region";
/// Between several zones in one label.
pub(crate) const DELIMITER: &str = "__";

/// The keys under which a volume has its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Generation {
    Ga,
    Beta,
}

impl Generation {
    fn of(affinity: &Affinity<'_>, labels: &Labels<'_>) -> Self {
        let mut is_beta = labels.zone.is_none() && labels.beta_zone.is_some();
        for expression in affinity.expressions() {
            if expression.has_key(ZONE) {
                return Self::Ga;
            }
            is_beta |= expression.has_key(BETA_ZONE);
        }
        if is_beta { Self::Beta } else { Self::Ga }
    }

    fn zone(self) -> &'static str {
        match self {
            Self::Ga => ZONE,
            Self::Beta => BETA_ZONE,
        }
    }

    fn region(self) -> &'static str {
        match self {
            Self::Ga => REGION,
            Self::Beta => BETA_REGION,
        }
    }
}

/// A volume's own labels about its place, as far as they are there.
#[derive(Debug, Default)]
pub(crate) struct Labels<'a> {
    pub zone: Option<Cow<'a, str>>,
    pub region: Option<Cow<'a, str>>,
    pub beta_zone: Option<Cow<'a, str>>,
    pub beta_region: Option<Cow<'a, str>>,
}

impl<'a> Labels<'a> {
    /// Reads the labels of a PersistentVolume.
    pub(crate) fn read(pv: &Object<'a>) -> Result<Self, Error> {
        let root = Fields::of(pv);
        let metadata = root.child("metadata")?;
        let Some(labels) = metadata.child_if_set("labels")? else {
            return Ok(Self::default());
        };
        Ok(Self {
            zone: labels.entry(ZONE)?,
            region: labels.entry(REGION)?,
            beta_zone: labels.entry(BETA_ZONE)?,
            beta_region: labels.entry(BETA_REGION)?,
        })
    }

    fn zone(&self, generation: Generation) -> Option<&str> {
        match generation {
            Generation::Ga => self.zone.as_deref(),
            Generation::Beta => self.beta_zone.as_deref(),
        }
    }

    fn region(&self, generation: Generation) -> Option<&str> {
        match generation {
            Generation::Ga => self.region.as_deref(),
            Generation::Beta => self.beta_region.as_deref(),
        }
    }
}

fn set_label(pv: &mut Object<'_>, label: &'static str, value: String) -> Result<(), Error> {
    pv.object_or_new("metadata")?
        .object_or_new("labels")
        .at(&["metadata"])?
        .set(label, value);
    Ok(())
}

/// Gives the node affinity of a volume the zone key of a CSI driver: that of
/// its zones, or else of its zone label. Regions in it become GA regions.
pub(crate) fn to_csi<'a>(
    pv: &mut Object<'a>,
    labels: &Labels<'a>,
    csi_zone: &'static str,
) -> Result<(), Error> {
    let mut affinity = Affinity::take(pv)?;
    let generation = Generation::of(&affinity, labels);
    if affinity.has_values(generation.zone())? {
        affinity.rename(generation.zone(), csi_zone);
    } else if let Some(zones) = labels.zone(generation) {
        affinity.add(csi_zone, zones.split(DELIMITER))?;
    }
    if generation == Generation::Beta && affinity.has_values(BETA_REGION)? {
        affinity.rename(BETA_REGION, REGION);
    }
    affinity.store(pv)
}

/// As [`to_csi`], for a driver that has zones and regions; a label is one zone
/// or region, whatever it holds.
pub(crate) fn to_csi_with_region<'a>(
    pv: &mut Object<'a>,
    labels: &Labels<'a>,
    csi_zone: &'static str,
    csi_region: &'static str,
) -> Result<(), Error> {
    let mut affinity = Affinity::take(pv)?;
    let generation = Generation::of(&affinity, labels);
    for (key, label, csi_key) in [
        (generation.zone(), labels.zone(generation), csi_zone),
        (generation.region(), labels.region(generation), csi_region),
    ] {
        if affinity.has_values(key)? {
            affinity.rename(key, csi_key);
        } else if let Some(label) = label {
            affinity.add(csi_key, std::iter::once(label))?;
        }
    }
    affinity.store(pv)
}

/// Gives node affinity and labels of a volume their zones back, and with a rule
/// for them the regions.
pub(crate) fn to_in_tree(
    pv: &mut Object<'_>,
    driver: &'static str,
    csi_zone: &str,
    region_of: Option<RegionOf>,
) -> Result<(), Error> {
    let labels = Labels::read(pv)?;
    let mut affinity = Affinity::take(pv)?;
    let generation = Generation::of(&affinity, &labels);
    affinity.rename(csi_zone, generation.zone());
    let mut region_label = None;
    if let Some(region_of) = region_of {
        // The keys that were renamed count in this choice.
        let generation = Generation::of(&affinity, &labels);
        let region = add_regions(&mut affinity, generation, driver, region_of)?;
        if labels.region(generation).is_none() {
            region_label = region.map(|region| (generation.region(), region));
        }
    }
    let zones = affinity.values(generation.zone())?;
    affinity.store(pv)?;
    if let Some((label, region)) = region_label {
        set_label(pv, label, region)?;
    }
    if !zones.is_empty() && labels.zone(generation).is_none() {
        set_label(pv, generation.zone(), zones.join(DELIMITER))?;
    }
    Ok(())
}

/// Adds its region to each term that has none; gives the region that all terms
/// have in common.
fn add_regions(
    affinity: &mut Affinity<'_>,
    generation: Generation,
    driver: &'static str,
    region_of: RegionOf,
) -> Result<Option<String>, Error> {
    let (zone, region) = (generation.zone(), generation.region());
    let there = affinity.values(region)?;
    let mut regions: BTreeSet<Vec<u8>> = there.iter().map(|it| it.as_bytes().to_vec()).collect();
    for mut term in affinity.terms_mut() {
        let mut zones = Vec::new();
        let mut has_region = false;
        for expression in term.expressions() {
            if expression.has_key(region) {
                has_region = true;
            } else if expression.has_key(zone) {
                zones.extend(expression.values()?);
            }
        }
        if has_region {
            continue;
        }
        let found = region_of(&zones)
            .map_err(|reason| invalid(driver, &["spec", "nodeAffinity", "required"], reason))?;
        let text = go_text::from_bytes(found.clone());
        term.add(region, vec![Value::from(text)])?;
        regions.insert(found);
    }
    let one = regions.pop_first().filter(|_| regions.is_empty());
    Ok(one.map(go_text::from_bytes))
}

/// As [`to_in_tree`], for a driver that has zones and regions; a label is the
/// first of them only.
pub(crate) fn to_in_tree_with_region(
    pv: &mut Object<'_>,
    csi_zone: &str,
    csi_region: &str,
) -> Result<(), Error> {
    let labels = Labels::read(pv)?;
    let mut affinity = Affinity::take(pv)?;
    let generation = Generation::of(&affinity, &labels);
    affinity.rename(csi_zone, generation.zone());
    affinity.rename(csi_region, generation.region());
    let zones = affinity.values(generation.zone())?;
    let regions = affinity.values(generation.region())?;
    affinity.store(pv)?;
    for (label, there, values) in [
        (generation.zone(), labels.zone(generation), zones),
        (generation.region(), labels.region(generation), regions),
    ] {
        if let (None, Some(value)) = (there, values.first()) {
            set_label(pv, label, value.to_string())?;
        }
    }
    Ok(())
}
