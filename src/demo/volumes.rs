//! The two volumes of the demonstration, and what they become.

use std::collections::BTreeMap;

use anyhow::{Context as _, bail};
use flex2csi_translators::flex::Mappings;
use flex2csi_translators::{Context, TargetForm, Values, parse, translate};
use serde_json::{Map, Value};

use super::csi::CsiVolume;
use super::place::CLUSTER;
use crate::manifest::yaml;

/// A PersistentVolume of the demonstration, as JSON.
fn persistent_volume(name: &str) -> anyhow::Result<String> {
    for document in CLUSTER.split("\n---\n") {
        let json = yaml::to_json(document, 1)?;
        let object: Value = serde_json::from_str(&json)?;
        if object["kind"] == "PersistentVolume" && object["metadata"]["name"] == name {
            return Ok(json);
        }
    }
    bail!("there is no PersistentVolume {name}")
}

/// The options of a FlexVolume.
pub(super) fn flex_options(name: &str) -> anyhow::Result<Map<String, Value>> {
    let volume: Value = serde_json::from_str(&persistent_volume(name)?)?;
    let options = volume["spec"]["flexVolume"]["options"].as_object();
    options.cloned().context("a FlexVolume has options")
}

/// What kubelet tells flex2csi's endpoint of a volume whose PersistentVolume was
/// written for it.
pub(super) fn of_endpoint(name: &str) -> anyhow::Result<CsiVolume> {
    let json = persistent_volume(name)?;
    let (values, mappings) = (Values::default(), Mappings::built_in());
    let context = Context {
        target_form: TargetForm::Endpoint,
        ..Context::new(&values, &mappings)
    };
    let translated = translate(parse(&json)?, &context)?;
    let volume: Value = serde_json::from_str(&translated.object.to_json())?;
    let csi = &volume["spec"]["csi"];
    let attributes = csi["volumeAttributes"].as_object().into_iter().flatten();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let context: BTreeMap<_, _> = attributes
        .map(|(key, value)| (key.clone(), text(value)))
        .collect();
    Ok(CsiVolume {
        id: text(&csi["volumeHandle"]),
        context,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_volumes_are_there() {
        assert!(flex_options("orders").unwrap().contains_key("volumeID"));
        let volume = of_endpoint("invoices").unwrap();
        assert_eq!(volume.id, "vol-0fedcba9876543210");
        assert!(volume.context["flex2csi.io/source"].contains("awsElasticBlockStore"));
    }
}
