//! In-tree sources and FlexVolume mappings, seen alike.

use flex2csi_translators::flex::{Mapping, Mappings};
use flex2csi_translators::in_tree::stored::{self, Reach, SourceInfo};
use flex2csi_translators::values::ValueSpec;
use serde::Serialize;

/// Where volumes of a source stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Form {
    /// A source of its own in Kubernetes.
    #[serde(rename = "in-tree")]
    InTree,
    /// A driver of kubelet's FlexVolume plugin.
    #[serde(rename = "FlexVolume")]
    FlexVolume,
}

impl Form {
    /// As written in the table.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InTree => "in-tree",
            Self::FlexVolume => "FlexVolume",
        }
    }
}

/// What is known of a source.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    /// Its name, which is that of its section in the values file.
    pub name: String,
    /// Where its volumes stand.
    pub form: Form,
    /// The plugin, or the driver names.
    pub drivers: Vec<String>,
    /// The provisioners of its StorageClasses.
    pub provisioners: Vec<String>,
    /// The CSI driver; an expression in parentheses where it depends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub csi_driver: Option<String>,
    /// How far it goes.
    pub reach: Reach,
    /// The values that it cannot do without.
    pub needs: Vec<String>,
    /// All values that it takes.
    pub values: Vec<ValueSpec>,
    /// How well the vendor's format is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confidence: Option<&'static str>,
    /// One sentence.
    pub summary: String,
    /// Why it is not translated, and what to do instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_translatable: Option<NotTranslatable>,
}

/// Why a source is not translated.
#[derive(Debug, Clone, Serialize)]
pub struct NotTranslatable {
    /// Why.
    pub reason: String,
    /// What to do.
    pub instead: String,
}

/// One field of a translated object.
#[derive(Debug, Clone, Serialize)]
pub struct Field {
    /// The object's kind.
    pub kind: String,
    /// The field in it.
    pub target: String,
    /// Where it comes from: a field, a parameter, a value, an expression.
    pub from: String,
    /// How, where that is not plain.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub remark: String,
}

/// Every source: in-tree first, then FlexVolume drivers.
pub fn all(mappings: &Mappings) -> impl Iterator<Item = Entry> {
    let in_tree = stored::catalogue().map(|source| Entry::of_source(&source));
    in_tree.chain(mappings.iter().map(Entry::of_mapping))
}

fn required(values: &[ValueSpec]) -> Vec<String> {
    let required = values.iter().filter(|value| value.required);
    required
        .map(|value| match &value.unless {
            Some(other) => format!("{} or {other}", value.name),
            None => value.name.to_string(),
        })
        .collect()
}

impl Entry {
    fn of_source(source: &SourceInfo) -> Self {
        Self {
            name: source.name.to_owned(),
            form: Form::InTree,
            drivers: vec![source.plugin.to_owned()],
            provisioners: source
                .provisioners
                .iter()
                .map(ToString::to_string)
                .collect(),
            csi_driver: source.driver.map(str::to_owned),
            reach: source.reach,
            needs: required(&source.values),
            values: source.values.clone(),
            confidence: None,
            summary: source.summary.to_owned(),
            not_translatable: None,
        }
    }

    fn of_mapping(mapping: &Mapping) -> Self {
        let needs = required(mapping.values());
        let kept = mapping.kept().is_some();
        let not_translatable =
            mapping
                .not_translatable()
                .map(|(reason, instead)| NotTranslatable {
                    reason: reason.to_owned(),
                    instead: instead.to_owned(),
                });
        let reach = match (&not_translatable, needs.is_empty()) {
            _ if kept => Reach::Kept,
            (Some(_), _) => Reach::NotTranslatable,
            (None, true) => Reach::Full,
            (None, false) => Reach::NeedsValue,
        };
        Self {
            name: mapping.name().to_owned(),
            form: Form::FlexVolume,
            drivers: mapping.drivers().map(str::to_owned).collect(),
            provisioners: mapping.provisioners().to_vec(),
            csi_driver: mapping.csi_driver(),
            reach,
            needs,
            values: mapping.values().to_vec(),
            confidence: Some(mapping.confidence().as_str()),
            summary: mapping.summary().to_owned(),
            not_translatable,
        }
    }

    /// Whether a person may mean this source.
    pub fn is_called(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
            || self.csi_driver.as_deref() == Some(name)
            || self
                .provisioners
                .iter()
                .any(|provisioner| provisioner == name)
            || self.drivers.iter().any(|driver| fits(driver, name))
    }

    /// Field by field, where a translated object's fields come from.
    pub fn fields(&self, mappings: &Mappings) -> Vec<Field> {
        match self.form {
            Form::InTree => stored::catalogue()
                .filter(|source| source.name == self.name)
                .flat_map(|source| source.fields)
                .map(|field| Field {
                    kind: "PersistentVolume".to_owned(),
                    target: field.target.to_owned(),
                    from: field.from.to_owned(),
                    remark: field.remark.to_owned(),
                })
                .collect(),
            Form::FlexVolume => {
                let explained = mappings.get(&self.name).map(Mapping::explain);
                let explained = explained.unwrap_or_default().into_iter();
                explained
                    .map(|field| Field {
                        kind: field.kind.to_owned(),
                        target: field.target,
                        from: field.expression,
                        remark: String::new(),
                    })
                    .collect()
            }
        }
    }
}

/// Whether a driver's name, or its pattern `vendor/{name}`, is that of `name`:
/// a place takes what holds no `/`, and at least one character.
fn fits(driver: &str, name: &str) -> bool {
    let Some((before, rest)) = driver.split_once('{') else {
        return driver == name;
    };
    let Some(name) = name.strip_prefix(before) else {
        return false;
    };
    let after = rest.split_once('}').map_or("", |(_, after)| after);
    let place = name.split('/').next().unwrap_or_default();
    let mut ends = place.char_indices().skip(1).map(|(at, _)| at);
    ends.any(|end| fits(after, &name[end..]))
        || (!place.is_empty() && fits(after, &name[place.len()..]))
}

#[cfg(test)]
mod tests {
    use super::fits;

    #[test]
    fn a_place_takes_no_slash() {
        assert!(fits("ceph.rook.io/{ns}", "ceph.rook.io/rook-ceph"));
        assert!(!fits("ceph.rook.io/{ns}", "ceph.rook.io/a/b"));
        assert!(!fits("ceph.rook.io/{ns}", "ceph.rook.io/"));
        assert!(fits("a/{x}-fs", "a/b-fs"));
        assert!(!fits("a/{x}-fs", "a/b"));
        assert!(fits("a/{x}-{y}", "a/b-c-d"));
        assert!(!fits("a/b", "a/c"));
    }
}
