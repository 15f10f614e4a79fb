//! `untagged`, `missing-required-tag`, `invalid-tag-value`, `tag-drift`.

use profile::{
    tag_policy::{Offence, OffenceKind},
    tags::{self, KeyRecord, TagDrift, Tags},
};

use super::{Case, case::Standing, docket::Docket};
use crate::{
    finding::Severity,
    owner::{self, is_user_tag},
    rule::Rule,
    words::{self, quoted},
};

/// How many keys a sentence names.
const NAMED: usize = 10;

pub(super) fn judge(case: &Case<'_>, docket: &mut Docket<'_>) {
    untagged(case, docket);
    policy(case, docket);
    drift(case, docket);
}

fn untagged(case: &Case<'_>, docket: &mut Docket<'_>) {
    if case.tags.keys().any(|key| is_user_tag(key)) {
        return;
    }
    let policy = docket.criteria.policy.as_ref().ok();
    let keys: Vec<&str> = policy.into_iter().flat_map(|policy| policy.keys()).take(NAMED).collect();
    let keys = if keys.is_empty() { vec!["owner"] } else { keys };
    let remedy = match case.declared() {
        Some(declared) => format!("Add {} to the Tags {declared}", words::all(&keys)),
        None => format!("Tag it: {}", case.tag_command(keys.iter().map(|key| (*key, None)))),
    };
    let problem = "No user's tag is on it, so what it costs cannot be told from what others cost".to_owned();
    docket.profile(case, Rule::Untagged, Severity::High, problem, remedy);
}

fn policy(case: &Case<'_>, docket: &mut Docket<'_>) {
    let asked = [Rule::MissingRequiredTag, Rule::InvalidTagValue].iter().any(|rule| docket.asks(*rule));
    let (true, Ok(policy)) = (asked, &docket.criteria.policy) else { return };
    let tags = case.tags.iter().filter(|(key, _)| is_user_tag(key));
    let tags: Tags = tags.map(|(key, value)| (key.clone(), value.clone())).collect();
    let (missing, wrong): (Vec<Offence>, Vec<Offence>) =
        policy.offences(&tags).into_iter().partition(|offence| offence.kind == OffenceKind::Missing);
    let problem = |offences: &[Offence]| {
        let problems: Vec<&str> = offences.iter().map(|offence| offence.fault.problem.as_str()).collect();
        words::capital(&problems.join("; "))
    };
    if !missing.is_empty() {
        let mut keys: Vec<&str> = missing.iter().map(|offence| offence.key.as_str()).collect();
        keys.dedup();
        let allowed = |key: &&str| missing.iter().find(|offence| offence.key == **key)?.allowed.as_ref();
        let hints: Vec<String> = keys
            .iter()
            .map(|key| match allowed(key) {
                Some(values) => format!("{key} with {values}"),
                None => (*key).to_owned(),
            })
            .collect();
        let remedy = match case.declared() {
            Some(declared) => format!("Add {} to the Tags {declared}", words::all(&hints)),
            None => {
                let command = case.tag_command(keys.iter().map(|key| (*key, None)));
                format!("Add {}: {command}", words::all(&hints))
            }
        };
        let remedy = format!("{remedy}{}", without_miscased(case, &missing));
        docket.profile(case, Rule::MissingRequiredTag, Severity::High, problem(&missing), remedy);
    }
    if !wrong.is_empty() {
        let rights = wrong.iter();
        let rights =
            rights.map(|offence| format!("{}: {}", offence.key, words::small(&offence.fault.remedy)));
        let rights = rights.collect::<Vec<_>>().join("; ");
        let remedy = match case.declared() {
            Some(declared) => format!("Change the Tags {declared} ({rights})"),
            None => {
                let mut keys: Vec<&str> = wrong.iter().map(|offence| offence.key.as_str()).collect();
                keys.dedup();
                let command = case.tag_command(keys.into_iter().map(|key| (key, None)));
                format!("Tag it again ({rights}): {command}")
            }
        };
        let remedy = format!("{remedy}{}", without_miscased(case, &wrong));
        docket.profile(case, Rule::InvalidTagValue, Severity::Medium, problem(&wrong), remedy);
    }
}

/// How keys in a wrong case go, as the end of a sentence: a new tag does not replace them.
fn without_miscased(case: &Case<'_>, offences: &[Offence]) -> String {
    let keys: Vec<&str> = offences.iter().filter_map(|offence| offence.miscased.as_deref()).collect();
    match (keys.as_slice(), case.declared()) {
        ([], _) => String::new(),
        (keys, Some(_)) => format!(", and take {} out", words::all(keys)),
        (keys, None) => {
            let command = case.untag_command(keys.iter().copied());
            format!("; and take {} off: {command}", words::all(keys))
        }
    }
}

/// Two things are compared: the profile's tags with the record of those that were written, and their keys
/// with the stack's own tags, which CloudFormation does not hand to a custom resource when only they change.
/// The value of a stack's tag says nothing: the template may have written another one over it. Only the
/// current profile of a stack at rest is looked at, because the provider takes tags off before it puts others
/// on, and what a stack has left is kept by nobody.
fn drift(case: &Case<'_>, docket: &mut Docket<'_>) {
    let Some(owner) = case.owner().filter(|_| docket.asks(Rule::TagDrift) && !case.is_draining()) else {
        return;
    };
    let from_stack = match case.standing {
        Standing::Current(stack) => &stack.tags,
        Standing::Unread => return docket.undecided(Rule::TagDrift),
        _ => return,
    };
    let stack = owner::stack_name(&owner.stack_id);
    let record = KeyRecord::read(case.tags);
    let missing: Vec<(&str, &str)> = from_stack
        .iter()
        .filter(|(key, value)| {
            !case.tags.contains_key(*key) && is_user_tag(key) && tags::check("", key, value).is_empty()
        })
        .map(|(key, value)| (key.as_str(), value.as_str()))
        .collect();
    let known = missing.iter().filter(|(key, _)| record.contains(key)).count();
    let mut problems = Vec::new();
    if !missing.is_empty() {
        let keys: Vec<String> = missing.iter().take(NAMED).map(|(key, _)| quoted(key)).collect();
        let keys = words::some(&keys, missing.len().saturating_sub(NAMED));
        problems.push(format!("the tags of stack {stack} that are not on it: {keys}"));
    }
    match record.drift(case.tags) {
        Some(TagDrift::Removed(removed)) if removed > known => {
            let others = if known > 0 { "other " } else { "" };
            let gone = (removed - known) as u64;
            let verb = if gone == 1 { "is" } else { "are" };
            problems.push(format!(
                "{} that the stack put on it {verb} gone",
                words::count(gone, &format!("{others}tag"))
            ));
        }
        Some(TagDrift::Changed) => {
            problems.push("the value of at least one tag is not the one that the stack wrote".to_owned());
        }
        _ => {}
    }
    if problems.is_empty() {
        return;
    }
    let again = format!(
        "update stack {stack} with a change to the Tags of {}, which writes all of them again; \
         CloudTrail's TagResource and UntagResource tell who changed them",
        owner.logical_id
    );
    let remedy = if missing.is_empty() || problems.len() > 1 || missing.len() > NAMED {
        words::capital(&again)
    } else {
        let command = case.tag_command(missing.iter().map(|(key, value)| (*key, Some(*value))));
        format!("Put them on with {command}, or {again}")
    };
    docket.profile(case, Rule::TagDrift, Severity::Medium, words::capital(&problems.join("; ")), remedy);
}

#[cfg(test)]
mod tests {
    use profile::tags;

    use crate::{
        finding::Severity,
        inventory::{Source, Stack},
        judge::Judgement,
        rule::Rule::*,
        testing::{STACK, World, unread},
    };

    const TAG: &str = "aws bedrock tag-resource --region us-east-1 --resource-arn \
                       arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/p1 --tags";
    const UNTAG: &str = "aws bedrock untag-resource --region us-east-1 --resource-arn \
                         arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/p1 --tag-keys";

    fn bare(given: &[(&str, &str)]) -> World {
        World::new().bare("p1", "search", given).used("p1", 0, 1)
    }

    #[test]
    fn tags_of_aws_and_of_ours_are_no_user_s_tags() {
        let world = bare(&[("aws:cloudformation:stack-name", "app"), (tags::SPEC, "x")]).policy("");
        assert_eq!(world.found(), ["untagged search"]);
        let finding = world.finding(Untagged);
        assert_eq!(finding.severity, Severity::High);
        assert_eq!(finding.remedy, "Add owner to the Tags of the profile in the template of stack app");
        assert_eq!(world.tag("p1", "any", "").found(), Vec::<String>::new());
    }

    #[test]
    fn the_remedy_for_an_untagged_profile_names_the_policy_s_keys_and_the_place() {
        let remedy = |world: World| world.finding(Untagged).remedy;
        assert_eq!(remedy(bare(&[])), format!("Tag it: {TAG} key=owner,value=VALUE key=stage,value=VALUE"));
        let managed =
            World::new().managed("p1", "search").untag("p1", "owner").untag("p1", "stage").only(&[Untagged]);
        let declared = "Add owner and stage to the Tags of Search in the template of stack app";
        assert_eq!(remedy(managed.clone()), declared);
        // A template that is gone can be changed no more.
        assert!(remedy(managed.stack(Ok(Stack::Gone))).starts_with("Tag it: aws"));
    }

    #[test]
    fn all_tags_that_a_profile_lacks_are_one_finding() {
        let world = bare(&[("managed-by", "terraform")]);
        assert_eq!(world.found(), ["missing-required-tag search"]);
        let finding = world.finding(MissingRequiredTag);
        assert_eq!(finding.severity, Severity::High);
        assert_eq!(finding.problem, "The tag «owner» is missing; the tag «stage» is missing");
        assert_eq!(
            finding.remedy,
            "Add owner and stage with one of «dev», «prod» to the Tags of the profile where Terraform declares it"
        );
    }

    #[test]
    fn a_key_in_another_case_is_missing_and_is_to_go() {
        let world = bare(&[("Owner", "a"), ("stage", "dev")]).only(&[MissingRequiredTag, InvalidTagValue]);
        let finding = world.finding(MissingRequiredTag);
        assert_eq!(finding.problem, "The key «Owner» is not in the case that the tag policy asks for");
        assert_eq!(
            finding.remedy,
            format!("Add owner: {TAG} key=owner,value=VALUE; and take Owner off: {UNTAG} Owner")
        );
        assert_eq!(world.found(), ["missing-required-tag search"]);
    }

    #[test]
    fn a_value_that_the_policy_does_not_allow_is_another_rule_s() {
        let world = bare(&[("stage", "test")]).only(&[MissingRequiredTag, InvalidTagValue]);
        assert_eq!(world.found(), ["missing-required-tag search", "invalid-tag-value search"]);
        let finding = world.finding(InvalidTagValue);
        assert_eq!(finding.severity, Severity::Medium);
        assert_eq!(finding.problem, "The tag «stage» is «test»");
        assert_eq!(
            finding.remedy,
            format!("Tag it again (stage: write one of «dev», «prod»): {TAG} key=stage,value=VALUE")
        );
    }

    #[test]
    fn without_a_policy_no_tag_is_asked_for() {
        assert_eq!(bare(&[("managed-by", "cdk")]).policy("").judged(), Judgement::default());
    }

    #[test]
    fn a_draining_profile_is_held_to_the_tag_policy_too() {
        let world = World::new().managed("p1", "search").untag("p1", "owner");
        let world = world.drains("p1", "2027-01-01T00:00:00Z");
        assert_eq!(world.found(), ["missing-required-tag search"]);
    }

    #[test]
    fn tags_that_are_not_as_the_stack_put_them_are_drift() {
        let managed = || World::new().managed("p1", "search").policy("");
        let problem = |world: World| {
            let finding = world.finding(TagDrift);
            assert_eq!(finding.severity, Severity::Medium);
            assert_eq!(world.found(), ["tag-drift search"]);
            finding.problem
        };
        assert_eq!(problem(managed().untag("p1", "owner")), "1 tag that the stack put on it is gone");
        assert_eq!(
            problem(managed().tag("p1", "stage", "dev")),
            "The value of at least one tag is not the one that the stack wrote"
        );
        assert_eq!(managed().tag("p1", "foreign", "x").found(), Vec::<String>::new());
        let remedy = managed().tag("p1", "stage", "dev").finding(TagDrift).remedy;
        assert!(remedy.starts_with("Update stack app with a change to the Tags of Search"), "{remedy}");
    }

    #[test]
    fn tags_of_the_stack_that_are_not_on_the_profile_are_drift_with_a_command_that_puts_them_on() {
        let world = World::new().managed("p1", "search").stack_tags(&[
            ("cost center", "42"),
            ("owner", "of the stack, below the resource's own"),
            ("aws:x", "reserved"),
            ("bad,key", "never inherited"),
        ]);
        let finding = world.finding(TagDrift);
        assert_eq!(finding.problem, "The tags of stack app that are not on it: «cost center»");
        let command = format!("Put them on with {TAG} 'key=cost center,value=42', or update stack app");
        assert!(finding.remedy.starts_with(&command), "{}", finding.remedy);
        assert_eq!(world.tag("p1", "cost center", "43").found(), Vec::<String>::new());
    }

    #[test]
    fn a_tag_of_the_stack_that_was_written_and_is_gone_is_told_once() {
        let world = World::new().managed("p1", "search").policy("").untag("p1", "owner");
        let world = world.stack_tags(&[("owner", "search")]);
        let problem = |world: &World| world.finding(TagDrift).problem;
        assert_eq!(problem(&world), "The tags of stack app that are not on it: «owner»");
        assert_eq!(
            problem(&world.untag("p1", "stage")),
            "The tags of stack app that are not on it: «owner»; 1 other tag that the stack put on it is gone"
        );
    }

    #[test]
    fn tags_drift_only_on_the_current_profile_of_a_stack_at_rest() {
        let managed = || World::new().managed("p1", "search").only(&[TagDrift]);
        for world in [managed().stack_tags(&[("late", "x")]), managed().tag("p1", "owner", "x")] {
            assert_eq!(world.found(), ["tag-drift search"]);
            for other in [
                // The provider may be between taking tags off and putting them on.
                world.clone().stack_status("UPDATE_IN_PROGRESS"),
                world.clone().stack_status("UPDATE_ROLLBACK_FAILED"),
                world.clone().no_resource("Search"),
                world.clone().resource("Search", Some("p2"), "UPDATE_COMPLETE"),
                world.clone().stack(Ok(Stack::Gone)),
                world.clone().stack(Ok(Stack::Elsewhere)),
                world.clone().drains("p1", "2027-01-01T00:00:00Z"),
                world.clone().untag("p1", tags::STACK_ID),
            ] {
                assert_eq!(other.judged(), Judgement::default());
            }
            assert!(world.inventory.stacks.contains_key(STACK));
        }
    }

    #[test]
    fn whether_tags_drift_stays_undecided_while_the_stack_is_unread() {
        let world = World::new().managed("p1", "search").tag("p1", "owner", "x").only(&[TagDrift]);
        for unread in [world.clone().stack(Err(unread(Source::Stacks))), world.clone().resources_unread()] {
            let judgement = unread.judged();
            assert_eq!(judgement.findings, []);
            assert_eq!(judgement.undecided, [TagDrift].into());
        }
        let draining = world.drains("p1", "2027-01-01T00:00:00Z");
        assert_eq!(draining.found(), Vec::<String>::new());
    }
}
