//! Translates objects as the API server lists them, with its StorageClasses.

use std::collections::HashMap;

use flex2csi_translators::context::Secrets;
use flex2csi_translators::plan::Finding;
use flex2csi_translators::storage_class::{self, StorageClass};
use flex2csi_translators::{
    Context, Error, Kind, Target, TargetForm, Values, flex::Mappings, translate_as,
};

use super::metadata::Named;
use super::source::Source;
use super::volume::SecretRef;

/// What translations are told, the cluster's StorageClasses among it.
#[derive(Debug)]
pub struct Translator {
    mappings: Mappings,
    values: Values,
    classes: HashMap<String, StorageClass>,
    via_endpoint: bool,
}

/// What became of an object.
#[derive(Debug, Default)]
pub struct Translated {
    /// The translated object, JSON; `None` where it failed or stays as it is.
    pub json: Option<String>,
    /// What the translation says, or why it failed.
    pub notes: Vec<Finding>,
    /// New Secrets that the object needs.
    pub new_secrets: Vec<SecretRef>,
    /// How many new objects stand beside it.
    pub extra: usize,
}

impl Translator {
    /// A translator that knows no StorageClass yet.
    pub fn new(mappings: Mappings, values: Values) -> Self {
        Self {
            mappings,
            values,
            classes: HashMap::new(),
            via_endpoint: false,
        }
    }

    /// Has legacy objects become those of flex2csi's own CSI endpoint, or not.
    #[must_use]
    pub fn via_endpoint(mut self, via_endpoint: bool) -> Self {
        self.via_endpoint = via_endpoint;
        self
    }

    /// Whether volumes of a source stay as they are.
    pub fn leaves(&self, source: &Source) -> bool {
        match source {
            Source::Csi => true,
            Source::Endpoint { .. } => self.via_endpoint,
            Source::Flex { .. } | Source::InTree { .. } | Source::Unknown => false,
        }
    }

    /// Takes note of a StorageClass.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn learn(&mut self, json: &str) -> Result<(), Error> {
        let object = flex2csi_translators::parse(json)?;
        let class = StorageClass::read(object)?;
        self.classes.insert(class.name.clone(), class);
        Ok(())
    }

    /// Translates an object to what is stored.
    pub fn stored(&self, kind: Kind, json: &str) -> Translated {
        self.translate(kind, json, Target::Stored, None)
            .map(|(translated, _)| translated)
            .unwrap_or_else(|error| Translated {
                notes: vec![Finding::of_note(&(&error).into())],
                ..Translated::default()
            })
    }

    /// Translates a volume to what the cluster has of it in memory where it serves
    /// its in-tree source through CSI; `None` where nothing is translated so.
    pub fn runtime(&self, json: &str) -> Option<String> {
        let translated = self.translate(Kind::PersistentVolume, json, Target::Runtime, None);
        translated.ok()?.0.json
    }

    /// The new Secrets of a volume, JSON, with what its options and the legacy ones
    /// hold.
    ///
    /// # Errors
    /// It cannot be translated.
    pub fn new_secrets(&self, json: &str, legacy: &Secrets) -> Result<Vec<String>, Error> {
        let translated =
            self.translate(Kind::PersistentVolume, json, Target::Stored, Some(legacy))?;
        let (_, mut extra) = translated;
        extra.retain(|json| secret(json).is_some());
        Ok(extra)
    }

    /// What becomes of an object, and the new ones beside it, JSON.
    fn translate(
        &self,
        kind: Kind,
        json: &str,
        target: Target,
        secrets: Option<&Secrets>,
    ) -> Result<(Translated, Vec<String>), Error> {
        let mut object = flex2csi_translators::parse(json)?;
        let class = storage_class::name_of(kind, &mut object)?;
        let context = Context {
            target,
            target_form: match (self.via_endpoint, target) {
                (true, Target::Stored) => TargetForm::Endpoint,
                _ => TargetForm::Csi,
            },
            storage_class: class.and_then(|name| self.classes.get(&*name)),
            secrets,
            ..Context::new(&self.values, &self.mappings)
        };
        let outcome = translate_as(kind, object, &context)?;
        let extra: Vec<String> = outcome.extra.iter().map(|extra| extra.to_json()).collect();
        let translated = Translated {
            json: outcome.changed.then(|| outcome.object.to_json()),
            notes: outcome.notes.iter().map(Finding::of_note).collect(),
            new_secrets: extra.iter().filter_map(|json| secret(json)).collect(),
            extra: extra.len(),
        };
        Ok((translated, extra))
    }
}

fn secret(json: &str) -> Option<SecretRef> {
    let object = flex2csi_translators::parse(json).ok()?;
    if object.str("kind").ok()??.as_ref() != "Secret" {
        return None;
    }
    let named: Named = serde_json::from_str(json).ok()?;
    Some(SecretRef {
        namespace: named.metadata.namespace,
        name: named.metadata.name,
    })
}
