//! CloudFormation's engine, as far as a stack of custom resources sees it.
//!
//! Sources: the CloudFormation User Guide ("Stack failure options", "Continue rolling
//! back an update", "Custom resource reference") and what is seen of it. Where it may be either way, [`Facts`]
//! says which.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use futures::future::join_all;
use local_aws::in_process::{Fate, InProcess, StoredParameter};
use ports::ErrorKind;
use profile::{
    record::{StackRecord, StackResourceRecord},
    tags::{self, Tags},
};
use serde_json::{Value, json};
use time::{OffsetDateTime, format_description::well_known::Rfc3339, macros::format_description};
use tokio::{
    task::JoinSet,
    time::{Instant, sleep, sleep_until, timeout_at},
};

use crate::{
    account::STACK,
    declaration::{Declaration, Identity, LOGICAL_IDS, PERIODS, SLOTS, stack_tags},
    desk::{Answer, Desk},
    functions,
    lambda::Lambda,
    promises::{Belongings, Guard, Promise, Readers, users_of},
    scenario::{Change, Edit, Facts, Scenario, SiblingFailure, Update},
    stats::Stats,
    trace::Trace,
};

/// How long CloudFormation waits for an answer unless the template says otherwise.
pub const SERVICE_TIMEOUT: Duration = Duration::from_secs(3_600);

/// How often a person tries again what failed, a deletion or a rollback: more often than calls can be denied.
const PERSISTENCE: u32 = 5 * 60 + 1;

/// How soon after a request its stack may go on so that a repeated delivery is not told from one that is waited for
/// (`docs/uncertainties.md`).
const SAME_INSTANT: Duration = Duration::from_secs(11);

/// How many calls a request makes at most when it waits for nothing.
const CALLS_OF_A_REQUEST: u32 = 30;

/// How many throttled calls of one request pass by themselves.
const PASSING: usize = 3;

/// How much of `ServiceTimeout` a late delivery must have left to be answered in time.
const IN_TIME: Duration = Duration::from_secs(15);

/// A mark to drain tells whole seconds.
const A_SECOND: Duration = Duration::from_secs(1);

/// After how long nothing that was in flight is under way any more.
const SETTLED: Duration = Duration::from_secs(1_500);

/// A template: what each resource declares.
pub type Template = [Option<Declaration>; SLOTS];

/// What the template is after these edits.
fn edited(template: &Template, edits: &[Edit]) -> Template {
    let mut template = template.clone();
    for Edit { slot, change } in edits {
        let place = &mut template[*slot];
        match change {
            Change::Declare(declaration) => *place = Some(declaration.clone()),
            Change::Remove => *place = None,
            change => {
                let Some(declaration) = place else { continue };
                match change {
                    Change::Name(name) => declaration.name = *name,
                    Change::Description(description) => declaration.description = *description,
                    Change::Source(source) => declaration.source = *source,
                    Change::Tags(tags) => declaration.tags = *tags,
                    Change::Parameter(parameter) => declaration.parameter = *parameter,
                    Change::Drain(drain) => declaration.drain = *drain,
                    Change::Protect(protect) => declaration.protect = *protect,
                    Change::Adopt(adopts) => declaration.adopts = *adopts,
                    Change::Wrong(wrong) => declaration.wrong = *wrong,
                    Change::Declare(_) | Change::Remove => {}
                }
            }
        }
    }
    // Two resources that adopt one profile at the same time are a template's own fault.
    for declared in template.iter_mut().skip(1).flatten() {
        declared.adopts = false;
    }
    template
}

/// A resource that the stack has.
#[derive(Debug, Clone)]
struct Resource {
    id: String,
    declaration: Declaration,
}

/// What became of a request.
#[derive(Debug, Clone)]
enum Outcome {
    Answered(Answer),
    TimedOut,
    Cancelled,
}

impl Outcome {
    fn succeeded(&self) -> Option<&Answer> {
        match self {
            Self::Answered(answer) if answer.succeeded => Some(answer),
            _ => None,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Create,
    Update,
    Delete,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Create => "Create",
            Self::Update => "Update",
            Self::Delete => "Delete",
        }
    }
}

/// One request, as the engine makes it.
struct Ask<'a> {
    kind: Kind,
    slot: usize,
    id: Option<&'a str>,
    new: &'a Declaration,
    old: Option<&'a Declaration>,
    /// When CloudFormation gives up what is in progress.
    cancelled_at: Option<Instant>,
    /// Whether the stack tells of the resource by this request: not of what an update replaced.
    is_told: bool,
}

/// The engine, and the one stack that it runs.
pub struct CloudFormation {
    aws: InProcess,
    facts: Facts,
    guard: Arc<Guard>,
    desk: Arc<Desk>,
    lambda: Arc<Lambda>,
    trace: Arc<Trace>,
    stats: Mutex<Stats>,
    deliveries: Mutex<JoinSet<()>>,
    requests: Mutex<usize>,
    template: Template,
    resources: BTreeMap<usize, Resource>,
    /// The logical ids of which clean-ups gave something up: CloudFormation then forgets it.
    gave_up: BTreeSet<&'static str>,
    /// The logical ids that left the template.
    dropped: BTreeSet<&'static str>,
    /// The replaced profiles that live on for a time.
    draining: BTreeSet<String>,
    /// The resources whose replacement was not removed in a rollback's clean-up, and may still be published.
    astray: BTreeSet<usize>,
    /// Whether a sweep runs beside the update.
    swept: bool,
    /// The former names that such a sweep, or what was taken up again, left published.
    left_published: BTreeSet<String>,
    /// The profiles that were replaced, or released by a rollback: one may be taken up again, of which reads still show
    /// what it was.
    replaced: BTreeSet<String>,
    /// The resources whose rollback may have come before the last of what it took back: what that left in the tags is
    /// known to slip, until their next update.
    slipped: BTreeSet<usize>,
    /// The profiles that a rollback left which was continued without a word of what had failed, nor, of what that had
    /// made, of when it began: they stay for the stack's end.
    forgotten: BTreeSet<String>,
    /// Whether what a rollback of the resource that adopts left in the tags may have slipped: the release goes by them.
    released_blindly: bool,
    /// Whether something was cancelled, or timed out, and may still be under way.
    overtaken: Mutex<bool>,
    /// The logical ids of which that was ever so: what was made at that moment may not have been seen by the rollback.
    was_overtaken: Mutex<BTreeSet<&'static str>>,
}

impl CloudFormation {
    /// The engine over an account.
    pub fn new(
        aws: InProcess,
        facts: Facts,
        guard: Arc<Guard>,
        desk: Arc<Desk>,
        lambda: Arc<Lambda>,
        trace: Arc<Trace>,
    ) -> Self {
        Self {
            aws,
            facts,
            guard,
            desk,
            lambda,
            trace,
            stats: Mutex::default(),
            deliveries: Mutex::default(),
            requests: Mutex::new(0),
            template: Template::default(),
            resources: BTreeMap::new(),
            gave_up: BTreeSet::new(),
            draining: BTreeSet::new(),
            dropped: BTreeSet::new(),
            astray: BTreeSet::new(),
            slipped: BTreeSet::new(),
            forgotten: BTreeSet::new(),
            released_blindly: false,
            swept: false,
            left_published: BTreeSet::new(),
            replaced: BTreeSet::new(),
            overtaken: Mutex::new(false),
            was_overtaken: Mutex::default(),
        }
    }

    /// Plays a scenario from the stack's creation to its end; gives what was met on the way.
    pub async fn play(mut self, scenario: &Scenario) -> Stats {
        // What was there before is seen by every read.
        sleep(Duration::from_secs(60)).await;
        let first = edited(&Template::default(), &scenario.first);
        if self.create(first, scenario.failure.as_ref()).await {
            for update in &scenario.updates {
                self.rest(Duration::from_secs(u64::from(update.after_s))).await;
                self.update(update).await;
            }
            self.rest(Duration::from_secs(60)).await;
        }
        self.delete().await;
        // What was repeated or late comes to its end, and reads catch up.
        let mut deliveries =
            std::mem::take(&mut *self.deliveries.lock().unwrap_or_else(PoisonError::into_inner));
        while deliveries.join_next().await.is_some() {}
        sleep(Duration::from_secs(120)).await;
        self.is_over().await;
        let mut stats = self.stats.into_inner().unwrap_or_else(PoisonError::into_inner);
        stats.calls = self.aws.account().calls.len();
        stats.struck = self.aws.account().faults.struck();
        stats
    }

    // -- operations ----------------------------------------------------------------------------------

    /// Gives whether the stack is there now.
    async fn create(&mut self, template: Template, failure: Option<&SiblingFailure>) -> bool {
        self.status("CREATE_IN_PROGRESS");
        let began = Instant::now();
        let cancelled_at = cancelled_at(began, failure);
        let asked =
            template.iter().enumerate().filter_map(|(slot, declared)| Some((slot, declared.as_ref()?)));
        let asks = asked.clone().map(|(slot, new)| Ask {
            kind: Kind::Create,
            slot,
            id: None,
            new,
            old: None,
            cancelled_at,
            is_told: true,
        });
        let outcomes = join_all(asks.map(|ask| self.ask(ask))).await;
        let made: Vec<(usize, Declaration, Outcome)> =
            asked.zip(outcomes).map(|((slot, new), outcome)| (slot, new.clone(), outcome)).collect();
        if failure.is_none() && made.iter().all(|(_, _, outcome)| outcome.succeeded().is_some()) {
            for (slot, declaration, outcome) in made {
                if let Some(answer) = outcome.succeeded() {
                    self.commit(slot, declaration, answer.id.clone());
                }
            }
            self.template = template;
            self.status("CREATE_COMPLETE");
            self.promise_readers();
            return true;
        }
        self.fail_at(began, failure).await;
        self.status("ROLLBACK_IN_PROGRESS");
        let doomed = made.into_iter().map(|(slot, new, outcome)| (slot, id_after(slot, &outcome), new));
        if self.delete_all(doomed.collect()).await {
            self.status("ROLLBACK_COMPLETE");
        }
        self.pace().await;
        false
    }

    async fn update(&mut self, update: &Update) {
        let template = edited(&self.template, &update.edits);
        let changed: Vec<usize> = (0..SLOTS).filter(|slot| template[*slot] != self.template[*slot]).collect();
        if changed.is_empty() {
            return;
        }
        if update.invoked {
            self.invoke_all();
        }
        if let Some(after_s) = update.sweep_after_s {
            // It may not see that something drains.
            let seen = ports::Clock::now(&self.aws) + Duration::from_secs(u64::from(after_s));
            self.guard.ends_draining_marked_after(seen - Duration::from_secs(self.lag_s()));
        }
        // A sweep that runs meanwhile may still see, and publish again, a name that was just given up.
        self.swept = update.sweep_after_s.is_some();
        let sweep = sweep_beside(self.aws.clone(), self.trace.clone(), update.sweep_after_s);
        let struck = self.aws.account().faults.struck();
        futures::join!(sweep, self.change(update, template, &changed, struck));
        self.promise_readers();
        self.is_tidy().await;
    }

    /// The update itself: forward, or forward and back.
    async fn change(&mut self, update: &Update, template: Template, changed: &[usize], struck: usize) {
        let before = self.settled();
        self.status("UPDATE_IN_PROGRESS");
        let began = Instant::now();
        let asked = *self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        self.promise_readers_during(&template);
        let cancelled_at = cancelled_at(began, update.failure.as_ref());
        let mut asks = Vec::new();
        for slot in changed {
            let Some(new) = &template[*slot] else { continue };
            let held = self.resources.get(slot);
            asks.push(Ask {
                kind: if held.is_some() { Kind::Update } else { Kind::Create },
                slot: *slot,
                id: held.map(|held| held.id.as_str()),
                new,
                old: held.map(|held| &held.declaration),
                cancelled_at,
                is_told: true,
            });
        }
        let slots: Vec<(usize, Kind)> = asks.iter().map(|ask| (ask.slot, ask.kind)).collect();
        let outcomes = join_all(asks.into_iter().map(|ask| self.ask(ask))).await;
        let done: Vec<(usize, Kind, Outcome)> =
            slots.into_iter().zip(outcomes).map(|((slot, kind), outcome)| (slot, kind, outcome)).collect();
        if update.failure.is_none() && done.iter().all(|(_, _, outcome)| outcome.succeeded().is_some()) {
            self.finish(template, done).await;
        } else {
            self.fail_at(began, update.failure.as_ref()).await;
            self.roll_back(&template, done, &before, (began, struck, asked)).await;
        }
    }

    /// All was done: what it replaced and dropped goes.
    async fn finish(&mut self, template: Template, done: Vec<(usize, Kind, Outcome)>) {
        let mut replaced = Vec::new();
        let mut dropped = Vec::new();
        for (slot, declared) in template.iter().enumerate() {
            if declared.is_none()
                && let Some(held) = self.resources.remove(&slot)
            {
                self.dropped.insert(LOGICAL_IDS[slot]);
                dropped.push((slot, held));
            }
        }
        for (slot, _, outcome) in done {
            let (Some(answer), Some(new)) = (outcome.succeeded(), &template[slot]) else { continue };
            let before = self.resources.get(&slot).cloned();
            self.commit(slot, new.clone(), answer.id.clone());
            if let Some(before) = before.filter(|before| before.id != answer.id) {
                replaced.push((slot, before));
            }
        }
        self.template = template;
        if replaced.is_empty() && dropped.is_empty() {
            self.status("UPDATE_COMPLETE");
            return;
        }
        self.pace().await;
        self.status("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS");
        for (slot, _) in &dropped {
            self.guard.readers(*slot, None);
            self.guard.ends_draining(Some(*slot));
        }
        for (_, held) in replaced.iter().chain(&dropped) {
            self.guard.release(&held.id);
        }
        let asks = replaced.iter().map(|held| (held, false)).chain(dropped.iter().map(|held| (held, true)));
        let asks: Vec<_> = asks.collect();
        let (denials, kills) = self.trouble();
        let (struck, since) = (self.aws.account().faults.struck(), ports::Clock::now(&self.aws));
        // Of several one may be answered so late that another's use is long past.
        let was_protected: Vec<bool> = asks
            .iter()
            .map(|((slot, held), is_told)| *is_told && self.is_protected(*slot, &held.declaration))
            .collect();
        let gone = join_all(asks.iter().map(|((slot, held), is_told)| {
            self.ask(Ask {
                kind: Kind::Delete,
                slot: *slot,
                id: Some(&held.id),
                new: &held.declaration,
                old: None,
                cancelled_at: None,
                is_told: *is_told,
            })
        }))
        .await;
        let kept = asks.iter().zip(was_protected).zip(&gone);
        let kept: Vec<_> = kept
            .filter(|(_, outcome)| outcome.succeeded().is_none())
            .map(|((((slot, held), is_told), was_protected), outcome)| {
                let is_protected = *is_told && self.is_protected(*slot, &held.declaration);
                (*slot, was_protected || is_protected || self.is_undelivered(outcome))
            })
            .collect();
        for (slot, is_excused) in kept {
            self.gives_up(slot, is_excused || self.trouble() != (denials, kills));
        }
        for ((slot, held), outcome) in replaced.iter().zip(&gone) {
            self.drains(*slot, held, outcome, (struck, since));
        }
        self.status("UPDATE_COMPLETE");
    }

    /// It failed: everything goes back to what it was.
    async fn roll_back(
        &mut self,
        template: &Template,
        done: Vec<(usize, Kind, Outcome)>,
        before: &Belongings,
        (began, struck, asked): (Instant, usize, usize),
    ) {
        self.pace().await;
        let is_quick = began.elapsed() < SAME_INSTANT;
        self.status("UPDATE_ROLLBACK_IN_PROGRESS");
        let was_cancelled = done.iter().any(|(_, _, outcome)| !matches!(outcome, Outcome::Answered(_)));
        // What was under way when it was cancelled may reach AWS after the rollback's own; and a delivery that
        // comes again within seconds is taken for the rollback's.
        let is_struck = {
            let account = self.aws.account();
            account.faults.struck() > struck
                || was_cancelled && account.faults.strikes_within(CALLS_OF_A_REQUEST)
        };
        let requests = *self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        let doubles = self.lambda.has_stragglers(asked..requests);
        // Which tags of an adopted profile are ours only a read tells.
        let adopts = |slot: &usize| template[*slot].as_ref().is_some_and(|declared| declared.adopts);
        let is_blind = self.is_hurried() && done.iter().any(|(slot, ..)| adopts(slot));
        // An attempt that was killed, or could not deliver its answer for minutes, is made again, and where the stack
        // tells of nothing in progress it is taken for the rollback's, too.
        let is_tried_again = !self.facts.tells_progress
            && (done.iter().any(|(slot, ..)| self.lambda.was_killed(LOGICAL_IDS[*slot]))
                || is_quick && self.lambda.errs_for_want_of_delivery());
        let slips = was_cancelled
            && (is_struck
                || is_tried_again
                || Duration::from_secs(self.facts.pace_s) < SAME_INSTANT && doubles)
            || doubles && (is_struck || is_quick)
            || is_blind;
        if slips {
            self.slipped.extend(done.iter().map(|(slot, ..)| *slot));
            self.released_blindly |= done.iter().any(|(slot, ..)| *slot == 0);
            done.iter().for_each(|(slot, ..)| self.guard.readers(*slot, None));
            self.astray.extend(done.iter().map(|(slot, ..)| *slot));
        }
        let mut doomed = Vec::new();
        let mut back: Vec<(usize, String)> = Vec::new();
        for (slot, kind, outcome) in &done {
            let Some(new) = &template[*slot] else { continue };
            match (kind, self.resources.get(slot)) {
                (Kind::Update, Some(held)) => {
                    let id = outcome.succeeded().map_or(&held.id, |answer| &answer.id);
                    let is_replaced = *id != held.id;
                    if is_replaced {
                        doomed.push((*slot, id.clone(), new.clone(), false));
                    }
                    if is_replaced && !self.facts.rolls_replacements_back {
                        continue;
                    }
                    let carried = if self.facts.rollback_carries_new_id { id } else { &held.id };
                    back.push((*slot, carried.clone()));
                }
                _ => doomed.push((*slot, id_after(*slot, outcome), new.clone(), true)),
            }
        }
        let mut forgetful = BTreeSet::new();
        for trial in 1..=PERSISTENCE {
            let forgets = trial > 1 && self.facts.continued_forgets_failed;
            if forgets {
                forgetful.extend(back.iter().map(|(slot, _)| LOGICAL_IDS[*slot]));
            }
            let outcomes = join_all(back.iter().filter_map(|(slot, carried)| {
                let held = self.resources.get(slot)?;
                Some(self.ask(Ask {
                    kind: Kind::Update,
                    slot: *slot,
                    id: Some(carried),
                    new: &held.declaration,
                    old: if forgets { Some(&held.declaration) } else { template[*slot].as_ref() },
                    cancelled_at: None,
                    is_told: true,
                }))
            }))
            .await;
            let mut failed = Vec::new();
            for ((slot, carried), outcome) in back.into_iter().zip(outcomes) {
                let held = &self.resources[&slot];
                match outcome.succeeded() {
                    Some(answer) if answer.id != held.id && !self.is_twin(slot, &answer.id) => {
                        let what = format!("a rollback answers {}, not {}", answer.id, held.id);
                        self.guard.breach(Promise::RollbackRestores, what);
                    }
                    Some(_) => {}
                    None => failed.push((slot, carried)),
                }
            }
            back = failed;
            if back.is_empty() {
                break;
            }
            if trial == PERSISTENCE {
                self.guard.breach(Promise::RollbackRestores, "a rollback does not succeed");
            }
            self.status("UPDATE_ROLLBACK_FAILED");
            sleep(Duration::from_secs(600)).await;
            self.status("UPDATE_ROLLBACK_IN_PROGRESS");
        }
        for (slot, held) in &self.resources {
            self.describe(*slot, "UPDATE_COMPLETE", Some(&held.id));
        }
        self.replaced.extend(doomed.iter().map(|(_, id, ..)| id.clone()));
        if !doomed.is_empty() {
            let trouble = self.trouble();
            self.pace().await;
            self.status("UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS");
            let was_protected: Vec<bool> = doomed
                .iter()
                .map(|(slot, _, declaration, is_told)| *is_told && self.is_protected(*slot, declaration))
                .collect();
            let gone = join_all(doomed.iter().map(|(slot, id, declaration, is_told)| {
                self.ask(Ask {
                    kind: Kind::Delete,
                    slot: *slot,
                    id: Some(id),
                    new: declaration,
                    old: None,
                    cancelled_at: None,
                    is_told: *is_told,
                })
            }))
            .await;
            let kept = doomed.iter().zip(was_protected).zip(&gone);
            let kept: Vec<_> = kept
                .filter(|(_, outcome)| outcome.succeeded().is_none())
                .map(|(((slot, _, declaration, is_told), was_protected), outcome)| {
                    let is_protected = *is_told && self.is_protected(*slot, declaration);
                    (*slot, was_protected || is_protected || self.is_undelivered(outcome))
                })
                .collect();
            for (slot, is_excused) in kept {
                self.astray.insert(slot);
                self.gives_up(slot, is_excused || self.trouble() != trouble);
            }
        }
        self.status("UPDATE_ROLLBACK_COMPLETE");
        self.forgets(&forgetful);
        if was_cancelled || *self.overtaken.lock().unwrap_or_else(PoisonError::into_inner) {
            // What was cancelled may still be taking back what it did.
            sleep(SETTLED).await;
            *self.overtaken.lock().unwrap_or_else(PoisonError::into_inner) = false;
        }
        let missing = self.missing(before);
        if !missing.is_empty() {
            self.guard.breach(Promise::RollbackRestores, format!("not restored: {}", missing.join("; ")));
        }
    }

    /// Notes which profiles the continued rollback of these resources could not know for the failed update's.
    fn forgets(&mut self, logical_ids: &BTreeSet<&str>) {
        let all = self.guard.belongings(&self.aws.account());
        let committed = self.committed();
        let adoptable = self.guard.foreign().adoptable.as_str();
        let is_forgotten = |(arn, held): &(&String, &Tags)| {
            let is_its = held.get(tags::LOGICAL_ID).is_some_and(|held| logical_ids.contains(held.as_str()));
            let is_unknown = self.facts.rollback_moves_time || *arn == adoptable;
            is_its && is_unknown && !committed.profiles.contains_key(*arn)
        };
        let forgotten: Vec<String> =
            all.profiles.iter().filter(is_forgotten).map(|(arn, _)| arn.clone()).collect();
        self.forgotten.extend(forgotten);
    }

    async fn delete(&mut self) {
        for slot in 0..SLOTS {
            self.guard.readers(slot, None);
        }
        self.guard.ends_draining(None);
        self.status("DELETE_IN_PROGRESS");
        let all = std::mem::take(&mut self.resources);
        let doomed = all.into_iter().map(|(slot, held)| (slot, held.id, held.declaration));
        if self.delete_all(doomed.collect()).await {
            self.status("DELETE_COMPLETE");
        }
    }

    /// Deletes until all is gone, as a person would who tries again later.
    async fn delete_all(&self, mut doomed: Vec<(usize, String, Declaration)>) -> bool {
        for (_, id, _) in &doomed {
            self.guard.release(id);
        }
        for trial in 1..=PERSISTENCE {
            let outcomes = join_all(doomed.iter().map(|(slot, id, declaration)| {
                self.ask(Ask {
                    kind: Kind::Delete,
                    slot: *slot,
                    id: Some(id),
                    new: declaration,
                    old: None,
                    cancelled_at: None,
                    is_told: true,
                })
            }))
            .await;
            let mut outcomes = outcomes.into_iter();
            doomed.retain(|_| outcomes.next().is_none_or(|outcome| outcome.succeeded().is_none()));
            if doomed.is_empty() {
                return true;
            }
            let status = self.aws.account().stacks.get(STACK).map(|stack| stack.status.clone());
            let is_rollback = status.as_deref() == Some("ROLLBACK_IN_PROGRESS");
            self.status(if is_rollback { "ROLLBACK_FAILED" } else { "DELETE_FAILED" });
            if trial == PERSISTENCE {
                break;
            }
            // What protects lasts an hour.
            sleep(Duration::from_secs(4_000)).await;
            self.status("DELETE_IN_PROGRESS");
        }
        self.guard.breach(Promise::DeletesRight, format!("a stack cannot be deleted: {doomed:?}"));
        false
    }

    // -- one request ---------------------------------------------------------------------------------

    async fn ask(&self, ask: Ask<'_>) -> Outcome {
        let number = {
            let mut requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
            *requests += 1;
            *requests - 1
        };
        let payload = self.payload(number, &ask);
        let receiver = self.desk.expect(number, &payload);
        let struck = self.aws.account().faults.struck();
        if ask.is_told {
            self.describe_progress(&ask, "IN_PROGRESS", ask.id);
        }
        self.trace.line(|| {
            format!(
                "request {number}: {} {} {}",
                ask.kind.name(),
                LOGICAL_IDS[ask.slot],
                ask.id.unwrap_or_default()
            )
        });
        let asked_at = Instant::now();
        if ask.kind != Kind::Delete && self.lag_s() > 0 {
            // What is taken up again goes with its update.
            let truth = self.aws.account().truth();
            let identity = self.identity(ask.slot, ask.new);
            let unseen_after = ports::Clock::now(&self.aws) - Duration::from_secs(self.lag_s());
            let fits = |id: &str| truth.get(id).is_some_and(|profile| identity.fits(profile));
            self.guard.may_be_taken_up(ask.slot, unseen_after, fits);
        }
        self.deliveries
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .spawn(self.lambda.clone().deliver(number, payload));
        let waits =
            self.facts.service_timeout.map_or(SERVICE_TIMEOUT, |(s, _)| Duration::from_secs(u64::from(s)));
        let times_out_at = asked_at + waits;
        let until = ask.cancelled_at.map_or(times_out_at, |at| at.min(times_out_at));
        let outcome = match timeout_at(until, receiver).await {
            Ok(Ok(answer)) => {
                sleep(Duration::from_secs(self.facts.read_after_s)).await;
                Outcome::Answered(answer)
            }
            _ if until < times_out_at => Outcome::Cancelled,
            _ => Outcome::TimedOut,
        };
        self.met(&ask, &outcome);
        match &outcome {
            Outcome::Answered(answer) => {
                self.trace.line(|| {
                    let status = if answer.succeeded { "SUCCESS" } else { "FAILED" };
                    format!("request {number} is answered: {status} {} {}", answer.id, answer.reason)
                });
                // A few throttled calls pass by themselves.
                let is_clean = {
                    let account = self.aws.account();
                    let strikes = account.faults.strikes().get(struck..).unwrap_or_default();
                    let passes = |fate: &Fate| *fate == Fate::Fails(ErrorKind::Throttled);
                    strikes.len() <= PASSING && strikes.iter().all(|(_, fate)| passes(fate))
                } && !self.lambda.is_troubled(number);
                if answer.succeeded {
                    self.is_true(number, &ask, answer);
                } else if is_clean {
                    self.is_due_to_fail(number, &ask, answer);
                }
            }
            Outcome::Cancelled | Outcome::TimedOut => {
                self.trace.line(|| format!("request {number}: {outcome:?}"));
                // Within an hour the provider answers, or rescue does. In less the provider does, if it is told and comes
                // to it in time, and is neither killed nor kept from delivering.
                let is_bound_to = match self.facts.service_timeout {
                    None => !self.lambda.is_delayed(number) && !self.lambda.is_cut_off(number),
                    Some((_, told)) => {
                        told && !self.lambda.is_to_be_killed(number)
                            && !self.lambda.has_lost_puts()
                            && self.lambda.lateness(number) + IN_TIME < waits
                    }
                };
                if matches!(outcome, Outcome::TimedOut) && is_bound_to {
                    self.guard.breach(Promise::OneAnswer, format!("request {number} timed out"));
                }
                *self.overtaken.lock().unwrap_or_else(PoisonError::into_inner) = true;
                let mut was_overtaken = self.was_overtaken.lock().unwrap_or_else(PoisonError::into_inner);
                was_overtaken.insert(LOGICAL_IDS[ask.slot]);
                self.desk.give_up(number);
            }
        }
        if ask.is_told {
            let (state, id) = match (&outcome, ask.kind) {
                (Outcome::Answered(answer), Kind::Create | Kind::Update) if answer.succeeded => {
                    ("COMPLETE", Some(answer.id.as_str()))
                }
                (Outcome::Answered(answer), _) if answer.succeeded => ("COMPLETE", ask.id),
                (Outcome::Answered(answer), Kind::Create) => ("FAILED", Some(answer.id.as_str())),
                _ => ("FAILED", ask.id),
            };
            self.tell(&ask, state, id);
        }
        outcome
    }

    fn payload(&self, number: usize, ask: &Ask<'_>) -> Value {
        let now = ports::Clock::now(&self.aws);
        let format = format_description!("[year][month][day]T[hour][minute][second]Z");
        let date = now.format(format).unwrap_or_default();
        let told = self.facts.service_timeout.filter(|(_, told)| *told).map(|(seconds, _)| seconds);
        let adoptable = &self.guard.foreign().adoptable;
        let properties = |declaration: &Declaration| declaration.properties(ask.slot, adoptable, told);
        let mut payload = json!({
            "RequestType": ask.kind.name(),
            "RequestId": format!("1f2e3d4c-0000-4000-8000-{number:012}"),
            "StackId": STACK,
            "ResponseURL": format!(
                "https://cloudformation-custom-resource-response-useast1.s3.amazonaws.com/answer-{number}?\
                 X-Amz-Date={date}&X-Amz-Signature={SIGNATURE}"
            ),
            "ResourceType": "Custom::InferenceProfile",
            "LogicalResourceId": LOGICAL_IDS[ask.slot],
            "ResourceProperties": properties(ask.new),
        });
        if let Some(id) = ask.id {
            payload["PhysicalResourceId"] = json!(id);
        }
        if let (Kind::Update, Some(old)) = (ask.kind, ask.old) {
            payload["OldResourceProperties"] = properties(old);
        }
        payload
    }

    // -- what the stack tells ------------------------------------------------------------------------

    fn status(&self, status: &str) {
        self.trace.line(|| format!("-- the stack is {status}"));
        let mut account = self.aws.account();
        let began = account.stacks.get(STACK).and_then(|stack| stack.began);
        let begins = match status {
            "CREATE_IN_PROGRESS" | "UPDATE_IN_PROGRESS" => true,
            "UPDATE_ROLLBACK_IN_PROGRESS" => self.facts.rollback_moves_time,
            _ => false,
        };
        let began = if begins { Some(ports_now(&self.aws, &account)) } else { began };
        account
            .stacks
            .insert(STACK.to_owned(), StackRecord { status: status.to_owned(), tags: stack_tags(), began });
        drop(account);
        self.stats.lock().unwrap_or_else(PoisonError::into_inner).status(status);
    }

    fn describe(&self, slot: usize, status: &str, id: Option<&str>) {
        let record = StackResourceRecord {
            physical_id: id.map(str::to_owned),
            status: status.to_owned(),
            since: Some(ports::Clock::now(&self.aws)),
        };
        self.aws.account().resources.insert((STACK.to_owned(), LOGICAL_IDS[slot].to_owned()), record);
    }

    fn describe_progress(&self, ask: &Ask<'_>, state: &str, id: Option<&str>) {
        if self.facts.tells_progress {
            self.tell(ask, state, id);
        }
    }

    fn tell(&self, ask: &Ask<'_>, state: &str, id: Option<&str>) {
        self.describe(ask.slot, &format!("{}_{state}", ask.kind.name().to_uppercase()), id);
    }

    fn met(&self, ask: &Ask<'_>, outcome: &Outcome) {
        let end = match outcome {
            Outcome::Answered(answer) if answer.succeeded => "SUCCESS",
            Outcome::Answered(_) => "FAILED",
            Outcome::TimedOut => "timed out",
            Outcome::Cancelled => "cancelled",
        };
        self.stats.lock().unwrap_or_else(PoisonError::into_inner).request(ask.kind.name(), end);
    }

    async fn pace(&self) {
        sleep(Duration::from_secs(self.facts.pace_s)).await;
    }

    /// The operation fails when its sibling does, or when all else is done.
    async fn fail_at(&self, began: Instant, failure: Option<&SiblingFailure>) {
        if let Some(failure) = failure {
            sleep_until(began + Duration::from_secs(u64::from(failure.after_s))).await;
        }
        self.pace().await;
    }

    /// Nothing is asked for a while, and nothing may change.
    async fn rest(&self, time: Duration) {
        let mut before = self.settled();
        sleep(time).await;
        // The last of two deliveries may be pointing it to its own, and back.
        let now = self.settled();
        let unsettled = |name: &String| !now.parameters.contains_key(name);
        let open = self.names(|slot| self.lambda.was_doubled(LOGICAL_IDS[*slot]));
        before.parameters.retain(|name, _| !(open.contains(name) && unsettled(name)));
        let missing = self.missing(&before);
        if !missing.is_empty() {
            let what = format!("changed while nobody asked for it: {}", missing.join("; "));
            self.guard.breach(Promise::RepeatsHarmless, what);
        }
    }

    // -- what must be true ---------------------------------------------------------------------------

    fn identity(&self, slot: usize, declaration: &Declaration) -> Identity {
        declaration.identity(slot, &self.guard.foreign().adoptable)
    }

    fn commit(&mut self, slot: usize, declaration: Declaration, id: String) {
        self.describe(slot, "UPDATE_COMPLETE", Some(&id));
        if id != self.guard.foreign().adoptable.as_str() {
            self.guard.keep(&id);
        }
        self.astray.remove(&slot);
        self.slipped.remove(&slot);
        self.resources.insert(slot, Resource { id, declaration });
    }

    /// Whether there may be no time to wait for a profile's tags to be seen.
    fn is_hurried(&self) -> bool {
        self.facts.service_timeout.is_some_and(|(seconds, _)| u64::from(seconds) < 4 * self.lag_s())
    }

    /// How late the tags of a profile are seen, in seconds.
    fn lag_s(&self) -> u64 {
        self.facts.lag_ms[2] / 1_000
    }

    /// What the stack's resources are, as they were answered for.
    fn committed(&self) -> Belongings {
        self.belonging(|_| true)
    }

    /// The same, as far as it must stay so. A parameter that leads to the other one of two profiles, which two
    /// deliveries of one request made, may still be set right.
    fn settled(&self) -> Belongings {
        let mut settled = self.committed();
        let account = self.aws.account();
        let truth = account.truth();
        for (slot, held) in &self.resources {
            let Some(name) = held.declaration.parameter(*slot) else { continue };
            let identity = self.identity(*slot, &held.declaration);
            let leads_beside = |parameter: &StoredParameter| {
                parameter.value != held.id
                    && truth.get(&parameter.value).is_some_and(|profile| identity.fits(profile))
            };
            if self.lambda.was_doubled(LOGICAL_IDS[*slot])
                && settled.parameters.get(&name).is_some_and(leads_beside)
            {
                settled.parameters.remove(&name);
            }
        }
        settled
    }

    /// What of `before`, which was settled, is not so any more; not of those resources of which it cannot be told.
    fn missing(&self, before: &Belongings) -> Vec<String> {
        let is_open = |slot: &usize| self.astray.contains(slot) || self.slipped.contains(slot);
        let open = self.names(is_open);
        let ids = self.ids(|slot| !is_open(slot));
        let names = before.parameters.keys().filter(|name| !open.contains(*name)).cloned().collect();
        before.only(&ids, &names).missing_in(&self.committed())
    }

    fn ids(&self, which: impl Fn(&usize) -> bool) -> BTreeSet<String> {
        self.resources.iter().filter(|(slot, _)| which(slot)).map(|(_, held)| held.id.clone()).collect()
    }

    fn names(&self, which: impl Fn(&usize) -> bool) -> BTreeSet<String> {
        let named = self.resources.iter().filter(|(slot, _)| which(slot));
        named.filter_map(|(slot, held)| held.declaration.parameter(*slot)).collect()
    }

    fn belonging(&self, which: impl Fn(&usize) -> bool) -> Belongings {
        self.guard.belongings(&self.aws.account()).only(&self.ids(&which), &self.names(&which))
    }

    /// How many calls were denied, and how many functions killed, so far.
    fn trouble(&self) -> (usize, usize) {
        (self.lambda.denials(), self.lambda.kills.load(std::sync::atomic::Ordering::Relaxed))
    }

    /// Whether a resource may not be deleted: it is protected, and one of its profiles is in use, draining ones
    /// included.
    fn is_protected(&self, slot: usize, declaration: &Declaration) -> bool {
        let all = self.guard.belongings(&self.aws.account());
        let is_its = |held: &Tags| held.get(tags::LOGICAL_ID).is_some_and(|held| held == LOGICAL_IDS[slot]);
        declaration.protect != 0 && all.profiles.iter().any(|(arn, held)| is_its(held) && self.is_used(arn))
    }

    fn is_used_today(&self, id: &str) -> bool {
        let today = ports::Clock::now(&self.aws).date();
        let account = self.aws.account();
        let invoked = account.invocations.get(id.rsplit('/').next().unwrap_or_default());
        invoked.into_iter().flatten().any(|at| at.date() == today)
    }

    /// Whether a profile was invoked within the time for which it may be protected.
    fn is_used(&self, id: &str) -> bool {
        let now = ports::Clock::now(&self.aws);
        let account = self.aws.account();
        let invoked = account.invocations.get(id.rsplit('/').next().unwrap_or_default());
        invoked.into_iter().flatten().any(|at| now - *at < PERIODS[1].1)
    }

    /// Between operations: each name leads to what is declared.
    fn promise_readers(&self) {
        for slot in 0..SLOTS {
            let settled = self.resources.get(&slot).filter(|_| !self.astray.contains(&slot));
            let readers = settled.and_then(|held| {
                let name = held.declaration.parameter(slot)?;
                Some(Readers {
                    names: BTreeSet::from([name]),
                    identities: vec![self.identity(slot, &held.declaration)],
                })
            });
            self.guard.readers(slot, readers);
        }
    }

    /// During an update: the old name or the new one leads to what was or what will be declared.
    fn promise_readers_during(&self, template: &Template) {
        for (slot, held) in &self.resources {
            let Some(new) = template[*slot].as_ref().filter(|_| !self.astray.contains(slot)) else {
                continue;
            };
            let names = [held.declaration.parameter(*slot), new.parameter(*slot)];
            let readers = match names {
                [Some(old), Some(new_name)] => Some(Readers {
                    names: BTreeSet::from([old, new_name]),
                    identities: vec![self.identity(*slot, &held.declaration), self.identity(*slot, new)],
                }),
                _ => None,
            };
            self.guard.readers(*slot, readers);
        }
    }

    /// What a successful answer says is so.
    fn is_true(&self, number: usize, ask: &Ask<'_>, answer: &Answer) {
        let account = self.aws.account();
        let truth = account.truth();
        if ask.kind == Kind::Delete {
            drop(account);
            return self.is_deleted(number, ask, &answer.id);
        }
        let wrong = |what: String| self.guard.breach(Promise::Fulfilled, format!("request {number}: {what}"));
        let identity = self.identity(ask.slot, ask.new);
        let Some(profile) = truth.get(&answer.id) else {
            return wrong(format!("there is no profile {}", answer.id));
        };
        if !identity.fits(profile)
            || identity.existing.as_ref().is_some_and(|existing| *existing != answer.id)
        {
            wrong(format!("{} is not as declared: {profile:?}", answer.id));
        }
        let mut wanted = stack_tags();
        wanted.extend(ask.new.tags());
        let before = self.guard.foreign().profiles.get(&answer.id).map(|before| &before.tags);
        let held = users_of(&profile.tags, before);
        // What slips is set right by the next update.
        let restores = self.resources.get(&ask.slot).is_some_and(|held| held.declaration == *ask.new);
        let slips = restores && self.slipped.contains(&ask.slot);
        if held != wanted && !slips {
            wrong(format!("its tags are {held:?}, not {wanted:?}"));
        }
        if let Some(name) = ask.new.parameter(ask.slot) {
            match account.parameters.all().get(&name) {
                Some(parameter) if parameter.value == answer.id => {
                    let held = users_of(&parameter.tags, None);
                    if held != wanted && !slips {
                        wrong(format!("the tags of {name} are {held:?}, not {wanted:?}"));
                    }
                }
                // Of two deliveries side by side the other one may have been the last: the clean-up sets it right.
                _ if slips => {}
                Some(parameter)
                    if self.lambda.is_repeated(number)
                        && truth.get(&parameter.value).is_some_and(|profile| identity.fits(profile)) => {}
                other => wrong(format!("{name} holds {:?}", other.map(|parameter| &parameter.value))),
            }
        }
        for (key, expected) in [
            ("InferenceProfileArn", json!(answer.id)),
            ("InferenceProfileName", json!(identity.name)),
            ("ModelSourceArn", json!(identity.source)),
        ] {
            if answer.data[key] != expected {
                wrong(format!("{key} is {}, not {expected}", answer.data[key]));
            }
        }
        drop(account);
        self.stats.lock().unwrap_or_else(PoisonError::into_inner).attributes(&answer.data, &self.guard);
        if let (Kind::Update, Some(old), Some(held)) = (ask.kind, ask.old, self.resources.get(&ask.slot)) {
            let is_rollback = held.declaration == *ask.new;
            let is_same = self.identity(ask.slot, old) == identity;
            let moved = answer.id != held.id;
            if !is_rollback && is_same == moved {
                let what = format!(
                    "request {number}: the id {} though the immutable properties {}",
                    if moved { "moved" } else { "stayed" },
                    if is_same { "are the same" } else { "changed" }
                );
                self.guard.breach(Promise::PhysicalId, what);
            }
        }
    }

    /// What was deleted is gone, unless it lives on for a time; and nothing was in use that is protected.
    fn is_deleted(&self, number: usize, ask: &Ask<'_>, id: &str) {
        let account = self.aws.account();
        let truth = account.truth();
        let now = truth.get(id);
        let is_ours = |tags: &Tags| tags.get(tags::STACK_ID).map(String::as_str) == Some(STACK);
        // Only what was replaced lives on.
        let drains = |tags: &Tags| !ask.is_told && tags.contains_key(tags::DRAIN_UNTIL);
        let stays = now.is_some_and(|now| is_ours(&now.tags) && !drains(&now.tags));
        let is_rollback =
            account.stacks.get(STACK).is_some_and(|stack| stack.status == "ROLLBACK_IN_PROGRESS");
        drop(account);
        // What a clean-up gave up, or a second delivery made, may be taken for the successor of what goes now.
        let logical_id = LOGICAL_IDS[ask.slot];
        let is_excused = self.gave_up.contains(logical_id)
            || self.was_doubled(logical_id)
            || self.lambda.is_troubled(number);
        if stays && !is_excused {
            self.guard.breach(Promise::DeletesRight, format!("request {number}: {id} is still there"));
        }
        let is_protected = ask.new.protect != 0 && ask.is_told && !is_rollback && !ask.new.adopts;
        if is_protected && now.is_none() && self.is_used(id) {
            let what = format!("request {number}: {id} was deleted although it is in use");
            self.guard.breach(Promise::DeletesRight, what);
        }
    }

    /// A failure without a fault must have its reason in what is declared, and say so.
    fn is_due_to_fail(&self, number: usize, ask: &Ask<'_>, answer: &Answer) {
        let says = |words: &[&str]| words.iter().any(|word| answer.reason.contains(word));
        let is_change = ask.kind != Kind::Delete;
        let is_refused = is_change && ask.new.is_refused() && says(&["Descripton", "squatted"]);
        let names_collide = is_change && self.facts.unique_names && says(&["InferenceProfileName"]);
        let is_protected = ask.kind == Kind::Delete
            && self.is_protected(ask.slot, ask.new)
            && says(&["ProtectIfUsedWithin"]);
        let is_overtaken = *self.overtaken.lock().unwrap_or_else(PoisonError::into_inner);
        let is_short = self.facts.service_timeout.is_some_and(|(seconds, _)| seconds < 300);
        let is_undelivered = self.lambda.has_lost_puts() && says(&["could not deliver its answer"]);
        if !(is_undelivered || is_refused || names_collide || is_protected || is_overtaken || is_short) {
            let what = format!("request {number} fails without a cause: {}", answer.reason);
            self.guard.breach(Promise::Fulfilled, what);
        }
    }

    /// Whether an answer was lost for so long that rescue had to answer, or that nobody did in time.
    fn is_undelivered(&self, outcome: &Outcome) -> bool {
        let is_told =
            matches!(outcome, Outcome::Answered(answer) if answer.reason.contains("could not deliver"));
        is_told || matches!(outcome, Outcome::TimedOut) && self.lambda.loses_answers_for_long()
    }

    /// A Delete in a clean-up failed, which leaks: nothing that passes may be its reason.
    fn gives_up(&mut self, slot: usize, is_excused: bool) {
        self.gave_up.insert(LOGICAL_IDS[slot]);
        let is_short = self.facts.service_timeout.is_some_and(|(seconds, _)| seconds < 300);
        if !(is_excused || is_short || self.lambda.straggled(LOGICAL_IDS[slot])) {
            self.guard.breach(Promise::DeletesRight, "a clean-up fails for what would have passed");
        }
    }

    /// A replaced profile with a drain period lives on.
    fn drains(
        &mut self,
        slot: usize,
        held: &Resource,
        outcome: &Outcome,
        (struck, since): (usize, OffsetDateTime),
    ) {
        self.replaced.insert(held.id.clone());
        if self.lag_s() > 0 && self.resources.get(&slot).is_some_and(|now| self.replaced.contains(&now.id)) {
            // What the one that was taken up again declares may be seen as it was before.
            self.draining.insert(held.id.clone());
            return;
        }
        let declared = self.resources.get(&slot).map(|now| PERIODS[usize::from(now.declaration.drain)].1);
        let drains = declared.unwrap_or_default();
        let protects = if self.is_used(&held.id) {
            PERIODS[usize::from(held.declaration.protect)].1
        } else {
            Duration::ZERO
        };
        let period = drains.max(protects);
        if held.declaration.protect != 0 && self.aws.account().faults.struck() > struck {
            // Whether it is in use may not be known; then it drains.
            self.draining.insert(held.id.clone());
        }
        if outcome.succeeded().is_none() || period.is_zero() || held.declaration.adopts {
            return;
        }
        self.draining.insert(held.id.clone());
        let profiles = self.aws.account().profiles();
        let mark = profiles.get(&held.id).and_then(|held| held.get(tags::DRAIN_UNTIL));
        let until = mark.and_then(|mark| OffsetDateTime::parse(mark, &Rfc3339).ok());
        let (earliest, latest) = (since + period - A_SECOND, ports::Clock::now(&self.aws) + period);
        match until {
            None => self.guard.breach(Promise::DeletesRight, format!("{} does not drain", held.id)),
            Some(until) if until < earliest || until > latest => {
                let what = format!("{} drains until {until}, not {earliest} to {latest}", held.id);
                self.guard.breach(Promise::DeletesRight, what);
            }
            Some(until) if !self.swept || self.lag_s() == 0 => {
                self.guard.drains(&held.id, slot, ports::Clock::now(&self.aws), until);
            }
            Some(_) => {}
        }
    }

    /// After an operation without anything that lingers, the stack has what it declares and nothing else.
    async fn is_tidy(&mut self) {
        let lags = self.facts.lag_ms.iter().any(|lag| *lag > 0);
        let is_excused = |held: &Tags| {
            let logical_id = held.get(tags::LOGICAL_ID).map(String::as_str).unwrap_or_default();
            self.gave_up.contains(logical_id)
                || self.was_overtaken.lock().unwrap_or_else(PoisonError::into_inner).contains(logical_id)
                || lags && self.lambda.was_killed(logical_id)
                || self.lambda.straggled(logical_id)
        };
        let all = self.guard.belongings(&self.aws.account());
        let committed = self.committed();
        let is_draining = |arn: &String| {
            self.draining.contains(arn)
                && all.profiles.get(arn).is_some_and(|held| held.contains_key(tags::DRAIN_UNTIL))
        };
        // A profile that was taken up again while its older tags were seen may still be published as they say.
        let is_left_published = |name: &String, parameter: &StoredParameter| {
            // So may one be whose former name a sweep that ran beside its update saw given up. It goes with the stack.
            let is_excused = self.swept
                || self.left_published.contains(name)
                || self.lag_s() > 0 && self.replaced.contains(&parameter.value);
            is_excused && committed.profiles.contains_key(&parameter.value)
        };
        let left_published: BTreeSet<String> = all
            .parameters
            .iter()
            .filter(|(name, held)| !committed.parameters.contains_key(*name) && is_left_published(name, held))
            .map(|(name, _)| name.clone())
            .collect();
        let more: Vec<&String> = all
            .profiles
            .iter()
            .filter(|(arn, held)| {
                let is_known = committed.profiles.contains_key(*arn) || self.forgotten.contains(*arn);
                !is_known && !is_draining(arn) && !is_excused(held)
            })
            .map(|(arn, _)| arn)
            .chain(
                all.parameters
                    .iter()
                    .filter(|(name, held)| {
                        !committed.parameters.contains_key(*name)
                            && !left_published.contains(*name)
                            && !is_excused(&held.tags)
                    })
                    .map(|(name, _)| name),
            )
            .collect();
        if !more.is_empty() {
            self.guard.breach(Promise::NothingLeaks, format!("left by an operation: {more:?}"));
        }
        self.left_published = left_published;
    }

    /// The stack is gone: nothing of it is left, or a kill left it, and the sweep finds it.
    async fn is_over(&self) {
        let left = {
            let account = self.aws.account();
            self.guard.belongings(&account)
        };
        // What overlapped may not have been able to take back what it made.
        let is_denied = self.lambda.denials() > 0;
        let was_overtaken = self.was_overtaken.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let is_excused = |held: &Tags| {
            let logical_id = held.get(tags::LOGICAL_ID).map(String::as_str).unwrap_or_default();
            self.gave_up.contains(logical_id)
                || self.lambda.was_killed(logical_id)
                || self.was_doubled(logical_id)
                || was_overtaken.contains(logical_id) && self.dropped.contains(logical_id)
                || is_denied && (was_overtaken.contains(logical_id) || self.lambda.was_doubled(logical_id))
        };
        // The mark of one that drains may not be seen when its resource is dropped.
        let drains = |arn: &String| self.lag_s() > 0 && self.draining.contains(arn);
        let profiles = left.profiles.iter().filter(|(arn, held)| !is_excused(held) && !drains(arn));
        let profiles = profiles.map(|(arn, _)| arn);
        let parameters = left.parameters.iter().filter(|(_, held)| !is_excused(&held.tags));
        let leaked: Vec<&String> = profiles.chain(parameters.map(|(name, _)| name)).collect();
        if left.is_empty() {
            self.guard.adoptable_is_released(&self.aws.account(), self.released_blindly);
        } else if !leaked.is_empty() {
            self.guard.breach(Promise::NothingLeaks, format!("left of the stack: {leaked:?}"));
        } else {
            self.stats.lock().unwrap_or_else(PoisonError::into_inner).left_behind += 1;
            self.is_found(&left).await;
        }
        let bound = |number: usize| crate::lambda::LONGEST_ANSWER + self.lambda.lateness(number);
        self.desk.all_are_answered(bound);
    }

    /// Whether two deliveries of a request for this logical id may each have made a profile: they cannot see each
    /// other's when reads lag, or when tokens are not heeded.
    fn was_doubled(&self, logical_id: &str) -> bool {
        let blind = self.facts.repeated_token == local_aws::RepeatedToken::NewProfile
            || self.facts.lag_ms.iter().any(|lag| *lag > 0);
        blind && self.lambda.was_doubled(logical_id)
    }

    /// Whether a profile is the equal of the resource's own, made by another delivery of its request: nothing tells
    /// them apart.
    fn is_twin(&self, slot: usize, arn: &str) -> bool {
        let Some(held) = self.resources.get(&slot).filter(|_| self.was_doubled(LOGICAL_IDS[slot])) else {
            return false;
        };
        let identity = self.identity(slot, &held.declaration);
        self.aws.account().truth().get(arn).is_some_and(|profile| identity.fits(profile))
    }

    /// The sweep names what a kill left, and deletes it when it may.
    async fn is_found(&self, left: &Belongings) {
        self.trace.line(|| format!("left behind: {:?} {:?}", left.profiles.keys(), left.parameters.keys()));
        self.aws.account().faults.clear();
        let asked = json!({"deleteOrphans": true, "orphanMinAge": "0", "orphanIdle": "0"});
        let result = match functions::sweep(&self.aws, &asked).await {
            Ok(result) => result,
            Err(error) => {
                return self.guard.breach(Promise::NothingLeaks, format!("the sweep failed: {error}"));
            }
        };
        let found = |rule: &str, arn: &str| {
            result["findings"]
                .as_array()
                .into_iter()
                .flatten()
                .any(|finding| finding["rule"] == rule && finding["resource"].to_string().contains(arn))
        };
        for arn in left.profiles.keys() {
            if !found("orphaned-stack-deleted", arn) && !found("drain-expired", arn) {
                self.guard.breach(Promise::NothingLeaks, format!("the sweep does not find {arn}"));
            }
        }
        for (name, parameter) in &left.parameters {
            let goes_along = left.profiles.contains_key(&parameter.value);
            if !goes_along && !found("parameter-dangling", name) {
                self.guard.breach(Promise::NothingLeaks, format!("the sweep does not find {name}"));
            }
        }
        let after = self.guard.belongings(&self.aws.account());
        // What was invoked on this day is kept, whatever is asked for.
        let is_used = left.profiles.keys().any(|arn| self.is_used_today(arn));
        let published =
            |name: &String| left.parameters.get(name).is_some_and(|p| left.profiles.contains_key(&p.value));
        let stays = !after.profiles.is_empty() || after.parameters.keys().any(published);
        if stays && !is_used {
            let what = format!("the sweep leaves {after:?}: {}", result["actions"]);
            self.guard.breach(Promise::NothingLeaks, what);
        }
    }

    // -- what else happens ---------------------------------------------------------------------------

    fn invoke_all(&self) {
        let now = ports::Clock::now(&self.aws);
        let mut account = self.aws.account();
        for held in self.resources.values() {
            let id = held.id.rsplit('/').next().unwrap_or_default().to_owned();
            account.invocations.entry(id).or_default().push(now);
        }
    }
}

/// A sweep that runs beside an update, with all its actions.
async fn sweep_beside(aws: InProcess, trace: Arc<Trace>, after_s: Option<u16>) {
    let Some(after_s) = after_s else { return };
    sleep(Duration::from_secs(u64::from(after_s))).await;
    let asked =
        json!({"deleteOrphans": true, "republishParameters": true, "orphanMinAge": "0", "orphanIdle": "0"});
    let result = functions::sweep(&aws, &asked).await;
    trace.line(|| match result {
        Ok(result) => format!("a sweep did {}", result["actions"]),
        Err(error) => format!("a sweep failed: {error}"),
    });
}

/// What no log line may hold of a response URL.
pub const SIGNATURE: &str = "response-url-signature";

fn ports_now(aws: &InProcess, _: &local_aws::in_process::Account) -> OffsetDateTime {
    ports::Clock::now(aws)
}

fn cancelled_at(began: Instant, failure: Option<&SiblingFailure>) -> Option<Instant> {
    let failure = failure.filter(|failure| failure.cancels)?;
    Some(began + Duration::from_secs(u64::from(failure.after_s)))
}

/// The id by which CloudFormation deletes what a Create made, or may have made.
fn id_after(slot: usize, outcome: &Outcome) -> String {
    match outcome {
        Outcome::Answered(answer) => answer.id.clone(),
        Outcome::TimedOut | Outcome::Cancelled => format!("app-{}-1A2B3C4D5E6F", LOGICAL_IDS[slot]),
    }
}
