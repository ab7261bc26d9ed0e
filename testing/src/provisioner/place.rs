//! Where a new volume is to be reached from.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

type Segments = BTreeMap<String, String>;

/// Where the nodes of a driver are, in the driver's words.
pub(super) struct Places {
    of_nodes: BTreeMap<String, Segments>,
}

impl Places {
    /// By the topology keys that the driver gave kubelet on each node, and the labels
    /// that kubelet gave the node for it.
    pub fn of(nodes: &[Value], csi_nodes: &[Value], driver: &str) -> Self {
        let mut of_nodes = BTreeMap::new();
        for csi_node in csi_nodes {
            let name = &csi_node["metadata"]["name"];
            let drivers = csi_node["spec"]["drivers"].as_array();
            let registered = drivers.into_iter().flatten();
            let registered = registered.into_iter().find(|each| each["name"] == driver);
            let node = nodes.iter().find(|node| node["metadata"]["name"] == *name);
            if let (Some(name), Some(registered), Some(node)) = (name.as_str(), registered, node) {
                let keys = registered["topologyKeys"].as_array();
                let segments = keys.into_iter().flatten().filter_map(|key| {
                    let label = node["metadata"]["labels"][key.as_str()?].as_str()?;
                    Some((key.as_str()?.to_owned(), label.to_owned()))
                });
                of_nodes.insert(name.to_owned(), segments.collect());
            }
        }
        Self { of_nodes }
    }

    /// CreateVolume's `accessibility_requirements`: all places where the class allows
    /// volumes, that of the selected node first. None for a driver without topology.
    ///
    /// # Errors
    /// The selected node is no node of the driver, or not where volumes may be.
    pub fn requirement(
        &self,
        allowed: &Value,
        selected: Option<&str>,
    ) -> Result<Option<Value>, String> {
        let own = match selected {
            None => None,
            Some(node) => match self.of_nodes.get(node) {
                None => return Err(format!("the driver is not on node {node}")),
                own => own,
            },
        };
        let mut places = allowed_places(allowed);
        if places.is_empty() {
            let distinct: BTreeSet<Segments> = self.of_nodes.values().cloned().collect();
            places.extend(distinct.into_iter().filter(|place| !place.is_empty()));
        }
        if places.is_empty() {
            return Ok(None);
        }
        let mut preferred = places.clone();
        if let Some(own) = own {
            let is_own =
                |place: &Segments| place.iter().all(|(key, value)| own.get(key) == Some(value));
            let Some(index) = places.iter().position(is_own) else {
                return Err(format!("a volume for {own:?} is not allowed to be there"));
            };
            preferred.rotate_left(index);
        }
        Ok(Some(json!({
            "requisite": topologies(&places),
            "preferred": topologies(&preferred),
        })))
    }
}

/// Each place that a StorageClass's `allowedTopologies` name.
fn allowed_places(allowed: &Value) -> Vec<Segments> {
    let mut all = Vec::new();
    for term in allowed.as_array().into_iter().flatten() {
        let mut places = vec![Segments::new()];
        let expressions = term["matchLabelExpressions"].as_array();
        for expression in expressions.into_iter().flatten() {
            let key = expression["key"].as_str().unwrap_or_default();
            let values = expression["values"].as_array();
            let values: Vec<&str> = values
                .into_iter()
                .flatten()
                .filter_map(Value::as_str)
                .collect();
            let with = |place: Segments| {
                values.iter().map(move |value| {
                    let mut place = place.clone();
                    place.insert(key.to_owned(), (*value).to_owned());
                    place
                })
            };
            places = places.into_iter().flat_map(with).collect();
        }
        all.extend(places);
    }
    all
}

fn topologies(places: &[Segments]) -> Vec<Value> {
    let topology = |segments: &Segments| json!({ "segments": segments });
    places.iter().map(topology).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ZONE: &str = "topology.kubernetes.io/zone";

    fn places() -> Places {
        let node = |name: &str, zone: &str| json!({ "metadata": { "name": name, "labels": { ZONE: zone, "other": "x" } } });
        let csi_node = |name: &str| {
            let registered = json!({ "name": "d", "topologyKeys": [ZONE] });
            json!({ "metadata": { "name": name }, "spec": { "drivers": [registered] } })
        };
        Places::of(
            &[node("one", "a"), node("two", "b"), node("bare", "c")],
            &[csi_node("one"), csi_node("two")],
            "d",
        )
    }

    fn asked(zones: &[&str]) -> Value {
        let topology = |zone: &&str| json!({ "segments": { ZONE: zone } });
        zones.iter().map(topology).collect()
    }

    #[test]
    fn the_selected_node_comes_first() {
        let requirement = places().requirement(&Value::Null, Some("two")).unwrap();
        let expected = json!({ "requisite": asked(&["a", "b"]), "preferred": asked(&["b", "a"]) });
        assert_eq!(requirement, Some(expected));
    }

    #[test]
    fn what_is_allowed_is_asked_for_and_nothing_else() {
        let allowed = json!([{ "matchLabelExpressions": [{ "key": ZONE, "values": ["b", "z"] }] }]);
        let requirement = places().requirement(&allowed, Some("two")).unwrap();
        assert_eq!(requirement.unwrap()["requisite"], asked(&["b", "z"]));
        places().requirement(&allowed, Some("one")).unwrap_err();
    }

    #[test]
    fn a_node_without_the_driver_cannot_be_selected() {
        places()
            .requirement(&Value::Null, Some("bare"))
            .unwrap_err();
    }

    #[test]
    fn a_driver_without_topology_is_asked_for_none() {
        let none = Places::of(&[], &[], "d");
        assert_eq!(none.requirement(&Value::Null, None), Ok(None));
    }
}
