//! An object between what the cluster has and the verdict: what the API server
//! is still to be asked about it.

use flex2csi_translators::plan::{
    ClassFacts, Effect, Finding, FindingCode, SecretState, TargetFacts, Verdict, VerdictKind,
    VolumeFacts,
};
use flex2csi_translators::rewrite::InUse;

use super::row::Row;
use crate::objects::volume::SecretRef;

/// An object that is about to be judged.
#[derive(Debug)]
pub struct Candidate {
    /// What is known to be said of it.
    pub row: Row,
    /// The Secrets that its CSI driver is given.
    pub secrets: Vec<SecretRef>,
    /// Those of them, and others, that the translation writes anew.
    pub new_secrets: Vec<SecretRef>,
    /// The object as it is, JSON.
    pub original: String,
    /// The translated object, JSON; empty where there is none.
    pub translated: String,
    /// What was found out.
    pub facts: Facts,
}

/// What was found out about an object, by its kind.
#[derive(Debug)]
pub enum Facts {
    /// A PersistentVolume.
    Volume(Box<VolumeFacts>),
    /// A StorageClass.
    Class(Box<ClassFacts>),
    /// Something that is only told of.
    Told(Vec<Finding>),
}

impl Candidate {
    /// What it becomes, if anything.
    pub fn target_mut(&mut self) -> Option<&mut TargetFacts> {
        match &mut self.facts {
            Facts::Volume(facts) => facts.target.as_mut(),
            Facts::Class(facts) => facts.target.as_mut(),
            Facts::Told(_) => None,
        }
    }

    /// Its row, with the verdict.
    pub fn judge(self) -> Row {
        let mut row = self.row;
        let (verdict, in_use) = match self.facts {
            Facts::Volume(facts) => {
                row.workloads.clone_from(&facts.workloads);
                judge_volume(*facts)
            }
            Facts::Class(facts) => (facts.judge(), InUse::No),
            Facts::Told(findings) => (Verdict::of(findings), InUse::No),
        };
        row.verdict = verdict.kind;
        row.findings = verdict.findings;
        row.in_use = in_use;
        row
    }
}

fn judge_volume(facts: VolumeFacts) -> (Verdict, InUse) {
    let mut nodes: Vec<String> = facts
        .mounts
        .iter()
        .map(|mount| mount.node.clone())
        .collect();
    nodes.sort_unstable();
    nodes.dedup();
    let attach = facts.shim.attaches;
    let verdict = facts.judge();
    let proof = verdict
        .findings
        .iter()
        .find(|finding| finding.effect == Effect::Proof);
    let in_use = match (verdict.kind, proof) {
        (VerdictKind::ReadyInUse, Some(proof))
            if proof.code == FindingCode::ServedByShim.as_str() =>
        {
            InUse::Shim { nodes, attach }
        }
        (VerdictKind::ReadyInUse, Some(_)) => InUse::RuntimeEqual,
        _ => InUse::No,
    };
    (verdict, in_use)
}

/// What a Secret's state is to an object that may write it anew.
pub fn secret_state(there: Result<bool, String>, is_new: bool) -> SecretState {
    match there {
        Ok(true) => SecretState::There,
        Ok(false) if is_new => SecretState::ToCreate,
        Ok(false) => SecretState::Missing,
        Err(why) => SecretState::Unchecked(why),
    }
}
