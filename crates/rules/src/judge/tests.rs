//! What holds for every rule. What each rule means is tested beside it.

use profile::tags;
use proptest::prelude::*;
use time::{Duration, macros::datetime};

use super::*;
use crate::{
    finding::ResourceKind,
    inventory::Stack,
    plan::{ActionSettings, plan},
    testing::{MODEL, NOW, SYSTEM_PROFILE, World, arn, here, told},
};

/// An account for each rule in which that rule, and perhaps others, have one finding.
fn faults() -> Vec<(Rule, World)> {
    let managed = || World::new().managed("p1", "search");
    let bare = |given: &[(&str, &str)]| World::new().bare("p1", "search", given).used("p1", 0, 1);
    vec![
        (Rule::Untagged, bare(&[])),
        (Rule::MissingRequiredTag, managed().untag("p1", "owner")),
        (Rule::InvalidTagValue, managed().tag("p1", "stage", "test")),
        (Rule::OrphanedStackDeleted, managed().stack(Ok(Stack::Gone))),
        (Rule::OrphanedNotInStack, managed().no_resource("Search")),
        (Rule::Unmanaged, bare(&[("owner", "x"), ("stage", "dev")])),
        (Rule::ParameterMissing, managed().parameter("/inference-profiles/search", None)),
        (Rule::ParameterDrift, managed().parameter("/inference-profiles/search", Some("other"))),
        (Rule::ParameterDangling, managed().parameter("/inference-profiles/old", Some(arn("old").as_str()))),
        (Rule::TagDrift, managed().tag("p1", "owner", "other")),
        (Rule::Idle, managed().unused("p1")),
        (Rule::ModelLegacy, managed().model(MODEL, true, None)),
        (Rule::ModelEndOfLife, managed().model(MODEL, false, Some(NOW))),
        (Rule::ModelUnavailable, managed().no_system_profile(SYSTEM_PROFILE)),
        (
            Rule::DuplicateName,
            managed().managed("p2", "search").resource("Search", Some(arn("p1").as_str()), ""),
        ),
        (Rule::QuotaNear, managed().quota(1)),
        (Rule::UnattributedUsage, managed().used(MODEL, 0, 7)),
        (Rule::DrainExpired, managed().drains("p1", "2026-03-01T00:00:00Z")),
    ]
}

#[test]
fn a_clean_account_has_no_findings_and_leaves_nothing_undecided() {
    let world = World::new().managed("p1", "search").managed("p2", "chat");
    assert_eq!(world.judged(), Judgement::default());
    assert_eq!(World::new().judged(), Judgement::default());
}

#[test]
fn every_rule_has_its_fault_and_tells_it_in_sentences() {
    let told: BTreeSet<Rule> = faults().iter().map(|(rule, _)| *rule).collect();
    let all = Rule::ALL.into_iter().filter(|rule| *rule != Rule::CostTagInactive);
    assert_eq!(told, all.collect());
    for (rule, world) in faults() {
        let judgement = world.judged();
        let findings: Vec<_> = judgement.findings.iter().filter(|finding| finding.rule == rule).collect();
        assert!(!findings.is_empty(), "{rule}");
        assert_eq!(judgement.undecided, BTreeSet::new(), "{rule}");
        for finding in findings {
            assert_eq!(finding.region, "us-east-1");
            for text in [&finding.problem, &finding.remedy] {
                let ends_well = !text.ends_with(['.', ' ', ':', ';']);
                assert!(ends_well && text.starts_with(char::is_uppercase), "{rule}: {text}");
                assert!(!text.contains("  ") && !text.contains('\n'), "{rule}: {text}");
            }
        }
    }
}

#[test]
fn a_rule_that_is_not_asked_for_is_silent_in_every_way() {
    for (rule, mut world) in faults() {
        world.criteria.rules.remove(&rule);
        let world = world.tag("p1", IGNORE, "idle");
        let judgement = world.clone().judged();
        let both = judgement.findings.iter().chain(&judgement.silenced);
        assert!(both.clone().all(|finding| finding.rule != rule), "{rule}");
        for source in rule.sources().iter().filter(|source| **source != Source::Profiles) {
            assert!(!world.clone().unread(*source).judged().undecided.contains(&rule), "{rule}");
        }
    }
}

#[test]
fn a_profile_s_tag_silences_each_rule_for_it_and_the_silenced_is_kept() {
    for (rule, world) in faults() {
        let loud = world.judged();
        let about = |finding: &Finding| finding.rule == rule && finding.resource.arn == arn("p1").as_str();
        let expected: Vec<Finding> = loud.findings.iter().filter(|finding| about(finding)).cloned().collect();
        for value in [rule.as_str(), "all"] {
            let judgement = world.clone().tag("p1", IGNORE, value).judged();
            assert!(!judgement.findings.iter().any(about), "{rule}");
            let silenced: Vec<&Finding> =
                judgement.silenced.iter().filter(|finding| about(finding)).collect();
            // An adopted profile aside, the texts do not depend on the tag.
            assert_eq!(silenced, expected.iter().collect::<Vec<_>>(), "{rule}");
        }
        let others = world.clone().tag("p1", IGNORE, "cost-tag-inactive unknown").judged();
        assert_eq!(others.findings, loud.findings, "{rule}");
        assert_eq!(others.silenced, []);
    }
}

#[test]
fn findings_about_anything_but_a_profile_are_not_silenced_by_one() {
    for (rule, world) in faults() {
        let kind = world.judged().findings.iter().find(|finding| finding.rule == rule).unwrap().resource.kind;
        let silenced = world.tag("p1", IGNORE, "all").judged();
        let stays = silenced.findings.iter().any(|finding| finding.rule == rule);
        assert_eq!(stays, kind != ResourceKind::Profile || rule == Rule::DuplicateName, "{rule}");
    }
}

#[test]
fn what_cannot_be_read_adds_no_finding_and_what_it_takes_away_is_undecided() {
    const ALL: [Source; 9] = [
        Source::Profiles,
        Source::Tags,
        Source::Models,
        Source::SystemProfiles,
        Source::Parameters,
        Source::Stacks,
        Source::Usage,
        Source::Quota,
        Source::TagPolicy,
    ];
    for (rule, world) in faults() {
        let whole = world.judged();
        let whole: BTreeSet<_> = whole.findings.iter().map(Finding::key).collect();
        for source in ALL {
            let world = world.clone().unread(source);
            let Judgement { findings, undecided, .. } = world.judged();
            let part: BTreeSet<_> = findings.iter().map(Finding::key).collect();
            assert!(part.is_subset(&whole), "{rule} without {source:?}");
            for lost in whole.difference(&part) {
                assert!(undecided.contains(&lost.rule), "{} without {source:?}", lost.rule);
            }
            for rule in Rule::ALL {
                let rests = rule.sources().contains(&source) && rule != Rule::CostTagInactive;
                assert_eq!(undecided.contains(&rule), rests, "{rule} without {source:?}");
            }
        }
    }
}

#[test]
fn a_profile_whose_tags_are_unread_is_left_alone_by_every_rule() {
    for (rule, world) in faults() {
        let denied = Err(crate::testing::unread(Source::Tags));
        let world = world.edit("p1", |profile| profile.tags = denied);
        let judgement = world.judged();
        let about = |finding: &&Finding| finding.resource.arn == arn("p1").as_str();
        assert_eq!(judgement.findings.iter().chain(&judgement.silenced).find(about), None, "{rule}");
        assert!(
            judgement.undecided.contains(&Rule::Idle) && judgement.undecided.contains(&Rule::ModelLegacy)
        );
    }
}

#[test]
fn what_the_list_shows_is_judged_while_a_profile_beside_it_is_unconfirmed() {
    for (rule, world) in faults() {
        let findings = world.judged().findings;
        let judgement = world.unconfirmed("p9").judged();
        assert_eq!(judgement.findings, findings, "{rule}");
        for other in Rule::ALL.into_iter().filter(|rule| *rule != Rule::CostTagInactive) {
            let rests = other.sources().contains(&Source::Profiles);
            assert_eq!(judgement.undecided.contains(&other), rests, "{rule}: {other}");
        }
    }
    let unread = World::new().unconfirmed("p9").inventory.unread();
    assert_eq!(unread, [crate::testing::unread(Source::Profiles)]);
}

#[test]
fn from_a_stack_that_lies_elsewhere_nothing_follows() {
    const OF_STACKS: [Rule; 5] = [
        Rule::OrphanedStackDeleted,
        Rule::OrphanedNotInStack,
        Rule::ParameterMissing,
        Rule::ParameterDrift,
        Rule::TagDrift,
    ];
    for (rule, world) in faults() {
        let here = world.judged().findings;
        let judgement = world.stack(Ok(Stack::Elsewhere)).judged();
        assert_eq!(judgement.undecided, BTreeSet::new(), "{rule}");
        let stays = |finding: &&Finding| !OF_STACKS.contains(&finding.rule);
        let expected: BTreeSet<_> = here.iter().filter(stays).map(Finding::key).collect();
        let found: BTreeSet<_> = judgement.findings.iter().map(Finding::key).collect();
        assert_eq!(found, expected, "{rule}");
        for finding in judgement.findings {
            assert!(!finding.remedy.contains("stack app"), "{rule}: {}", finding.remedy);
        }
    }
}

/// A profile made `ago`, without a tag of the policy.
fn made(ago: Duration) -> World {
    let world = World::new().managed("p1", "search").untag("p1", "owner");
    world.edit("p1", |profile| profile.record.created_at = Some(NOW - ago))
}

fn asked(world: &World) -> Vec<ProfileArn> {
    to_confirm(&world.inventory, &world.judged())
}

#[test]
fn the_tags_of_a_profile_that_was_made_a_moment_ago_are_read_once_more_before_a_finding_is_believed() {
    assert_eq!(asked(&made(LAG - Duration::SECOND)), [arn("p1")]);
    assert_eq!(asked(&made(LAG)), []);
    // The clocks of two hosts.
    assert_eq!(asked(&made(-Duration::MINUTE)), [arn("p1")]);
    let unknown = made(LAG).edit("p1", |profile| profile.record.created_at = None);
    assert_eq!(asked(&unknown), []);
}

#[test]
fn so_are_those_of_a_profile_whose_stack_went_to_work_a_moment_ago() {
    let old = || made(Duration::days(9));
    assert_eq!(asked(&old().stack_began(NOW - LAG + Duration::SECOND)), [arn("p1")]);
    assert_eq!(asked(&old().stack_began(NOW - LAG)), []);
    for stack in [Ok(Stack::Gone), Ok(Stack::Elsewhere), Err(crate::testing::unread(Source::Stacks))] {
        assert_eq!(asked(&old().stack(stack)), []);
    }
    // The mark of what drains is a tag.
    let replaced = World::new().managed("p1", "search").managed("p2", "search").stack_began(NOW);
    assert_eq!(asked(&replaced.only(&[Rule::DuplicateName])), [arn("p1"), arn("p2")]);
}

#[test]
fn tags_are_not_read_once_more_where_no_finding_rests_on_them() {
    let recent = |world: World| asked(&world.stack_began(NOW));
    assert_eq!(recent(World::new().managed("p1", "search")), []);
    assert_eq!(recent(World::new().managed("p1", "search").unused("p1").model(MODEL, true, Some(NOW))), []);
    assert_eq!(recent(made(Duration::ZERO).tag("p1", IGNORE, "all")), []);
    assert_eq!(
        recent(made(Duration::ZERO).edit("p1", |profile| {
            profile.tags = Err(crate::testing::unread(Source::Tags));
        })),
        []
    );
}

#[test]
fn tags_are_not_read_once_more_where_there_are_too_many_to_come_from_lag() {
    let crowd = |number: usize| {
        (0..number).fold(World::new(), |world, n| {
            let id = format!("p{n}");
            world.bare(&id, &id, &[]).edit(&id, |profile| profile.record.created_at = Some(NOW))
        })
    };
    assert_eq!(asked(&crowd(WORTH_ASKING)).len(), WORTH_ASKING);
    assert_eq!(asked(&crowd(WORTH_ASKING + 1)), []);
}

#[test]
fn a_stack_that_was_not_asked_for_counts_as_unread() {
    let mut world = World::new().managed("p1", "search").parameter("/inference-profiles/search", None);
    world.inventory.stacks.clear();
    let judgement = world.judged();
    assert_eq!(judgement.findings, []);
    let undecided = [
        Rule::OrphanedStackDeleted,
        Rule::OrphanedNotInStack,
        Rule::ParameterMissing,
        Rule::ParameterDrift,
        Rule::TagDrift,
    ];
    assert_eq!(judgement.undecided, undecided.into());
}

#[test]
fn findings_come_gravest_first_then_by_rule_and_name() {
    let world = World::new()
        .managed("p3", "chat")
        .managed("p1", "search")
        .bare("p2", "batch", &[])
        .parameter("/inference-profiles/search", None)
        .parameter("/inference-profiles/chat", None)
        .used(MODEL, 1, 3);
    let expected = [
        "parameter-missing chat",
        "parameter-missing search",
        "untagged batch",
        "missing-required-tag batch",
        "unattributed-usage amazon.nova-lite-v1:0",
        "unmanaged batch",
        "idle batch",
    ];
    assert_eq!(world.found(), expected);
    // What is silenced comes in the same order.
    let silent = ["p1", "p2", "p3"].iter().fold(world, |world, id| world.tag(id, IGNORE, "all")).judged();
    let about_profiles: Vec<&str> =
        expected.into_iter().filter(|told| !told.starts_with("unattributed-usage")).collect();
    assert_eq!(crate::testing::told(&silent.silenced), about_profiles);
}

#[test]
fn a_profile_that_a_list_shows_twice_is_one() {
    let mut world = World::new().managed("p1", "search").quota(2);
    let again = world.inventory.profiles()[0].clone();
    world.inventory.profiles.as_mut().unwrap().push(again);
    assert_eq!(world.found(), Vec::<String>::new());
}

/// Fifteen times the default quota, all of one name and one stack: what is compared pairwise anywhere would
/// not come to an end here, and what is listed whole would not fit.
#[test]
fn many_profiles_of_one_name_are_judged_in_linear_time_and_room() {
    let mut world = World::new().managed("p0", "search").only(&Rule::ALL);
    let first = world.inventory.profiles()[0].clone();
    let profiles = (0..15_000).map(|n| {
        let mut profile = first.clone();
        profile.record.arn = arn(&format!("p{n}"));
        profile
    });
    world.inventory.profiles = Ok(profiles.collect());
    let judgement = world.judged();
    let named: Vec<&Finding> =
        judgement.findings.iter().filter(|finding| finding.rule == Rule::DuplicateName).collect();
    assert_eq!(named.len(), 15_000);
    assert!(named.iter().all(|finding| finding.problem.len() < 200));
}

fn any_tag() -> impl Strategy<Value = (String, String)> {
    let key = prop_oneof![
        prop::sample::select(vec![
            tags::STACK_ID,
            tags::LOGICAL_ID,
            tags::MODEL_SOURCE,
            tags::PARAMETER,
            tags::TAG_KEYS,
            tags::ADOPTED,
            tags::DRAIN_UNTIL,
            IGNORE,
            "owner",
            "Owner",
            "stage",
            "managed-by",
            "terraform",
            "aws:cloudformation:stack-id",
        ])
        .prop_map(str::to_owned),
        "\\PC{0,12}",
        "aws:\\PC{0,4}",
    ];
    let value = prop_oneof![
        prop::sample::select(vec![
            crate::testing::STACK,
            "Search",
            "/inference-profiles/search",
            "/elsewhere",
            "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.amazon.nova-lite-v1:0",
            "2026-03-01T00:00:00Z",
            "9999-12-31T23:59:59-23:59",
            "0000-01-01T00:00:00+23:59",
            "soon",
            "all",
            "idle untagged",
            "terraform",
            "=",
            "abcde=abcde",
        ])
        .prop_map(str::to_owned),
        "\\PC{0,20}",
    ];
    (key, value)
}

fn any_world() -> impl Strategy<Value = World> {
    let profile = (
        prop::collection::vec(any_tag(), 0..8),
        prop::sample::select(vec!["search", "chat", "", "é"]),
        prop::option::of(prop::sample::select(vec![
            datetime!(2020-01-01 0:00 UTC),
            NOW,
            datetime!(9999-12-31 0:00 UTC),
        ])),
        prop::collection::vec("\\PC{0,8}|arn:aws:bedrock:(us-east-1)?::foundation-model/[a-c]", 0..3),
        any::<bool>(),
    );
    let status = prop::sample::select(vec!["UPDATE_COMPLETE", "DELETE_COMPLETE", "UPDATE_IN_PROGRESS", "?"]);
    (prop::collection::vec(profile, 0..6), status, 0..9_u8).prop_map(|(profiles, status, hole)| {
        let mut world = World::new().managed("p0", "search").stack_status(status);
        for (index, (given, name, created_at, models, used)) in profiles.into_iter().enumerate() {
            let id = format!("q{index}");
            world = world.bare(&id, name, &[]).edit(&id, |profile| {
                profile.tags = Ok(given.into_iter().collect());
                profile.record.created_at = created_at;
                profile.record.models.extend(models);
            });
            if used {
                world = world.used(&id, 3, 1);
            }
        }
        match hole {
            0 => world.unread(Source::Stacks),
            1 => world.unread(Source::Parameters),
            2 => world.unread(Source::Usage),
            _ => world,
        }
    })
}

proptest! {
    #[test]
    fn any_tags_are_judged_alike_in_any_order_of_the_profiles(world in any_world(), turn in 0..7_usize) {
        let judgement = world.judged();
        let mut turned = world.clone();
        let profiles = turned.inventory.profiles.as_mut().unwrap();
        let by = turn % profiles.len();
        profiles.rotate_left(by);
        prop_assert_eq!(&turned.judged(), &judgement);

        let all = judgement.findings.iter().chain(&judgement.silenced);
        let keys: BTreeSet<_> = all.clone().map(Finding::key).collect();
        prop_assert_eq!(keys.len(), judgement.findings.len() + judgement.silenced.len());

        let settings = ActionSettings {
            retire_drained: true,
            republish_parameters: true,
            delete_orphans: true,
            orphan_min_age: Duration::days(1),
            orphan_idle: Duration::days(1),
        };
        let actions = plan(&world.inventory, &judgement, &settings);
        prop_assert_eq!(&plan(&turned.inventory, &judgement, &settings), &actions);
        let acted: BTreeSet<_> = actions.iter().map(|action| action.profile().clone()).collect();
        prop_assert_eq!(acted.len(), actions.len());
        prop_assert!(world.inventory.unread().is_empty() || actions.is_empty());
    }

    #[test]
    fn cost_tags_are_judged_whatever_the_tags(world in any_world()) {
        let cost_tags = Ok(Some(CostTags::from([("owner".to_owned(), true)])));
        let judgement = judge_cost_tags(std::slice::from_ref(&world.inventory), &cost_tags, &here(), &world.criteria);
        prop_assert!(told(&judgement.findings).iter().all(|finding| finding == "cost-tag-inactive stage"));
    }
}
