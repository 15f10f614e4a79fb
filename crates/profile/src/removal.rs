//! The plan of a Delete.
//!
//! A Delete means one of three things, which CloudFormation does not tell apart in the request:
//!
//! - the stack ends, or the resource left its template: everything that the logical id owns goes;
//! - an update replaced the profile: only the old one goes, or drains, and whatever still publishes it
//!   is pointed at its successor;
//! - it is stale, the stack does not wait for it any more: nothing may be touched. What the stack has
//!   replaced goes all the same, but only while no update runs: one that goes back to the declaration of a
//!   replaced profile takes it up again, and the stack names it only in the end.
//!
//! The stack's phase, what it says about the logical id, and when the request was issued decide. It needs
//! no valid properties.

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::{
    arn::ProfileArn,
    converge::{parameter_tag_effects, release},
    effect::{Effect, Step},
    fault::{Fault, Faults},
    observed::{Issued, Kind, Observed, ObservedProfile, Phase},
    period::Period,
    properties::names,
    tags::{self, Owner, Tags},
};

/// What is to go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Goal {
    /// Who owns it.
    pub owner: Owner,
    /// What the physical id names.
    pub target: Target,
    /// `DrainPeriod` of the declaration that is being removed.
    pub drain: Period,
    /// `ProtectIfUsedWithin` of the declaration that is being removed.
    pub protect: Period,
    /// `ExistingProfile` of the declaration that is being removed: it is released whatever its tags say.
    pub existing: Option<ProfileArn>,
    /// The parameter of the declaration that is being removed.
    pub parameter: Option<String>,
    /// The present instant.
    pub now: OffsetDateTime,
    /// When CloudFormation issued the request, where that is known.
    pub issued_at: Option<OffsetDateTime>,
}

/// What a physical id can name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// A profile.
    Profile(ProfileArn),
    /// Nothing: the Create answered that it left nothing behind.
    Nothing,
    /// Nobody knows: CloudFormation made the id up for a Create that was cancelled or never answered,
    /// and that may have made a profile which reads do not show yet.
    Unknown,
}

/// How far a Delete goes. Judged once, by [`Goal::extent`]: what is removed on the way must not change it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// All that the logical id owns.
    Everything,
    /// The resource left the template: its profile and those that drain.
    Resource,
    /// The replaced profile only.
    Replaced,
    /// The profile that a failed update had made.
    Abandoned,
    /// Nothing: the request is stale.
    Stale,
}

/// What to do next; settled when all is gone that should be.
pub fn next(goal: &Goal, extent: Extent, observed: &Observed) -> Step<()> {
    if extent == Extent::Stale {
        return Step::Settled(());
    }
    let doomed = doomed(goal, observed, extent);
    if doomed.is_empty() && goal.target == Target::Unknown && !observed.journal.sought {
        let (parameter, but) = (goal.parameter.clone(), observed.journal.removed.clone());
        return Step::Effects(vec![Effect::SeekOwned { parameter, but }]);
    }

    let used: Vec<&ProfileArn> = doomed
        .iter()
        .copied()
        .filter(|arn| observed.invocations.get(arn.id()).is_some_and(|count| *count > 0))
        .collect();
    let refuses = matches!(extent, Extent::Everything | Extent::Resource) && !is_failed_create(observed);
    if refuses && goal.protect != Period::ZERO && !used.is_empty() {
        return Step::Refused(in_use(goal, observed, &used));
    }

    let parameters = parameter_effects(goal, observed, extent, &doomed);
    if !parameters.is_empty() {
        return Step::Effects(parameters);
    }
    let drain = match extent {
        Extent::Replaced => drain(goal, observed, !used.is_empty()),
        _ => None,
    };
    let effects: Vec<Effect> =
        doomed.iter().filter_map(|arn| profile_effect(goal, observed, arn, drain)).collect();
    if effects.is_empty() { Step::Settled(()) } else { Step::Effects(effects) }
}

/// Whose use is to be observed before [`next`] is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UseToKnow {
    /// The profiles that would go.
    pub profiles: Vec<ProfileArn>,
    /// Whether a Delete that cannot know must be refused; a replaced profile drains instead.
    pub required: bool,
}

/// What must be known of the use of profiles; no profiles where nothing is protected.
pub fn use_to_know(goal: &Goal, extent: Extent, observed: &Observed) -> UseToKnow {
    let required = matches!(extent, Extent::Everything | Extent::Resource) && !is_failed_create(observed);
    let asked = goal.protect != Period::ZERO && (required || extent == Extent::Replaced);
    let profiles = if asked { doomed(goal, observed, extent) } else { Vec::new() };
    UseToKnow { profiles: profiles.into_iter().cloned().collect(), required }
}

/// While a stack's creation is taken back nothing is protected: what goes was never anybody's good state.
fn is_failed_create(observed: &Observed) -> bool {
    observed.stack.as_ref().is_some_and(|stack| stack.status == "ROLLBACK_IN_PROGRESS")
}

impl Goal {
    /// How far the Delete goes, by what was observed before anything is removed.
    pub fn extent(&self, observed: &Observed) -> Extent {
        let extent = extent(self, observed);
        let is_replaced = matches!(extent, Extent::Replaced | Extent::Abandoned) && !self.lives(observed);
        // Nobody will ask for it again. An update that runs may be just taking it up.
        let is_left_behind =
            is_replaced && !matches!(observed.phase(), Phase::Forward | Phase::UpdateRollback);
        match self.is_stale(observed) {
            true if !is_left_behind => Extent::Stale,
            // It was replaced long before the update that is cleaned up after now, and drains on.
            true if self.drains(observed) => Extent::Replaced,
            _ => extent,
        }
    }

    /// Whether the target is marked to drain.
    fn drains(&self, observed: &Observed) -> bool {
        let Target::Profile(target) = &self.target else { return false };
        observed.tags(target).is_some_and(|held| held.contains_key(tags::DRAIN_UNTIL))
    }

    /// Whether the stack went on since the request was issued. A stack that ends, or that says it is deleting
    /// the very target, or has failed to, waits for every Delete of it.
    fn is_stale(&self, observed: &Observed) -> bool {
        let issued = Issued { kind: Kind::Delete, at: self.issued_at };
        observed.phase() != Phase::Ending
            && !(self.lives(observed) && is_deleting(observed))
            && observed.has_gone_on_since(&issued)
    }

    /// Whether the stack names the target as the resource.
    fn lives(&self, observed: &Observed) -> bool {
        matches!(&self.target, Target::Profile(arn) if observed.described() == Some(arn.as_str()))
    }
}

/// Whether the stack says that it is deleting the resource, or has failed to.
fn is_deleting(observed: &Observed) -> bool {
    let status = observed.resource.as_ref().map(|resource| resource.status.as_str());
    matches!(status, Some("DELETE_IN_PROGRESS" | "DELETE_FAILED"))
}

fn extent(goal: &Goal, observed: &Observed) -> Extent {
    let phase = observed.phase();
    if observed.stack.is_none() || phase == Phase::Ending {
        return Extent::Everything;
    }
    let described = observed.described();
    let Target::Profile(target) = &goal.target else {
        // A Create that failed in an update. What the stack describes as alive is not what it made.
        let lives = described.and_then(ProfileArn::parse).is_some();
        return if lives { Extent::Stale } else { Extent::Resource };
    };
    let is_current = goal.lives(observed);
    match phase {
        Phase::Idle if is_current && !is_deleting(observed) => Extent::Stale,
        // The stack's own deletion of the resource, not the clean-up of what an update replaced.
        _ if is_current && is_deleting(observed) => Extent::Everything,
        Phase::RollbackCleanup if has_successor(goal, observed, described) => Extent::Abandoned,
        // The stack's own word, unless what readers get says otherwise.
        Phase::Cleanup | Phase::Forward | Phase::Idle if is_current => match published(goal, observed) {
            Some(value) if value == target.as_str() => Extent::Everything,
            Some(value) if successors(goal, observed).any(|(arn, _)| arn.as_str() == value) => {
                Extent::Replaced
            }
            _ => Extent::Resource,
        },
        _ if has_successor(goal, observed, described) => Extent::Replaced,
        _ => Extent::Resource,
    }
}

/// What the owner's parameter holds, if there is one.
fn published<'a>(goal: &'a Goal, observed: &'a Observed) -> Option<&'a str> {
    let ours = observed.parameters.values().find(|parameter| goal.owner.owns(&parameter.tags));
    ours.map(|parameter| parameter.value.as_str())
}

/// Whether the logical id has another profile that lives on. Three witnesses, because the index of tags
/// may lag: the index, the stack, the parameter.
fn has_successor(goal: &Goal, observed: &Observed, described: Option<&str>) -> bool {
    let other = |text: &str| ProfileArn::parse(text).is_some_and(|arn| goal.target != Target::Profile(arn));
    successors(goal, observed).next().is_some()
        || described.is_some_and(other)
        || observed
            .parameters
            .values()
            .any(|parameter| goal.owner.owns(&parameter.tags) && other(&parameter.value))
}

fn successors<'a>(
    goal: &'a Goal,
    observed: &'a Observed,
) -> impl Iterator<Item = (&'a ProfileArn, &'a Tags)> {
    let other = |arn: &ProfileArn| goal.target != Target::Profile(arn.clone());
    // Where the stack names one, it is that one: of another a read may not show yet that it drains.
    let named = observed.described().and_then(ProfileArn::parse).filter(|arn| {
        other(arn) && observed.profiles.get(arn).is_some_and(|profile| profile.is_owned_by(&goal.owner))
    });
    observed.owned(&goal.owner).filter(move |(arn, held)| match &named {
        Some(named) => named == *arn,
        None => other(arn) && !held.contains_key(tags::DRAIN_UNTIL),
    })
}

/// The profiles of this owner that the Delete concerns. CloudFormation's word and the owner's tags are enough
/// for the one that the request names; any other must be the owner's beyond its tags.
fn doomed<'a>(goal: &'a Goal, observed: &'a Observed, extent: Extent) -> Vec<&'a ProfileArn> {
    let concerns = |arn: &ProfileArn, profile: &ObservedProfile| {
        let Some(held) = profile.tags.as_ref().filter(|held| goal.owner.owns(held)) else { return false };
        let is_target = goal.target == Target::Profile(arn.clone());
        let is_concerned = match extent {
            Extent::Everything => true,
            Extent::Resource => {
                is_target
                    || held.contains_key(tags::DRAIN_UNTIL)
                    || !matches!(goal.target, Target::Profile(_))
            }
            Extent::Replaced | Extent::Abandoned => is_target,
            Extent::Stale => false,
        };
        is_concerned && (is_target || profile.is_owned_by(&goal.owner))
    };
    observed.profiles.iter().filter(|(arn, profile)| concerns(arn, profile)).map(|(arn, _)| arn).collect()
}

fn in_use(goal: &Goal, observed: &Observed, used: &[&ProfileArn]) -> Faults {
    used.iter()
        .map(|arn| {
            let count = observed.invocations.get(arn.id()).copied().unwrap_or_default();
            Fault::new(
                names::PROTECT,
                format!("{arn} was invoked {count} times within the last {}", goal.protect),
                "Move its callers away and delete again once that time has passed, or set \
                 ProtectIfUsedWithin to 0 first; nothing was deleted",
            )
        })
        .collect()
}

/// A parameter of ours that publishes a doomed profile is pointed at the successor that publishes there
/// too, or goes. When everything goes, so does every parameter.
fn parameter_effects(
    goal: &Goal,
    observed: &Observed,
    extent: Extent,
    doomed: &[&ProfileArn],
) -> Vec<Effect> {
    observed
        .parameters
        .iter()
        .filter(|(_, parameter)| goal.owner.owns(&parameter.tags))
        .filter(|(name, parameter)| {
            let is_declared = goal.parameter.as_ref() == Some(*name);
            is_declared || observed.publishes(&goal.owner, name, &parameter.value)
        })
        .flat_map(|(name, parameter)| {
            let publishes_doomed = doomed.iter().any(|arn| arn.as_str() == parameter.value);
            let publishes_alive = observed
                .owned(&goal.owner)
                .any(|(arn, _)| arn.as_str() == parameter.value && !doomed.contains(&arn));
            let successor = successors(goal, observed)
                .find(|(arn, held)| !doomed.contains(arn) && held.get(tags::PARAMETER) == Some(name));
            match (extent, successor) {
                (Extent::Everything, _) => vec![Effect::DeleteParameter(name.clone())],
                (Extent::Resource, _) if !publishes_alive => vec![Effect::DeleteParameter(name.clone())],
                // Several deliveries of an update may each have made a profile, and published it.
                (Extent::Abandoned, Some((arn, held))) if parameter.value != arn.as_str() => {
                    hand_over(name, &parameter.tags, arn, held)
                }
                (Extent::Replaced, Some((arn, held)))
                    if observed.lives(arn) && parameter.value != arn.as_str() =>
                {
                    hand_over(name, &parameter.tags, arn, held)
                }
                (_, Some((arn, held))) if publishes_doomed => hand_over(name, &parameter.tags, arn, held),
                (_, None) if publishes_doomed => vec![Effect::DeleteParameter(name.clone())],
                _ => Vec::new(),
            }
        })
        .collect()
}

/// What makes the parameter publish the successor again, which carries the tags `held`: first its tags,
/// then its value, because the value is what shows that this is still to be done.
fn hand_over(name: &str, before: &Tags, successor: &ProfileArn, held: &Tags) -> Vec<Effect> {
    let effects = parameter_tag_effects(name, before, tags::published_tags(held));
    if effects.is_empty() {
        vec![Effect::OverwriteParameter(name.to_owned(), successor.as_str().to_owned())]
    } else {
        effects
    }
}

/// What becomes of a replaced profile that is not deleted at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Drain {
    /// It is marked to be retired after this time.
    For(Period),
    /// It is marked already: a repeated delivery neither shortens nor lengthens its time.
    Already,
}

/// How the replaced profile lives on, if it does. The successor's declaration governs, where it can be
/// read: who adds a `DrainPeriod` and changes the model in one update wants it to count. A profile that
/// is protected and in use drains for as long as it is protected: refusing here would leak it, because
/// CloudFormation gives up a clean-up that fails.
fn drain(goal: &Goal, observed: &Observed, used: bool) -> Option<Drain> {
    let Target::Profile(target) = &goal.target else { return None };
    if observed.tags(target).is_some_and(|held| held.contains_key(tags::DRAIN_UNTIL)) {
        return Some(Drain::Already);
    }
    let declared = match successors(goal, observed).next() {
        Some((_, held)) => held
            .get(tags::DRAIN_PERIOD)
            .and_then(|text| Period::parse(tags::DRAIN_PERIOD, text).ok())
            .unwrap_or(Period::ZERO),
        None => goal.drain,
    };
    let period = if used { declared.max(goal.protect) } else { declared };
    (period != Period::ZERO).then_some(Drain::For(period))
}

fn profile_effect(
    goal: &Goal,
    observed: &Observed,
    arn: &ProfileArn,
    drain: Option<Drain>,
) -> Option<Effect> {
    let held = observed.tags(arn)?;
    if held.contains_key(tags::ADOPTED) || goal.existing.as_ref() == Some(arn) {
        return release(&goal.owner, arn, observed);
    }
    let period = match drain {
        None => return Some(Effect::DeleteProfile(arn.clone())),
        Some(Drain::Already) => return None,
        Some(Drain::For(period)) => period,
    };
    // Makes room first: the mark must fit a profile at the limit of its tags.
    let spent = [tags::DRAIN_PERIOD, tags::PARAMETER].map(str::to_owned);
    let spent: Vec<String> = spent.into_iter().filter(|key| held.contains_key(key)).collect();
    if !spent.is_empty() {
        return Some(Effect::UntagProfile(arn.clone(), spent));
    }
    let until = (goal.now + period.as_duration()).replace_nanosecond(0).ok()?.format(&Rfc3339).ok()?;
    Some(Effect::TagProfile(arn.clone(), Tags::from([(tags::DRAIN_UNTIL.to_owned(), until)])))
}
