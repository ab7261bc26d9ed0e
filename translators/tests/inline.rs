//! Inline volumes: the names of what takes their place, and where notes and
//! errors point.

#![allow(clippy::unwrap_used, reason = "helpers of tests as well")]

use flex2csi_translators::flex::Mappings;
use flex2csi_translators::json::Object;
use flex2csi_translators::values::SiteValue;
use flex2csi_translators::{Code, Context, Error, Outcome, TargetForm, Values, translate};
use serde_json::{Value, json};

fn translated(object: &Value, target_form: TargetForm) -> Result<Outcome<'static>, Error> {
    let (mut values, mappings) = (Values::default(), Mappings::built_in());
    let account = SiteValue::Text("account".into());
    values.set("azure-blobfuse", "storageAccount", account);
    let context = Context {
        target_form,
        ..Context::new(&values, &mappings)
    };
    let text = object.to_string();
    let outcome = translate(Object::parse(&text).unwrap(), &context)?;
    Ok(Outcome {
        object: outcome.object.into_owned().unwrap(),
        ..outcome
    })
}

/// A pod's volumes: an EBS disk.
fn disk(name: &str, id: &str) -> Value {
    json!({"name": name, "awsElasticBlockStore": {"volumeID": format!("aws://z/{id}")}})
}

fn pod(metadata: Value, volume: Value) -> Value {
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {"volumes": [volume]}})
}

fn deployment(name: &str, volume: Value) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name},
        "spec": {"template": {"spec": {"volumes": [volume]}}},
    })
}

fn cron_job(name: &str, volume: Value) -> Value {
    json!({
        "apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": name},
        "spec": {"jobTemplate": {"spec": {"template": {"spec": {"volumes": [volume]}}}}},
    })
}

/// The names of the new volume and claim.
fn names(object: &Value) -> Vec<String> {
    let outcome = translated(object, TargetForm::Csi).unwrap();
    let objects = outcome.extra.iter();
    let objects = objects.map(|object| serde_json::from_str::<Value>(&object.to_json()).unwrap());
    objects
        .map(|object| object["metadata"]["name"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn different_volumes_get_different_names() {
    let pairs = [
        (
            deployment("web", disk("data", "vol-1")),
            cron_job("web", disk("data", "vol-2")),
        ),
        (
            deployment("web-data", disk("x", "vol-1")),
            deployment("web", disk("data-x", "vol-2")),
        ),
        (
            pod(json!({"generateName": "web-"}), disk("data", "vol-1")),
            pod(json!({"generateName": "web-"}), disk("data", "vol-2")),
        ),
        (
            pod(json!({"name": "web"}), disk("data", "vol-1")),
            pod(json!({"generateName": "web-"}), disk("data", "vol-1")),
        ),
    ];
    for (one, other) in pairs {
        let (one, other) = (names(&one), names(&other));
        assert_eq!(one.len(), 2);
        assert_ne!(one[0], other[0]);
        assert_ne!(one[1], other[1]);
    }
}

#[test]
fn the_same_volume_has_the_same_names_every_time() {
    let pod = pod(json!({"name": "web"}), disk("data", "vol-1"));
    assert_eq!(names(&pod), names(&pod));
    assert!(names(&pod)[0].starts_with("default-web-data-"));
    assert!(names(&pod)[1].starts_with("web-data-"));
}

#[test]
fn a_workload_without_any_name_is_refused() {
    for metadata in [json!({}), json!({"name": ""}), json!({"generateName": "-"})] {
        let object = pod(metadata, disk("data", "vol-1"));
        let error = translated(&object, TargetForm::Csi).unwrap_err();
        assert_eq!(error.code(), Code::MissingField);
        assert_eq!(error.to_string(), "Pod: .metadata.name is not set");
    }
    // What needs no new objects needs no name.
    let kept = json!({"name": "a", "nfs": {"server": "s", "path": "/"}});
    let outcome = translated(&pod(json!({}), kept), TargetForm::Csi).unwrap();
    assert!(!outcome.changed);
}

#[test]
fn notes_are_about_places_that_the_workload_has() {
    let volume = json!({"name": "data", "flexVolume": {
        "driver": "azure/blobfuse", "readOnly": true, "secretRef": {"name": "s"},
        "options": {"container": "c", "mountoptions": "-o allow_other", "unheard": "x"},
    }});
    for target_form in [TargetForm::Csi, TargetForm::Endpoint] {
        let object = deployment("web", volume.clone());
        let outcome = translated(&object, target_form).unwrap();
        assert!(outcome.changed);
        assert!(outcome.notes.len() > 2, "{:?}", outcome.notes);
        for note in &outcome.notes {
            let path = note.path.as_str();
            assert!(path.starts_with(".spec.template.spec"), "{note:?}");
            assert!(!path.contains("claimRef"), "{note:?}");
            let pointer = path.replace(['.', '['], "/").replace(']', "");
            // readOnly and the like may be unset, what holds them may not.
            let holder = pointer.rsplit_once('/').unwrap().0;
            assert!(object.pointer(holder).is_some(), "{note:?}");
        }
    }
}

#[test]
fn errors_are_about_places_that_the_workload_has() {
    let flex = |driver: &str, options: Value| json!({"name": "v", "flexVolume": {"driver": driver, "options": options}});
    let cases = [
        (
            flex("nobody.com/knows", json!({})),
            Code::UnknownDriver,
            ".flexVolume.driver",
        ),
        (
            flex("azure/blobfuse", json!({"container": 1})),
            Code::InvalidObject,
            ".flexVolume.options.container",
        ),
        (
            json!({"name": "v", "awsElasticBlockStore": {"volumeID": "x^y"}}),
            Code::InvalidField,
            "",
        ),
        (
            json!({"name": "v", "awsElasticBlockStore": {"volumeID": "x\0y"}}),
            Code::InvalidField,
            "",
        ),
        (
            json!({"name": "v", "cephfs": {"monitors": ["a"]}}),
            Code::MissingValue,
            ".cephfs",
        ),
        (
            json!({"name": "v", "glusterfs": {"path": "a", "endpoints": "e"}}),
            Code::NotTranslatable,
            ".glusterfs",
        ),
        (
            json!({"name": "v", "nfs": {}, "rbd": {}}),
            Code::SeveralSources,
            "",
        ),
    ];
    for (volume, code, path) in cases {
        let object = deployment("web", volume);
        let error = translated(&object, TargetForm::Csi).unwrap_err();
        assert_eq!(error.code(), code, "{error}");
        let expected = format!(".spec.template.spec.volumes[0]{path}");
        assert_eq!(error.path().as_str(), expected, "{error}");
        assert!(!error.remedy().is_empty());
    }
}

#[test]
fn errors_of_a_volume_say_what_they_are_about() {
    for (spec, code, path) in [
        (
            json!({"cephfs": {"monitors": ["a"]}}),
            Code::MissingValue,
            ".spec.cephfs",
        ),
        (
            json!({"flexVolume": {"driver": "hpe.com/hpe", "options": {"name": "v"}}}),
            Code::MissingValue,
            ".spec.flexVolume",
        ),
        (
            json!({"flocker": {"datasetName": "a"}}),
            Code::NotTranslatable,
            ".spec.flocker",
        ),
        (json!({"nfs": {}, "rbd": {}}), Code::SeveralSources, ".spec"),
    ] {
        let pv = json!({"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": "pv"}, "spec": spec});
        let error = translated(&pv, TargetForm::Csi).unwrap_err();
        assert_eq!(error.code(), code, "{error}");
        assert_eq!(error.path().as_str(), path, "{error}");
    }
}
