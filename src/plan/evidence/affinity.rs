//! Which nodes a volume's node affinity admits.

use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::Nodes;
use crate::objects::metadata::null_is_empty;

/// Distinct affinities whose nodes are remembered: one for each zone, and some.
const REMEMBERED: usize = 1024;

/// Node affinities and the nodes that they admit.
#[derive(Debug, Default)]
pub struct Affinities(HashMap<String, Rc<[u32]>>);

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Affinity {
    required: Option<Selector>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Selector {
    #[serde(deserialize_with = "null_is_empty")]
    node_selector_terms: Vec<Term>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Term {
    match_expressions: Vec<Requirement>,
    match_fields: Vec<Requirement>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Requirement {
    key: String,
    operator: String,
    values: Vec<String>,
}

impl Affinities {
    /// The nodes that an affinity admits and that take pods, by their numbers.
    pub fn nodes(&mut self, affinity: Option<&RawValue>, nodes: &Nodes) -> Rc<[u32]> {
        let text = affinity.map_or("", RawValue::get);
        if let Some(known) = self.0.get(text) {
            return Rc::clone(known);
        }
        // One that cannot be read is refused by the API server as well.
        let selector = serde_json::from_str::<Affinity>(text)
            .unwrap_or_default()
            .required;
        let all = nodes.all().iter().zip(0..);
        let admitted: Rc<[u32]> = all
            .filter(|(node, _)| node.takes_pods)
            .filter(|(node, _)| match &selector {
                Some(selector) => selector.admits(&node.name, &node.labels),
                None => true,
            })
            .map(|(_, number)| number)
            .collect();
        if self.0.len() < REMEMBERED {
            self.0.insert(text.to_owned(), Rc::clone(&admitted));
        }
        admitted
    }
}

impl Selector {
    /// One term has to hold, in all that it asks for; an empty one never does.
    fn admits(&self, name: &str, labels: &BTreeMap<String, String>) -> bool {
        self.node_selector_terms.iter().any(|term| {
            let empty = term.match_expressions.is_empty() && term.match_fields.is_empty();
            !empty
                && term
                    .match_expressions
                    .iter()
                    .all(|asked| asked.holds(labels.get(&asked.key).map(String::as_str)))
                && term
                    .match_fields
                    .iter()
                    .all(|asked| asked.key == "metadata.name" && asked.holds(Some(name)))
        })
    }
}

impl Requirement {
    fn holds(&self, value: Option<&str>) -> bool {
        let listed = || value.is_some_and(|value| self.values.iter().any(|one| one == value));
        let numbers = || -> Option<(i64, i64)> {
            Some((value?.parse().ok()?, self.values.first()?.parse().ok()?))
        };
        match self.operator.as_str() {
            "In" => listed(),
            "NotIn" => !listed(),
            "Exists" => value.is_some(),
            "DoesNotExist" => value.is_none(),
            "Gt" => numbers().is_some_and(|(value, bound)| value > bound),
            "Lt" => numbers().is_some_and(|(value, bound)| value < bound),
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admits(terms: &str, labels: &[(&str, &str)]) -> bool {
        let json = format!(r#"{{"nodeSelectorTerms":{terms}}}"#);
        let selector: Selector = serde_json::from_str(&json).unwrap();
        let labels = labels
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        selector.admits("a", &labels.collect())
    }

    #[test]
    fn operators_mean_what_they_do_to_the_scheduler() {
        let one = |operator: &str, values: &str| {
            format!(
                r#"[{{"matchExpressions":[{{"key":"k","operator":"{operator}","values":{values}}}]}}]"#
            )
        };
        assert!(admits(&one("In", r#"["1"]"#), &[("k", "1")]));
        assert!(!admits(&one("In", r#"["1"]"#), &[]));
        assert!(admits(&one("NotIn", r#"["1"]"#), &[]));
        assert!(admits(&one("Exists", "[]"), &[("k", "")]));
        assert!(admits(&one("DoesNotExist", "[]"), &[]));
        assert!(admits(&one("Gt", r#"["3"]"#), &[("k", "4")]));
        assert!(!admits(&one("Lt", r#"["3"]"#), &[("k", "x")]));
        assert!(!admits(&one("Near", r#"["3"]"#), &[("k", "3")]));
    }

    #[test]
    fn one_term_is_enough_and_an_empty_one_is_none() {
        let yes = r#"{"matchFields":[{"key":"metadata.name","operator":"In","values":["a"]}]}"#;
        let no = r#"{"matchFields":[{"key":"metadata.name","operator":"In","values":["b"]}]}"#;
        assert!(admits(&format!("[{no},{yes}]"), &[]));
        assert!(!admits(&format!("[{no}]"), &[]));
        assert!(!admits("[{}]", &[]));
        assert!(!admits("[]", &[]));
    }
}
