//! Every volume and class of the golden cases: written for the endpoint and
//! translated when a call comes, it is what it would have become at once.

use std::fs;
use std::path::{Path, PathBuf};

use flex2csi::manifest::{self, Piece, Source, yaml};
use flex2csi_translators::endpoint::{Site, backend_class, backend_volume};
use flex2csi_translators::flex::Mappings;
use flex2csi_translators::json::Object;
use flex2csi_translators::storage_class::StorageClass;
use flex2csi_translators::{Context, TargetForm, Values, translate};
use serde_json::Value;

/// The parameter of Everest's classes that names the CSI driver.
const DRIVER_NAME: &str = "csi.storage.k8s.io/csi-driver-name";

/// The objects of a manifest, as JSON.
fn objects(file: &Path) -> Vec<String> {
    let mut reader = manifest::open(&Source::File(file.to_owned())).unwrap();
    let format = reader.format();
    let mut objects = Vec::new();
    while let Some(piece) = reader.next().unwrap() {
        let Piece::Object { text, line, .. } = piece else {
            continue;
        };
        let text = std::str::from_utf8(text).unwrap();
        objects.extend(match format {
            manifest::Format::Json => Some(text.to_owned()),
            manifest::Format::Yaml => yaml::to_json(text, line).ok(),
        });
    }
    objects
}

fn inputs() -> Vec<PathBuf> {
    let mut inputs = Vec::new();
    let mut directories: Vec<PathBuf> = ["flex", "in-tree", "manifests"]
        .iter()
        .map(|name| Path::new("testdata").join(name))
        .collect();
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                directories.push(path);
            } else if path.file_stem().is_some_and(|stem| stem == "in") {
                inputs.push(path);
            }
        }
    }
    inputs.sort();
    inputs
}

struct Case {
    values: Values,
    mappings: Mappings,
    class: Option<StorageClass>,
}

impl Case {
    fn translate(&self, text: &str, target_form: TargetForm) -> Option<Value> {
        let context = Context {
            target_form,
            storage_class: self.class.as_ref(),
            ..Context::new(&self.values, &self.mappings)
        };
        let outcome = translate(Object::parse(text).ok()?, &context).ok()?;
        let changed = outcome.changed;
        changed.then(|| serde_json::from_str(&outcome.object.to_json()).unwrap())
    }

    fn site(&self) -> Site<'_> {
        Site {
            values: &self.values,
            mappings: &self.mappings,
        }
    }
}

/// The members of a map of texts, in one order.
fn pairs(map: &Value) -> Vec<(String, String)> {
    let map = map.as_object().into_iter().flatten();
    let mut pairs: Vec<_> = map
        .map(|(key, value)| (key.clone(), value.as_str().unwrap().to_owned()))
        .collect();
    pairs.sort();
    pairs
}

fn borrowed(pairs: &[(String, String)]) -> Vec<(&str, &str)> {
    let pairs = pairs.iter();
    pairs
        .map(|(key, value)| (key.as_str(), value.as_str()))
        .collect()
}

#[test]
fn what_is_translated_at_call_time_is_what_is_stored() {
    let (mut volumes, mut classes) = (0, 0);
    for input in inputs() {
        let values = fs::read_to_string(input.with_file_name("values.yaml"));
        let values = values.map(|text| yaml::to_json(&text, 1).unwrap());
        let mut case = Case {
            values: Values::parse(values.as_deref().unwrap_or("null")).unwrap(),
            mappings: Mappings::built_in(),
            class: None,
        };
        let objects = objects(&input);
        for text in &objects {
            let object: Value = serde_json::from_str(text).unwrap();
            let kind = object["kind"].as_str().unwrap_or_default();
            case.class = object["spec"]["storageClassName"]
                .as_str()
                .and_then(|name| {
                    let mut classes = objects.iter().filter(|text| {
                        let object: Value = serde_json::from_str(text).unwrap();
                        object["kind"] == "StorageClass" && object["metadata"]["name"] == name
                    });
                    let class = classes.next()?;
                    StorageClass::read(Object::parse(class).unwrap()).ok()
                });
            let there = case.translate(text, TargetForm::Endpoint);
            let direct = case.translate(text, TargetForm::Csi);
            let (Some(there), Some(direct)) = (there, direct) else {
                continue;
            };
            let at = format!("{} of {}", object["metadata"]["name"], input.display());
            match kind {
                "PersistentVolume" => {
                    let (there, direct) = (&there["spec"]["csi"], &direct["spec"]["csi"]);
                    let attributes = pairs(&there["volumeAttributes"]);
                    if !attributes
                        .iter()
                        .any(|(key, _)| key.starts_with("flex2csi.io/"))
                    {
                        continue;
                    }
                    let mut volume = backend_volume(&borrowed(&attributes), case.site())
                        .unwrap_or_else(|error| panic!("{at}: {error}"))
                        .unwrap();
                    volume.attributes.sort();
                    assert_eq!(volume.driver, direct["driver"].as_str().unwrap(), "{at}");
                    assert_eq!(
                        volume.handle,
                        direct["volumeHandle"].as_str().unwrap(),
                        "{at}"
                    );
                    assert_eq!(
                        volume.handle,
                        there["volumeHandle"].as_str().unwrap(),
                        "{at}"
                    );
                    assert_eq!(
                        volume.attributes,
                        pairs(&direct["volumeAttributes"]),
                        "{at}"
                    );
                    let fs_type = direct["fsType"].as_str().filter(|text| !text.is_empty());
                    assert_eq!(volume.fs_type.as_deref(), fs_type, "{at}");
                    volumes += 1;
                }
                "StorageClass" => {
                    let parameters = pairs(&there["parameters"]);
                    let class = backend_class(&borrowed(&parameters), None, case.site());
                    let Some(class) = class.unwrap_or_else(|error| panic!("{at}: {error}")) else {
                        continue;
                    };
                    let mut got = class.parameters;
                    got.sort();
                    // Everest has one provisioner for all its drivers.
                    let driver = direct["parameters"][DRIVER_NAME].as_str();
                    let driver = driver.or(direct["provisioner"].as_str());
                    assert_eq!(Some(&*class.driver), driver, "{at}");
                    let mut expected = pairs(&direct["parameters"]);
                    expected.retain(|(key, _)| !key.starts_with("csi.storage.k8s.io/"));
                    assert_eq!(got, expected, "{at}");
                    // What external-provisioner reads stands beside the source.
                    let mut own = pairs(&direct["parameters"]);
                    own.retain(|(key, _)| {
                        key.starts_with("csi.storage.k8s.io/") && key != DRIVER_NAME
                    });
                    assert!(own.iter().all(|pair| parameters.contains(pair)), "{at}");
                    classes += 1;
                }
                _ => {}
            }
        }
    }
    assert!(
        volumes > 70 && classes > 40,
        "{volumes} volumes, {classes} classes"
    );
}
