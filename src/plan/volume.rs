//! From a PersistentVolume, and what else the cluster has, to facts about it.

mod names;
mod nodes;
mod runtime;

use flex2csi_translators::Kind;
use flex2csi_translators::plan::{
    ClaimState, Evidence as NodeEvidence, OtherSnapshots, TargetFacts, VolumeFacts,
};
use flex2csi_translators::rewrite::{ClaimId, Direction, Use};

use self::names::unique_names;

use super::candidate::{Candidate, Facts};
use super::evidence::{Affinities, Evidence};
use super::row::{ObjectId, Options, Row, To};
use crate::digest;
use crate::objects::source::Source;
use crate::objects::translator::{Translated, Translator};
use crate::objects::volume::{ClaimRef, Volume};

const KIND: &str = "PersistentVolume";
const PROVISIONED_BY: &str = "pv.kubernetes.io/provisioned-by";
/// What a pending resize of the volume's filesystem leaves on it.
const PRE_RESIZE: &str = "volume.alpha.kubernetes.io/pre-resize-capacity";

/// What there is to tell of volumes.
pub struct Teller<'a> {
    /// The cluster.
    pub evidence: &'a Evidence,
    /// The translations.
    pub translator: &'a Translator,
    /// The nodes of node affinities.
    pub affinities: &'a mut Affinities,
    /// Whether nodes have to say what they have mounted.
    pub node_evidence: bool,
}

/// A volume that is looked at.
struct Subject<'a> {
    volume: &'a Volume<'a>,
    source: &'a Source,
    /// As it is.
    json: &'a str,
    /// As it would be stored.
    stored: &'a Volume<'a>,
    stored_json: &'a str,
    driver: &'a str,
    handle: &'a str,
}

impl Teller<'_> {
    /// What is to be found out and said about a volume in legacy form.
    pub fn tell(
        &mut self,
        json: &str,
        volume: &Volume<'_>,
        source: &Source,
        translated: Translated,
    ) -> Candidate {
        let mut facts = VolumeFacts {
            ownership: volume.metadata.ownership(),
            phase: volume.phase(),
            notes: translated.notes,
            ..VolumeFacts::default()
        };
        let name = &volume.metadata.name;
        facts.ownership.migration = self.evidence.migrations.of(KIND, name);
        let mut row = Row {
            object: ObjectId {
                kind: KIND.to_owned(),
                namespace: String::new(),
                name: name.clone(),
                uid: volume.metadata.uid.clone(),
                resource_version: volume.metadata.resource_version.clone(),
            },
            claim: volume.spec.claim_ref.as_ref().map(|claim| ClaimId {
                namespace: claim.namespace.clone(),
                name: claim.name.clone(),
                uid: claim.uid.clone(),
            }),
            from: source.as_str().to_owned(),
            to: None,
            verdict: flex2csi_translators::plan::VerdictKind::Blocked,
            in_use: Default::default(),
            workloads: Vec::new(),
            findings: Vec::new(),
            options: Options::default(),
        };
        let stored_json = translated.json.unwrap_or_default();
        // What the translation wrote is JSON that the API takes.
        let stored: Volume<'_> = serde_json::from_str(&stored_json).unwrap_or_default();
        let mut secrets = Vec::new();
        if let Some(csi) = &stored.spec.csi {
            let subject = Subject {
                volume,
                source,
                json,
                stored: &stored,
                stored_json: &stored_json,
                driver: &csi.driver,
                handle: &csi.volume_handle,
            };
            self.complete(&subject, &mut facts);
            row.to = Some(To {
                driver: csi.driver.clone(),
                handle: csi.volume_handle.clone(),
                digest: digest::of_object(&stored_json).unwrap_or_default(),
            });
            row.options.keep_delete = facts.static_delete.then_some(false);
            secrets = stored.secrets();
        }
        Candidate {
            row,
            secrets,
            new_secrets: translated.new_secrets,
            original: json.to_owned(),
            translated: stored_json,
            facts: Facts::Volume(Box::new(facts)),
        }
    }

    /// Who uses a volume, by its original form and what is stored, or to be stored,
    /// instead of it, and by the form that it is in; and whether the cluster serves it by
    /// that very specification.
    pub fn used(
        &mut self,
        json: &str,
        stored_json: &str,
        (driver, handle): (&str, &str),
        form: Direction,
        (claim, pinned): (Option<&ClaimId>, &[String]),
    ) -> (Use, bool) {
        let read = |json| serde_json::from_str::<Volume<'_>>(json);
        let (Ok(mut volume), Ok(stored)) = (read(json), read(stored_json)) else {
            let why = "what was recorded of it cannot be read";
            return (Use::Unknown(why.to_owned()), false);
        };
        // It may have got one since.
        if let Some(claim) = claim {
            volume.spec.claim_ref = Some(ClaimRef {
                namespace: claim.namespace.clone(),
                name: claim.name.clone(),
                uid: claim.uid.clone(),
            });
        }
        let subject = Subject {
            volume: &volume,
            source: &Source::of(json),
            json,
            stored: &stored,
            stored_json,
            driver,
            handle,
        };
        let mut facts = VolumeFacts::default();
        self.complete(&subject, &mut facts);
        if form == Direction::Forward && facts.evidence == NodeEvidence::Enough {
            facts.evidence = self.word_of_kubelets(&facts.driver);
        }
        facts.beside_pins(pinned);
        // What makes the pods was not looked at.
        facts.workloads.clear();
        let is_runtime = matches!(facts.runtime, Some(Ok(())));
        (facts.used(), is_runtime)
    }

    fn complete(&mut self, subject: &Subject<'_>, facts: &mut VolumeFacts) {
        let Subject {
            volume,
            driver,
            handle,
            ..
        } = *subject;
        let evidence = self.evidence;
        let name = &volume.metadata.name;
        let annotations = &volume.metadata.annotations;
        let spec = &volume.spec;
        // One of the endpoint's is deleted by its policy today.
        let is_csi = matches!(subject.source, Source::Endpoint { .. });
        facts.static_delete = spec.persistent_volume_reclaim_policy == "Delete"
            && !annotations.contains_key(PROVISIONED_BY)
            && !is_csi;
        facts.claim = self.claim(volume);
        if let Some(claim) = &spec.claim_ref {
            for (mut pod, maker) in evidence.pods.of(&claim.namespace, &claim.name) {
                let workload = evidence.workloads.of(&pod, maker.as_ref());
                if workload.kind != "Pod" {
                    pod.owner = format!("{} {}", workload.kind, workload.name);
                }
                facts.pods.push(pod);
                facts.workloads.push(workload);
            }
            facts.workloads.sort_unstable();
            facts.workloads.dedup();
        }
        let attachments = evidence.attachments.of(name).iter();
        facts.attachments = attachments
            .map(|one| (one.name.to_string(), one.node.to_string()))
            .collect();
        facts.mounts = evidence.node_volumes.mounts(name, driver, handle);
        let runtime = self.translator.runtime(subject.json);
        let held = evidence.held.by(&unique_names(subject, runtime.as_deref()));
        let held = held.into_iter().filter_map(|node| evidence.nodes.at(node));
        facts.held_by = held.map(|node| node.name.clone()).collect();
        facts.vendor_controllers = evidence.pods.vendor_controllers(driver);
        if let Source::Flex { driver } = subject.source {
            facts.installers = evidence.installers.of(driver);
        }
        facts.driver = self.driver(driver, subject.stored);
        facts.evidence = self.word_of_nodes(subject.source);
        facts.runtime = self.runtime(subject, facts, runtime.as_deref());
        if matches!(subject.source, Source::Flex { .. }) {
            facts.shim = self.shim(subject, &facts.mounts);
        }
        let (snapshots, other_snapshots) = self.snapshots(subject, runtime.as_deref());
        facts.target = Some(TargetFacts {
            driver: driver.to_owned(),
            handle: handle.to_owned(),
            twin: evidence.handles.twin(driver, handle, name),
            secrets: Vec::new(),
            snapshots,
            other_snapshots,
            refused: None,
        });
    }

    /// The snapshots that know the volume by another handle than it will have, and those
    /// that know it as another driver's.
    fn snapshots(
        &self,
        subject: &Subject<'_>,
        runtime: Option<&str>,
    ) -> (Vec<String>, Option<OtherSnapshots>) {
        let before = match subject.source {
            Source::Endpoint { driver, handle } => Some((driver.clone(), handle.clone())),
            _ => runtime.and_then(|runtime| {
                let runtime: Volume<'_> = serde_json::from_str(runtime).ok()?;
                let csi = runtime.spec.csi?;
                Some((csi.driver.clone(), csi.volume_handle.clone()))
            }),
        };
        let Some((driver, handle)) = before else {
            return (Vec::new(), None);
        };
        let snapshots = || self.evidence.snapshots.of(&driver, &handle);
        if driver == subject.driver {
            let is_kept = handle == subject.handle;
            return (if is_kept { Vec::new() } else { snapshots() }, None);
        }
        let others = Some(snapshots()).filter(|names| !names.is_empty());
        let others = others.map(|names| OtherSnapshots::OfVolume(driver.clone(), names));
        (Vec::new(), others)
    }

    fn claim(&self, volume: &Volume<'_>) -> ClaimState {
        let Some(claim) = &volume.spec.claim_ref else {
            return ClaimState::None;
        };
        let name = format!("{}/{}", claim.namespace, claim.name);
        let Some(record) = self.evidence.claims.get(&claim.namespace, &claim.name) else {
            return ClaimState::Missing(name);
        };
        let mut facts = record.facts(name, &volume.metadata.name, &claim.uid);
        if facts.resize.is_none() && volume.metadata.annotations.contains_key(PRE_RESIZE) {
            facts.resize = Some("the filesystem has not grown yet".to_owned());
        }
        ClaimState::There(facts)
    }
}

/// The CSI driver and the handle that a volume in legacy form gets, if it gets one.
pub fn handle_of(translator: &Translator, json: &str) -> Option<(String, String)> {
    let stored = translator.stored(Kind::PersistentVolume, json).json?;
    let stored: Volume<'_> = serde_json::from_str(&stored).ok()?;
    let csi = stored.spec.csi?;
    Some((csi.driver, csi.volume_handle))
}

#[cfg(test)]
mod tests {
    use super::*;
    use flex2csi_translators::Values;
    use flex2csi_translators::flex::Mappings;

    /// Who uses a volume that nothing uses, by the form that it is in and whether its
    /// driver attaches.
    fn used(form: Direction, attaches: bool, node_evidence: bool) -> Use {
        let driver =
            format!(r#"{{"metadata":{{"name":"d"}},"spec":{{"attachRequired":{attaches}}}}}"#);
        let mut evidence = Evidence::default();
        evidence
            .csi_drivers
            .add(serde_json::from_str(&driver).unwrap());
        let volume = |source: &str| format!(r#"{{"metadata":{{"name":"a"}},"spec":{{{source}}}}}"#);
        let original = volume(r#""flexVolume":{"driver":"example.com/legacy"}"#);
        let stored = volume(r#""csi":{"driver":"d","volumeHandle":"h"}"#);
        let mut teller = Teller {
            evidence: &evidence,
            translator: &Translator::new(Mappings::built_in(), Values::default()),
            affinities: &mut Affinities::default(),
            node_evidence,
        };
        teller
            .used(&original, &stored, ("d", "h"), form, (None, &[]))
            .0
    }

    /// Where the cluster serves an in-tree source through CSI, nodes call the volume by
    /// the handle that it has there, and it may be stored with another.
    #[test]
    fn a_volume_that_a_node_has_under_its_handle_at_run_time_is_in_use() {
        let original =
            r#"{"metadata":{"name":"a"},"spec":{"vsphereVolume":{"volumePath":"[ds] a.vmdk"}}}"#;
        let stored = r#"{"metadata":{"name":"a"},"spec":{"csi":{"driver":"csi.vsphere.vmware.com","volumeHandle":"6000-c29"}}}"#;
        let used = |in_use: &str| {
            let mut evidence = Evidence::default();
            let node = evidence.nodes.add(Default::default());
            evidence.held.add(in_use, node);
            let mut teller = Teller {
                evidence: &evidence,
                translator: &Translator::new(Mappings::built_in(), Values::default()),
                affinities: &mut Affinities::default(),
                node_evidence: true,
            };
            let to = ("csi.vsphere.vmware.com", "6000-c29");
            teller
                .used(original, stored, to, Direction::Forward, (None, &[]))
                .0
        };
        for in_use in [
            "kubernetes.io/csi/csi.vsphere.vmware.com^[ds] a.vmdk",
            "kubernetes.io/csi/csi.vsphere.vmware.com^6000-c29",
            "kubernetes.io/vsphere-volume/[ds] a.vmdk",
        ] {
            assert!(matches!(used(in_use), Use::By(_)), "{in_use}");
        }
        let another = "kubernetes.io/csi/csi.vsphere.vmware.com^[ds] b.vmdk";
        assert!(matches!(used(another), Use::Unknown(_)));
    }

    /// What kubelet has mounted through CSI nobody tells of where nothing is attached: a
    /// pod that was deleted by force, and runs, would lose its volume.
    #[test]
    fn a_csi_volume_is_known_to_be_idle_only_where_it_is_attached() {
        use Direction::{Back, Forward};
        for (form, attaches) in [(Back, false), (Back, true), (Forward, true)] {
            assert_eq!(
                used(form, attaches, true),
                Use::Idle,
                "{form:?}, {attaches}"
            );
        }
        let Use::Unknown(why) = used(Forward, false, true) else {
            panic!("it is not known");
        };
        assert!(why.contains("nothing on the nodes tells"), "{why}");
        // Whoever has looked at the nodes says so.
        assert_eq!(used(Forward, false, false), Use::Idle);
    }
}
