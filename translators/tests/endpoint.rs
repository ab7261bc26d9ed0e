//! The endpoint's form is a detour: from it a volume becomes what it would have
//! become at once, even if values were missing on the way in.

#![allow(clippy::unwrap_used, reason = "helpers of tests as well")]

use std::collections::BTreeMap;

use flex2csi_translators::endpoint::{Site, backend_class};
use flex2csi_translators::flex::Mappings;
use flex2csi_translators::json::Object;
use flex2csi_translators::values::SiteValue;
use flex2csi_translators::{Context, Outcome, TargetForm, Values, translate};
use serde_json::{Value, json};

fn run(text: &str, target_form: TargetForm, values: &Values) -> Outcome<'static> {
    let mappings = Mappings::built_in();
    let context = Context {
        target_form,
        ..Context::new(values, &mappings)
    };
    let outcome = translate(Object::parse(text).unwrap(), &context).unwrap();
    Outcome {
        object: outcome.object.into_owned().unwrap(),
        ..outcome
    }
}

/// The object and those beside it, and the notes' codes.
fn said(outcome: &Outcome<'_>) -> (Vec<Value>, Vec<String>) {
    let objects = [&outcome.object].into_iter().chain(&outcome.extra);
    let objects = objects.map(|object| serde_json::from_str(&object.to_json()).unwrap());
    let mut codes: Vec<String> = outcome
        .notes
        .iter()
        .map(|note| note.code.to_string())
        .collect();
    codes.sort();
    (objects.collect(), codes)
}

fn values() -> Values {
    let mut values = Values::default();
    let text = |text: &str| SiteValue::Text(text.into());
    values.set("azure-blobfuse", "storageAccount", text("account"));
    let ids = BTreeMap::from([
        ("[ds] kubevols/a.vmdk".to_owned(), "6000-c29".to_owned()),
        ("v".to_owned(), "0600".to_owned()),
    ]);
    values.set("vsphereVolume", "volumes", SiteValue::Table(ids.clone()));
    values.set("hpe-hpe", "volumes", SiteValue::Table(ids));
    values
}

#[test]
fn what_lacked_a_value_on_the_way_in_loses_nothing_on_the_way_back() {
    let volumes = [
        json!({"vsphereVolume": {"volumePath": "[ds] kubevols/a.vmdk", "fsType": "ext4"}}),
        json!({"flexVolume": {"driver": "hpe.com/hpe", "fsType": "xfs", "readOnly": true,
            "options": {"name": "v", "size": "10"}}}),
        json!({"flexVolume": {"driver": "azure/blobfuse", "secretRef": {"name": "s"},
            "options": {"container": "c", "mountoptions": "-o allow_other"}}}),
    ];
    for mut spec in volumes {
        spec["accessModes"] = json!(["ReadWriteMany"]);
        spec["claimRef"] = json!({"namespace": "n", "name": "c"});
        spec["mountOptions"] = json!(["noatime"]);
        let pv = json!({
            "apiVersion": "v1", "kind": "PersistentVolume", "spec": spec,
            "metadata": {
                "name": "pv",
                "labels": {
                    "failure-domain.beta.kubernetes.io/zone": "z",
                    "failure-domain.beta.kubernetes.io/region": "r",
                },
                "annotations": {
                    "pv.kubernetes.io/provisioned-by": "kubernetes.io/vsphere-volume",
                    "pv.kubernetes.io/migrated-to": "csi.vsphere.vmware.com",
                },
            },
        });
        let text = pv.to_string();
        let values = values();
        let direct = run(&text, TargetForm::Csi, &values);
        assert!(direct.changed);
        for at_first in [&Values::default(), &values] {
            let there = run(&text, TargetForm::Endpoint, at_first);
            let back = run(&there.object.to_json(), TargetForm::Csi, &values);
            let (direct, back) = (said(&direct), said(&back));
            assert_eq!(direct.0[0], back.0[0]);
            if at_first == &Values::default() {
                let handle = there.object.to_json();
                assert!(handle.contains("\"volumeHandle\":\"flex2csi-"), "{handle}");
                assert_eq!(direct, back);
            }
        }
    }
}

/// A rewrite marks the volume, and a rollback leaves its annotations: it is still the same one.
#[test]
fn what_a_rewrite_notes_on_a_volume_does_not_go_along() {
    let volume = |annotations: Value| {
        let volume = json!({
            "apiVersion": "v1", "kind": "PersistentVolume",
            "metadata": {"name": "pv", "annotations": annotations},
            "spec": {"flexVolume": {"driver": "k8s/nfs", "options": {"server": "s", "share": "x"}}},
        });
        let outcome = run(&volume.to_string(), TargetForm::Endpoint, &values());
        let written: Value = serde_json::from_str(&outcome.object.to_json()).unwrap();
        written["spec"]["csi"].clone()
    };
    let marks = |mut annotations: Value| {
        for mark in ["migration", "form", "rewriting", "reclaim-policy"] {
            annotations[format!("flex2csi.io/{mark}")] = "1".into();
        }
        annotations
    };
    let bare = volume(json!({}));
    assert_eq!(
        bare["volumeAttributes"]["flex2csi.io/context"],
        r#"{"name":"pv"}"#
    );
    assert_eq!(volume(marks(json!({}))), bare);
    let noted = json!({"example.com/id": "7"});
    assert_eq!(volume(marks(noted.clone())), volume(noted.clone()));
    assert_ne!(volume(noted), bare);
}

/// All of Everest's drivers have one provisioner: a class is for the endpoint of the driver
/// that it names, and that driver is asked for the volume.
#[test]
fn a_class_of_a_provisioner_of_several_drivers_is_for_one_of_them() {
    const DRIVER_NAME: &str = "csi.storage.k8s.io/csi-driver-name";
    let parameters = [
        ("kubernetes.io/storagetype", "BS"),
        ("kubernetes.io/volumetype", "SAS"),
    ];
    let legacy = json!({
        "apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": "sas"},
        "provisioner": "flexvolume-huawei.com/fuxivol",
        "parameters": BTreeMap::from(parameters),
    });
    let values = Values::default();
    let written = run(&legacy.to_string(), TargetForm::Endpoint, &values);
    let class: Value = serde_json::from_str(&written.object.to_json()).unwrap();
    assert_eq!(class["provisioner"], "disk.csi.everest.io.flex2csi.io");
    // external-provisioner takes nothing of this prefix that it does not know.
    assert!(class["parameters"][DRIVER_NAME].is_null());

    let mappings = Mappings::built_in();
    let site = Site {
        values: &values,
        mappings: &mappings,
    };
    let in_form = class["parameters"].as_object().unwrap().iter();
    let in_form: Vec<(&str, &str)> = in_form
        .map(|(key, value)| (key.as_str(), value.as_str().unwrap()))
        .collect();
    let bare = Some("flexvolume-huawei.com/fuxivol");
    for (parameters, legacy_provisioner) in [(&in_form[..], None), (&parameters, bare)] {
        let asked = backend_class(parameters, legacy_provisioner, site).unwrap();
        let asked = asked.unwrap();
        assert_eq!(asked.driver, "disk.csi.everest.io");
        let mut keys = asked.parameters.iter().map(|(key, _)| key.as_str());
        assert!(keys.all(|key| key.starts_with("everest.io/")));
    }
}
