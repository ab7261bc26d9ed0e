//! Goes through the cluster, and hands out a row for each legacy object.
//!
//! Volumes are gone through twice: the first time for what has to be known of all of
//! them before anything can be said of one (their handles, their claims), the
//! second time to tell of them, a page at a time. What is kept between is a few
//! dozen bytes for each; where those to tell of are few, they are kept whole, and
//! are not listed a second time.

use flex2csi_translators::plan::VerdictKind;
use flex2csi_translators::rewrite::InUse;
use flex2csi_translators::{Kind, endpoint};
use k8s_openapi::jiff::Timestamp;
use kube::Client;

use super::ask::Asker;
use super::candidate::Candidate;
use super::class;
use super::evidence::load::{self, AUTOSCALERS, CLASSES, DAEMON_SETS, LoadError, PODS, VOLUMES};
use super::evidence::{Affinities, Evidence, Unread};
use super::kept::Kept;
use super::row::Row;
use super::volume::{self, Teller};
use super::workload::{self, WorkloadKind};
use crate::api_request::ask::AskError;
use crate::api_request::pages::{PAGE, Pages};
use crate::objects::class::Class;
use crate::objects::pod::Pod;
use crate::objects::source::Source;
use crate::objects::translator::Translator;
use crate::objects::volume::Volume;
use crate::selection::Selection;

/// How a survey is made.
#[derive(Debug, Clone)]
pub struct Survey {
    /// Which objects are told of.
    pub selection: Selection,
    /// Whether nodes have to say what they have mounted.
    pub node_evidence: bool,
    /// Whether the new objects are shown to the API server.
    pub dry_run: bool,
    /// Requests under way at a time.
    pub at_once: usize,
    /// By which the age of what nodes say is told.
    pub now: Timestamp,
}

/// Who takes the rows, in order.
pub trait Sink {
    /// Takes one.
    ///
    /// # Errors
    /// It cannot be written.
    fn row(&mut self, row: &Row) -> anyhow::Result<()>;
}

/// What a survey found, as a whole.
#[derive(Debug, Default)]
pub struct Found {
    /// Volumes in CSI form.
    pub csi_volumes: u64,
    /// Legacy objects that were told of, by verdict.
    pub verdicts: std::collections::BTreeMap<VerdictKind, u64>,
    /// Volumes that are pinned to nodes while they are rewritten.
    pub pinned: u64,
    /// What could not be listed.
    pub unread: Vec<Unread>,
}

/// Why a survey came to no end.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SurveyError {
    /// The cluster could not be read.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// The API server did not answer.
    #[error(transparent)]
    Request(#[from] AskError),
    /// A row could not be written.
    #[error(transparent)]
    Sink(anyhow::Error),
}

impl Survey {
    /// Makes it.
    ///
    /// # Errors
    /// The cluster could not be read to the end, or a row not be written.
    pub async fn run(
        &self,
        client: &Client,
        translator: &mut Translator,
        sink: &mut dyn Sink,
    ) -> Result<Found, SurveyError> {
        let mut evidence = Evidence::default();
        let mut classes = Vec::new();
        load::each(client, CLASSES, |json| {
            // What cannot be read is said where the class is told of.
            let _ = translator.learn(json);
            let class: Class = CLASSES.read(json)?;
            classes.push((class, json.to_owned()));
            Ok(())
        })
        .await?;
        let mut found = Found::default();
        // Labels are the server's to select by.
        let mut kept = Kept::new(self.selection.labels.is_none());
        self.handles(client, translator, &mut evidence, (&mut found, &mut kept))
            .await?;
        evidence.load(client, self.node_evidence, self.now).await?;
        let told = self.workloads(client, translator, &mut evidence).await?;

        let asker = Asker::new(client.clone(), self.dry_run, self.at_once);
        let mut teller = Telling { asker, sink, found };
        let candidates = classes.into_iter().filter_map(|(class, json)| {
            let translated = translator.stored(Kind::StorageClass, &json);
            let candidate = class::tell(&json, &class, translated, &evidence)?;
            let to = candidate.row.to.as_ref().map(|to| to.driver.as_str());
            let selected = self
                .selection
                .class(&class.metadata.name, &class.provisioner, to);
            selected.then_some(candidate)
        });
        teller.tell(candidates.collect()).await?;
        let volumes = Volumes {
            translator,
            evidence: &evidence,
            survey: self,
        };
        match kept.all() {
            Some(kept) => volumes.tell_kept(kept, &mut teller).await?,
            None => volumes.tell_listed(client, &mut teller).await?,
        }
        teller.tell(told).await?;
        let mut found = teller.found;
        found.unread = evidence.unread;
        Ok(found)
    }

    /// The first time through the volumes.
    async fn handles(
        &self,
        client: &Client,
        translator: &Translator,
        evidence: &mut Evidence,
        (found, kept): (&mut Found, &mut Kept),
    ) -> Result<(), LoadError> {
        load::each(client, VOLUMES, |json| {
            let volume: Volume<'_> = VOLUMES.read(json)?;
            let name = &volume.metadata.name;
            if let Some(csi) = &volume.spec.csi {
                evidence.handles.add(&csi.driver, &csi.volume_handle, name);
                // Few have the endpoint's form; only those are read once more.
                let may_go_on = json.contains(endpoint::SOURCE);
                if !may_go_on || translator.leaves(&Source::of(json)) {
                    found.csi_volumes += 1;
                    return Ok(());
                }
            }
            if let Some((driver, handle)) = volume::handle_of(translator, json) {
                evidence.handles.add(&driver, &handle, name);
            }
            if let Some(claim) = &volume.spec.claim_ref {
                evidence.claims.want(&claim.namespace, &claim.name);
            }
            if self.selection.may_be_volume(&volume) {
                kept.add(json);
            }
            Ok(())
        })
        .await
    }

    /// Workloads with inline volumes; pods and DaemonSets are read for their part
    /// in the evidence as well.
    async fn workloads(
        &self,
        client: &Client,
        translator: &Translator,
        evidence: &mut Evidence,
    ) -> Result<Vec<Candidate>, LoadError> {
        let mut told = Vec::new();
        let mut tell = |kind: WorkloadKind, json: &str| {
            let candidate = workload::tell(kind, json, translator);
            told.extend(
                candidate
                    .filter(|candidate| self.selection.workload(&candidate.row.object.namespace)),
            );
        };
        let (pods, claims) = (&mut evidence.pods, &evidence.claims);
        let workloads = &mut evidence.workloads;
        load::each(client, PODS, |json| {
            let pod: Pod = PODS.read(json)?;
            pods.add(&pod, claims);
            tell(workload::POD, json);
            Ok(())
        })
        .await?;
        let installers = &mut evidence.installers;
        let read = load::each(client, DAEMON_SETS, |json| {
            installers.add(&DAEMON_SETS.read(json)?);
            workloads.add(workload::DAEMON_SET.kind, json, pods);
            tell(workload::DAEMON_SET, json);
            Ok(())
        })
        .await;
        evidence.optional(read)?;
        for kind in workload::OTHERS {
            let (pods, workloads) = (&evidence.pods, &mut evidence.workloads);
            let read = load::each(client, kind.listed, |json| {
                workloads.add(kind.kind, json, pods);
                tell(kind, json);
                Ok(())
            })
            .await;
            evidence.optional(read)?;
        }
        let workloads = &mut evidence.workloads;
        let read = load::each(client, AUTOSCALERS, |json| {
            workloads.add_autoscaler(&AUTOSCALERS.read(json)?);
            Ok(())
        })
        .await;
        evidence.optional(read)?;
        Ok(told)
    }
}

/// The second time through the volumes.
struct Volumes<'s> {
    translator: &'s Translator,
    evidence: &'s Evidence,
    survey: &'s Survey,
}

impl Volumes<'_> {
    async fn tell_kept(
        &self,
        kept: Vec<Box<str>>,
        telling: &mut Telling<'_>,
    ) -> Result<(), SurveyError> {
        let mut affinities = Affinities::default();
        let mut kept = kept.into_iter();
        loop {
            let page: Vec<Box<str>> = kept.by_ref().take(PAGE).collect();
            if page.is_empty() {
                return Ok(());
            }
            let volumes = page.iter().map(AsRef::as_ref);
            let candidates = self.candidates(volumes, &mut affinities)?;
            telling.tell(candidates).await?;
        }
    }

    async fn tell_listed(
        &self,
        client: &Client,
        telling: &mut Telling<'_>,
    ) -> Result<(), SurveyError> {
        let mut affinities = Affinities::default();
        let labels = self.survey.selection.labels.as_deref();
        let mut pages = Pages::new(client, VOLUMES.path).selected(labels);
        while let Some(page) = pages.next().await? {
            let items = page.items()?.into_iter();
            telling
                .tell(self.candidates(items, &mut affinities)?)
                .await?;
        }
        Ok(())
    }

    /// Those that are asked for, of some volumes, JSON.
    fn candidates<'v>(
        &self,
        volumes: impl Iterator<Item = &'v str>,
        affinities: &mut Affinities,
    ) -> Result<Vec<Candidate>, LoadError> {
        let mut teller = Teller {
            evidence: self.evidence,
            translator: self.translator,
            affinities,
            node_evidence: self.survey.node_evidence,
        };
        let mut candidates = Vec::new();
        for json in volumes {
            let source = Source::of(json);
            if self.translator.leaves(&source) {
                continue;
            }
            let volume: Volume<'_> = VOLUMES.read(json)?;
            let translated = self.translator.stored(Kind::PersistentVolume, json);
            let candidate = teller.tell(json, &volume, &source, translated);
            let to = candidate.row.to.as_ref().map(|to| to.driver.as_str());
            if self.survey.selection.volume(&volume, &source, to) {
                candidates.push(candidate);
            }
        }
        Ok(candidates)
    }
}

/// Hands out rows.
struct Telling<'s> {
    asker: Asker,
    sink: &'s mut dyn Sink,
    found: Found,
}

impl Telling<'_> {
    async fn tell(&mut self, candidates: Vec<Candidate>) -> Result<(), SurveyError> {
        for candidate in self.asker.complete(candidates).await? {
            let row = candidate.judge();
            *self.found.verdicts.entry(row.verdict).or_default() += 1;
            let needs_pins = matches!(row.in_use, InUse::Shim { attach: true, .. });
            self.found.pinned += u64::from(needs_pins);
            self.sink.row(&row).map_err(SurveyError::Sink)?;
        }
        Ok(())
    }
}
