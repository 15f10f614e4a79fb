//! The rules, applied.
//!
//! [`judge`] looks at each profile once, with maps of everything else beside it, so that its time grows
//! with the number of profiles and no faster. The rules do not know of each other; each is in the module
//! of its topic. Three things hold for all of them:
//!
//! - nothing is concluded from what could not be read. A profile whose tags are unread is left alone by
//!   every rule, because a tag may silence the rule;
//! - a rule that may have missed something is in [`Judgement::undecided`];
//! - there is at most one finding for a rule and a resource, which tells all that the rule has against it.

use std::collections::BTreeSet;

use profile::{
    arn::{Location, ProfileArn},
    tag_policy::TagPolicy,
    tags::Owner,
};
use time::{Duration, OffsetDateTime};

use crate::{
    finding::{Finding, ResourceKind},
    inventory::{CostTags, Inventory, Part, Profile, Source, Stack},
    rule::Rule,
    thresholds::Thresholds,
};

mod account;
mod case;
mod docket;
mod duplicates;
mod models;
mod owners;
mod parameters;
mod scene;
mod silence;
mod tagging;
mod usage;

pub use case::{has_ended, is_at_rest};
pub use silence::IGNORE;

pub(crate) use case::{Standing, standing};
pub(crate) use owners::drains_until;
pub(crate) use scene::Scene;
pub(crate) use usage::invocations_since;

use case::Case;
use docket::Docket;

/// What an inventory is held to.
#[derive(Debug, Clone)]
pub struct Criteria {
    /// The rules that are asked for; others stay silent.
    pub rules: BTreeSet<Rule>,
    /// The tags that profiles must carry.
    pub policy: Part<TagPolicy>,
    /// From when on rules speak.
    pub thresholds: Thresholds,
}

/// What came of judging.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Judgement {
    /// What is wrong: the gravest first, then by rule, then by the resource's name and ARN.
    pub findings: Vec<Finding>,
    /// What would be a finding if a tag of the profile did not silence the rule; in the same order.
    pub silenced: Vec<Finding>,
    /// The rules that may have missed something, because a source of theirs could not be read.
    pub undecided: BTreeSet<Rule>,
}

/// Holds one Region's inventory to every rule but [`Rule::CostTagInactive`], which is for the account as a
/// whole: [`judge_cost_tags`].
pub fn judge(inventory: &Inventory, criteria: &Criteria) -> Judgement {
    let scene = Scene::of(inventory);
    let mut docket = Docket::new(criteria, &inventory.location.region);
    docket.note_unread(inventory);
    let names = duplicates::names(&scene);
    let mut models = models::Models::of(inventory);
    for profile in scene.profiles() {
        let Some(case) = Case::of(&scene, profile) else { continue };
        tagging::judge(&case, &mut docket);
        owners::judge(&case, &mut docket);
        parameters::judge(&case, &mut docket);
        usage::judge(&case, &mut docket);
        models.judge(&case, &mut docket);
        duplicates::judge(&case, &names, &mut docket);
    }
    parameters::judge_dangling(&scene, &mut docket);
    usage::judge_unattributed(&scene, &mut docket);
    account::judge_quota(&scene, &mut docket);
    docket.close()
}

/// The sources that judging by `rules` goes by: what each rests on, what its advice goes by, and the list of profiles.
/// Stacks are among them wherever tags are: [`to_confirm`] looks at when they began.
pub fn sources(rules: &BTreeSet<Rule>) -> BTreeSet<Source> {
    let of_each = rules.iter().flat_map(|rule| rule.sources().iter().chain(rule.advises_by()));
    of_each.copied().chain([Source::Profiles]).collect()
}

/// How long the index of tags may lag behind a change. Bedrock and the tagging API document nothing.
const LAG: Duration = Duration::minutes(15);

/// How many profiles are worth a question each. Lag concerns the few that were changed a moment ago: where
/// many have findings, it is not what they come from.
const WORTH_ASKING: usize = 50;

/// The profiles whose tags should be read once more by themselves before `judgement` is believed: those that
/// were made, or whose stack went to work, so shortly before that the index of tags may show what was there
/// before, and that have a finding which rests on their tags. None where there are too many to be that.
pub fn to_confirm(inventory: &Inventory, judgement: &Judgement) -> Vec<ProfileArn> {
    let by_tags: BTreeSet<&str> = judgement
        .findings
        .iter()
        .filter(|finding| finding.resource.kind == ResourceKind::Profile && rests_on_tags(finding.rule))
        .map(|finding| finding.resource.arn.as_str())
        .collect();
    let is_recent = |at: Option<OffsetDateTime>| at.is_some_and(|at| inventory.taken_at - at < LAG);
    let began = |profile: &Profile| {
        let owner = Owner::of(profile.tags.as_ref().ok()?)?;
        match inventory.stacks.get(&owner.stack_id)? {
            Ok(Stack::Lives { record, .. }) => record.began,
            _ => None,
        }
    };
    let to_confirm: Vec<ProfileArn> = inventory
        .profiles()
        .iter()
        .filter(|profile| by_tags.contains(profile.record.arn.as_str()))
        .filter(|profile| is_recent(profile.record.created_at) || is_recent(began(profile)))
        .map(|profile| profile.record.arn.clone())
        .collect();
    if to_confirm.len() <= WORTH_ASKING { to_confirm } else { Vec::new() }
}

/// Whether what the rule says follows from a profile's tags; others only may be silenced by one.
fn rests_on_tags(rule: Rule) -> bool {
    match rule {
        Rule::Untagged
        | Rule::MissingRequiredTag
        | Rule::InvalidTagValue
        | Rule::OrphanedStackDeleted
        | Rule::OrphanedNotInStack
        | Rule::Unmanaged
        | Rule::ParameterMissing
        | Rule::ParameterDrift
        | Rule::TagDrift
        | Rule::ModelUnavailable
        | Rule::DuplicateName
        | Rule::DrainExpired => true,
        Rule::ParameterDangling
        | Rule::Idle
        | Rule::ModelLegacy
        | Rule::ModelEndOfLife
        | Rule::QuotaNear
        | Rule::UnattributedUsage
        | Rule::CostTagInactive => false,
    }
}

/// Looks whether the keys that are to allocate cost are active as cost allocation tags: those of the tag
/// policy that any profile of `inventories` carries or, where there is no policy, every user's key on them.
/// `Ok(None)`: another account pays, and nothing can be said here. `home` is the account, and the Region
/// that findings are told of.
pub fn judge_cost_tags(
    inventories: &[Inventory],
    cost_tags: &Part<Option<CostTags>>,
    home: &Location,
    criteria: &Criteria,
) -> Judgement {
    let mut docket = Docket::new(criteria, &home.region);
    match (cost_tags, &criteria.policy) {
        (Ok(None), _) => {}
        (Ok(Some(cost_tags)), Ok(policy)) => {
            account::judge_cost_tags(inventories, cost_tags, policy, home, &mut docket);
        }
        _ => docket.undecided(Rule::CostTagInactive),
    }
    docket.close()
}

/// The sources that could not be read, the policy included.
fn unread_sources(inventory: &Inventory, criteria: &Criteria) -> BTreeSet<Source> {
    let policy = criteria.policy.is_err().then_some(Source::TagPolicy);
    inventory.unread().into_iter().map(|unread| unread.source).chain(policy).collect()
}

#[cfg(test)]
mod tests;
