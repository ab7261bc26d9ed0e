//! The CSI form of the volume that a call is about.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flex2csi_translators::attachment::inline_volume_spec;
use flex2csi_translators::context::{Context, Secrets};
use flex2csi_translators::csi_volume::{
    CsiVolume, SecretRef, pod_of_inline, secret_contents, secret_of_flex_volume,
};
use flex2csi_translators::json::Object;
use flex2csi_translators::storage_class::StorageClass;
use flex2csi_translators::{Kind, Outcome};

use super::{Knowledge, VolumeError};
use crate::cluster::{PodName, SecretName, SecretValues, VolumeSource};

/// The longest handle, in bytes. CSI asks drivers for 128 (CSI 1.12, "Size Limits"),
/// and some have longer ones; every message and every record holds them.
const LONGEST_HANDLE: usize = 4096;

/// A volume's CSI form.
pub(super) struct Translated {
    /// What its driver is told.
    pub volume: CsiVolume,
    /// `inlineVolumeSpec` of its attachment, where it is to have one.
    pub attachment_spec: Result<String, VolumeError>,
    /// The Secret of the legacy volume, whose values came with the call.
    pub legacy_secret: Option<SecretName>,
    /// The Secrets that the translation made of that one and of the options.
    pub made: BTreeMap<SecretName, SecretValues>,
}

/// What a volume is, in messages.
pub(super) fn described(source: &VolumeSource, pod: &PodName, name: &str) -> String {
    match source {
        VolumeSource::PersistentVolume { .. } => format!("PersistentVolume {name}"),
        VolumeSource::Inline { .. } => {
            format!("volume {name} of pod {}/{}", pod.namespace, pod.name)
        }
    }
}

/// Translates a volume, with the values of its Secret that came with the call.
pub(super) fn translate(
    source: &VolumeSource,
    pod: &PodName,
    name: &str,
    secret: &SecretValues,
    knowledge: &Knowledge,
) -> Result<Translated, VolumeError> {
    let untranslatable = |reason: String| VolumeError::Untranslatable {
        what: described(source, pod, name),
        reason,
    };
    let failed = |error: flex2csi_translators::Error| untranslatable(error.to_string());
    let no_json = |error: flex2csi_translators::json::JsonError| untranslatable(error.to_string());
    let (object, legacy_secret, class) = match source {
        VolumeSource::PersistentVolume {
            json,
            storage_class,
        } => {
            let mut pv = flex2csi_translators::parse(json).map_err(no_json)?;
            if is_csi(&mut pv).map_err(no_json)? {
                return Err(VolumeError::AlreadyCsi {
                    name: name.to_owned(),
                });
            }
            let secret = secret_of_flex_volume(&mut pv, &pod.namespace).map_err(failed)?;
            let class = match storage_class {
                Some(text) => {
                    let class = Object::parse(text).map_err(no_json)?;
                    Some(StorageClass::read(class).map_err(failed)?)
                }
                None => None,
            };
            (pv, secret, class)
        }
        VolumeSource::Inline { pod: json } => {
            let mut object = Object::parse(json).map_err(no_json)?;
            let found = pod_of_inline(&mut object, name).map_err(failed)?;
            let Some((alone, secret)) = found else {
                return Err(untranslatable("it is no FlexVolume".to_owned()));
            };
            (alone.into_owned().map_err(no_json)?, secret, None)
        }
    };
    let secrets = given(legacy_secret.as_ref(), secret);
    let context = Context {
        namespace: Some(&pod.namespace),
        storage_class: class.as_ref(),
        secrets: Some(&secrets),
        ..Context::new(&knowledge.values, &knowledge.mappings)
    };
    let kind = match source {
        VolumeSource::PersistentVolume { .. } => Kind::PersistentVolume,
        VolumeSource::Inline { .. } => {
            Kind::Workload(flex2csi_translators::kind::PodSpecPlace::Pod)
        }
    };
    let outcome = flex2csi_translators::translate_as(kind, object, &context).map_err(failed)?;
    let (mut pv, extra) = parts(outcome, kind).map_err(untranslatable)?;
    let volume = CsiVolume::read(&mut pv).map_err(failed)?;
    let Some(volume) = volume else {
        return Err(untranslatable("it has no CSI form".to_owned()));
    };
    if volume.handle.len() > LONGEST_HANDLE {
        let length = volume.handle.len();
        return Err(untranslatable(format!(
            "its handle has {length} bytes, and no CSI driver has ids that long"
        )));
    }
    if volume.is_block {
        return Err(VolumeError::Block {
            what: described(source, pod, name),
        });
    }
    Ok(Translated {
        attachment_spec: inline_volume_spec(&pv).map_err(failed),
        volume,
        legacy_secret: legacy_secret.map(secret_name),
        made: made(extra).map_err(untranslatable)?,
    })
}

fn is_csi(pv: &mut Object<'_>) -> Result<bool, flex2csi_translators::json::JsonError> {
    match pv.object("spec")? {
        Some(spec) => Ok(spec.object("csi")?.is_some()),
        None => Ok(false),
    }
}

/// The translated volume and what stands beside it; or what was said of one that
/// stayed as it is.
fn parts<'a>(
    outcome: Outcome<'a>,
    kind: Kind,
) -> Result<(Object<'a>, Vec<Object<'static>>), String> {
    if !outcome.changed {
        let said: Vec<&str> = outcome.notes.iter().map(|note| &*note.message).collect();
        return Err(if said.is_empty() {
            "no mapping is known for it".to_owned()
        } else {
            said.join("; ")
        });
    }
    if kind == Kind::PersistentVolume {
        return Ok((outcome.object, outcome.extra));
    }
    let mut pv = None;
    let mut others = Vec::new();
    for object in outcome.extra {
        match object.str("kind") {
            Ok(Some(kind)) if kind == "PersistentVolume" => pv = Some(object),
            _ => others.push(object),
        }
    }
    let pv = pv.ok_or("no volume came of it")?;
    Ok((pv, others))
}

/// The call's Secret under its name, in base64 as a Secret has it.
fn given(name: Option<&SecretRef>, values: &SecretValues) -> Secrets {
    let mut secrets = Secrets::new();
    if let Some(secret) = name {
        let values = values.0.iter();
        let values = values.map(|(key, value)| (key.clone(), STANDARD.encode(value)));
        let place = (secret.namespace.clone(), secret.name.clone());
        secrets.insert(place, values.collect());
    }
    secrets
}

fn made(extra: Vec<Object<'static>>) -> Result<BTreeMap<SecretName, SecretValues>, String> {
    let mut all = BTreeMap::new();
    for mut object in extra {
        let contents = secret_contents(&mut object).map_err(|error| error.to_string())?;
        let Some((name, data, string_data)) = contents else {
            continue;
        };
        let mut values = SecretValues::default();
        for (key, text) in data {
            // They were encoded above.
            let value = STANDARD.decode(text);
            let value = value.map_err(|_| format!("the Secret's value {key:?} is no base64"))?;
            values.0.insert(key, value);
        }
        let plain = string_data.into_iter();
        values
            .0
            .extend(plain.map(|(key, text)| (key, text.into_bytes())));
        all.insert(secret_name(name), values);
    }
    Ok(all)
}

/// A Secret's name in this program's form.
pub(super) fn secret_name(secret: SecretRef) -> SecretName {
    SecretName {
        namespace: secret.namespace,
        name: secret.name,
    }
}
