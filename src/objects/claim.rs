use std::collections::BTreeMap;

use flex2csi_translators::plan::AttributesClass;
use serde::Deserialize;

use super::metadata::Metadata;

/// A PersistentVolumeClaim.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Claim {
    /// `metadata`
    pub metadata: Metadata,
    spec: Spec,
    status: Status,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Spec {
    volume_name: String,
    storage_class_name: Option<String>,
    volume_attributes_class_name: Option<String>,
    resources: Resources,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Resources {
    requests: BTreeMap<String, String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Status {
    phase: String,
    capacity: BTreeMap<String, String>,
    conditions: Vec<Condition>,
    allocated_resource_statuses: BTreeMap<String, String>,
    current_volume_attributes_class_name: Option<String>,
    modify_volume_status: Option<ModifyVolumeStatus>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ModifyVolumeStatus {
    status: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Condition {
    #[serde(rename = "type")]
    kind: String,
    status: String,
}

/// Conditions of a claim that is being resized (kubernetes v1.36
/// `staging/src/k8s.io/api/core/v1/types.go`, `PersistentVolumeClaimConditionType`).
const RESIZING: [&str; 4] = [
    "Resizing",
    "FileSystemResizePending",
    "ControllerResizeError",
    "NodeResizeError",
];

/// The older place of a claim's class.
const CLASS_ANNOTATION: &str = "volume.beta.kubernetes.io/storage-class";

impl Claim {
    /// The volume that it names.
    pub fn volume(&self) -> &str {
        &self.spec.volume_name
    }

    /// `status.phase`
    pub fn phase(&self) -> &str {
        &self.status.phase
    }

    /// Its class; empty for none.
    pub fn class(&self) -> &str {
        let annotation = self.metadata.annotations.get(CLASS_ANNOTATION);
        let class = annotation.or(self.spec.storage_class_name.as_ref());
        class.map_or("", String::as_str)
    }

    /// What of a resize is under way.
    pub fn resize(&self) -> Option<String> {
        let status = &self.status;
        for condition in &status.conditions {
            if condition.status == "True" && RESIZING.contains(&condition.kind.as_str()) {
                return Some(condition.kind.clone());
            }
        }
        if let Some((resource, state)) = status.allocated_resource_statuses.iter().next() {
            return Some(format!("{resource} is {state}"));
        }
        let wanted = self.spec.resources.requests.get("storage")?;
        let given = status.capacity.get("storage")?;
        let more = quantity(wanted)? > quantity(given)?;
        more.then(|| format!("{wanted} are asked for, and {given} given"))
    }

    /// Its VolumeAttributesClass, if it ever had one.
    pub fn attributes_class(&self) -> Option<AttributesClass> {
        let name = |of: &Option<String>| of.clone().filter(|name| !name.is_empty());
        let wished = name(&self.spec.volume_attributes_class_name);
        let given = name(&self.status.current_volume_attributes_class_name);
        let called = |of: &Option<String>| of.clone().unwrap_or_else(|| "none".to_owned());
        if let Some(state) = &self.status.modify_volume_status {
            let (wished, state) = (called(&wished), &state.status);
            return Some(AttributesClass::Pending(format!(
                "the change to {wished} is {state}"
            )));
        }
        match (wished, given) {
            (None, None) => None,
            (Some(wished), Some(given)) if wished == given => Some(AttributesClass::InForce(given)),
            (wished, given) => Some(AttributesClass::Pending(format!(
                "{} is asked for, and {} in force",
                called(&wished),
                called(&given)
            ))),
        }
    }
}

/// A quantity as a number that compares with others; `None` for what is none.
fn quantity(text: &str) -> Option<f64> {
    let end = text
        .find(|c: char| !(c.is_ascii_digit() || "+-.".contains(c)))
        .unwrap_or(text.len());
    let (number, suffix) = text.split_at(end);
    let number: f64 = number.parse().ok()?;
    let factor = match suffix {
        "" => 1.0,
        "m" => 1e-3,
        "k" => 1e3,
        "M" => 1e6,
        "G" => 1e9,
        "T" => 1e12,
        "P" => 1e15,
        "E" => 1e18,
        "Ki" => 1024.0,
        "Mi" => 1_048_576.0,
        "Gi" => 1_073_741_824.0,
        "Ti" => 1_099_511_627_776.0,
        "Pi" => 1_125_899_906_842_624.0,
        "Ei" => 1_152_921_504_606_846_976.0,
        exponent => {
            let exponent = exponent.strip_prefix(['e', 'E'])?;
            10f64.powi(exponent.parse().ok()?)
        }
    };
    Some(number * factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claim(json: &str) -> Claim {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn quantities_compare() {
        for (less, more) in [
            ("1G", "1Gi"),
            ("1023Mi", "1Gi"),
            ("1e3", "1001"),
            ("500m", "1"),
            ("1.5Gi", "1600Mi"),
        ] {
            assert!(
                quantity(less).unwrap() < quantity(more).unwrap(),
                "{less} {more}"
            );
        }
        for none in ["", "x", "1X", "Gi"] {
            assert_eq!(quantity(none), None, "{none}");
        }
    }

    #[test]
    fn a_class_is_in_force_when_nothing_else_is_asked_for_and_nothing_under_way() {
        let class = |json: &str| claim(json).attributes_class();
        let gold = r#""spec":{"volumeAttributesClassName":"gold"}"#;
        assert_eq!(class("{}"), None);
        assert_eq!(class(r#"{"spec":{"volumeAttributesClassName":""}}"#), None);
        assert_eq!(
            class(&format!(
                r#"{{{gold},"status":{{"currentVolumeAttributesClassName":"gold"}}}}"#
            )),
            Some(AttributesClass::InForce("gold".into()))
        );
        for (json, said) in [
            (
                format!("{{{gold}}}"),
                "gold is asked for, and none in force",
            ),
            (
                format!(r#"{{{gold},"status":{{"currentVolumeAttributesClassName":"silver"}}}}"#),
                "gold is asked for, and silver in force",
            ),
            (
                r#"{"status":{"currentVolumeAttributesClassName":"silver"}}"#.to_owned(),
                "none is asked for, and silver in force",
            ),
            (
                format!(
                    r#"{{{gold},"status":{{"currentVolumeAttributesClassName":"gold",
                        "modifyVolumeStatus":{{"status":"Infeasible"}}}}}}"#
                ),
                "the change to gold is Infeasible",
            ),
        ] {
            let said = Some(AttributesClass::Pending(said.to_owned()));
            assert_eq!(class(&json), said, "{json}");
        }
    }

    #[test]
    fn a_resize_is_seen_by_each_of_its_marks() {
        for json in [
            r#"{"status":{"conditions":[{"type":"FileSystemResizePending","status":"True"}]}}"#,
            r#"{"status":{"allocatedResourceStatuses":{"storage":"NodeResizePending"}}}"#,
            r#"{"spec":{"resources":{"requests":{"storage":"2Gi"}}},"status":{"capacity":{"storage":"1Gi"}}}"#,
        ] {
            assert!(claim(json).resize().is_some(), "{json}");
        }
        for json in [
            r#"{"status":{"conditions":[{"type":"Resizing","status":"False"}]}}"#,
            r#"{"spec":{"resources":{"requests":{"storage":"1Gi"}}},"status":{"capacity":{"storage":"1024Mi"}}}"#,
            "{}",
        ] {
            assert_eq!(claim(json).resize(), None, "{json}");
        }
    }
}
