//! A mapping's expressions, compiled and checked.

use std::collections::BTreeSet;

use serde_saphyr::Spanned;

use super::error::Fault;
use super::expression::{
    CAPTURES, Expression, OPTIONS, PV, SECRET_NAME, SECRET_NAMESPACE, STORAGE_CLASS, VALUES,
};
use super::schema::{Cel, MappingFile, NoteSpec, Ordered, SecretRefSpec};
use crate::json::Path;
use crate::note::Code;

/// What expressions on a volume may use.
const ON_VOLUME: &[&str] = &[
    PV,
    OPTIONS,
    STORAGE_CLASS,
    VALUES,
    CAPTURES,
    SECRET_NAME,
    SECRET_NAMESPACE,
];
/// What expressions on a StorageClass or a claim may use.
const ON_CLASS: &[&str] = &[STORAGE_CLASS, VALUES];
/// What the expressions that choose a mapping may use.
const ON_DRIVER: &[&str] = &[OPTIONS, CAPTURES];

/// An expression and the field of the mapping where it stands.
#[derive(Debug)]
pub(super) struct Field {
    pub name: String,
    pub expression: Expression,
}

/// All of a mapping's expressions.
#[derive(Debug, Default)]
pub(super) struct Plan {
    pub when: Option<Field>,
    pub shape: Option<Field>,
    pub driver: Option<Field>,
    pub volume: Option<VolumePlan>,
    pub secret: Option<SecretRefPlan>,
    pub inline_access_modes: Option<Field>,
    pub class: Option<ClassPlan>,
    pub claim_annotations: Vec<(String, Field)>,
    pub notes: Vec<NotePlan>,
    /// Option keys that need no note, in lower case and as written.
    pub understood: BTreeSet<String>,
    /// Whether the Secret's namespace is asked for, which may be the claim's.
    pub needs_namespace: bool,
    /// Whether annotations are looked at.
    pub reads_annotations: bool,
}

/// The expressions of the volume's CSI form.
#[derive(Debug)]
pub(super) struct VolumePlan {
    pub handle: Field,
    pub fs_type: Option<Field>,
    pub read_only: Option<Field>,
    pub attributes: Vec<(String, Field)>,
    pub secret_refs: Vec<(&'static str, SecretRefPlan)>,
    pub mount_options: Option<Field>,
    pub access_modes: Option<Field>,
    pub topology: Vec<(String, Field)>,
    pub annotations: Vec<(String, Field)>,
    pub capacity: Option<Field>,
}

/// The expressions that name a Secret.
#[derive(Debug)]
pub(super) struct SecretRefPlan {
    pub name: Field,
    pub namespace: Option<Field>,
}

/// The expressions of a StorageClass.
#[derive(Debug)]
pub(super) struct ClassPlan {
    pub provisioner: Field,
    pub parameters: Vec<(String, Field)>,
    pub notes: Vec<NotePlan>,
}

/// A note and when it is made.
#[derive(Debug)]
pub(super) struct NotePlan {
    pub code: Code,
    pub when: Option<Field>,
    pub path: Path,
    pub message: String,
    pub remedy: Option<String>,
}

impl Plan {
    /// Compiles every expression.
    pub fn compile(file: &MappingFile, places: &[&str]) -> Result<Self, Fault> {
        let on = |variables| Compiler {
            file,
            places,
            variables,
        };
        let (volume, class, driver) = (on(ON_VOLUME), on(ON_CLASS), on(ON_DRIVER));
        let shape = Compiler {
            variables: &[OPTIONS],
            ..on(ON_DRIVER)
        };
        let mut plan = Self {
            when: driver.optional("when", file.when.as_ref())?,
            shape: shape.optional("shape", file.shape.as_ref())?,
            driver: volume.optional("csiDriver", file.csi_driver.as_ref())?,
            volume: volume.volume()?,
            notes: volume.notes("notes", &file.notes)?,
            ..Self::default()
        };
        if let Some(secret) = &file.secret {
            let name = volume.field("secret.name".into(), &secret.name)?;
            let namespace = volume.optional("secret.namespace", secret.namespace.as_ref())?;
            plan.secret = Some(SecretRefPlan { name, namespace });
        }
        if let Some(inline) = &file.inline {
            let modes = inline.access_modes.as_ref();
            plan.inline_access_modes = volume.optional("inline.accessModes", modes)?;
        }
        if let Some(spec) = &file.storage_class {
            let name = "storageClass.provisioner".to_owned();
            plan.class = Some(ClassPlan {
                provisioner: class.field(name, &spec.provisioner)?,
                parameters: class.map("storageClass.parameters", &spec.parameters)?,
                notes: class.notes("storageClass.notes", &spec.notes)?,
            });
        }
        if let Some(claim) = &file.claim {
            plan.claim_annotations = class.map("claim.annotations", &claim.annotations)?;
        }
        plan.understood = understood(file, &plan);
        let of_secret = |field: &Field| field.expression.reads_variable(SECRET_NAMESPACE);
        let refs = plan
            .volume
            .iter()
            .any(|volume| !volume.secret_refs.is_empty());
        let needs_namespace = refs || plan.secret.is_some() || plan.on_object().any(of_secret);
        let of_annotations = |field: &Field| field.expression.reads_annotations();
        let reads_annotations = plan.on_object().any(of_annotations);
        plan.needs_namespace = needs_namespace;
        plan.reads_annotations = reads_annotations;
        Ok(plan)
    }

    /// Every expression that is evaluated on a volume.
    fn on_object(&self) -> impl Iterator<Item = &Field> {
        let notes = self.notes.iter().filter_map(|note| note.when.as_ref());
        self.on_volume()
            .chain(notes)
            .chain(&self.inline_access_modes)
    }

    /// Whether an option needs no note.
    pub fn understands(&self, key: &str) -> bool {
        let lower = || key.to_ascii_lowercase();
        self.understood.contains(key) || self.understood.contains(lower().as_str())
    }

    /// The expressions that shape the volume.
    pub fn on_volume(&self) -> impl Iterator<Item = &Field> {
        let volume = self.volume.iter().flat_map(VolumePlan::fields);
        let secret = self.secret.iter().flat_map(SecretRefPlan::fields);
        self.driver.iter().chain(volume).chain(secret)
    }
}

impl VolumePlan {
    /// In the order of the fields of a volume.
    pub fn fields(&self) -> impl Iterator<Item = &Field> {
        fn values(map: &[(String, Field)]) -> impl Iterator<Item = &Field> {
            map.iter().map(|(_, field)| field)
        }
        let refs = self
            .secret_refs
            .iter()
            .flat_map(|(_, secret)| secret.fields());
        std::iter::once(&self.handle)
            .chain(&self.read_only)
            .chain(&self.fs_type)
            .chain(values(&self.attributes))
            .chain(refs)
            .chain(&self.mount_options)
            .chain(&self.access_modes)
            .chain(values(&self.topology))
            .chain(values(&self.annotations))
            .chain(&self.capacity)
    }
}

impl SecretRefPlan {
    pub fn fields(&self) -> impl Iterator<Item = &Field> {
        std::iter::once(&self.name).chain(&self.namespace)
    }
}

fn understood(file: &MappingFile, plan: &Plan) -> BTreeSet<String> {
    let secret = file.secret.iter();
    let in_secret =
        secret.flat_map(|secret| secret.options.iter().flat_map(|(_, keys)| keys.iter()));
    let read = plan
        .on_volume()
        .flat_map(|field| field.expression.members_of(OPTIONS));
    file.reads
        .iter()
        .chain(&file.credentials)
        .map(String::as_str)
        .chain(in_secret)
        .chain(read)
        .flat_map(|key| [key.to_owned(), key.to_ascii_lowercase()])
        .collect()
}

#[derive(Clone, Copy)]
struct Compiler<'f> {
    file: &'f MappingFile,
    places: &'f [&'f str],
    variables: &'f [&'f str],
}

impl Compiler<'_> {
    fn field(&self, name: String, source: &Cel) -> Result<Field, Fault> {
        let expression = Expression::compile(&source.value, self.variables)
            .map_err(|refused| Fault::expression(source, &name, &refused))?;
        for value in expression.members_of(VALUES) {
            if !self.file.values.iter().any(|spec| spec.name == value) {
                let message = format!("{name}: `values.{value}` is not declared under `values`");
                return Err(Fault::on(source, message));
            }
        }
        for place in expression.members_of(CAPTURES) {
            if !self.places.contains(&place) {
                let message = format!("{name}: no driver pattern has the place {{{place}}}");
                return Err(Fault::on(source, message));
            }
        }
        Ok(Field { name, expression })
    }

    fn optional(&self, name: &str, source: Option<&Cel>) -> Result<Option<Field>, Fault> {
        source
            .map(|source| self.field(name.to_owned(), source))
            .transpose()
    }

    fn map(&self, name: &str, map: &Ordered<Cel>) -> Result<Vec<(String, Field)>, Fault> {
        map.iter()
            .map(|(key, source)| {
                let field = self.field(format!("{name}[{key}]"), source)?;
                Ok((key.to_owned(), field))
            })
            .collect()
    }

    fn secret_ref(&self, name: &str, spec: &SecretRefSpec) -> Result<SecretRefPlan, Fault> {
        let namespace = format!("{name}.namespace");
        Ok(SecretRefPlan {
            name: self.field(format!("{name}.name"), &spec.name)?,
            namespace: self.optional(&namespace, spec.namespace.as_ref())?,
        })
    }

    fn volume(&self) -> Result<Option<VolumePlan>, Fault> {
        let Some(spec) = &self.file.volume else {
            return Ok(None);
        };
        let optional = |name: &str, source: &Option<Cel>| {
            self.optional(&format!("volume.{name}"), source.as_ref())
        };
        let mut secret_refs = Vec::new();
        for (name, secret) in spec.secret_refs.iter() {
            let plan = self.secret_ref(&format!("volume.secretRefs.{name}"), secret)?;
            secret_refs.push((name, plan));
        }
        Ok(Some(VolumePlan {
            handle: self.field("volume.volumeHandle".into(), &spec.volume_handle)?,
            fs_type: optional("fsType", &spec.fs_type)?,
            read_only: optional("readOnly", &spec.read_only)?,
            attributes: self.map("volume.volumeAttributes", &spec.volume_attributes)?,
            secret_refs,
            mount_options: optional("mountOptions", &spec.mount_options)?,
            access_modes: optional("accessModes", &spec.access_modes)?,
            topology: self.map("volume.topology", &spec.topology)?,
            annotations: self.map("volume.annotations", &spec.annotations)?,
            capacity: optional("capacity", &spec.capacity)?,
        }))
    }

    fn notes(&self, name: &str, notes: &[NoteSpec]) -> Result<Vec<NotePlan>, Fault> {
        let plans = notes.iter().map(|note| {
            Ok(NotePlan {
                code: code(&note.code)?,
                when: self.optional(&format!("{name}.when"), note.when.as_ref())?,
                path: path(&note.path),
                message: note.message.clone(),
                remedy: note.remedy.clone(),
            })
        });
        plans.collect()
    }
}

fn code(code: &Spanned<String>) -> Result<Code, Fault> {
    Code::parse(&code.value).ok_or_else(|| {
        let known: Vec<&str> = Code::ALL.iter().map(|code| code.as_str()).collect();
        let message = format!("unknown note code; expected one of {}", known.join(", "));
        Fault::on(code, message)
    })
}

/// Reads `.spec.csi` and `.metadata.annotations["a/b"]`.
fn path(text: &str) -> Path {
    let mut keys = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let (key, after) = match rest.strip_prefix('[') {
            Some(key) => key.split_once(']').unwrap_or((key, "")),
            None => {
                let start = rest.strip_prefix('.').unwrap_or(rest);
                start.split_at(start.find(['.', '[']).unwrap_or(start.len()))
            }
        };
        keys.push(key.trim_matches('"'));
        rest = after;
    }
    Path::of(&keys)
}

#[cfg(test)]
mod tests {
    #[test]
    fn paths_are_read_as_they_are_printed() {
        for text in [
            "",
            ".spec.accessModes",
            ".spec.flexVolume.options.disk-mode",
            ".metadata.annotations[\"a.b/c\"]",
            ".spec.nodeAffinity.required[0].key",
        ] {
            assert_eq!(super::path(text).to_string(), text);
        }
        // Whatever stands there, it comes to an end.
        for text in ["[", "[[", ".[", "[\"", "..", "a[0]"] {
            super::path(text);
        }
    }
}
