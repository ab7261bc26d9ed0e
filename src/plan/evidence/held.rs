use std::collections::HashMap;

use crate::digest::Key;

/// Which nodes have which volumes in use or attached, by their unique names.
#[derive(Debug, Default)]
pub struct Held(HashMap<Key, Vec<u32>>);

impl Held {
    /// Takes note of a node's volume. Nodes go by their number.
    pub fn add(&mut self, unique_name: &str, node: u32) {
        // Azure's and vSphere's names come in either case.
        let key = Key::of(&[&unique_name.to_ascii_lowercase()]);
        let nodes = self.0.entry(key).or_default();
        if nodes.last() != Some(&node) {
            nodes.push(node);
        }
    }

    /// The nodes that have a volume by one of its names.
    pub fn by(&self, unique_names: &[String]) -> Vec<u32> {
        let names = unique_names.iter();
        let mut nodes: Vec<u32> = names
            .filter_map(|name| self.0.get(&Key::of(&[&name.to_ascii_lowercase()])))
            .flatten()
            .copied()
            .collect();
        nodes.sort_unstable();
        nodes.dedup();
        nodes
    }
}
