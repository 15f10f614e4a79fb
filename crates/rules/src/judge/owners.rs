//! `unmanaged`, `orphaned-stack-deleted`, `orphaned-not-in-stack`, `drain-expired`.

use profile::{arn::ProfileArn, tags};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use super::{
    Case,
    case::{Instead, Standing},
    docket::Docket,
    silence::IGNORE,
};
use crate::{
    finding::Severity,
    owner::{self, rival},
    rule::Rule,
    words::{self, quoted},
};

pub(super) fn judge(case: &Case<'_>, docket: &mut Docket<'_>) {
    unmanaged(case, docket);
    orphaned(case, docket);
    drain_expired(case, docket);
}

fn unmanaged(case: &Case<'_>, docket: &mut Docket<'_>) {
    if case.sign.is_some() {
        return;
    }
    let remedy = format!(
        "Adopt it: declare a Custom::InferenceProfile with ExistingProfile: {}; or, if a tool such as \
         Terraform manages it, say so: {}; or, if nobody needs it, delete it: {}",
        case.id(),
        case.tag_command([("managed-by", Some("terraform"))]),
        case.removal_command()
    );
    let problem = format!("No stack and no other tool is known to manage it{}", case.last_use());
    docket.profile(case, Rule::Unmanaged, Severity::Medium, problem, remedy);
}

fn orphaned(case: &Case<'_>, docket: &mut Docket<'_>) {
    let Some(owner) = case.owner() else { return };
    let stack = owner::stack_name(&owner.stack_id);
    let logical_id = &owner.logical_id;
    let (rule, problem) = match case.standing {
        Standing::Unread => {
            docket.undecided(Rule::OrphanedStackDeleted);
            docket.undecided(Rule::OrphanedNotInStack);
            return;
        }
        Standing::StackGone => {
            let problem = format!("Stack {stack}, which owned it as {logical_id}, is deleted");
            (Rule::OrphanedStackDeleted, problem)
        }
        Standing::NotInStack(instead) if !case.is_draining() => {
            let problem = match instead {
                Instead::NoResource => format!("Stack {stack} has no resource {logical_id} any more"),
                Instead::Ended("DELETE_SKIPPED") => {
                    format!("Stack {stack} let go of its resource {logical_id} without deleting it")
                }
                Instead::Ended(_) => format!("Stack {stack} has deleted its resource {logical_id}"),
                Instead::Other(id) => {
                    let id = ProfileArn::parse(id).map_or_else(|| quoted(id), |arn| arn.id().to_owned());
                    format!("{logical_id} of stack {stack} is another profile now, {id}")
                }
                Instead::Nothing(status) => {
                    format!("{logical_id} of stack {stack} is {status} and has no profile")
                }
            };
            (Rule::OrphanedNotInStack, problem)
        }
        _ => return,
    };
    if rival(case.tags).is_some() {
        return;
    }
    let removal = case.removal_command();
    let remedy = match (case.is_adopted(), case.is_genuine()) {
        (true, _) => format!("It was adopted, so only take the stack's tags off: {removal}"),
        (false, true) => format!("If nobody calls it any more, delete it: {removal}"),
        (false, false) => format!(
            "Its tag {} is not of this profile, so its tags were put on by hand and nothing is done about it; if \
             they do not belong there, take them off: {removal}",
            tags::SPEC
        ),
    };
    let keep = match case.standing {
        Standing::NotInStack(Instead::Ended("DELETE_SKIPPED")) => format!(
            "; if it was retained on purpose, silence this: {}",
            case.tag_command([(IGNORE, Some(rule.as_str()))])
        ),
        _ => String::new(),
    };
    let problem = format!("{problem}, and the profile is left{}", case.last_use());
    docket.profile(case, rule, Severity::High, problem, format!("{remedy}{keep}"));
}

/// The instant at which a replaced profile may go, if its tag tells one.
pub(crate) fn drains_until(tags: &tags::Tags) -> Option<OffsetDateTime> {
    OffsetDateTime::parse(tags.get(tags::DRAIN_UNTIL)?, &Rfc3339).ok()
}

fn drain_expired(case: &Case<'_>, docket: &mut Docket<'_>) {
    let (Some(owner), Some(text)) = (case.owner(), case.tags.get(tags::DRAIN_UNTIL)) else { return };
    let now = case.scene.inventory.taken_at;
    let key = tags::DRAIN_UNTIL;
    let removal = case.removal_command();
    let (problem, remedy) = match drains_until(case.tags) {
        Some(until) if until > now => return,
        _ if matches!(case.standing, Standing::Current(_)) => (
            format!(
                "Its tag {key} is {}, though it is the profile of {} in stack {}, so it is not retired",
                quoted(text),
                owner.logical_id,
                owner::stack_name(&owner.stack_id)
            ),
            format!("Take the mark off: {}", case.untag_command([key])),
        ),
        Some(_) => {
            let holders: Vec<&str> = case.scene.holders(case.arn()).collect();
            let remedy = match holders.is_empty() {
                true if case.standing == Standing::Elsewhere => format!("Delete it: {removal}"),
                true => format!("Let the sweep retire it (its action retire), or delete it: {removal}"),
                false => format!(
                    "Make {} hold the ARN of its successor first, then delete it: {removal}",
                    words::all(&holders)
                ),
            };
            (
                format!(
                    "It was replaced and was to live on until {text}, which has passed{}",
                    case.last_use()
                ),
                remedy,
            )
        }
        None => {
            let now = now.date();
            let command = case.tag_command([(key, Some(format!("{now}T00:00:00Z").as_str()))]);
            (
                format!("Its tag {key} is {}, which is no time, so it is never retired", quoted(text)),
                format!("Set the tag to the time from which it may go: {command}; or delete it: {removal}"),
            )
        }
    };
    docket.profile(case, Rule::DrainExpired, Severity::Medium, problem, remedy);
}

#[cfg(test)]
mod tests {
    use profile::tags;

    use crate::{
        finding::Severity,
        inventory::{Source, Stack},
        judge::IGNORE,
        rule::Rule::{self, *},
        testing::{NOW, World, arn, unread},
    };

    const ORPHANS: [Rule; 2] = [OrphanedStackDeleted, OrphanedNotInStack];
    const LATER: &str = "2027-01-01T00:00:00Z";
    const DELETE: &str = "aws bedrock delete-inference-profile --region us-east-1 --inference-profile-identifier \
                          arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/p1";

    fn managed() -> World {
        World::new().managed("p1", "search").only(&ORPHANS)
    }

    fn nothing() -> Vec<String> {
        Vec::new()
    }

    #[test]
    fn a_profile_without_any_sign_of_an_owner_is_unmanaged() {
        let bare = |key, value| World::new().bare("p1", "search", &[(key, value)]).only(&[Unmanaged]);
        let finding = bare("managed-by", "platform-team").finding(Unmanaged);
        assert_eq!(finding.severity, Severity::Medium);
        assert!(finding.problem.contains("not invoked since 2026-01-29"), "{}", finding.problem);
        assert!(finding.remedy.contains("ExistingProfile: p1") && finding.remedy.ends_with(DELETE));
        for (key, value) in [
            ("aws:cloudformation:stack-id", "x"),
            ("managed-by", "terraform"),
            ("pulumi:project", "x"),
            ("aws:servicecatalog:productArn", "x"),
        ] {
            assert_eq!(bare(key, value).found(), nothing(), "{key}");
        }
        assert_eq!(managed().only(&[Unmanaged]).found(), nothing());
        assert_eq!(managed().only(&[Unmanaged]).untag("p1", tags::STACK_ID).found(), ["unmanaged search"]);
        assert_eq!(managed().only(&[Unmanaged]).untag("p1", tags::LOGICAL_ID).found(), nothing());
    }

    #[test]
    fn a_profile_is_orphaned_when_its_stack_is_gone_and_not_while_it_goes() {
        for world in [
            managed().stack(Ok(Stack::Gone)),
            managed().stack_status("DELETE_COMPLETE"),
            managed().stack(Ok(Stack::Gone)).drains("p1", LATER),
            managed().resources_unread().stack_status("DELETE_COMPLETE"),
        ] {
            assert_eq!(world.found(), ["orphaned-stack-deleted search"]);
            assert_eq!(world.finding(OrphanedStackDeleted).severity, Severity::High);
        }
        assert_eq!(managed().stack_status("DELETE_IN_PROGRESS").no_resource("Search").found(), nothing());
        let finding = managed().stack(Ok(Stack::Gone)).finding(OrphanedStackDeleted);
        assert_eq!(
            finding.problem,
            "Stack app, which owned it as Search, is deleted, and the profile is left; \
             it was last invoked on 2026-03-15"
        );
        assert_eq!(finding.remedy, format!("If nobody calls it any more, delete it: {DELETE}"));
    }

    #[test]
    fn a_profile_is_orphaned_when_its_stack_at_rest_has_another_or_none_instead() {
        let instead = |world: World| {
            assert_eq!(world.found(), ["orphaned-not-in-stack search"]);
            world.finding(OrphanedNotInStack).problem
        };
        let other = arn("p2");
        for (world, problem) in [
            (managed().no_resource("Search"), "Stack app has no resource Search any more,"),
            (
                managed().resource("Search", Some(other.as_str()), "UPDATE_COMPLETE"),
                "Search of stack app is another profile now, p2,",
            ),
            (
                managed().resource("Search", None, "CREATE_FAILED"),
                "Search of stack app is CREATE_FAILED and has no profile,",
            ),
            (
                managed().resource("Search", Some(arn("p1").as_str()), "DELETE_COMPLETE"),
                "Stack app has deleted its resource Search,",
            ),
            (
                managed().resource("Search", Some(arn("p1").as_str()), "DELETE_SKIPPED"),
                "Stack app let go of its resource Search without deleting it,",
            ),
        ] {
            assert!(instead(world).starts_with(problem), "{problem}");
        }
    }

    #[test]
    fn a_profile_that_was_retained_can_be_silenced_by_the_command_in_the_remedy() {
        let world = managed().resource("Search", Some(arn("p1").as_str()), "DELETE_SKIPPED");
        let remedy = world.finding(OrphanedNotInStack).remedy;
        assert!(
            remedy.ends_with("key=inference-profile-manager:ignore,value=orphaned-not-in-stack"),
            "{remedy}"
        );
        assert_eq!(world.tag("p1", IGNORE, "orphaned-not-in-stack").found(), nothing());
    }

    #[test]
    fn only_a_stack_at_rest_tells_whose_profile_is_its_own() {
        let other = managed().resource("Search", Some(arn("p2").as_str()), "UPDATE_COMPLETE");
        for status in ["CREATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "DELETE_FAILED", "ROLLBACK_FAILED"] {
            assert_eq!(other.clone().stack_status(status).found().len(), 1, "{status}");
        }
        for status in [
            "UPDATE_IN_PROGRESS",
            "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS",
            "UPDATE_ROLLBACK_IN_PROGRESS",
            "REVIEW_IN_PROGRESS",
            "ROLLBACK_IN_PROGRESS",
            "DELETE_IN_PROGRESS",
            // What can still be rolled back needs what it replaced.
            "UPDATE_FAILED",
            "UPDATE_ROLLBACK_FAILED",
            "a status of tomorrow",
        ] {
            let judgement = other.clone().stack_status(status).judged();
            assert_eq!((judgement.findings.len(), judgement.undecided.len()), (0, 0), "{status}");
        }
    }

    #[test]
    fn draining_profiles_are_meant_to_live_on_beside_their_successor() {
        let world = managed().drains("p1", LATER);
        assert_eq!(world.clone().resource("Search", Some(arn("p2").as_str()), "").found(), nothing());
        assert_eq!(world.no_resource("Search").found(), nothing());
    }

    #[test]
    fn what_another_tool_claims_is_no_orphan() {
        let gone = || managed().stack(Ok(Stack::Gone));
        assert_eq!(gone().tag("p1", "aws:cloudformation:stack-name", "other").found(), nothing());
        assert_eq!(gone().tag("p1", "managed-by", "terraform").found(), nothing());
        assert_eq!(gone().tag("p1", "managed-by", "team").found(), ["orphaned-stack-deleted search"]);
        // What deploys by stacks made it what it is.
        for (key, value) in [("ManagedBy", "CloudFormation"), ("created-by", "cdk"), ("cdk", "true")] {
            assert_eq!(gone().tag("p1", key, value).found(), ["orphaned-stack-deleted search"], "{key}");
        }
        // Neither is what does not carry both of our tags.
        assert_eq!(gone().untag("p1", tags::LOGICAL_ID).found(), nothing());
    }

    #[test]
    fn from_an_unread_stack_nothing_follows() {
        for world in [managed().stack(Err(unread(Source::Stacks))), managed().resources_unread()] {
            let judgement = world.judged();
            assert_eq!(judgement.findings, []);
            assert_eq!(judgement.undecided, ORPHANS.into());
        }
    }

    #[test]
    fn an_adopted_orphan_is_not_to_be_deleted() {
        let world = managed().stack(Ok(Stack::Gone)).tag("p1", tags::ADOPTED, "true");
        let remedy = world.finding(OrphanedStackDeleted).remedy;
        assert!(!remedy.contains("delete-inference-profile"), "{remedy}");
        assert!(remedy.contains("untag-resource") && remedy.contains(tags::STACK_ID), "{remedy}");
        assert!(!remedy.contains("owner"), "{remedy}");
    }

    #[test]
    fn a_replaced_profile_whose_time_has_passed_is_a_finding_from_that_very_instant() {
        let replaced = || managed().resource("Search", Some(arn("p2").as_str()), "UPDATE_COMPLETE");
        let world = |until: &str| replaced().drains("p1", until).only(&[DrainExpired]);
        let held = "/inference-profiles/search";
        let expired = world("2026-03-15T12:00:00Z").parameter(held, None);
        assert_eq!(NOW.date().to_string(), "2026-03-15");
        let finding = expired.finding(DrainExpired);
        assert_eq!(finding.severity, Severity::Medium);
        assert!(
            finding.problem.contains("until 2026-03-15T12:00:00Z, which has passed"),
            "{}",
            finding.problem
        );
        assert!(finding.remedy.starts_with("Let the sweep retire it"), "{}", finding.remedy);
        assert_eq!(world("2026-03-15T12:00:01Z").found(), nothing());
        assert_eq!(world("2026-03-15T13:00:00+02:00").found(), ["drain-expired search"]);
        let elsewhere = expired.clone().stack(Ok(Stack::Elsewhere)).finding(DrainExpired);
        assert_eq!(elsewhere.remedy, format!("Delete it: {DELETE}"), "the sweep does not");
        assert_eq!(expired.untag("p1", tags::STACK_ID).found(), nothing());
        let published = world("2026-03-15T12:00:00Z").finding(DrainExpired).remedy;
        assert!(published.starts_with("Make /inference-profiles/search hold"), "{published}");
    }

    #[test]
    fn a_mark_on_the_profile_that_its_stack_holds_is_to_come_off_and_the_profile_is_to_stay() {
        for (until, problem) in [
            (
                "2026-03-01T00:00:00Z",
                "Its tag inference-profile-manager:drain-until is «2026-03-01T00:00:00Z», though it is the \
                 profile of Search in stack app, so it is not retired",
            ),
            (
                "soon",
                "Its tag inference-profile-manager:drain-until is «soon», though it is the profile of Search in \
                 stack app, so it is not retired",
            ),
        ] {
            let finding = managed().drains("p1", until).only(&[DrainExpired]).finding(DrainExpired);
            assert_eq!(finding.problem, problem);
            assert_eq!(
                finding.remedy,
                "Take the mark off: aws bedrock untag-resource --region us-east-1 --resource-arn \
                 arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/p1 --tag-keys \
                 inference-profile-manager:drain-until"
            );
        }
    }

    #[test]
    fn a_drain_time_that_is_no_time_is_a_finding_that_says_so() {
        for text in ["soon", "", "2026-03-01"] {
            let world = managed().drains("p1", text).no_resource("Search").only(&[DrainExpired]);
            let finding = world.finding(DrainExpired);
            assert!(finding.problem.contains(&format!("«{text}», which is no time")), "{}", finding.problem);
        }
    }
}
