//! A mapping field by field, for people.

use super::mapping::Mapping;
use super::plan::Field;

/// One field of a result, and where it comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explained {
    /// The object: `PersistentVolume`, `StorageClass`, `PersistentVolumeClaim`
    /// or `Secret`.
    pub kind: &'static str,
    /// The field in that object, as `.spec.csi.volumeHandle`.
    pub target: String,
    /// The expression that gives it, in CEL.
    pub expression: String,
}

impl Mapping {
    /// Every field that a translation writes, and the expression behind it.
    /// Empty where the mapping has no translation.
    pub fn explain(&self) -> Vec<Explained> {
        let mut fields = Vec::new();
        let Ok(plan) = self.plan() else {
            return fields;
        };
        let add = |fields: &mut Vec<Explained>, kind, target: String, expression: String| {
            fields.push(Explained {
                kind,
                target,
                expression,
            });
        };
        let source = |field: &Field| field.expression.source().to_owned();
        const PV: &str = "PersistentVolume";
        if let Some(driver) = &plan.driver {
            add(&mut fields, PV, ".spec.csi.driver".into(), source(driver));
        }
        if let Some(volume) = &plan.volume {
            let one = |fields: &mut Vec<Explained>, target: &str, field: Option<&Field>| {
                if let Some(field) = field {
                    add(fields, PV, target.to_owned(), source(field));
                }
            };
            let fields = &mut fields;
            one(fields, ".spec.csi.volumeHandle", Some(&volume.handle));
            one(fields, ".spec.csi.readOnly", volume.read_only.as_ref());
            one(fields, ".spec.csi.fsType", volume.fs_type.as_ref());
            for (key, field) in &volume.attributes {
                one(
                    fields,
                    &format!(".spec.csi.volumeAttributes[{key:?}]"),
                    Some(field),
                );
            }
            for (name, secret) in &volume.secret_refs {
                one(
                    fields,
                    &format!(".spec.csi.{name}.name"),
                    Some(&secret.name),
                );
                let namespace = secret.namespace.as_ref();
                one(fields, &format!(".spec.csi.{name}.namespace"), namespace);
            }
            one(fields, ".spec.mountOptions", volume.mount_options.as_ref());
            one(fields, ".spec.accessModes", volume.access_modes.as_ref());
            for (key, field) in &volume.topology {
                one(fields, &format!(".spec.nodeAffinity ({key})"), Some(field));
            }
            for (key, field) in &volume.annotations {
                one(
                    fields,
                    &format!(".metadata.annotations[{key:?}]"),
                    Some(field),
                );
            }
            one(fields, ".spec.capacity.storage", volume.capacity.as_ref());
        }
        if let (Some(plan), Some(spec)) = (&plan.secret, &self.file.secret) {
            add(
                &mut fields,
                "Secret",
                ".metadata.name".into(),
                source(&plan.name),
            );
            for (new, keys) in spec.keys.iter() {
                let keys: Vec<&str> = keys.iter().collect();
                let from = format!("{} of the legacy Secret", keys.join(" or "));
                add(&mut fields, "Secret", format!(".data[{new:?}]"), from);
            }
            for (new, keys) in spec.options.iter() {
                let keys: Vec<&str> = keys.iter().collect();
                let from = format!("the option {}", keys.join(" or "));
                add(&mut fields, "Secret", format!(".stringData[{new:?}]"), from);
            }
        }
        if let Some(class) = &plan.class {
            let target = ".provisioner".to_owned();
            add(
                &mut fields,
                "StorageClass",
                target,
                source(&class.provisioner),
            );
            for (key, field) in &class.parameters {
                let target = format!(".parameters[{key:?}]");
                add(&mut fields, "StorageClass", target, source(field));
            }
        }
        for (key, field) in &plan.claim_annotations {
            let target = format!(".metadata.annotations[{key:?}]");
            add(&mut fields, "PersistentVolumeClaim", target, source(field));
        }
        fields
    }
}
