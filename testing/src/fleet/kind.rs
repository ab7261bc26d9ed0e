//! What the tables of legacy volumes hold.

use std::collections::BTreeMap;

use serde_json::{Value, json};

/// One kind of legacy volume, of which a fleet has many.
pub struct Kind {
    /// Short, unique: the mapping's name, or the member of the in-tree source.
    pub name: &'static str,
    /// The FlexVolume driver; none for in-tree sources.
    pub flex_volume: Option<&'static str>,
    /// Who provisioned the dynamic ones; kinds without are all made by hand.
    pub provisioner: Option<&'static str>,
    /// The driver in whose name the cluster itself serves the in-tree source.
    pub migrated_to: Option<&'static str>,
    /// Whether many nodes can mount it.
    pub shared: bool,
    /// The source, without the member that names it.
    pub source: fn(&Which) -> Value,
    /// What the volume's translation needs beside it.
    pub site: fn(&Which, &mut Site),
    /// Annotations that belong to the volume of a dynamic one, or of any.
    pub annotations: fn(&Which) -> Vec<(&'static str, String)>,
    /// The parameters of the provisioner's StorageClass.
    pub parameters: fn() -> Value,
}

impl Kind {
    /// A FlexVolume that needs nothing but its source.
    pub const fn flex_volume(
        name: &'static str,
        driver: &'static str,
        source: fn(&Which) -> Value,
    ) -> Self {
        Self {
            flex_volume: Some(driver),
            ..Self::in_tree(name, source)
        }
    }

    /// An in-tree source that needs nothing beside it.
    pub const fn in_tree(name: &'static str, source: fn(&Which) -> Value) -> Self {
        Self {
            name,
            flex_volume: None,
            provisioner: None,
            migrated_to: None,
            shared: false,
            source,
            site: |_, _| {},
            annotations: |_| Vec::new(),
            parameters: || json!({}),
        }
    }

    /// Also made by a provisioner, in a class with these parameters.
    pub const fn by(mut self, provisioner: &'static str, parameters: fn() -> Value) -> Self {
        self.provisioner = Some(provisioner);
        self.parameters = parameters;
        self
    }

    /// Mounted by many nodes.
    pub const fn shared(mut self) -> Self {
        self.shared = true;
        self
    }

    /// Served through CSI by the cluster itself.
    pub const fn migrated(mut self, driver: &'static str) -> Self {
        self.migrated_to = Some(driver);
        self
    }

    /// Translated with values of the site.
    pub const fn with(mut self, site: fn(&Which, &mut Site)) -> Self {
        self.site = site;
        self
    }

    /// Bears annotations of its driver.
    pub const fn annotated(
        mut self,
        annotations: fn(&Which) -> Vec<(&'static str, String)>,
    ) -> Self {
        self.annotations = annotations;
        self
    }

    /// The name of the provisioner's StorageClass.
    pub fn class(&self) -> String {
        format!("legacy-{}", self.name.to_lowercase())
    }

    /// The volume's source as a member of its spec.
    pub fn member(&self, which: &Which) -> (&'static str, Value) {
        match self.flex_volume {
            None => (self.name, (self.source)(which)),
            Some(driver) => {
                let mut source = json!({ "driver": driver });
                if let (Some(into), Value::Object(more)) =
                    (source.as_object_mut(), (self.source)(which))
                {
                    into.extend(more);
                }
                ("flexVolume", source)
            }
        }
    }
}

/// Which volume of the fleet.
#[derive(Debug, Clone)]
pub struct Which {
    /// Its number.
    pub number: usize,
    /// The PersistentVolume's name.
    pub name: String,
    /// The namespace of its claim.
    pub namespace: String,
}

/// What only the site knows, for `--values`.
#[derive(Debug, Clone, Default)]
pub struct Site(BTreeMap<&'static str, BTreeMap<&'static str, Value>>);

impl Site {
    /// Sets one value of a source.
    pub fn set(&mut self, source: &'static str, key: &'static str, value: Value) {
        self.0.entry(source).or_default().insert(key, value);
    }

    /// Adds an entry to a table of a source.
    pub fn entry(&mut self, source: &'static str, table: &'static str, key: String, value: String) {
        let section = self.0.entry(source).or_default();
        let table = section.entry(table).or_insert_with(|| json!({}));
        table[key] = json!(value);
    }

    /// The values file: JSON is YAML.
    pub fn text(&self) -> String {
        json!(self.0).to_string()
    }
}
