//! What may be done about findings.
//!
//! Whoever deletes on a guess destroys. So [`plan`] does nothing where anything could not be read, acts on
//! findings only (a silenced one is none), and asks for more than the finding does.

use std::collections::{BTreeMap, BTreeSet};

use profile::{
    arn::ProfileArn,
    spec,
    tags::{self, Owner, Tags},
};
use time::{Duration, OffsetDateTime};

use crate::{
    inventory::{Inventory, Profile, Stack},
    judge::{Judgement, Scene, Standing, drains_until, invocations_since, standing},
    rule::Rule,
};

/// Which actions are allowed, and from when on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ActionSettings {
    /// Retire replaced profiles whose time has come.
    pub retire_drained: bool,
    /// Publish missing and drifted parameters again.
    pub republish_parameters: bool,
    /// Delete orphans.
    pub delete_orphans: bool,
    /// How old an orphan must be.
    pub orphan_min_age: Duration,
    /// For how long an orphan must not have been invoked; whole days count.
    pub orphan_idle: Duration,
}

impl ActionSettings {
    /// Whether something may be done about findings of one of `rules`.
    pub fn act_on(&self, rules: &BTreeSet<Rule>) -> bool {
        let finds = |wanted: &[Rule]| wanted.iter().any(|rule| rules.contains(rule));
        self.retire_drained && finds(&RETIRES)
            || self.republish_parameters && finds(&REPUBLISHES)
            || self.delete_orphans && finds(&DELETES)
    }
}

/// What is retired, where that is allowed.
const RETIRES: [Rule; 1] = [Rule::DrainExpired];

/// What is published again.
const REPUBLISHES: [Rule; 2] = [Rule::ParameterMissing, Rule::ParameterDrift];

/// What is deleted.
const DELETES: [Rule; 2] = [Rule::OrphanedStackDeleted, Rule::OrphanedNotInStack];

/// One thing to do. Whoever does it looks once more whether it is still right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Delete a replaced profile whose drain period is over, and which its stack does not hold.
    Retire {
        /// The profile.
        profile: ProfileArn,
        /// Who owns it.
        owner: Owner,
    },
    /// Make the parameter of a profile hold its ARN again.
    Republish {
        /// The profile.
        profile: ProfileArn,
        /// Who owns both.
        owner: Owner,
        /// The parameter's name.
        parameter: String,
        /// What it holds now; `None`: there is no such parameter.
        held: Option<String>,
        /// The tags that it is made with.
        tags: Tags,
    },
    /// Delete a profile that its stack left behind, and the parameter that still publishes it.
    DeleteOrphan {
        /// The profile.
        profile: ProfileArn,
        /// Who owned it.
        owner: Owner,
        /// The parameter, if one holds its ARN.
        parameter: Option<String>,
        /// It was adopted, not made: our tags go, the profile stays.
        adopted: bool,
    },
}

impl Action {
    /// The profile that it is about.
    pub fn profile(&self) -> &ProfileArn {
        match self {
            Self::Retire { profile, .. }
            | Self::Republish { profile, .. }
            | Self::DeleteOrphan { profile, .. } => profile,
        }
    }
}

/// What may be done about the findings of `judgement`, which came of judging `inventory`: at most one action
/// for each profile, in the order of their ARNs. Nothing, when any part of the inventory is unread or was not asked; whether
/// the tag policy and the cost allocation tags were read is for the caller to look at.
pub fn plan(inventory: &Inventory, judgement: &Judgement, settings: &ActionSettings) -> Vec<Action> {
    if !inventory.is_whole() {
        return Vec::new();
    }
    let scene = Scene::of(inventory);
    let mut found: BTreeMap<&str, BTreeSet<Rule>> = BTreeMap::new();
    for finding in &judgement.findings {
        if !judgement.undecided.contains(&finding.rule) {
            found.entry(&finding.resource.arn).or_default().insert(finding.rule);
        }
    }
    let planner = Planner { scene: &scene, settings, claimed: claimed(&scene) };
    let actions = found.iter().filter_map(|(arn, rules)| planner.action(scene.profile(arn)?, rules));
    without_contest(actions.collect())
}

/// The parameters that profiles record which their stacks hold: their readers have what is there until that is published
/// again.
fn claimed<'a>(scene: &Scene<'a>) -> BTreeSet<&'a str> {
    let is_held = |profile: &Profile, held: &Tags| {
        Owner::of(held).is_some_and(|owner| {
            let standing = standing(scene, &owner, profile.record.arn.as_str());
            matches!(standing, Standing::Current(_) | Standing::InMotion)
        })
    };
    let held = scene.profiles().filter_map(|profile| Some((profile, profile.tags.as_ref().ok()?)));
    held.filter_map(|(profile, held)| Some((profile, held, held.get(tags::PARAMETER)?)))
        .filter(|(profile, held, _)| is_held(profile, held))
        .map(|(_, _, name)| name.as_str())
        .collect()
}

/// Two profiles that record one parameter would take it from each other in every sweep: whose it is, is
/// for a person to say.
fn without_contest(mut actions: Vec<Action>) -> Vec<Action> {
    let mut claims: BTreeMap<String, usize> = BTreeMap::new();
    for action in &actions {
        if let Action::Republish { parameter, .. } = action {
            *claims.entry(parameter.clone()).or_default() += 1;
        }
    }
    actions.retain(|action| match action {
        Action::Republish { parameter, .. } => claims[parameter] == 1,
        _ => true,
    });
    actions
}

struct Planner<'a> {
    scene: &'a Scene<'a>,
    settings: &'a ActionSettings,
    /// The parameters that other profiles' readers have.
    claimed: BTreeSet<&'a str>,
}

impl Planner<'_> {
    fn action(&self, profile: &Profile, rules: &BTreeSet<Rule>) -> Option<Action> {
        let held = profile.tags.as_ref().ok()?;
        let owner = Owner::of(held)?;
        // Our tags may have been put on by hand, on what is somebody else's.
        let is_ours = spec::is_of(&profile.record, held);
        let (is_left, is_current) = match standing(self.scene, &owner, profile.record.arn.as_str()) {
            Standing::StackGone | Standing::NotInStack(_) => (true, false),
            Standing::Current(_) => (false, true),
            Standing::Foreign | Standing::Elsewhere | Standing::Unread | Standing::InMotion => return None,
        };
        let any = |wanted: &[Rule]| wanted.iter().any(|rule| rules.contains(rule));
        let retire = || {
            let is_due = any(&RETIRES) && self.settings.retire_drained;
            (is_due && is_left && is_ours && !self.is_retained(&owner) && self.may_retire(profile, held))
                .then(|| Action::Retire { profile: profile.record.arn.clone(), owner: owner.clone() })
        };
        let delete = || {
            let is_orphan = any(&DELETES);
            let parameter = self.publisher(&profile.record.arn, held);
            let may = is_orphan
                && is_left
                && is_ours
                && self.settings.delete_orphans
                && !self.is_retained(&owner)
                && self.is_known(held)
                && self.is_published_only_in(&profile.record.arn, parameter.as_deref())
                && parameter.as_deref().is_none_or(|name| !self.claimed.contains(name))
                && self.may_delete(profile);
            may.then(|| Action::DeleteOrphan {
                profile: profile.record.arn.clone(),
                owner: owner.clone(),
                parameter,
                adopted: held.contains_key(tags::ADOPTED),
            })
        };
        let republish = || {
            let is_lost = any(&REPUBLISHES);
            if !is_lost || !is_current || !self.settings.republish_parameters {
                return None;
            }
            self.republish(&profile.record.arn, held, &owner)
        };
        retire().or_else(delete).or_else(republish)
    }

    /// An adopted profile is never deleted, and one that a parameter still holds has readers. One that its
    /// stack holds may carry the mark, but was not replaced.
    fn may_retire(&self, profile: &Profile, held: &Tags) -> bool {
        let is_over = drains_until(held).is_some_and(|until| until <= self.now());
        is_over
            && self.is_known(held)
            && self.is_published_only_in(&profile.record.arn, None)
            && !held.contains_key(tags::ADOPTED)
    }

    /// Whether what is behind the name that the tags record was looked at.
    fn is_known(&self, held: &Tags) -> bool {
        held.get(tags::PARAMETER).is_none_or(|name| self.scene.value(name).is_some())
    }

    /// Whether no other parameter than `name` holds `arn`: its readers would be stranded.
    fn is_published_only_in(&self, arn: &ProfileArn, name: Option<&str>) -> bool {
        self.scene.holders(arn.as_str()).all(|holder| Some(holder) == name)
    }

    /// Whether the stack let go of the resource without deleting it: a template asked for that.
    fn is_retained(&self, owner: &Owner) -> bool {
        let Some(Ok(Stack::Lives { resources: Ok(resources), .. })) =
            self.scene.inventory.stacks.get(&owner.stack_id)
        else {
            return false;
        };
        resources.get(&owner.logical_id).is_some_and(|resource| resource.status == "DELETE_SKIPPED")
    }

    /// Old enough, and known to have been out of use for long enough.
    fn may_delete(&self, profile: &Profile) -> bool {
        let Some(created) = profile.record.created_at else { return false };
        let idle = self.settings.orphan_idle.max(Duration::ZERO);
        let (Some(usage), Some(from)) = (self.scene.usage(), self.now().checked_sub(idle)) else {
            return false;
        };
        let from = from.date();
        self.now() - created > self.settings.orphan_min_age
            && usage.since <= from
            && invocations_since(usage, &profile.record.arn, from) == 0
    }

    /// The parameter under the prefix that holds `arn`: the one that its tags record, where that does.
    fn publisher(&self, arn: &ProfileArn, held: &Tags) -> Option<String> {
        let recorded = held.get(tags::PARAMETER).map(String::as_str);
        let holders = || self.scene.holders(arn.as_str()).filter(|name| self.scene.is_under_prefix(name));
        holders().find(|name| Some(*name) == recorded).or_else(|| holders().next()).map(str::to_owned)
    }

    fn republish(&self, arn: &ProfileArn, held: &Tags, owner: &Owner) -> Option<Action> {
        let name = held.get(tags::PARAMETER).filter(|name| self.scene.is_under_prefix(name))?;
        Some(Action::Republish {
            profile: arn.clone(),
            owner: owner.clone(),
            parameter: name.clone(),
            held: self.scene.value(name)?.map(str::to_owned),
            tags: tags::published_tags(held),
        })
    }

    fn now(&self) -> OffsetDateTime {
        self.scene.inventory.taken_at
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        inventory::Source,
        judge::IGNORE,
        testing::{STACK, World, arn, owner},
    };

    const NAME: &str = "/inference-profiles/search";
    const EXPIRED: &str = "2026-03-01T00:00:00Z";
    const LATER: &str = "2027-01-01T00:00:00Z";

    fn all() -> ActionSettings {
        ActionSettings {
            retire_drained: true,
            republish_parameters: true,
            delete_orphans: true,
            orphan_min_age: Duration::days(30),
            orphan_idle: Duration::days(14),
        }
    }

    fn planned(world: &World, settings: &ActionSettings) -> Vec<Action> {
        plan(&world.inventory, &world.judged(), settings)
    }

    fn managed() -> World {
        World::new().managed("p1", "search")
    }

    /// A replaced profile whose time has come and whose successor is published.
    fn expired() -> World {
        World::new().managed("p1", "search").drains("p1", EXPIRED).managed("p2", "search").unused("p1")
    }

    fn orphan() -> World {
        managed().unused("p1").stack(Ok(Stack::Gone))
    }

    fn retire() -> Action {
        Action::Retire { profile: arn("p1"), owner: owner("search") }
    }

    fn delete_orphan(parameter: Option<&str>) -> Action {
        Action::DeleteOrphan {
            profile: arn("p1"),
            owner: owner("search"),
            parameter: parameter.map(str::to_owned),
            adopted: false,
        }
    }

    #[test]
    fn a_clean_account_needs_nothing() {
        assert_eq!(planned(&managed(), &all()), []);
    }

    #[test]
    fn a_drained_profile_is_retired_when_that_is_allowed() {
        assert_eq!(planned(&expired(), &all()), [retire()]);
        assert_eq!(planned(&expired(), &ActionSettings { retire_drained: false, ..all() }), []);
        for until in [LATER, "soon"] {
            let world = World::new().managed("p1", "search").drains("p1", until).managed("p2", "search");
            assert_eq!(planned(&world, &all()), [], "{until}");
        }
    }

    #[test]
    fn nothing_is_done_to_a_profile_that_carries_the_tags_of_another() {
        for world in [expired(), orphan()] {
            assert_eq!(planned(&world, &all()).len(), 1);
            let named = world.edit("p1", |profile| profile.record.name = "billing".into());
            assert_eq!(planned(&named, &all()), []);
        }
        for key in [tags::SPEC, tags::MODEL_SOURCE] {
            assert_eq!(planned(&orphan().untag("p1", key), &all()), [], "{key}");
        }
    }

    #[test]
    fn a_drained_profile_whose_time_was_put_off_after_the_judgement_stays() {
        let postponed = expired().tag("p1", tags::DRAIN_UNTIL, LATER);
        assert_eq!(plan(&postponed.inventory, &expired().judged(), &all()), []);
    }

    #[test]
    fn a_drained_profile_that_is_adopted_or_still_published_stays() {
        assert_eq!(planned(&expired().tag("p1", tags::ADOPTED, "true"), &all()), []);
        for name in ["/inference-profiles/another", "/elsewhere"] {
            assert_eq!(planned(&expired().parameter(name, Some(arn("p1").as_str())), &all()), [], "{name}");
        }
        // What it recorded lies where nobody looked.
        let unknown = expired().tag("p1", tags::PARAMETER, "/elsewhere");
        assert_eq!(planned(&unknown, &all()), []);
        assert_eq!(planned(&unknown.parameter("/elsewhere", None), &all()), [retire()]);
    }

    #[test]
    fn a_profile_is_retired_only_when_its_stack_is_gone_or_at_rest_without_it() {
        assert_eq!(planned(&expired().no_resource("Search"), &all()), [retire()]);
        assert_eq!(planned(&expired().stack(Ok(Stack::Gone)), &all())[0], retire());
        let p1 = arn("p1");
        for world in [
            expired().resource("Search", Some(p1.as_str()), "UPDATE_COMPLETE"),
            expired().stack_status("UPDATE_IN_PROGRESS"),
            expired().stack_status("UPDATE_ROLLBACK_FAILED"),
            expired().stack(Ok(Stack::Elsewhere)),
        ] {
            assert!(world.found().contains(&"drain-expired search".to_owned()));
            assert_eq!(planned(&world, &all()), []);
        }
    }

    #[test]
    fn nothing_is_done_about_what_a_stack_elsewhere_is_said_to_own() {
        for whole in [expired(), managed().parameter(NAME, None), orphan()] {
            let judgement = whole.judged();
            assert_eq!(plan(&whole.inventory, &judgement, &all()).len(), 1);
            let world = whole.stack(Ok(Stack::Elsewhere));
            assert_eq!(plan(&world.inventory, &judgement, &all()), []);
        }
    }

    #[test]
    fn what_a_stack_holds_is_not_deleted_and_what_it_left_is_not_published_whatever_was_found_before() {
        let left = orphan().judged();
        assert_eq!(plan(&orphan().inventory, &left, &all()).len(), 1);
        assert_eq!(plan(&managed().unused("p1").inventory, &left, &all()), []);
        let lost = managed().parameter(NAME, None);
        let judgement = lost.judged();
        assert_eq!(plan(&lost.inventory, &judgement, &all()).len(), 1);
        assert_eq!(plan(&lost.no_resource("Search").inventory, &judgement, &all()), []);
    }

    #[test]
    fn a_missing_parameter_is_made_with_the_tags_that_it_had() {
        let world = managed().tag("p1", "foreign", "x").parameter(NAME, None);
        let mut expected = owner("search").tags();
        expected.extend(crate::testing::tags(&[("owner", "search"), ("stage", "prod")]));
        let record = world.inventory.profiles()[0].tags.as_ref().unwrap()[tags::TAG_KEYS].clone();
        expected.insert(tags::TAG_KEYS.into(), record);
        let republish = |held: Option<&str>| Action::Republish {
            profile: arn("p1"),
            owner: owner("search"),
            parameter: NAME.into(),
            held: held.map(str::to_owned),
            tags: expected.clone(),
        };
        assert_eq!(planned(&world, &all()), [republish(None)]);
        assert_eq!(planned(&world.clone().parameter(NAME, Some("x")), &all()), [republish(Some("x"))]);
        assert_eq!(planned(&world, &ActionSettings { republish_parameters: false, ..all() }), []);
    }

    #[test]
    fn a_parameter_outside_the_prefix_is_not_touched() {
        let world = managed().tag("p1", tags::PARAMETER, "/elsewhere/x").parameter("/elsewhere/x", None);
        assert!(world.found().contains(&"parameter-missing search".to_owned()));
        assert_eq!(planned(&world, &all()), []);
    }

    #[test]
    fn a_parameter_that_two_profiles_claim_goes_to_neither() {
        let world = managed().managed("p2", "chat").tag("p2", tags::PARAMETER, NAME);
        assert_eq!(planned(&world, &all()).len(), 1);
        assert_eq!(planned(&world.parameter(NAME, None), &all()), []);
    }

    #[test]
    fn an_orphan_goes_with_the_parameter_under_the_prefix_that_holds_it() {
        assert_eq!(planned(&orphan(), &all()), [delete_orphan(Some(NAME))]);
        assert_eq!(planned(&orphan().parameter(NAME, Some("x")), &all()), [delete_orphan(None)]);
        let p1 = arn("p1");
        let other = orphan().parameter(NAME, None).parameter("/elsewhere", Some(p1.as_str()));
        assert_eq!(planned(&other, &all()), [], "a reader elsewhere would be stranded");
        let another = "/inference-profiles/a";
        let two = orphan().parameter(another, Some(p1.as_str()));
        assert_eq!(planned(&two, &all()), [], "a reader of the other one would be stranded");
        assert_eq!(planned(&two.parameter(NAME, None), &all()), [delete_orphan(Some(another))]);
        assert_eq!(planned(&orphan(), &ActionSettings { delete_orphans: false, ..all() }), []);
        let elsewhere = managed().unused("p1").no_resource("Search");
        assert_eq!(planned(&elsewhere, &all()), [delete_orphan(Some(NAME))]);
    }

    #[test]
    fn an_orphan_stays_while_it_is_published_under_the_name_of_the_profile_that_its_stack_holds() {
        let abandoned =
            World::new().managed("p1", "search").managed("p2", "search").unused("p1").unused("p2");
        let drifted = abandoned.parameter(NAME, Some(arn("p1").as_str()));
        let actions = planned(&drifted, &all());
        assert!(matches!(&*actions, [Action::Republish { .. }]), "{actions:?}");
        assert_eq!(planned(&drifted, &ActionSettings { republish_parameters: false, ..all() }), []);
        let settled = drifted.parameter(NAME, Some(arn("p2").as_str()));
        assert_eq!(planned(&settled, &all()), [delete_orphan(None)]);
    }

    #[test]
    fn what_was_retained_on_purpose_or_is_published_where_nobody_looked_stays() {
        let retained = managed().unused("p1").resource("Search", Some(arn("p1").as_str()), "DELETE_SKIPPED");
        assert!(retained.found().contains(&"orphaned-not-in-stack search".to_owned()));
        assert_eq!(planned(&retained, &all()), []);
        assert_eq!(planned(&retained.clone().drains("p1", EXPIRED).parameter(NAME, None), &all()), []);
        let unknown = orphan().tag("p1", tags::PARAMETER, "/elsewhere").parameter(NAME, None);
        assert_eq!(planned(&unknown, &all()), []);
        assert_eq!(planned(&unknown.parameter("/elsewhere", None), &all()), [delete_orphan(None)]);
    }

    #[test]
    fn an_orphan_must_be_older_than_the_set_age() {
        let made = |at| planned(&orphan().edit("p1", |profile| profile.record.created_at = at), &all()).len();
        let now = crate::testing::NOW;
        assert_eq!(made(Some(now - Duration::days(30))), 0);
        assert_eq!(made(Some(now - Duration::days(30) - Duration::SECOND)), 1);
        assert_eq!(made(None), 0);
    }

    #[test]
    fn an_orphan_must_be_known_to_be_out_of_use_for_the_set_time() {
        let used = |days| planned(&orphan().used("p1", days, 1), &all()).len();
        assert_eq!((used(0), used(14), used(15)), (0, 0, 1));
        assert_eq!(planned(&orphan().used(arn("p1").as_str(), 14, 1), &all()), []);
        let today = crate::testing::NOW.date();
        let window = |days| planned(&orphan().usage_since(today - Duration::days(days)), &all()).len();
        assert_eq!((window(13), window(14)), (0, 1));
        let hours = ActionSettings { orphan_idle: Duration::hours(13), ..all() };
        assert_eq!(planned(&orphan().used("p1", 1, 1), &hours), []);
        assert_eq!(planned(&orphan().used("p1", 2, 1), &hours).len(), 1);
        for odd in [Duration::MAX, Duration::MIN, -Duration::DAY] {
            let settings = ActionSettings { orphan_idle: odd, ..all() };
            assert!(planned(&orphan().used("p1", 0, 1), &settings).is_empty());
        }
    }

    #[test]
    fn an_adopted_orphan_is_marked_as_one_to_release() {
        let actions = planned(&orphan().tag("p1", tags::ADOPTED, "true"), &all());
        assert!(matches!(actions.as_slice(), [Action::DeleteOrphan { adopted: true, .. }]), "{actions:?}");
    }

    #[test]
    fn a_profile_gets_one_action_and_an_expired_orphan_is_retired() {
        let draining = |until| orphan().drains("p1", until).parameter(NAME, None);
        assert_eq!(planned(&draining(LATER), &all()), [delete_orphan(None)]);
        assert_eq!(planned(&draining(EXPIRED), &all()), [retire()]);
        let kept = ActionSettings { retire_drained: false, ..all() };
        assert_eq!(planned(&draining(EXPIRED), &kept), [delete_orphan(None)]);
    }

    #[test]
    fn what_is_silenced_or_not_asked_for_leads_to_nothing() {
        for (world, rule) in [
            (expired(), Rule::DrainExpired),
            (managed().parameter(NAME, None), Rule::ParameterMissing),
            (orphan(), Rule::OrphanedStackDeleted),
        ] {
            assert_eq!(planned(&world, &all()).len(), 1, "{rule}");
            assert_eq!(planned(&world.clone().tag("p1", IGNORE, rule.as_str()), &all()), [], "{rule}");
            assert_eq!(planned(&world.only(&[Rule::Idle]), &all()), [], "{rule}");
        }
    }

    #[test]
    fn an_incomplete_inventory_leads_to_nothing() {
        const PARTS: [Source; 8] = [
            Source::Profiles,
            Source::Tags,
            Source::Models,
            Source::SystemProfiles,
            Source::Parameters,
            Source::Stacks,
            Source::Usage,
            Source::Quota,
        ];
        for whole in [expired(), managed().parameter(NAME, None), orphan()] {
            // Were the judgement made before a part was lost, it would not matter.
            let judgement = whole.judged();
            assert_eq!(plan(&whole.inventory, &judgement, &all()).len(), 1);
            assert_eq!(plan(&whole.clone().unconfirmed("p9").inventory, &judgement, &all()), []);
            for source in PARTS {
                let world = whole.clone().unread(source);
                assert_eq!(plan(&world.inventory, &judgement, &all()), [], "{source:?}");
            }
        }
    }

    #[test]
    fn a_stack_that_was_never_asked_for_keeps_every_orphan() {
        let mut world = orphan().managed_elsewhere("p3", "chat");
        assert_eq!(planned(&world, &all()), []);
        world.inventory.stacks.insert(format!("{STACK}-2"), Ok(Stack::Gone));
        assert_eq!(planned(&world, &all()).len(), 2);
    }

    #[test]
    fn actions_come_in_the_order_of_the_arns() {
        let world = orphan().managed_elsewhere("p0", "chat").managed_elsewhere("p3", "batch");
        let mut world = world.clone();
        world.inventory.stacks.insert(format!("{STACK}-2"), Ok(Stack::Gone));
        let ids: Vec<_> = planned(&world, &all()).iter().map(|action| action.profile().clone()).collect();
        assert_eq!(ids, [arn("p0"), arn("p1"), arn("p3")]);
    }
}
