//! What CreateVolume is asked.

use serde_json::{Map, Value, json};

use super::volume;

/// Parameters that are for sidecars, and that no driver sees.
const RESERVED: &str = "csi.storage.k8s.io/";

/// CreateVolume's request for a claim by its class.
///
/// # Errors
/// What the claim asks for is not for this stand-in.
pub(super) fn create_volume(
    claim: &Value,
    class: &Value,
    accessibility: Option<Value>,
    snapshot: Option<String>,
) -> Result<Value, String> {
    if claim["spec"]["volumeMode"] == "Block" {
        return Err("raw block volumes are not made here".to_owned());
    }
    let asked = claim["spec"]["resources"]["requests"]["storage"].as_str();
    let bytes = asked.and_then(bytes).ok_or("it asks for no size")?;
    let mut mount =
        json!({ "mountFlags": class["mountOptions"].as_array().cloned().unwrap_or_default() });
    if let Some(fs_type) = fs_type(class) {
        mount["fsType"] = json!(fs_type);
    }
    let modes = claim["spec"]["accessModes"].as_array();
    let capabilities: Vec<Value> = modes
        .into_iter()
        .flatten()
        .map(|mode| json!({ "mount": mount, "accessMode": { "mode": access_mode(mode) } }))
        .collect();
    let mut request = json!({
        "name": volume::name_for(claim),
        "capacityRange": { "requiredBytes": bytes.to_string() },
        "volumeCapabilities": capabilities,
        "parameters": parameters(class),
    });
    if let Some(accessibility) = accessibility {
        request["accessibilityRequirements"] = accessibility;
    }
    if let Some(id) = snapshot {
        request["volumeContentSource"] = json!({ "snapshot": { "snapshotId": id } });
    }
    Ok(request)
}

/// The filesystem that a class names.
pub(super) fn fs_type(class: &Value) -> Option<&str> {
    class["parameters"]["csi.storage.k8s.io/fstype"].as_str()
}

fn parameters(class: &Value) -> Map<String, Value> {
    let all = class["parameters"].as_object().into_iter().flatten();
    all.filter(|(key, _)| !key.starts_with(RESERVED))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect()
}

fn access_mode(mode: &Value) -> &'static str {
    match mode.as_str() {
        Some("ReadOnlyMany") => "MULTI_NODE_READER_ONLY",
        Some("ReadWriteMany") => "MULTI_NODE_MULTI_WRITER",
        _ => "SINGLE_NODE_WRITER",
    }
}

/// A quantity in whole bytes, as claims are written in the tests.
fn bytes(quantity: &str) -> Option<u64> {
    let digits = quantity.trim_end_matches(char::is_alphabetic);
    let factor = match &quantity[digits.len()..] {
        "" => 1,
        "Ki" => 1 << 10,
        "Mi" => 1 << 20,
        "Gi" => 1 << 30,
        "Ti" => 1 << 40,
        _ => return None,
    };
    digits.parse::<u64>().ok()?.checked_mul(factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claim_is_asked_for_in_the_drivers_words() {
        let claim = json!({
            "metadata": { "uid": "u" },
            "spec": {
                "accessModes": ["ReadWriteOnce"],
                "resources": { "requests": { "storage": "2Gi" } },
            },
        });
        let class = json!({
            "mountOptions": ["noatime"],
            "parameters": { "csi.storage.k8s.io/fstype": "xfs", "tier": "fast" },
        });
        let request = create_volume(&claim, &class, None, Some("snap".to_owned()));
        let mount = json!({ "fsType": "xfs", "mountFlags": ["noatime"] });
        let expected = json!({
            "name": "pvc-u",
            "capacityRange": { "requiredBytes": "2147483648" },
            "volumeCapabilities": [{ "mount": mount, "accessMode": { "mode": "SINGLE_NODE_WRITER" } }],
            "parameters": { "tier": "fast" },
            "volumeContentSource": { "snapshot": { "snapshotId": "snap" } },
        });
        assert_eq!(request, Ok(expected));
    }

    #[test]
    fn sizes_are_whole_bytes() {
        assert_eq!(bytes("5"), Some(5));
        assert_eq!(bytes("3Ki"), Some(3072));
        assert_eq!(bytes("1.5Gi"), None);
        assert_eq!(bytes("1G"), None);
    }
}
