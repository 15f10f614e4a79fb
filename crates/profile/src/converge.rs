//! The plan of a Create or an Update.
//!
//! From what is to be and what is there, [`next`] says what to do next. Create, Update, a rollback's
//! Update and a repeated delivery are the same work: whatever of it is done already is not done again.
//!
//! The order keeps the promises:
//!
//! 1. refuse before anything is changed: a foreign parameter, a profile that may not be adopted;
//! 2. find the profile among those owned, or make it, and see it active;
//! 3. bring its tags and its parameter into line; a parameter is only ever pointed at an active profile;
//! 4. ask the stack whether somebody still waits, if anything was made. If not, [`undo`] takes it back,
//!    so that a cancelled Create leaves nothing behind the Delete that overtook it;
//! 5. only then remove what the declaration dropped: a renamed parameter's old name, what a failed
//!    update left behind. The replaced profile itself stays until CloudFormation's clean-up asks for it.

use std::collections::BTreeSet;

use time::OffsetDateTime;

use crate::{
    arn::ProfileArn,
    effect::{Effect, Step},
    fault::{Fault, Faults, quoted},
    model_source::same_models,
    observed::{Issued, Kind, Observed, ObservedProfile, Phase},
    parameter::ParameterName,
    properties::{Immutable, names},
    specification::Specification,
    tags::{self, KeyRecord, Owner, Tags},
};

/// What is wanted, and by which request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Goal {
    /// What is to be.
    pub specification: Specification,
    /// What CloudFormation asks for.
    pub request: Request,
    /// What the stack did when the request was taken up.
    pub began: Phase,
    /// When CloudFormation issued the request, where that is known.
    pub issued_at: Option<OffsetDateTime>,
}

/// The request behind a [`Goal`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// A resource that is to appear.
    Create,
    /// A resource that is to change.
    Update {
        /// The profile that the physical id names; `None` when it names none.
        current: Option<ProfileArn>,
        /// The tags that come from the previous declaration, reserved ones included: what differs is
        /// written whatever a lagging read shows.
        previous_tags: Tags,
        /// The profile that the previous declaration adopts. While it is taken back, that is the one
        /// that is to be left.
        previous_existing: Option<ProfileArn>,
        /// What the previous declaration makes its profile with. While it is taken back, such a one is what goes.
        previous_immutable: Option<Immutable>,
    },
}

impl Goal {
    /// The profile that the physical id names, if it names one.
    pub fn current(&self) -> Option<&ProfileArn> {
        match &self.request {
            Request::Create => None,
            Request::Update { current, .. } => current.as_ref(),
        }
    }

    /// Whether nobody waits for this request any more: it was cancelled, or it is an old delivery. An
    /// update that meets a rollback in its middle is not the rollback's own.
    fn is_stale(&self, observed: &Observed) -> bool {
        let phase = observed.phase();
        let (kind, is_waited_for) = match self.request {
            Request::Create => (Kind::Create, phase == Phase::Forward),
            Request::Update { .. } => (
                Kind::Update,
                match phase {
                    Phase::Forward => true,
                    Phase::UpdateRollback => self.began == Phase::UpdateRollback,
                    _ => false,
                },
            ),
        };
        !is_waited_for || observed.has_gone_on_since(&Issued { kind, at: self.issued_at })
    }
}

/// What to do next towards `goal`; settled on the profile that fulfils it.
pub fn next(goal: &Goal, observed: &Observed) -> Step<ProfileArn> {
    let step = towards(goal, observed);
    match (step, living(observed)) {
        // Another delivery of this very request was answered with the profile that this one made as well.
        (Step::Effects(_), Some(arn)) if goal.is_stale(observed) => Step::Settled(arn.clone()),
        (Step::Effects(_), None) if goal.is_stale(observed) => Step::Refused(stale(observed)),
        (step, _) => step,
    }
}

/// The profile that this run made or adopted, if the stack names it as the resource: a creation that is repeated with
/// its token gives the first one's profile, and that one is adopted already may not be seen yet.
fn living(observed: &Observed) -> Option<&ProfileArn> {
    // A Delete may have released it a moment ago.
    let is_leaving =
        observed.resource.as_ref().is_some_and(|resource| resource.status.starts_with("DELETE_"));
    let adopted =
        observed.journal.adopted_profile.as_ref().map(|(adopted, _)| adopted).filter(|_| !is_leaving);
    observed.journal.made_profile.as_ref().or(adopted).filter(|arn| observed.lives(arn))
}

fn towards(goal: &Goal, observed: &Observed) -> Step<ProfileArn> {
    let specification = &goal.specification;
    let owner = &specification.owner;
    let mut faults = foreign_parameter(owner, specification.reachable_parameter(), observed);
    faults.append(unavailable(owner, specification.existing.as_ref(), observed));
    faults.append(differences(specification, observed));
    faults.append(disowned(goal, observed));
    faults.append(superseded(goal, observed));
    if !faults.is_empty() {
        return Step::Refused(faults);
    }

    let Some(arn) = choose(goal, observed) else {
        // What is to be restored was there before, and may only not be seen yet.
        let restores = observed.phase() == Phase::UpdateRollback && goal.request != Request::Create;
        return match create_conflict(specification, observed) {
            Some(fault) => Step::Refused(fault.into()),
            None if restores && !observed.journal.sought => {
                Step::Effects(vec![Effect::SeekOwned { parameter: None, but: Vec::new() }])
            }
            None => Step::Effects(vec![Effect::CreateProfile]),
        };
    };
    let profile = observed.profiles.get(&arn).cloned().unwrap_or_default();
    if let Some(proof) = proof(goal, observed, &arn, &profile) {
        return Step::Effects(vec![proof]);
    }

    if !profile.record.as_ref().is_some_and(|record| record.is_active()) {
        // A parameter that is new can be made meanwhile: whoever waits for it had nothing before.
        let mut effects = vec![Effect::AwaitProfile(arn.clone())];
        if owner.owns(&profile.tags.unwrap_or_default()) {
            effects.extend(missing_parameter(specification, observed, &arn));
        }
        return Step::Effects(effects);
    }

    let tags = TagChange::towards(goal, observed, &arn, &profile);
    if let Some(fault) = tags.excess() {
        return Step::Refused(fault.into());
    }
    let is_adopted_now = tags.adopts;
    let mut effects = tags.effects(&arn);
    if is_adopted_now && !effects.is_empty() {
        // It may have been deleted a moment ago: only what could be tagged is published.
        return Step::Effects(effects);
    }
    effects.extend(parameter_effects(specification, observed, &arn));
    let made = observed.journal.made_anything();
    if effects.is_empty() && made && !observed.journal.confirmed {
        effects.push(Effect::ConfirmStack);
    }
    // Another delivery of this very request may have been answered meanwhile, with this very profile.
    let is_answered = observed.lives(&arn) && observed.is_forward_done();
    if made && observed.journal.confirmed && goal.is_stale(observed) && !is_answered {
        return Step::Refused(stale(observed));
    }
    if effects.is_empty() {
        effects = leftovers(goal, observed, &arn);
    }
    if effects.is_empty() { Step::Settled(arn) } else { Step::Effects(effects) }
}

/// What proves that a profile of ours is there which is not the current one and was not made or adopted by this run:
/// reads may still show what was just deleted, and nothing may be published before that is known. All of our tags are
/// written, because those that reads show may be older, too; then the mark of one that drains, which they may not
/// show, is taken off.
fn proof(goal: &Goal, observed: &Observed, arn: &ProfileArn, profile: &ObservedProfile) -> Option<Effect> {
    let journal = &observed.journal;
    let is_adopted_now = journal.adopted_profile.as_ref().is_some_and(|(adopted, _)| adopted == arn);
    let is_taken_up =
        goal.current() != Some(arn) && !is_adopted_now && profile.is_owned_by(&goal.specification.owner);
    if !is_taken_up || goal.is_stale(observed) {
        return None;
    }
    let tags = TagChange::towards(goal, observed, arn, profile);
    if tags.excess().is_some() {
        return None;
    }
    let untag = || {
        let mark = tags::DRAIN_UNTIL.to_owned();
        let keys = tags.remove.iter().cloned().chain([mark]).collect::<BTreeSet<_>>();
        (!journal.untagged.contains(arn))
            .then(|| Effect::UntagProfile(arn.clone(), keys.into_iter().collect()))
    };
    let tag =
        || (!journal.tagged.contains(arn)).then(|| Effect::TagProfile(arn.clone(), tags.wanted.clone()));
    // What is there may leave no room for what comes.
    if tags.remove.is_empty() { tag().or_else(untag) } else { untag().or_else(tag) }
}

/// What takes back what a run made that `began` in that phase of the stack, in steps; each step's effects are
/// independent. Tags changed in place are left to CloudFormation's own rollback, and what a rollback pointed back
/// stays: it is tried again.
pub fn undo(owner: &Owner, began: Phase, observed: &Observed) -> Vec<Vec<Effect>> {
    // What the stack names is not this run's to take back; neither is what another delivery of the request was
    // answered with, and this one found there.
    if observed.journal.unsure
        || living(observed).is_some()
        || observed.journal.made_profile.is_none() && observed.is_forward_done()
    {
        return Vec::new();
    }
    let journal = &observed.journal;
    let made = journal.made_parameters.iter().filter(|_| !journal.drops_names);
    let mut parameters: Vec<Effect> = made.cloned().map(Effect::DeleteParameter).collect();
    let named = observed.described().and_then(ProfileArn::parse).filter(|arn| observed.lives(arn));
    let successor = named.as_ref().filter(|_| observed.is_forward_done());
    let goes_back = began == Phase::UpdateRollback && journal.made_profile.is_none();
    parameters.extend(journal.overwritten_parameters.iter().filter(|_| !goes_back).map(|(name, value)| {
        // What the stack went forward to meanwhile is not taken back with it.
        let now = successor.map_or(value.as_str(), ProfileArn::as_str);
        Effect::OverwriteParameter(name.clone(), now.to_owned())
    }));
    let profiles = journal.made_profile.iter().cloned().map(Effect::DeleteProfile).collect();
    let mut steps = vec![parameters, profiles];
    if let Some((arn, overwritten)) = &journal.adopted_profile {
        // While it is still ours: the role may not tag what is not.
        if !overwritten.is_empty() {
            steps.push(vec![Effect::TagProfile(arn.clone(), overwritten.clone())]);
        }
        steps.push(release_but(owner, arn, observed, overwritten).into_iter().collect());
    }
    steps.retain(|step| !step.is_empty());
    steps
}

/// What releases an adopted profile: our tags go, the rest stays. `None` when it is not ours.
pub fn release(owner: &Owner, arn: &ProfileArn, observed: &Observed) -> Option<Effect> {
    release_but(owner, arn, observed, &Tags::new())
}

fn release_but(owner: &Owner, arn: &ProfileArn, observed: &Observed, keep: &Tags) -> Option<Effect> {
    let held = observed.tags(arn)?;
    if !owner.owns(held) {
        return None;
    }
    // A reserved tag that was put on a moment ago may not be seen yet.
    let record = KeyRecord::read(held);
    let users = held.keys().map(String::as_str).filter(|key| record.contains(key));
    let keys: BTreeSet<&str> = users.chain(OURS_ON_PROFILE).chain([tags::ADOPTED]).collect();
    let keys = keys.into_iter().filter(|key| !keep.contains_key(*key)).map(str::to_owned).collect();
    Some(Effect::UntagProfile(arn.clone(), keys))
}

/// The reserved tags that come and go with a declaration. [`tags::ADOPTED`] stays until the release.
const OURS_ON_PROFILE: [&str; 8] = [
    tags::STACK_ID,
    tags::LOGICAL_ID,
    tags::SPEC,
    tags::MODEL_SOURCE,
    tags::PARAMETER,
    tags::TAG_KEYS,
    tags::DRAIN_PERIOD,
    tags::DRAIN_UNTIL,
];

fn ours_on_profile(key: &str) -> bool {
    OURS_ON_PROFILE.contains(&key)
}

fn stale(observed: &Observed) -> Faults {
    let stack = match &observed.stack {
        Some(stack) => format!("the stack, in {},", stack.status),
        None => "its stack".to_owned(),
    };
    Fault::new(
        "this request",
        format!("it is out of date: {stack} does not wait for it"),
        "Nothing was changed; update the stack again if it is not as it should be",
    )
    .into()
}

/// Why the parameter may not be written: somebody else owns it.
pub fn foreign_parameter(owner: &Owner, name: Option<&ParameterName>, observed: &Observed) -> Faults {
    let Some(name) = name else { return Faults::none() };
    match observed.parameters.get(name.as_str()) {
        Some(parameter) if !owner.owns(&parameter.tags) => Fault::new(
            names::PARAMETER,
            format!("{} exists and {}", quoted(name.as_str()), whose(&parameter.tags)),
            "Choose another ParameterName, set PublishParameter to false, or delete that parameter first",
        )
        .into(),
        _ => Faults::none(),
    }
}

/// A Create that comes when the stack has the resource already, as something else: it is stale. Not so where the
/// stack has deleted it, or given that up: then it may be declared anew.
fn superseded(goal: &Goal, observed: &Observed) -> Faults {
    let specification = &goal.specification;
    let is_left = observed.resource.as_ref().is_some_and(|resource| resource.status.starts_with("DELETE_"));
    let described = observed.described().filter(|_| !is_left);
    let living = described.and_then(ProfileArn::parse).filter(|arn| {
        observed.tags(arn).is_some_and(|held| {
            specification.owner.owns(held) && held.get(tags::SPEC) != Some(&specification.digest())
        })
    });
    match (&goal.request, living) {
        (Request::Create, Some(_)) => stale(observed),
        _ => Faults::none(),
    }
}

fn whose(held: &Tags) -> String {
    match (Owner::of(held), held.get("aws:cloudformation:stack-name")) {
        (Some(owner), _) => {
            format!("belongs to resource {} of stack {}", owner.logical_id, owner.stack_id)
        }
        (None, Some(stack)) => format!("belongs to stack {stack}"),
        (None, None) => "does not belong to this resource".to_owned(),
    }
}

/// Why the profile that `ExistingProfile` names may not be adopted, whatever else is declared.
pub fn unavailable(owner: &Owner, existing: Option<&ProfileArn>, observed: &Observed) -> Faults {
    let Some(arn) = existing else { return Faults::none() };
    match observed.profiles.get(arn) {
        Some(ObservedProfile { record: Some(_), tags: Some(held) }) => {
            let native = held.contains_key("aws:cloudformation:stack-id");
            if !owner.owns(held) && (native || Owner::of(held).is_some()) {
                return Fault::new(
                    names::EXISTING,
                    format!("{} {}", quoted(arn.as_str()), whose(held)),
                    "Remove it from that stack first, or name another profile",
                )
                .into();
            }
            Faults::none()
        }
        _ => Fault::new(
            names::EXISTING,
            format!("there is no application inference profile {}", quoted(arn.as_str())),
            "Name one that exists, or leave ExistingProfile out to have one made",
        )
        .into(),
    }
}

/// How the profile to adopt is not what is declared. One that is ours already was compared before.
fn differences(specification: &Specification, observed: &Observed) -> Faults {
    let adopts = specification.existing.as_ref().and_then(|arn| observed.profiles.get(arn));
    let Some(ObservedProfile { record: Some(record), tags: Some(held) }) = adopts else {
        return Faults::none();
    };
    if specification.owner.owns(held) && held.get(tags::SPEC) == Some(&specification.digest()) {
        return Faults::none();
    }
    let mut faults = Faults::none();
    let mut differs = |path: &str, what: &str, theirs: &str, ours: &str| {
        faults.push(Fault::new(
            path,
            format!("the profile to adopt has the {what} {}, not {}", quoted(theirs), quoted(ours)),
            "Declare the profile as it is: Bedrock cannot change it",
        ));
    };
    if record.name != specification.name {
        differs(names::NAME, "name", &record.name, &specification.name);
    }
    let description = |text: &Option<String>| text.clone().unwrap_or_default();
    if description(&record.description) != description(&specification.description) {
        let (theirs, ours) = (description(&record.description), description(&specification.description));
        differs(names::DESCRIPTION, "description", &theirs, &ours);
    }
    if !same_models(&record.models, &specification.source.models) {
        differs(
            names::COPY_FROM_PATH,
            "models",
            &record.models.join(", "),
            &specification.source.models.join(", "),
        );
    }
    faults
}

/// A live profile that the physical id names but that no longer carries this resource's tags: making a
/// second one would lose the first.
fn disowned(goal: &Goal, observed: &Observed) -> Faults {
    let owner = &goal.specification.owner;
    let current = goal.current().filter(|arn| goal.specification.existing.as_ref() != Some(*arn));
    let Some((arn, profile)) = current.and_then(|arn| Some((arn, observed.profiles.get(arn)?))) else {
        return Faults::none();
    };
    let (what, remedy) = match (&profile.record, &profile.tags) {
        (Some(_), Some(held)) if !owner.owns(held) => (
            "has lost the tags that say it belongs to this resource",
            format!(
                "Put back {}={} and {}={}, or delete it, and update the stack again",
                tags::STACK_ID,
                owner.stack_id,
                tags::LOGICAL_ID,
                owner.logical_id
            ),
        ),
        // A rollback goes on with what it sees: it is not asked for again.
        (Some(_), None) if observed.phase() != Phase::UpdateRollback => {
            ("is there, but its tags cannot be read yet", "Update the stack again in a minute".to_owned())
        }
        _ => return Faults::none(),
    };
    Fault::new("the current profile", format!("{arn} {what}"), remedy).into()
}

/// The profile that fulfils the specification, if there is one. Where several do (a repeated Create
/// whose first effect was not seen), everybody who asks chooses the same: that which the stack names, once it does.
fn choose(goal: &Goal, observed: &Observed) -> Option<ProfileArn> {
    let specification = &goal.specification;
    if let Some(existing) = &specification.existing {
        return Some(existing.clone());
    }
    let digest = specification.digest();
    let published = specification.parameter.as_ref().and_then(|name| observed.parameters.get(name.as_str()));
    let to_be_left = match &goal.request {
        Request::Update { previous_existing, .. } if observed.phase() == Phase::UpdateRollback => {
            previous_existing.as_ref()
        }
        _ => None,
    };
    observed
        .owned(&specification.owner)
        // One that was adopted, and is not the current one, has been released: reads may not show that yet.
        .filter(|(arn, held)| {
            !held.contains_key(tags::ADOPTED)
                || goal.current() == Some(arn)
                || observed.phase() == Phase::UpdateRollback
        })
        // What drains has been promised to go.
        .filter(|(arn, held)| !held.contains_key(tags::DRAIN_UNTIL) || goal.current() == Some(arn))
        .filter(|(arn, held)| {
            let record = observed.profiles.get(*arn).and_then(|profile| profile.record.as_ref());
            held.get(tags::SPEC) == Some(&digest)
                && record.is_none_or(|record| {
                    record.name == specification.name && record.description == specification.description
                })
        })
        .min_by_key(|(arn, _)| {
            let record = observed.profiles.get(*arn).and_then(|profile| profile.record.as_ref());
            (
                to_be_left == Some(*arn),
                goal.current() != Some(arn),
                !observed.lives(arn),
                published.is_none_or(|parameter| parameter.value != arn.as_str()),
                record.and_then(|record| record.created_at),
                (*arn).clone(),
            )
        })
        .map(|(arn, _)| arn.clone())
}

/// How often a creation meets a conflict before it is believed: some pass by themselves.
const CONFLICTS_TO_BELIEVE: u32 = 3;

/// What to say when Bedrock refuses a second profile of this name.
fn create_conflict(specification: &Specification, observed: &Observed) -> Option<Fault> {
    if observed.journal.conflicts < CONFLICTS_TO_BELIEVE {
        return None;
    }
    let namesake = observed
        .profiles
        .iter()
        .find(|(_, profile)| profile.record.as_ref().is_some_and(|record| record.name == specification.name));
    match namesake {
        Some((arn, profile)) if profile.tags.as_ref().is_some_and(|held| specification.owner.owns(held)) => {
            Some(Fault::new(
                names::NAME,
                format!(
                    "{} is still the name of the profile to be replaced ({arn}), and Bedrock refuses a second one",
                    quoted(&specification.name)
                ),
                "Change InferenceProfileName in the same update: a change of the description or of the model is a replacement",
            ))
        }
        Some((arn, _)) => Some(Fault::new(
            names::NAME,
            format!("{} is the name of another profile ({arn})", quoted(&specification.name)),
            "Choose another name, or adopt that profile with ExistingProfile",
        )),
        None => Some(Fault::new(
            names::NAME,
            format!("Bedrock says that {} is taken or being changed", quoted(&specification.name)),
            "Choose another name, or try again in some minutes",
        )),
    }
}

/// What is to change about a profile's tags.
struct TagChange {
    /// Whether the profile becomes ours by it.
    adopts: bool,
    remove: Vec<String>,
    put: Tags,
    /// All that are ours in the end.
    wanted: Tags,
    /// How many tags it would carry.
    after: usize,
    /// How many of those are neither the declaration's nor ours.
    foreign: usize,
}

impl TagChange {
    fn towards(goal: &Goal, observed: &Observed, arn: &ProfileArn, profile: &ObservedProfile) -> Self {
        let specification = &goal.specification;
        let held = profile.tags.clone().unwrap_or_default();
        let before = KeyRecord::read(&held);
        let adopts = !profile.is_owned_by(&specification.owner);
        let adopted = adopts || held.contains_key(tags::ADOPTED);

        let mut wanted = specification.reserved_tags();
        wanted.extend(specification.tags.clone());
        if adopted {
            wanted.insert(tags::ADOPTED.into(), "true".into());
        }
        // On an adopted profile, what somebody else had put there with the very same value stays theirs.
        let ours = specification
            .tags
            .iter()
            .filter(|(key, value)| !adopted || before.contains(key) || held.get(*key) != Some(value));
        let record = KeyRecord::of(ours);
        if !record.as_str().is_empty() {
            wanted.insert(tags::TAG_KEYS.into(), record.as_str().to_owned());
        }

        // What the declaration changed is written whatever a read shows, once: it may lag behind the
        // last write, and a rollback would then leave the failed update's tags. Not so by a stale request:
        // it may only see whether what it asks for is true.
        let stale = goal.is_stale(observed);
        let declared = match &goal.request {
            Request::Update { previous_tags, .. } if !stale && !adopts => {
                DeclaredChange::between(previous_tags, &wanted, observed, adopted)
            }
            Request::Update { .. } | Request::Create => DeclaredChange::default(),
        };
        let untags = !observed.journal.untagged.contains(arn);
        let tags = !observed.journal.tagged.contains(arn);

        let dropped = |key: &String| before.contains(key) && !tags::is_reserved(key);
        let shown = held.keys().filter(|key| ours_on_profile(key) || dropped(key));
        // Of an adopted profile only a read can say which of the user's tags are ours.
        let unseen = declared.dropped.iter().filter(|key| untags && (!adopted || ours_on_profile(key)));
        let mut remove: Vec<String> =
            shown.chain(unseen).filter(|key| !wanted.contains_key(*key)).cloned().collect();
        remove.sort();
        remove.dedup();
        let foreign = held.keys().filter(|key| !wanted.contains_key(*key) && !remove.contains(key)).count();
        let after = foreign + wanted.len();
        // A rollback writes everything once: what the failed update dropped is not seen as missing yet.
        let takes_back = observed.phase() == Phase::UpdateRollback && !stale;
        let changed = |key: &String, value: &String| {
            held.get(key) != Some(value) || tags && (takes_back || declared.put.contains(key))
        };
        let put = wanted.iter().filter(|(key, value)| changed(key, value));
        let put = put.map(|(key, value)| (key.clone(), value.clone())).collect();
        Self { adopts, remove, put, wanted, after, foreign }
    }

    /// The fault of a profile that would carry too many.
    fn excess(&self) -> Option<Fault> {
        let over = self.after.checked_sub(tags::LIMIT).filter(|over| *over > 0)?;
        Some(Fault::new(
            names::TAGS,
            format!(
                "the profile would carry {} tags, {} of them put on by others, and may carry {}",
                self.after,
                self.foreign,
                tags::LIMIT
            ),
            format!("Declare at least {over} fewer, here or on the stack, or remove some of the others"),
        ))
    }

    fn effects(self, arn: &ProfileArn) -> Vec<Effect> {
        // The role may take tags only off what is ours.
        let remove = if self.adopts { Vec::new() } else { self.remove };
        in_turn(
            remove,
            self.put,
            |keys| Effect::UntagProfile(arn.clone(), keys),
            |tags| Effect::TagProfile(arn.clone(), tags),
        )
    }
}

/// The keys that a declaration changed against the one before it.
#[derive(Default)]
struct DeclaredChange {
    dropped: Vec<String>,
    put: Vec<String>,
}

impl DeclaredChange {
    /// What differs between the tags that the previous declaration gave and those that are wanted now. What a
    /// key that is new has from the stack is no change of the declaration.
    fn between(previous: &Tags, wanted: &Tags, observed: &Observed, adopted: bool) -> Self {
        let inherited = |key: &String| observed.stack.as_ref().and_then(|stack| stack.tags.get(key));
        let is_declared =
            |key: &str| !tags::is_reserved(key) || key == tags::PARAMETER || key == tags::DRAIN_PERIOD;
        let differs = |key: &String, value: &String| match previous.get(key) {
            Some(before) => before != value,
            None => is_declared(key) && inherited(key) != Some(value),
        };
        let put = wanted.iter().filter(|(key, value)| differs(key, value)).map(|(key, _)| key.clone());
        let dropped = previous.keys().filter(|key| !wanted.contains_key(*key)).cloned();
        let mut change = Self { dropped: dropped.collect(), put: put.collect() };
        // The record of the user's tags goes with them. Of an adopted profile it may be all that says that a
        // dropped tag, which a read does not show yet, is ours.
        let concerns_user = |keys: &[String]| keys.iter().any(|key| !tags::is_reserved(key));
        let drops = concerns_user(&change.dropped);
        if drops && !adopted || !drops && concerns_user(&change.put) {
            let record =
                if wanted.contains_key(tags::TAG_KEYS) { &mut change.put } else { &mut change.dropped };
            record.push(tags::TAG_KEYS.to_owned());
        }
        change
    }
}

/// Removing comes first and alone: with both, a thing at the limit would be over it for a moment.
fn in_turn(
    remove: Vec<String>,
    put: Tags,
    untag: impl Fn(Vec<String>) -> Effect,
    tag: impl Fn(Tags) -> Effect,
) -> Vec<Effect> {
    if !remove.is_empty() {
        vec![untag(remove)]
    } else if !put.is_empty() {
        vec![tag(put)]
    } else {
        Vec::new()
    }
}

fn missing_parameter(specification: &Specification, observed: &Observed, arn: &ProfileArn) -> Option<Effect> {
    let name = specification.reachable_parameter()?.as_str();
    let make = || Effect::CreateParameter(name.to_owned(), arn.clone(), specification.parameter_tags());
    (!observed.parameters.contains_key(name)).then(make)
}

fn parameter_effects(specification: &Specification, observed: &Observed, arn: &ProfileArn) -> Vec<Effect> {
    let Some(name) = specification.reachable_parameter().map(|name| name.as_str()) else {
        return Vec::new();
    };
    let Some(parameter) = observed.parameters.get(name) else {
        return missing_parameter(specification, observed, arn).into_iter().collect();
    };
    let mut effects = parameter_tag_effects(name, &parameter.tags, specification.parameter_tags());
    if parameter.value != arn.as_str() {
        effects.push(Effect::OverwriteParameter(name.to_owned(), arn.as_str().to_owned()));
    }
    effects
}

/// What brings a parameter's tags, as far as they are ours, to `wanted`.
pub(crate) fn parameter_tag_effects(name: &str, held: &Tags, wanted: Tags) -> Vec<Effect> {
    let before = KeyRecord::read(held);
    let ours = |key: &String| before.contains(key) || *key == tags::TAG_KEYS;
    let remove = held.keys().filter(|key| !wanted.contains_key(*key) && ours(key)).cloned().collect();
    let put = wanted.into_iter().filter(|(key, value)| held.get(key) != Some(value)).collect();
    in_turn(
        remove,
        put,
        |keys| Effect::UntagParameter(name.to_owned(), keys),
        |tags| Effect::TagParameter(name.to_owned(), tags),
    )
}

/// What the declaration no longer holds: parameters of ours under other names that publish this very
/// profile, and, while an update is taken back, all that only the failed update had made, parameters first.
/// What lies outside the prefix is not this deployment's to delete.
fn leftovers(goal: &Goal, observed: &Observed, arn: &ProfileArn) -> Vec<Effect> {
    let specification = &goal.specification;
    let owner = &specification.owner;
    let wanted = specification.parameter.as_ref().map(|name| name.as_str());
    let takes_back = observed.phase() == Phase::UpdateRollback && goal.current() == Some(arn);
    let parameters: Vec<Effect> = observed
        .parameters
        .iter()
        .filter(|(name, parameter)| wanted != Some(name.as_str()) && owner.owns(&parameter.tags))
        .filter(|(name, _)| specification.prefix.holds(name))
        .filter(|(name, parameter)| {
            let was_declared = matches!(&goal.request, Request::Update { previous_tags, .. }
                if previous_tags.get(tags::PARAMETER) == Some(*name));
            was_declared || observed.publishes(owner, name, &parameter.value)
        })
        .filter(|(_, parameter)| takes_back || parameter.value == arn.as_str())
        .map(|(name, _)| Effect::DeleteParameter(name.clone()))
        .collect();
    if !parameters.is_empty() || !takes_back {
        return parameters;
    }
    let Request::Update { previous_existing, previous_immutable, .. } = &goal.request else {
        return Vec::new();
    };
    let record = |arn: &ProfileArn| observed.profiles.get(arn).and_then(|profile| profile.record.as_ref());
    let fits = |arn: &ProfileArn, held: &Tags| {
        previous_immutable.as_ref().is_some_and(|immutable| immutable.fits(record(arn), held))
    };
    // Otherwise the failed update changed the profile in place, or a rollback that is continued does not tell of it.
    let made_another = !observed.tags(arn).is_some_and(|held| fits(arn, held));
    let began = observed.stack.as_ref().and_then(|stack| stack.began);
    let is_made_since = |stray: &ProfileArn| {
        let created_at = record(stray).and_then(|record| record.created_at);
        created_at.zip(began).is_some_and(|(created_at, began)| created_at >= began)
    };
    let is_of_the_failed = |stray: &ProfileArn, held: &Tags| match held.contains_key(tags::ADOPTED) {
        true => previous_existing.as_ref() == Some(stray),
        false => made_another && fits(stray, held) || is_made_since(stray),
    };
    observed
        .owned(owner)
        .filter(|(stray, held)| *stray != arn && !held.contains_key(tags::DRAIN_UNTIL))
        // Any other may drain, which reads do not show yet, or be protected and in use.
        .filter(|(stray, held)| is_of_the_failed(stray, held))
        .filter_map(|(stray, held)| match held.contains_key(tags::ADOPTED) {
            true => release(owner, stray, observed),
            false => Some(Effect::DeleteProfile(stray.clone())),
        })
        .collect()
}
