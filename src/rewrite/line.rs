//! One object's line to the API server: it is tried again for as long as it is to
//! be, and every answer is one of few.

use std::collections::HashMap;
use std::time::Duration;

use flex2csi_translators::rewrite::Spec;
use serde_json::Value;
use tokio::time::{Instant, sleep};

use super::api::{Api, Call, Failure, Place, Verb};
use super::backoff::Backoff;
use super::options::Options;
use super::stopped::Stopped;
use crate::api_request::WEBHOOK_IS_DOWN;
use crate::redact::redact;

/// After so many refusals, somebody fights us.
const MOST_CONFLICTS: u32 = 60;

/// With which status a webhook that does not answer is told of.
const INTERNAL_ERROR: u16 = 500;

/// After this time a call that failed counts as one that was let be. One that is made
/// again and again takes no longer: 30 s for an answer, and 5 s until the next.
const FORGOTTEN: Duration = Duration::from_secs(90);

/// What the server said to one who reads.
pub(super) type Read = Result<Value, Failure>;

/// What became of a call.
#[derive(Debug)]
pub(super) enum Answer {
    /// It was done; the object, or what the server says instead.
    Object(Value),
    /// There is none.
    Missing,
    /// Not done: the world is another.
    Changed,
    /// Nobody knows, or it is too early to know; some time has passed.
    Unsure,
}

pub(super) struct Line<'a, A> {
    pub(super) api: &'a A,
    pub(super) options: &'a Options,
    subject: String,
    /// What is worked on, JSON: the API server may repeat it, with credentials.
    objects: Vec<String>,
    /// Whether nobody knows what became of the last call: it may still be done.
    pub(super) is_lost: bool,
    /// Calls of which nothing is heard. One that is answered says nothing of the others:
    /// a webhook that is down, or a full disk, lets whoever only reads through.
    silent: HashMap<String, Silence>,
    conflicts: u32,
    /// How long the last call took.
    latency: Duration,
}

/// A call that is not answered.
struct Silence {
    since: Instant,
    last: Instant,
    backoff: Backoff,
}

impl Silence {
    fn begin() -> Self {
        let now = Instant::now();
        Self {
            since: now,
            last: now,
            backoff: Backoff::retry(),
        }
    }
}

impl<'a, A: Api> Line<'a, A> {
    pub(super) fn new(api: &'a A, options: &'a Options, subject: String) -> Self {
        Self {
            api,
            options,
            subject,
            objects: Vec::new(),
            is_lost: false,
            silent: HashMap::new(),
            conflicts: 0,
            latency: Duration::ZERO,
        }
    }

    pub(super) fn subject(&self) -> String {
        self.subject.clone()
    }

    /// Is told what it is about.
    pub(super) fn knows(&mut self, spec: &Spec) {
        self.objects = vec![spec.original.clone(), spec.translated.clone()];
    }

    /// Makes a call, once.
    pub(super) async fn ask(&mut self, call: Call) -> Result<Answer, Stopped> {
        let (doing, dry_run) = (describe(&call), call.dry_run);
        let sent = call.body.clone();
        let began = Instant::now();
        let result = self.api.call(call).await;
        self.latency = began.elapsed();
        let result = result.map_err(|failure| match sent {
            Some(sent) => said(failure, &[&sent.to_string()]),
            None => failure,
        });
        self.take(result, &doing, dry_run).await
    }

    pub(super) async fn take(
        &mut self,
        result: Result<Value, Failure>,
        doing: &str,
        dry_run: bool,
    ) -> Result<Answer, Stopped> {
        self.is_lost = matches!(result, Err(Failure::Unknown(_)));
        let failure = match result {
            Ok(object) => {
                self.silent.remove(doing);
                return Ok(Answer::Object(object));
            }
            Err(failure) => {
                let objects: Vec<&str> = self.objects.iter().map(String::as_str).collect();
                said(failure, &objects)
            }
        };
        tracing::debug!(subject = self.subject, doing, %failure, "not done");
        match failure {
            Failure::NotFound(_) => {
                self.silent.remove(doing);
                Ok(Answer::Missing)
            }
            Failure::Conflict(_) if dry_run => Ok(Answer::Changed),
            Failure::Conflict(last) => {
                self.silent.remove(doing);
                self.conflicts += 1;
                if self.conflicts > MOST_CONFLICTS {
                    let subject = self.subject();
                    return Err(Stopped::Unsteady { subject, last });
                }
                Ok(Answer::Changed)
            }
            // A token that is renewed, or an authenticator that is away.
            Failure::Refused {
                status: 401,
                message,
            } => {
                self.silence(doing, None, message).await?;
                Ok(Answer::Unsure)
            }
            Failure::Refused { status, message } => Err(self.refused(doing, status, message)),
            Failure::Busy { after } => {
                let last = "too many requests".to_owned();
                self.silence(doing, after, last).await?;
                Ok(Answer::Unsure)
            }
            // Nothing hangs on it yet: whoever runs the webhook hears of it now.
            Failure::Unknown(last) if dry_run && last.contains(WEBHOOK_IS_DOWN) => {
                Err(self.refused(doing, INTERNAL_ERROR, last))
            }
            Failure::Unknown(last) => match self.silence(doing, None, last).await {
                Err(Stopped::Unreachable { last, .. }) if last.contains(WEBHOOK_IS_DOWN) => {
                    Err(self.refused(doing, INTERNAL_ERROR, last))
                }
                Err(stopped) => Err(stopped),
                Ok(()) => Ok(Answer::Unsure),
            },
        }
    }

    fn refused(&self, doing: &str, status: u16, message: String) -> Stopped {
        Stopped::Refused {
            subject: self.subject(),
            remedy: remedy(status, &message),
            doing: doing.to_owned(),
            status,
            message,
        }
    }

    async fn silence(
        &mut self,
        doing: &str,
        at_least: Option<Duration>,
        last: String,
    ) -> Result<(), Stopped> {
        let of_call = self.silent.entry(doing.to_owned());
        let silence = of_call.or_insert_with(Silence::begin);
        // Of a call that was not needed any more then, and is again.
        if silence.last.elapsed() >= FORGOTTEN {
            *silence = Silence::begin();
        }
        silence.last = Instant::now();
        let waited = silence.since.elapsed();
        if waited >= self.options.outage {
            return Err(Stopped::Unreachable {
                subject: self.subject(),
                waited,
                last,
            });
        }
        let wait = silence.backoff.next().max(at_least.unwrap_or_default());
        sleep(wait.min(self.options.outage)).await;
        Ok(())
    }

    /// How long to wait at least before the next look: a server that is slow is not
    /// asked more often for that.
    pub(super) fn pace(&self) -> Duration {
        self.latency.min(Duration::from_secs(1))
    }

    /// Reads two objects at once, until it is certain whether they are there.
    pub(super) async fn get_both(
        &mut self,
        one: &Place,
        other: &Place,
    ) -> Result<(Option<Value>, Option<Value>), Stopped> {
        let (first, second) = tokio::join!(self.api.call(read(one)), self.api.call(read(other)));
        let first = self.taken(first, one).await?;
        let second = self.taken(second, other).await?;
        Ok((first, second))
    }

    async fn taken(
        &mut self,
        result: Result<Value, Failure>,
        place: &Place,
    ) -> Result<Option<Value>, Stopped> {
        match self.take(result, &describe(&read(place)), false).await? {
            Answer::Object(object) => Ok(Some(object)),
            Answer::Missing => Ok(None),
            Answer::Changed | Answer::Unsure => self.get(place).await,
        }
    }

    /// Reads an object, until it is certain whether there is one.
    pub(super) async fn get(&mut self, place: &Place) -> Result<Option<Value>, Stopped> {
        loop {
            match self.ask(read(place)).await? {
                Answer::Object(object) => return Ok(Some(object)),
                Answer::Missing => return Ok(None),
                Answer::Changed | Answer::Unsure => {}
            }
        }
    }

    /// Changes an object, once, and reads others meanwhile, likewise: what becomes of these is
    /// as the server said it.
    pub(super) async fn patch_beside(
        &mut self,
        (place, patch): (Place, Value),
        one: Option<&Place>,
        other: Option<&Place>,
    ) -> Result<(Answer, Option<Read>, Option<Read>), Stopped> {
        let api = self.api;
        let read = async |place: Option<&Place>| match place {
            Some(place) => Some(api.call(read(place)).await),
            None => None,
        };
        let (answer, one, other) = tokio::join!(self.patch(place, patch), read(one), read(other));
        Ok((answer?, one, other))
    }

    /// Changes an object, once.
    pub(super) async fn patch(&mut self, place: Place, patch: Value) -> Result<Answer, Stopped> {
        self.ask(Call {
            verb: Verb::Patch,
            place,
            body: Some(patch),
            dry_run: false,
        })
        .await
    }

    /// Creates an object, once.
    pub(super) async fn create(
        &mut self,
        place: Place,
        object: Value,
        dry_run: bool,
    ) -> Result<Answer, Stopped> {
        self.ask(Call {
            verb: Verb::Create,
            place,
            body: Some(object),
            dry_run,
        })
        .await
    }
}

fn read(place: &Place) -> Call {
    Call {
        verb: Verb::Get,
        place: place.clone(),
        body: None,
        dry_run: false,
    }
}

/// What the server has said, without credentials of these objects.
fn said(failure: Failure, objects: &[&str]) -> Failure {
    let said = |message: String| redact(&message, objects);
    match failure {
        Failure::NotFound(message) => Failure::NotFound(said(message)),
        Failure::Conflict(message) => Failure::Conflict(said(message)),
        Failure::Refused { status, message } => Failure::Refused {
            status,
            message: said(message),
        },
        Failure::Unknown(message) => Failure::Unknown(said(message)),
        busy @ Failure::Busy { .. } => busy,
    }
}

fn describe(call: &Call) -> String {
    let verb = match call.verb {
        Verb::Get => "get",
        Verb::Create if call.dry_run => "create (only checked)",
        Verb::Create => "create",
        Verb::Patch => "patch",
        Verb::Delete => "delete",
    };
    format!("{verb} {}", call.place)
}

fn remedy(status: u16, message: &str) -> &'static str {
    if message.contains(WEBHOOK_IS_DOWN) {
        return "see that the webhook that is named answers, or take its configuration away, then go on \
                or roll back";
    }
    if ["ValidatingAdmissionPolicy", "admission webhook"]
        .iter()
        .any(|by| message.contains(by))
    {
        return "let the webhook or policy that is named allow it, then go on or roll back";
    }
    match status {
        400 if message.contains("unknown field") => {
            "apply the deploy/crds/volumemigrations.yaml of this version, then go on"
        }
        403 => {
            "give the right that is named (deploy/rbac/rewrite.yaml has all, and rewrite-pins.yaml those \
             for volumes under pods), then go on"
        }
        _ => "see what it does not like, then go on or roll back",
    }
}
