//! Where one begins: the record made, or taken over.

use flex2csi_translators::rewrite::{
    ClaimId, Direction, InUse, ObjectKind, PinSettings, Record, Spec, Step, Task, View,
};
use serde_json::Value;
use tokio::time::{Instant, sleep};

use super::api::{Api, Place, Resource};
use super::fault;
use super::line::{Answer, Line};
use super::options::Options;
use super::pins;
use super::stopped::Stopped;
use crate::journal::{self, Document};

/// A record that we hold.
pub(super) struct Start {
    pub(super) record: Record,
    /// Its resourceVersion.
    pub(super) version: String,
    /// Whether it was just made: nobody has worked on the object meanwhile.
    pub(super) is_new: bool,
}

impl Start {
    pub(super) fn of(document: Document) -> Result<Self, Stopped> {
        Ok(Self {
            record: Record::open(document.spec, document.status)?,
            version: document.version,
            is_new: false,
        })
    }
}

/// The place of an object's record.
pub(super) fn place(kind: ObjectKind, name: &str, resource: Resource) -> Place {
    Place::of_cluster(resource, journal::name_of(kind, name))
}

/// What is to be done with a record that is there.
enum Found {
    /// It is of this very rewrite, or of one that is past the point of no return.
    Resume,
    /// Nothing hangs on it any more, or all that does is in the record that comes instead.
    Replace(Box<Record>),
}

/// Makes the record of a rewrite, or goes on with the one that there is. Probably there
/// is none, and one is made before that is known: a name that is taken is refused.
pub(super) async fn forward<A: Api>(
    api: &A,
    task: &Task,
    options: &Options,
) -> Result<Start, Stopped> {
    let fresh = Record::begin(task, &options.holder)?.with_pins(&options.pins);
    let (kind, name) = (fresh.spec.kind, fresh.spec.name.clone());
    let mut line = Line::new(api, options, fresh.subject());
    line.knows(&fresh.spec);
    let mut is_first = true;
    loop {
        go_on(&line)?;
        let found = match std::mem::take(&mut is_first) {
            true => None,
            false => line.get(&place(kind, &name, Resource::Migration)).await?,
        };
        let Some(found) = found else {
            back_up(&fresh.spec, options).await?;
            if let Some(start) = create(&mut line, &fresh).await? {
                return Ok(start);
            }
            continue;
        };
        let document = Document::read(&found)?;
        match what_of(&document, &fresh)? {
            Found::Resume => {
                if let Some(start) = take(&mut line, document, Direction::Forward).await? {
                    return Ok(start);
                }
            }
            Found::Replace(fresh) => {
                let Some(held) = take(&mut line, document, Direction::Forward).await? else {
                    continue;
                };
                back_up(&fresh.spec, options).await?;
                let patch = journal::replacement(&fresh, &held.version, &found["spec"]);
                if let Some(start) = replace(&mut line, &fresh, patch).await? {
                    return Ok(start);
                }
            }
        }
    }
}

/// Takes over the record of an object, to bring it to `goal`.
pub(super) async fn recorded<A: Api>(
    api: &A,
    kind: ObjectKind,
    name: &str,
    options: &Options,
    goal: Direction,
) -> Result<Start, Stopped> {
    let mut line = Line::new(api, options, format!("{kind} {name}"));
    loop {
        go_on(&line)?;
        let Some(found) = line.get(&place(kind, name, Resource::Migration)).await? else {
            let name = name.to_owned();
            return Err(Stopped::NoRecord { kind, name });
        };
        let document = Document::read(&found)?;
        line.knows(&document.spec);
        let Some(start) = take(&mut line, document, goal).await? else {
            continue;
        };
        if goal != Direction::Back {
            return Ok(start);
        }
        if let Some(start) = bound_since(&mut line, start).await? {
            return Ok(start);
        }
    }
}

/// A volume that had no claim, and was bound to one since it was rewritten, is brought back
/// as one that has it: who uses it is asked by that, and it is bound again. `None`: the
/// record has changed meanwhile.
async fn bound_since<A: Api>(
    line: &mut Line<'_, A>,
    start: Start,
) -> Result<Option<Start>, Stopped> {
    let (spec, status) = (&start.record.spec, &start.record.status);
    let is_rewritten = (status.step, status.direction) == (Step::Done, Direction::Forward);
    if !is_rewritten || spec.claim.is_some() || spec.kind != ObjectKind::PersistentVolume {
        return Ok(Some(start));
    }
    let object = line
        .get(&Place::of_cluster(spec.kind.into(), &spec.name))
        .await?;
    let uid = object.as_ref().map(|object| View(object).uid());
    let claim = object.as_ref().and_then(|object| bound_to(View(object)));
    let Some(claim) = claim.filter(|_| uid == status.uid.as_deref()) else {
        return Ok(Some(start));
    };
    let at = place(spec.kind, &spec.name, Resource::Migration);
    let patch = journal::bound(&claim, &start.version);
    match line.patch(at, patch).await? {
        Answer::Object(object) => Start::of(Document::read(&object)?).map(Some),
        Answer::Missing | Answer::Changed | Answer::Unsure => Ok(None),
    }
}

/// The claim that a volume is bound to.
pub(crate) fn bound_to(volume: View<'_>) -> Option<ClaimId> {
    let of_claim = |member: &str| volume.text(&format!("/spec/claimRef/{member}")).to_owned();
    let claim = ClaimId {
        namespace: of_claim("namespace"),
        name: of_claim("name"),
        uid: of_claim("uid"),
    };
    (volume.phase() == "Bound" && !claim.uid.is_empty()).then_some(claim)
}

fn go_on<A: Api>(line: &Line<'_, A>) -> Result<(), Stopped> {
    if line.options.cancel.is_cancelled() {
        let subject = line.subject();
        return Err(Stopped::Cancelled { subject });
    }
    Ok(())
}

fn what_of(document: &Document, fresh: &Record) -> Result<Found, Stopped> {
    let (old, new) = (&document.spec, &fresh.spec);
    let is_same_original = old.uid == new.uid;
    let status = &document.status;
    let (step, direction) = if status.id == old.id {
        (status.step, status.direction)
    } else {
        (Step::Recorded, Direction::Forward)
    };
    let other = |state, remedy| {
        Err(Stopped::OtherRecord {
            subject: fresh.subject(),
            record: document.name.clone(),
            uid: old.uid.clone(),
            state,
            remedy,
        })
    };
    match (step, direction) {
        (Step::Recorded, Direction::Forward) if is_same_original => {
            // What it leads back to was another's original already.
            let told = match old.from {
                Some(_) => fresh.clone().after(&opened(document)?)?,
                None => fresh.clone(),
            };
            Ok(what_is_told(old, told))
        }
        (Step::Done, Direction::Back)
            if *old
                != Spec {
                    holder: old.holder.clone(),
                    ..new.clone()
                } =>
        {
            Ok(Found::Replace(Box::new(fresh.clone())))
        }
        (Step::Done, Direction::Back) => Ok(Found::Resume),
        _ if is_same_original => Ok(Found::Resume),
        // What it has made is to become something else. The way back to the original goes
        // into the new record, by the same write.
        (Step::Done, Direction::Forward)
            if document.is_settled() && status.uid.as_deref() == Some(&new.uid) =>
        {
            let after = fresh.clone().after(&opened(document)?)?;
            Ok(Found::Replace(Box::new(after)))
        }
        (Step::Done, Direction::Forward) => other(
            "which is rewritten",
            "that record is the only way back to it: keep a copy and delete it to rewrite the \
             object once more",
        ),
        _ => other(
            "which is under way",
            "go on with that or roll it back first; if its object was replaced by hand, keep a \
             copy of the record and delete it",
        ),
    }
}

fn opened(document: &Document) -> Result<Record, Stopped> {
    let (spec, status) = (document.spec.clone(), document.status.clone());
    Ok(Record::open(spec, status)?)
}

/// Before anything is deleted, what was planned last counts.
fn what_is_told(old: &Spec, new: Record) -> Found {
    let told = Spec {
        holder: old.holder.clone(),
        ..new.spec.clone()
    };
    // What may be pinned goes on as it began: its pins are named after its record.
    let may_be_pinned = matches!(old.in_use, InUse::Shim { attach: true, .. });
    if *old == told || may_be_pinned {
        Found::Resume
    } else {
        Found::Replace(Box::new(new))
    }
}

async fn back_up(spec: &Spec, options: &Options) -> Result<(), Stopped> {
    let Some(directory) = options.backup.clone() else {
        return Ok(());
    };
    let spec = spec.clone();
    let written = tokio::task::spawn_blocking(move || journal::back_up(&directory, &spec)).await;
    match written {
        Ok(written) => Ok(written.map(|_| ())?),
        Err(panicked) => std::panic::resume_unwind(panicked.into_panic()),
    }
}

async fn create<A: Api>(line: &mut Line<'_, A>, fresh: &Record) -> Result<Option<Start>, Stopped> {
    fault::at("record", "before");
    let at = place(fresh.spec.kind, &fresh.spec.name, Resource::Migration);
    let answer = line.create(at, journal::new(fresh), false).await?;
    fault::at("record", "after");
    match answer {
        Answer::Object(object) => {
            let start = whole(line, &object, fresh)?;
            Ok(Some(Start {
                is_new: true,
                ..start
            }))
        }
        Answer::Missing => Err(Stopped::NoJournal),
        Answer::Changed | Answer::Unsure => Ok(None),
    }
}

async fn replace<A: Api>(
    line: &mut Line<'_, A>,
    fresh: &Record,
    patch: Value,
) -> Result<Option<Start>, Stopped> {
    fault::at("record", "before");
    let at = place(fresh.spec.kind, &fresh.spec.name, Resource::Migration);
    let answer = line.patch(at, patch).await?;
    fault::at("record", "after");
    match answer {
        Answer::Object(object) => whole(line, &object, fresh).map(Some),
        Answer::Missing | Answer::Changed | Answer::Unsure => Ok(None),
    }
}

/// A server that knows another version of the kind may have left something out.
fn whole<A: Api>(line: &Line<'_, A>, object: &Value, fresh: &Record) -> Result<Start, Stopped> {
    let document = Document::read(object)?;
    if document.spec != fresh.spec {
        return Err(not_whole(line, &document.name));
    }
    Start::of(document)
}

pub(super) fn not_whole<A: Api>(line: &Line<'_, A>, record: &str) -> Stopped {
    Stopped::Refused {
        subject: line.subject(),
        doing: format!("write VolumeMigration {record}"),
        status: 200,
        message: "it was not stored as it was sent".to_owned(),
        remedy: "apply the deploy/crds/volumemigrations.yaml of this version",
    }
}

/// How pins are made from now on, where a rewrite has some: as this process is told to.
/// Where they are stays as it was recorded, unless there is none: else those that there
/// are would not be found.
async fn told_pins<A: Api>(
    line: &mut Line<'_, A>,
    document: &Document,
) -> Result<Option<PinSettings>, Stopped> {
    let record = Record::open(document.spec.clone(), document.status.clone())?;
    let Some((recorded, nodes)) = record.pinned() else {
        return Ok(None);
    };
    let mut told = line.options.pins.clone();
    if told.namespace != recorded.namespace {
        for node in nodes {
            for place in pins::places(recorded, &record.pin_name(node)) {
                if line.get(&place).await?.is_some() {
                    told.namespace.clone_from(&recorded.namespace);
                }
            }
        }
    }
    Ok((told != *recorded).then_some(told))
}

/// Makes us the holder of a record, once nobody else works on it. `None`: it has
/// changed meanwhile.
async fn take<A: Api>(
    line: &mut Line<'_, A>,
    document: Document,
    goal: Direction,
) -> Result<Option<Start>, Stopped> {
    let holder = &line.options.holder;
    if document.spec.holder == *holder {
        return Start::of(document).map(Some);
    }
    let at = place(document.spec.kind, &document.spec.name, Resource::Migration);
    if !document.is_finished() && !document.is_let_go {
        let since = Instant::now();
        let step = (line.options.stale_after / 8).max(std::time::Duration::from_millis(20));
        while since.elapsed() < line.options.stale_after {
            sleep(step).await;
            go_on(line)?;
            let Some(found) = line.get(&at).await? else {
                return Ok(None);
            };
            let now = Document::read(&found)?;
            if now.is_finished() || now.is_let_go {
                return Ok(None);
            }
            if now.version != document.version {
                return Err(Stopped::Held {
                    subject: line.subject(),
                    holder: now.spec.holder,
                });
            }
        }
    }
    fault::at("takeover", "before");
    let pins = match goal {
        Direction::Forward => told_pins(line, &document).await?,
        // On the way back none are made.
        Direction::Back => None,
    };
    let patch = journal::takeover(holder, &document.version, pins.as_ref());
    let answer = line.patch(at, patch).await?;
    fault::at("takeover", "after");
    match answer {
        Answer::Object(object) => Start::of(Document::read(&object)?).map(Some),
        Answer::Missing | Answer::Changed | Answer::Unsure => Ok(None),
    }
}
