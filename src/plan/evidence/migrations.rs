use std::collections::HashMap;

use serde::Deserialize;

/// Rewrites that were begun and are not finished (`VolumeMigration`).
#[derive(Debug, Default)]
pub struct Migrations(HashMap<(String, String), String>);

/// A VolumeMigration, as far as it matters here.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Migration {
    spec: Spec,
    status: Status,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Spec {
    kind: String,
    name: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Status {
    phase: String,
    step: String,
}

/// The step at which nothing is left to be done, forward or back.
const FINISHED: &str = "Done";

impl Migrations {
    /// Takes note of a rewrite.
    pub fn add(&mut self, migration: Migration) {
        if migration.status.step == FINISHED {
            return;
        }
        let phase = match migration.status.phase.as_str() {
            "" => "begun".to_owned(),
            phase => format!("in the phase {phase}"),
        };
        let spec = migration.spec;
        self.0.insert((spec.kind, spec.name), phase);
    }

    /// How far the rewrite of an object is, if it is not finished.
    pub fn of(&self, kind: &str, name: &str) -> Option<String> {
        self.0.get(&(kind.to_owned(), name.to_owned())).cloned()
    }
}
