//! Where answers arrive: CloudFormation's bucket, and what it makes of what is put there.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use custom_resource::{AnswerSink, PutError, ResponseUrl};
use serde_json::Value;
use tokio::{sync::oneshot, time::Instant};

use crate::{
    promises::{Guard, Promise},
    scenario::{PutFate, Trouble},
};

/// How long a response URL lives: the `X-Amz-Expires` of those that CloudFormation signs.
const URL_LIFE: Duration = Duration::from_secs(7_200);

/// For how long after one delivery's answer another one is still beside it.
const BESIDE: Duration = Duration::from_secs(60);

/// After this time every read shows what there was.
const LONGEST_LAG: Duration = Duration::from_secs(20);

/// How many bytes an answer may have.
const MAX_BYTES: usize = 4_096;

/// How many a physical id may have.
const MAX_ID_BYTES: usize = 1_024;

/// An answer that CloudFormation took.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Whether it is SUCCESS.
    pub succeeded: bool,
    /// The physical id.
    pub id: String,
    /// The reason of a failure.
    pub reason: String,
    /// The attributes.
    pub data: Value,
}

/// What was asked, and what came back.
struct Entry {
    payload: Value,
    issued: Instant,
    waiting: Option<oneshot::Sender<Answer>>,
    accepted: Option<(Answer, Instant)>,
    /// From when on it is torn: of two deliveries that ran side by side one failed or both did, and not because it saw
    /// that it was out of date.
    torn_at: Option<Instant>,
    /// Whether an answer is still asked for: not of what was cancelled.
    is_due: bool,
    /// Whether rescue put a failure over a success that CloudFormation had not read.
    is_overwritten: bool,
}

/// The bucket.
pub struct Desk {
    guard: Arc<Guard>,
    entries: Mutex<BTreeMap<usize, Entry>>,
    puts: Mutex<Puts>,
    /// How long an answer lies there before CloudFormation reads it.
    read_after: Duration,
}

/// What becomes of PUTs: of each trouble, how many go well first, how many then do not, and what becomes of them;
/// and how many were struck.
struct Puts {
    troubles: Vec<(u8, u8, PutFate)>,
    lost: u64,
    unheard: u64,
    refused: u64,
}

impl Puts {
    fn strike(&mut self, by: By) -> Option<PutFate> {
        let (skip, times, fate) = self.troubles.iter_mut().find(|(_, times, _)| *times > 0)?;
        if by == By::Rescue && *fate == PutFate::Refused {
            return None;
        }
        if *skip > 0 {
            *skip -= 1;
            return None;
        }
        *times -= 1;
        let count = match fate {
            PutFate::Lost => &mut self.lost,
            PutFate::Unheard => &mut self.unheard,
            PutFate::Refused => &mut self.refused,
        };
        *count += 1;
        Some(*fate)
    }
}

impl Desk {
    /// An empty bucket.
    pub fn new(guard: Arc<Guard>, read_after: Duration, troubles: &[Trouble]) -> Self {
        let puts = troubles.iter().filter_map(|trouble| match trouble {
            Trouble::Puts { skip, times, fate } => Some((*skip, *times, *fate)),
            _ => None,
        });
        Self {
            guard,
            entries: Mutex::default(),
            puts: Mutex::new(Puts { troubles: puts.collect(), lost: 0, unheard: 0, refused: 0 }),
            read_after,
        }
    }

    /// How many PUTs were lost, how many arrived without that being heard, and how many were refused.
    pub fn struck(&self) -> [u64; 3] {
        let puts = self.puts.lock().unwrap_or_else(PoisonError::into_inner);
        [puts.lost, puts.unheard, puts.refused]
    }

    fn entries(&self) -> MutexGuard<'_, BTreeMap<usize, Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Expects an answer to request `number`.
    pub fn expect(&self, number: usize, payload: &Value) -> oneshot::Receiver<Answer> {
        let (sender, receiver) = oneshot::channel();
        let entry = Entry {
            payload: payload.clone(),
            issued: Instant::now(),
            waiting: Some(sender),
            accepted: None,
            torn_at: None,
            is_due: true,
            is_overwritten: false,
        };
        self.entries().insert(number, entry);
        receiver
    }

    /// Nobody waits for the answer to this request any more.
    pub fn give_up(&self, number: usize) {
        if let Some(entry) = self.entries().get_mut(&number) {
            entry.is_due = false;
            entry.waiting = None;
        }
    }

    /// What was answered to a request.
    pub fn accepted(&self, number: usize) -> Option<Answer> {
        self.entries().get(&number)?.accepted.as_ref().map(|(answer, _)| answer.clone())
    }

    /// Whether rescue put a failure over a success that CloudFormation had not read.
    pub fn was_overwritten(&self, number: usize) -> bool {
        self.entries().get(&number).is_some_and(|entry| entry.is_overwritten)
    }

    /// When two deliveries of one Create or Update, side by side, first got in each other's way: each did its work, and
    /// one of them or both failed, and took back what both had made. Nothing in AWS lets either see the other in time.
    pub fn torn_at(&self) -> Option<Instant> {
        self.entries().values().filter_map(|entry| entry.torn_at).min()
    }

    /// At the end: every request that was waited for was answered within its bound.
    pub fn all_are_answered(&self, bound: impl Fn(usize) -> Duration) {
        for (number, entry) in &*self.entries() {
            let what = &entry.payload["RequestType"];
            match &entry.accepted {
                None if entry.is_due => {
                    self.guard.breach(Promise::OneAnswer, format!("request {number} ({what}) has no answer"));
                }
                Some((_, at)) if entry.is_due && *at - entry.issued > bound(*number) => {
                    let late = (*at - entry.issued).as_secs();
                    self.guard.breach(
                        Promise::OneAnswer,
                        format!("request {number} ({what}) was answered after {late} s"),
                    );
                }
                _ => {}
            }
        }
    }

    /// Takes what an invocation put behind the URL of request `number`.
    fn take(&self, number: usize, sink: &Sink<'_>, body: &[u8]) -> Result<(), PutError> {
        let (by, began) = (sink.by, sink.began);
        let mut entries = self.entries();
        let Some(entry) = entries.get_mut(&number) else {
            self.guard
                .breach(Promise::OneAnswer, format!("an answer to a request {number} that was never sent"));
            return Err(PutError::Final("HTTP status 403".to_owned()));
        };
        if entry.issued.elapsed() > URL_LIFE {
            return Err(PutError::Final("HTTP status 403: Request has expired".to_owned()));
        }
        let answer = match read(&entry.payload, body) {
            Ok(answer) => answer,
            Err(what) => {
                self.guard.breach(Promise::AnswersFit, format!("the answer to request {number}: {what}"));
                return Ok(());
            }
        };
        let answer_says = answer.succeeded;
        if sink.answered.get().is_some_and(|before| *before != answer_says) {
            let what = format!("request {number} is answered twice by one invocation");
            self.guard.breach(Promise::OneAnswer, what);
        }
        match &entry.accepted {
            None => {
                entry.accepted = Some((answer.clone(), Instant::now()));
                if let Some(waiting) = entry.waiting.take() {
                    let _ = waiting.send(answer);
                }
            }
            Some((accepted, at)) => {
                entry.is_overwritten |= by == By::Rescue
                    && accepted.succeeded
                    && !answer.succeeded
                    && at.elapsed() < self.read_after;
                // One that could not take back what it had made, or left it, did not end well either.
                let is_stale = |answer: &Answer| {
                    answer.reason.contains("it is out of date") && !answer.reason.contains(" Besides, ")
                };
                // What is wrong with the declaration is found before anything is made.
                let is_refusal = |answer: &Answer| {
                    ["Descripton", "squatted"].iter().any(|word| answer.reason.contains(word))
                };
                let is_beside = began < *at && at.elapsed() < BESIDE;
                let contradicts = accepted.succeeded != answer.succeeded;
                let is_change = entry.payload["RequestType"] != "Delete";
                // It did not hear that its first one was taken, and sends it again.
                let is_sent_again = sink.has_answered();
                if is_change && !is_sent_again && is_beside && !is_stale(accepted) && !is_stale(&answer) {
                    if contradicts {
                        entry.torn_at.get_or_insert(*at);
                    } else if !answer.succeeded && !is_refusal(accepted) && !is_refusal(&answer) {
                        // Each takes back what both had made.
                        entry.torn_at.get_or_insert(began);
                    }
                }
                let is_seen = began.saturating_duration_since(*at) > LONGEST_LAG;
                // Another operation may have replaced it since.
                let is_held = self.guard.keeps(&accepted.id);
                if is_seen && is_held && accepted.succeeded && answer.succeeded && accepted.id != answer.id {
                    let what =
                        format!("request {number} is answered {}, and again {}", accepted.id, answer.id);
                    self.guard.breach(Promise::RepeatsHarmless, what);
                }
            }
        }
        let _ = sink.answered.set(answer_says);
        Ok(())
    }
}

/// Reads an answer as strictly as CloudFormation, and more so.
fn read(payload: &Value, body: &[u8]) -> Result<Answer, String> {
    if body.len() > MAX_BYTES {
        return Err(format!("it has {} bytes", body.len()));
    }
    let answer: Value = serde_json::from_slice(body).map_err(|error| error.to_string())?;
    for field in ["StackId", "RequestId", "LogicalResourceId"] {
        if answer[field] != payload[field] {
            return Err(format!("{field} is {}, not {}", answer[field], payload[field]));
        }
    }
    let id = answer["PhysicalResourceId"].as_str().unwrap_or_default().to_owned();
    if id.is_empty() || id.len() > MAX_ID_BYTES {
        return Err(format!("PhysicalResourceId is «{id}»"));
    }
    if payload["RequestType"] == "Delete" && payload["PhysicalResourceId"] != id.as_str() {
        return Err(format!("a Delete of {} is answered with {id}", payload["PhysicalResourceId"]));
    }
    let is_failed_update = payload["RequestType"] == "Update" && answer["Status"] == "FAILED";
    if is_failed_update && payload["PhysicalResourceId"] != id.as_str() {
        return Err(format!("an Update of {} fails as {id}", payload["PhysicalResourceId"]));
    }
    let reason = answer["Reason"].as_str().unwrap_or_default().to_owned();
    if !matches!(answer["NoEcho"], Value::Null | Value::Bool(false)) {
        return Err("its attributes are kept from the stack's outputs".to_owned());
    }
    let succeeded = match answer["Status"].as_str() {
        Some("SUCCESS") => true,
        Some("FAILED") if reason.is_empty() => return Err("it fails without a reason".to_owned()),
        Some("FAILED") => false,
        other => return Err(format!("Status is {other:?}")),
    };
    let is_text = |value: &Value| value.is_string();
    let fits =
        |value: &Value| is_text(value) || value.as_array().is_some_and(|list| list.iter().all(is_text));
    let data = answer["Data"].clone();
    if let Some(all) = data.as_object()
        && let Some((key, value)) = all.iter().find(|(_, value)| !fits(value))
    {
        return Err(format!("Data.{key} is {value}"));
    }
    Ok(Answer { succeeded, id, reason, data })
}

/// Who answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// The provider.
    Provider,
    /// The function that answers in its place.
    Rescue,
}

/// One invocation's way to the bucket.
pub struct Sink<'a> {
    desk: &'a Desk,
    by: By,
    began: Instant,
    /// What its first answer that was taken says.
    answered: OnceLock<bool>,
}

impl<'a> Sink<'a> {
    /// That of an invocation of this function that begins now.
    pub fn of(desk: &'a Desk, by: By) -> Self {
        Self { desk, by, began: Instant::now(), answered: OnceLock::new() }
    }

    /// Whether an answer of its was taken.
    pub fn has_answered(&self) -> bool {
        self.answered.get().is_some()
    }

    fn take(&self, number: usize, body: &[u8]) -> Result<(), PutError> {
        self.desk.take(number, self, body)
    }
}

#[async_trait]
impl AnswerSink for Sink<'_> {
    async fn put(&self, url: &ResponseUrl, body: Vec<u8>) -> Result<(), PutError> {
        let number = url.reveal().split_once("/answer-").and_then(|(_, rest)| rest.split('?').next());
        let number = number.and_then(|number| number.parse().ok()).unwrap_or(usize::MAX);
        let struck = self.desk.puts.lock().unwrap_or_else(PoisonError::into_inner).strike(self.by);
        let failed = || PutError::Retryable("HTTP status 503: Slow Down".to_owned());
        match struck {
            Some(PutFate::Lost) => Err(failed()),
            Some(PutFate::Refused) => Err(PutError::Refused("HTTP status 403: by a proxy".to_owned())),
            Some(PutFate::Unheard) => self.take(number, &body).and(Err(failed())),
            None => {
                let taken = self.take(number, &body);
                // Who puts it may be killed before that is heard.
                tokio::task::yield_now().await;
                taken
            }
        }
    }
}
