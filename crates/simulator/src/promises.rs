//! What must hold at every instant: the promises, and how a breach of one is told.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
};

use local_aws::{
    ProfileRecord,
    in_process::{Account, StoredParameter},
};
use profile::tags::{self, Tags};
use time::OffsetDateTime;

use tokio::time::Instant;

use crate::{
    account::{Foreign, STACK},
    declaration::{Identity, user_tags},
};

/// The promises, as `docs/design.md` and the README name them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Promise {
    /// Every request gets one accepted answer in bounded time.
    OneAnswer,
    /// What is asked for and is right is done, when nothing goes wrong; and what was answered is true.
    Fulfilled,
    /// Nothing of a stack is left when it is gone; what a kill leaves, the sweep finds.
    NothingLeaks,
    /// What the stack does not own is not touched.
    NothingForeign,
    /// A rollback restores.
    RollbackRestores,
    /// A reader of a parameter is never stranded.
    ReaderNeverStranded,
    /// The physical id moves only with the immutable properties.
    PhysicalId,
    /// Repeated and stale deliveries are harmless.
    RepeatsHarmless,
    /// Deletes succeed, replaced profiles go in the clean-up only.
    DeletesRight,
    /// Answers fit.
    AnswersFit,
    /// Secrets stay in.
    SecretsStayIn,
    /// The number of calls is bounded.
    CallsBounded,
}

impl Promise {
    /// Whether it holds even for what two deliveries contradicted each other about ([`crate::desk::Desk::torn_at`]).
    pub fn outlasts_a_tear(self) -> bool {
        match self {
            Self::OneAnswer
            | Self::NothingLeaks
            | Self::NothingForeign
            | Self::AnswersFit
            | Self::SecretsStayIn
            | Self::CallsBounded => true,
            Self::Fulfilled
            | Self::RollbackRestores
            | Self::ReaderNeverStranded
            | Self::PhysicalId
            | Self::RepeatsHarmless
            | Self::DeletesRight => false,
        }
    }
}

/// A promise that was broken.
#[derive(Debug, Clone)]
pub struct Breach {
    /// Which.
    pub promise: Promise,
    /// How.
    pub what: String,
    /// When.
    pub at: Instant,
}

impl Breach {
    /// One that is seen now.
    pub fn now(promise: Promise, what: impl Into<String>) -> Self {
        Self { promise, what: what.into(), at: Instant::now() }
    }
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.promise, self.what)
    }
}

/// What a reader of a resource's parameter may find.
#[derive(Debug, Clone)]
pub struct Readers {
    /// One of these names works.
    pub names: BTreeSet<String>,
    /// And leads to a profile that is as one of these says.
    pub identities: Vec<Identity>,
}

/// What is expected of the account from one instant to the next.
pub struct Guard {
    foreign: Foreign,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    readers: BTreeMap<usize, Readers>,
    kept: BTreeSet<String>,
    draining: BTreeMap<String, Draining>,
    changes: Vec<String>,
    breaches: Vec<Breach>,
}

/// A replaced profile that lives on for a time.
struct Draining {
    slot: usize,
    /// When it was marked, or soon after.
    since: OffsetDateTime,
    until: OffsetDateTime,
}

impl Guard {
    /// A guard over an account in which all that is there is somebody else's.
    pub fn over(foreign: Foreign) -> Self {
        Self { foreign, state: Mutex::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is somebody else's.
    pub fn foreign(&self) -> &Foreign {
        &self.foreign
    }

    /// Notes a breach.
    pub fn breach(&self, promise: Promise, what: impl Into<String>) {
        self.state().breaches.push(Breach::now(promise, what));
    }

    /// All breaches so far.
    pub fn breaches(&self) -> Vec<Breach> {
        self.state().breaches.clone()
    }

    /// From now on readers of a resource may find this; `None`: nothing is promised to them.
    pub fn readers(&self, slot: usize, readers: Option<Readers>) {
        match readers {
            Some(readers) => self.state().readers.insert(slot, readers),
            None => self.state().readers.remove(&slot),
        };
    }

    /// From now on this profile must stay, until [`Guard::release`].
    pub fn keep(&self, id: &str) {
        self.state().kept.insert(id.to_owned());
    }

    /// Whether it must stay.
    pub fn keeps(&self, id: &str) -> bool {
        self.state().kept.contains(id)
    }

    /// From now on this profile may go.
    pub fn release(&self, id: &str) {
        self.state().kept.remove(id);
    }

    /// The replaced profile of a resource, which is marked now, must stay until this instant, or until
    /// [`Guard::ends_draining`].
    pub fn drains(&self, id: &str, slot: usize, since: OffsetDateTime, until: OffsetDateTime) {
        self.state().draining.insert(id.to_owned(), Draining { slot, since, until });
    }

    /// What drains of a resource and `fits` may be it again, by a request that cannot see what was marked after this
    /// instant: from now on it may go.
    pub fn may_be_taken_up(&self, of: usize, unseen_after: OffsetDateTime, fits: impl Fn(&str) -> bool) {
        self.state()
            .draining
            .retain(|id, draining| draining.slot != of || draining.since <= unseen_after || !fits(id));
    }

    /// From now on what drains of the resource may go; `None`: of all.
    pub fn ends_draining(&self, of: Option<usize>) {
        self.state().draining.retain(|_, draining| of.is_some_and(|of| of != draining.slot));
    }

    /// What was marked after this instant may go: the mark may not be seen.
    pub fn ends_draining_marked_after(&self, instant: OffsetDateTime) {
        self.state().draining.retain(|_, draining| draining.since <= instant);
    }

    /// The changes since the last look, for the trace.
    pub fn take_changes(&self) -> Vec<String> {
        std::mem::take(&mut self.state().changes)
    }

    /// Looks at the account after a change.
    pub fn after(&self, account: &Account, now: OffsetDateTime, operation: &str) {
        let profiles = account.truth();
        let parameters = account.parameters.all();
        let mut state = self.state();
        let mut found = Vec::new();
        self.foreign_is_untouched(&profiles, parameters, &mut found);
        for (slot, readers) in &state.readers {
            let works = readers.names.iter().any(|name| {
                let held = parameters.get(name).and_then(|parameter| profiles.get(&parameter.value));
                held.is_some_and(|profile| readers.identities.iter().any(|identity| identity.fits(profile)))
            });
            if !works {
                let shown: Vec<_> = readers
                    .names
                    .iter()
                    .map(|name| (name, parameters.get(name).map(|parameter| &parameter.value)))
                    .collect();
                found.push((
                    Promise::ReaderNeverStranded,
                    format!("no name of resource {slot} leads to a right profile: {shown:?}"),
                ));
            }
        }
        for id in &state.kept {
            if !profiles.contains_key(id) {
                found.push((Promise::DeletesRight, format!("{id} went before the clean-up asked for it")));
            }
        }
        for (id, Draining { until, .. }) in &state.draining {
            if now < *until && !profiles.contains_key(id) {
                found.push((Promise::DeletesRight, format!("{id} went, which drains until {until}")));
            }
        }
        for (promise, what) in found {
            state.breaches.push(Breach::now(promise, format!("after {operation}: {what}")));
        }
    }

    fn foreign_is_untouched(
        &self,
        profiles: &BTreeMap<String, ProfileRecord>,
        parameters: &BTreeMap<String, StoredParameter>,
        found: &mut Vec<(Promise, String)>,
    ) {
        let mut touched = |what: String| found.push((Promise::NothingForeign, what));
        for (arn, before) in &self.foreign.profiles {
            match profiles.get(arn) {
                None => touched(format!("«{}» was deleted", before.name)),
                // While it is adopted it carries our tags besides its own.
                Some(now) if *arn == self.foreign.adoptable.as_str() => {
                    let kept = before.tags.iter().all(|(key, value)| now.tags.get(key) == Some(value));
                    if !kept {
                        touched(format!("«{}» lost tags of its own: {:?}", before.name, now.tags));
                    }
                }
                Some(now) if now != before => {
                    touched(format!("«{}» was changed: {:?}", before.name, now.tags));
                }
                Some(_) => {}
            }
        }
        for (name, before) in &self.foreign.parameters {
            if parameters.get(name) != Some(before) {
                touched(format!("{name} was changed: {:?}", parameters.get(name)));
            }
        }
    }

    /// What there is of the stack: its profiles with their tags and its parameters. An adopted profile counts
    /// while it carries the stack's tags.
    pub fn belongings(&self, account: &Account) -> Belongings {
        let of_stack = |held: &Tags| held.get(tags::STACK_ID).map(String::as_str) == Some(STACK);
        let is_new = |arn: &String| {
            !self.foreign.profiles.contains_key(arn) || *arn == self.foreign.adoptable.as_str()
        };
        let profiles = account.profiles().into_iter();
        let profiles = profiles
            .filter(|(arn, held)| is_new(arn) && (of_stack(held) || *arn != self.foreign.adoptable.as_str()));
        let parameters = account.parameters.all().iter();
        let parameters = parameters.filter(|(name, _)| !self.foreign.parameters.contains_key(*name));
        Belongings {
            profiles: profiles.collect(),
            parameters: parameters.map(|(name, parameter)| (name.clone(), parameter.clone())).collect(),
        }
    }

    /// Whether the profile that was adopted is as it was before.
    ///
    /// `slipped`: save for a user's tag that a cancelled update put on after its rollback.
    pub fn adoptable_is_released(&self, account: &Account, slipped: bool) {
        let arn = self.foreign.adoptable.as_str();
        let before = &self.foreign.profiles[arn];
        let Some(now) = account.truth().remove(arn) else { return };
        let is_excused = |key: &str| slipped && !tags::is_reserved(key);
        let more: Vec<_> = now
            .tags
            .iter()
            .filter(|(key, value)| before.tags.get(*key) != Some(value) && !is_excused(key))
            .collect();
        if !more.is_empty() {
            self.breach(Promise::NothingLeaks, format!("the released profile still carries {more:?}"));
        }
    }
}

/// What belongs to the stack.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Belongings {
    /// Profiles and their tags.
    pub profiles: BTreeMap<String, Tags>,
    /// Parameters.
    pub parameters: BTreeMap<String, StoredParameter>,
}

impl Belongings {
    /// Whether there is nothing.
    pub fn is_empty(&self) -> bool {
        self.profiles.is_empty() && self.parameters.is_empty()
    }

    /// What `self` holds and `other` does not hold just so.
    pub fn missing_in(&self, other: &Self) -> Vec<String> {
        let profiles = self.profiles.iter().filter(|(arn, held)| other.profiles.get(*arn) != Some(held));
        let profiles =
            profiles.map(|(arn, held)| format!("{arn} {held:?}, now {:?}", other.profiles.get(arn)));
        let parameters =
            self.parameters.iter().filter(|(name, held)| other.parameters.get(*name) != Some(held));
        let parameters =
            parameters.map(|(name, held)| format!("{name} {held:?}, now {:?}", other.parameters.get(name)));
        profiles.chain(parameters).collect()
    }

    /// Only what these profiles and names are.
    pub fn only(&self, ids: &BTreeSet<String>, names: &BTreeSet<String>) -> Self {
        let mut part = self.clone();
        part.profiles.retain(|arn, _| ids.contains(arn));
        part.parameters.retain(|name, _| names.contains(name));
        part
    }
}

/// The tags that a profile carries of a user's, without those that an adopted one had before.
pub fn users_of(held: &Tags, before: Option<&Tags>) -> Tags {
    let mut users = user_tags(held);
    if let Some(before) = before {
        users.retain(|key, _| !before.contains_key(key));
    }
    users
}
