//! Which recorded volumes have the labels that are asked for: by those that they have now,
//! or, where the object is gone until the new one is there, by those that it is to have.

use std::collections::{BTreeMap, HashSet};

use flex2csi_translators::rewrite::{ObjectKind, Step};
use kube::Client;
use kube::core::{Expression, Selector, SelectorExt as _};

use super::live;
use super::records::Known;
use crate::api_request::pages::Pages;
use crate::exit::Usage;
use crate::journal::Document;
use crate::objects::metadata::Named;
use crate::plan::evidence::load::VOLUMES;
use crate::selection::Selection;

/// Volumes with the labels that are asked for; all objects where none are.
#[derive(Debug, Default)]
pub struct Labelled(Option<Asked>);

#[derive(Debug)]
struct Asked {
    /// Those that have them now.
    names: HashSet<String>,
    selector: Selector,
}

impl Labelled {
    /// Those that a selection asks for.
    ///
    /// # Errors
    /// They cannot be listed, or the selector is one that cannot be held against a record.
    pub async fn find(client: &Client, selection: &Selection) -> anyhow::Result<Self> {
        let Some(labels) = &selection.labels else {
            return Ok(Self(None));
        };
        let mut names = HashSet::new();
        let mut pages = Pages::new(client, VOLUMES.path).selected(Some(labels));
        while let Some(page) = pages.next().await? {
            for item in page.items()? {
                names.insert(serde_json::from_str::<Named>(item)?.metadata.name);
            }
        }
        // The API server has taken it.
        let selector = parse(labels).ok_or_else(|| {
            Usage(format!(
                "the selector {labels:?} cannot be held against what is recorded of volumes: use KEY, !KEY, \
                 KEY=VALUE, KEY!=VALUE, KEY in (…) and KEY notin (…) alone"
            ))
        })?;
        Ok(Self(Some(Asked { names, selector })))
    }

    /// Whether a record is of one of them. Of one whose object may be gone it is said if
    /// it is to have the labels: [`Labelled::leave_others`] looks.
    pub fn may_have(&self, document: &Document) -> bool {
        let Some(asked) = &self.0 else {
            return true;
        };
        let spec = &document.spec;
        spec.kind == ObjectKind::PersistentVolume
            && (asked.names.contains(&spec.name)
                || (is_committed(document) && asked.selector.matches(&labels(document))))
    }

    /// Takes out records whose volume is there, with other labels.
    ///
    /// # Errors
    /// A volume cannot be looked at.
    pub async fn leave_others(
        &self,
        client: &Client,
        known: &mut Vec<Known>,
    ) -> anyhow::Result<()> {
        let Some(asked) = &self.0 else {
            return Ok(());
        };
        let mut others = HashSet::new();
        let unseen = known.iter().filter(|record| {
            record.is_committed
                && record.kind == ObjectKind::PersistentVolume
                && !asked.names.contains(&record.name)
        });
        for record in unseen {
            let place = live::place(record.kind, &record.name);
            if let Some(found) = live::get(client, &place).await? {
                let found: Named = serde_json::from_str(&found)?;
                if !asked.selector.matches(&found.metadata.labels) {
                    others.insert(record.name.clone());
                }
            }
        }
        known.retain(|record| !others.contains(&record.name));
        Ok(())
    }
}

/// Whether a record's object may be gone.
fn is_committed(document: &Document) -> bool {
    document.status.id == document.spec.id && document.status.step == Step::Committed
}

/// The labels of what is to be there, or else was.
fn labels(document: &Document) -> BTreeMap<String, String> {
    let body = document.status.body.as_deref();
    let object = body.unwrap_or(&document.spec.original);
    let named: Named = serde_json::from_str(object).unwrap_or_default();
    named.metadata.labels
}

/// A selector as kubectl takes it, but for `>` and `<`.
fn parse(selector: &str) -> Option<Selector> {
    let mut depth = 0;
    let requirements = selector.split(|character| {
        match character {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        character == ',' && depth == 0
    });
    requirements.map(|text| requirement(text.trim())).collect()
}

fn requirement(text: &str) -> Option<Expression> {
    let key = |text: &str| name(text).filter(|key| !key.is_empty());
    if let Some(absent) = text.strip_prefix('!') {
        return key(absent).map(Expression::DoesNotExist);
    }
    if let Some((of, values)) = text.split_once('(') {
        let values = values.strip_suffix(')')?.split(',');
        let values = values.map(name).collect::<Option<_>>()?;
        let (of, operator) = of.trim().split_once(char::is_whitespace)?;
        return match operator.trim() {
            "in" => Some(Expression::In(key(of)?, values)),
            "notin" => Some(Expression::NotIn(key(of)?, values)),
            _ => None,
        };
    }
    if let Some((of, value)) = text.split_once("!=") {
        return Some(Expression::NotEqual(key(of)?, name(value)?));
    }
    if let Some((of, value)) = text.split_once("==").or_else(|| text.split_once('=')) {
        return Some(Expression::Equal(key(of)?, name(value)?));
    }
    key(text).map(Expression::Exists)
}

/// A label's key or value, if it is nothing else.
fn name(text: &str) -> Option<String> {
    let text = text.trim();
    let is_of_it =
        |character: char| character.is_ascii_alphanumeric() || "-_./".contains(character);
    text.chars().all(is_of_it).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_selector_is_read_as_kubectl_writes_it() {
        let labels = [("app", "shop"), ("example.com/tier", "a")];
        let labels = labels.map(|(key, value)| (key.to_owned(), value.to_owned()));
        let labels = BTreeMap::from(labels);
        for (selector, expected) in [
            ("app=shop", true),
            ("app==shop", true),
            ("app = shop , example.com/tier=a", true),
            ("app=bank", false),
            ("app=shop,example.com/tier=b", false),
            ("app!=shop", false),
            ("none!=shop", true),
            ("app", true),
            ("!app", false),
            ("! none", true),
            ("app in (bank, shop),!none", true),
            ("app in (bank)", false),
            ("app notin (bank,shop)", false),
            ("none notin (bank)", true),
            ("app=", false),
        ] {
            let read = parse(selector).unwrap_or_else(|| panic!("{selector} is not read"));
            assert_eq!(read.matches(&labels), expected, "{selector}");
        }
        for selector in [
            "app>1",
            "app=shop,",
            "=shop",
            "app in bank",
            "app of (bank)",
            "a b",
        ] {
            assert_eq!(parse(selector), None, "{selector}");
        }
    }
}
