//! What is read, how often, and what comes of it when it cannot be.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::{collections::BTreeSet, time::Duration};

use common::{ACCOUNT, HOME, Harness, NOVA, STACK, Swept, in_status, pairs, parameter};
use local_aws::{CreateInferenceProfile, in_process::Fault};
use ports::ErrorKind;
use profile::tags;
use serde_json::json;

/// What a sweep reads, by the source that a report names.
const READS: [(&str, &str); 10] = [
    ("bedrock:ListInferenceProfiles", "profiles"),
    ("tag:GetResources", "tags"),
    ("bedrock:ListFoundationModels", "models"),
    ("ssm:DescribeParameters", "parameters"),
    ("ssm:GetParameters", "parameters"),
    ("cloudformation:DescribeStacks", "stacks"),
    ("cloudformation:ListStackResources", "stacks"),
    ("cloudwatch:ListMetrics", "usage"),
    ("cloudwatch:GetMetricData", "usage"),
    ("ce:ListCostAllocationTags", "cost-tags"),
];

/// A stack with a profile, and one used by hand, all as they should be.
fn sound() -> Harness {
    let harness = Harness::new();
    let chat = harness.declared("chat");
    harness.by_hand("notebook", &[("owner", "data"), ("pulumi:stack", "dev")]);
    let now = harness.now();
    harness.aws().account().invocations.entry(chat.id().into()).or_default().push(now);
    harness
}

#[tokio::test(start_paused = true)]
async fn a_sound_account_has_a_complete_report_without_findings() {
    let swept = sound().sweep(json!({})).await;
    assert_eq!(swept.found(), pairs(&[]));
    assert!(swept.is_complete(), "{:?}", swept.unread());
    assert_eq!(swept.0["profiles"], 2);
    assert_eq!(swept.0["account"], "123456789012");
    assert_eq!(swept.0["region"], HOME);
    assert_eq!(swept.0["counts"].as_object().unwrap().len(), 19);
}

#[tokio::test(start_paused = true)]
async fn a_thousand_profiles_cost_at_most_fifteen_calls_of_bedrock_and_the_tagging_api() {
    let harness = Harness::new();
    for n in 0..1_000 {
        harness.by_hand(&format!("p{n}"), &[("team", "a")]);
    }
    harness.aws().account().latency = Duration::from_millis(20);
    let began = harness.now();
    let swept = harness.sweep(json!({"rules": ["missing-required-tag"]})).await;
    let took = harness.now() - began;
    assert_eq!(swept.0["counts"]["missing-required-tag"], 1_000);
    assert!(harness.calls(&["bedrock:", "tag:"]) <= 15, "{}", harness.calls(&["bedrock:", "tag:"]));
    // The rounds of calls one after another, as the clock of the account counts them.
    assert!(took <= Duration::from_millis(20 * 12), "{took}");
}

/// A system profile over a model that is legacy, and near its end.
const LEGACY: &str = "us.anthropic.claude-3-7-sonnet-20250219-v1:0";

/// Something for many rules to find.
fn troubled() -> Harness {
    let harness = sound().with("REQUIRED_TAGS", "cost-center");
    harness.by_hand("bare", &[]);
    harness.by_hand("notebook", &[("owner", "data")]);
    harness.owned("left", &[]);
    let system = format!("arn:aws:bedrock:{HOME}:{ACCOUNT}:inference-profile/{LEGACY}");
    let ageing = CreateInferenceProfile::new("ageing", &system).tag(tags::MODEL_SOURCE, &system);
    harness.aws().make_profile(&ageing).unwrap();
    let drained = harness.owned("drained", &[(tags::DRAIN_UNTIL, "2026-01-01T00:00:00Z")]);
    let published = harness.declared("drifted");
    let now = harness.now();
    let mut account = harness.aws().account();
    account.parameters.seed(&parameter("drifted"), drained.as_str(), tags::Tags::new());
    account.parameters.seed(
        &parameter("dangling"),
        &published.as_str().replace(published.id(), "gone"),
        tags::Tags::new(),
    );
    account.invocations.entry(NOVA.into()).or_default().push(now);
    account.world.state.cost_tags = Some([("owner".to_owned(), false)].into());
    drop(account);
    harness.quota(6);
    harness
}

/// What a rule says does not depend on what the others ask for.
#[tokio::test(start_paused = true)]
async fn each_rule_by_itself_finds_what_it_finds_among_all() {
    let all = troubled().sweep(json!({})).await;
    let rules: Vec<&String> = all.0["counts"].as_object().unwrap().keys().collect();
    assert_eq!(rules.len(), 19);
    let found = all.found();
    let finding: BTreeSet<&String> = found.iter().map(|(rule, _)| rule).collect();
    assert!(finding.len() >= 11, "{finding:?}");
    for rule in rules {
        let alone = troubled().sweep(json!({"rules": [rule], "retireDrained": false})).await;
        let of_rule = |swept: &Swept| {
            let findings = swept.0["findings"].as_array().unwrap().iter();
            let findings = findings.filter(|finding| finding["rule"] == rule.as_str()).cloned();
            findings
                .map(|mut finding| {
                    // Use is told where it is known.
                    let problem = finding["problem"].as_str().unwrap();
                    finding["problem"] = json!(problem.split("; it was not invoked since").next().unwrap());
                    finding
                })
                .collect::<Vec<_>>()
        };
        assert_eq!(of_rule(&alone), of_rule(&all), "{rule}");
        assert_eq!(alone.found().len(), of_rule(&all).len(), "{rule}");
        assert!(alone.is_complete(), "{rule}: {:?}", alone.unread());
        assert_eq!(alone.0["profiles"], all.0["profiles"], "{rule}");
    }
}

/// A sweep by some rules reads what these rest on; one that may act reads all.
#[tokio::test(start_paused = true)]
async fn only_what_the_rules_rest_on_is_asked_for() {
    let services = |harness: &Harness| {
        let calls = harness.aws().account().calls.clone();
        let reads = calls.into_iter().filter(|call| READS.iter().any(|(read, _)| read == call));
        reads.collect::<BTreeSet<&str>>().into_iter().collect::<Vec<_>>()
    };
    let tagged = [
        "bedrock:ListInferenceProfiles",
        "cloudformation:DescribeStacks",
        "cloudformation:ListStackResources",
        "tag:GetResources",
    ];
    for (payload, expected) in [
        (json!({"rules": ["missing-required-tag", "untagged"]}), &tagged[..]),
        (json!({"rules": ["quota-near"]}), &["bedrock:ListInferenceProfiles"]),
        (
            json!({"rules": ["parameter-dangling"]}),
            &["bedrock:ListInferenceProfiles", "ssm:DescribeParameters", "ssm:GetParameters"],
        ),
    ] {
        let harness = troubled();
        harness.sweep(payload.clone()).await;
        assert_eq!(services(&harness), expected, "{payload}");
    }
    for payload in [json!({}), json!({"rules": ["drain-expired"]})] {
        let harness = troubled();
        harness.sweep(payload.clone()).await;
        let all: BTreeSet<&str> = READS.iter().map(|(read, _)| *read).collect();
        assert_eq!(services(&harness), all.into_iter().collect::<Vec<_>>(), "{payload}");
    }
}

/// A tag policy that cannot be read is no matter of a rule that does not rest on it.
#[tokio::test(start_paused = true)]
async fn the_tag_policy_is_asked_for_by_the_rules_that_rest_on_it() {
    let harness = sound().with("TAG_POLICY", "/policies/tags");
    let swept = harness.sweep(json!({"rules": ["quota-near"]})).await;
    assert!(swept.is_complete(), "{:?}", swept.unread());
    let swept = harness.sweep(json!({"rules": ["missing-required-tag"]})).await;
    assert_eq!(swept.unread(), [(HOME.to_owned(), "tag-policy".to_owned())]);
}

#[tokio::test(start_paused = true)]
async fn the_number_of_calls_is_linear() {
    let mut counts = Vec::new();
    for size in [1_000, 2_000, 4_000] {
        let harness = Harness::new();
        harness.quota(size * 2);
        for n in 0..size {
            harness.declared(&format!("p{n}"));
        }
        harness.sweep(json!({})).await;
        counts.push(harness.aws().account().calls.len());
    }
    let growth = [counts[1] - counts[0], (counts[2] - counts[1]) / 2];
    assert!(growth[0].abs_diff(growth[1]) <= 2, "{counts:?}");
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_read_is_told_and_nothing_is_concluded_from_it() {
    for kind in [ErrorKind::Denied, ErrorKind::Throttled, ErrorKind::Unknown] {
        for (operation, source) in READS {
            let harness = sound();
            harness.aws().account().faults.add(Fault::before(operation, kind).times(u32::MAX));
            let swept = harness.sweep(json!({})).await;
            assert!(!swept.is_complete(), "{operation}");
            assert!(
                swept.unread().contains(&(HOME.into(), source.into())),
                "{operation}: {:?}",
                swept.unread()
            );
            assert_eq!(swept.found(), pairs(&[]), "{operation}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_does_not_answer_in_time_is_unread_and_the_rest_is_told() {
    let mut harness = sound();
    harness.timeout = Duration::from_secs(60);
    harness.by_hand("bare", &[]);
    harness
        .aws()
        .account()
        .faults
        .add(Fault::crash("cloudwatch:ListMetrics", local_aws::in_process::Moment::Before));
    let began = harness.now();
    let swept = harness.sweep(json!({})).await;
    assert!(harness.now() - began < Duration::from_secs(60), "the report came too late");
    assert_eq!(swept.unread(), [(HOME.to_owned(), "usage".to_owned())]);
    assert!(swept.found().contains(&("untagged".into(), "bare".into())));
}

#[tokio::test(start_paused = true)]
async fn billing_that_is_another_account_s_and_a_quota_that_is_not_set_are_nothing_unread() {
    let harness = sound();
    for operation in ["ce:ListCostAllocationTags", "servicequotas:GetServiceQuota"] {
        for kind in [ErrorKind::NotFound, ErrorKind::Invalid] {
            harness.aws().account().faults.add(Fault::before(operation, kind));
        }
    }
    for _ in 0..2 {
        let swept = harness.sweep(json!({})).await;
        assert!(swept.is_complete(), "{:?}", swept.unread());
    }
    // Unlike a quota that may not be read.
    harness.aws().account().faults.add(Fault::before("servicequotas:GetServiceQuota", ErrorKind::Denied));
    assert_eq!(harness.sweep(json!({})).await.unread(), [(HOME.to_owned(), "quota".to_owned())]);
}

#[tokio::test(start_paused = true)]
async fn a_profile_whose_tags_the_index_does_not_show_yet_is_not_untagged() {
    let harness = sound();
    harness.aws().account().world.switches.lag_tagging_api_ms = 60_000;
    harness.declared("fresh");
    assert_eq!(harness.sweep(json!({})).await.found(), pairs(&[]));
    harness.by_hand("bare", &[]);
    let found = harness.sweep(json!({})).await.found();
    assert_eq!(
        found,
        pairs(&[("untagged", "bare"), ("missing-required-tag", "bare"), ("unmanaged", "bare")])
    );
}

#[tokio::test(start_paused = true)]
async fn tags_that_were_changed_a_moment_ago_are_believed_over_the_index() {
    let harness = sound();
    let late = harness.by_hand("late", &[("note", "new")]);
    harness.aws().account().world.switches.lag_tagging_api_ms = 60_000;
    let ports: &dyn ports::Profiles = harness.aws();
    // Tagged, and by its tags the current profile of a stack that nobody named before.
    let declared = harness.declared("chat2");
    let mut tags = ports.tags(&declared).await.unwrap();
    tags.insert(tags::LOGICAL_ID.into(), "Logicallate".into());
    tags.remove(tags::PARAMETER);
    ports.tag(&late, &tags).await.unwrap();
    let key = (STACK.to_owned(), "Logicallate".to_owned());
    let record = harness.aws().account().resources[&(STACK.to_owned(), "Logicalchat2".to_owned())].clone();
    harness
        .aws()
        .account()
        .resources
        .insert(key, profile::record::StackResourceRecord { physical_id: Some(late.to_string()), ..record });
    assert_eq!(harness.sweep(json!({})).await.found(), pairs(&[]));
}

#[tokio::test(start_paused = true)]
async fn what_is_known_is_not_asked_for_again_when_tags_are_confirmed() {
    let harness = Harness::new().with("REQUIRED_TAGS", "cost-center");
    harness.declared("chat");
    harness.aws().account().parameters.take(&parameter("chat"));
    harness.sweep(json!({})).await;
    assert_eq!(harness.calls(&["bedrock:ListTagsForResource"]), 1, "it is confirmed");
    assert_eq!(harness.calls(&["cloudformation:"]), 2, "the stacks, and what the one holds");
    assert_eq!(harness.calls(&["ssm:GetParameters"]), 1);
}

#[tokio::test(start_paused = true)]
async fn many_findings_are_not_asked_about_one_by_one() {
    let harness = Harness::new();
    for n in 0..60 {
        harness.by_hand(&format!("p{n}"), &[("team", "a")]);
    }
    harness.sweep(json!({})).await;
    assert_eq!(harness.calls(&["bedrock:ListTagsForResource"]), 0);
}

#[tokio::test(start_paused = true)]
async fn a_parameter_of_a_profile_that_the_list_does_not_show_yet_does_not_dangle() {
    let harness = sound();
    harness.aws().account().world.switches.lag_list_ms = 60_000;
    harness.declared("fresh");
    let swept = harness.sweep(json!({})).await;
    assert_eq!(swept.found(), pairs(&[]));
    // Those that parameters name; what nobody names is seen when the list shows it.
    assert_eq!(swept.0["profiles"], 2);
    let gone = "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/zzzzzzzzzzzz";
    harness.aws().account().parameters.seed("/inference-profiles/old", gone, tags::Tags::new());
    let found = harness.sweep(json!({})).await.found();
    assert_eq!(found, pairs(&[("parameter-dangling", "/inference-profiles/old")]));
}

const UNKNOWN: &str = "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/zzzzzzzzzzzz";

#[tokio::test(start_paused = true)]
async fn a_profile_that_cannot_be_looked_up_hides_nothing_else() {
    for kind in [ErrorKind::Denied, ErrorKind::Unknown] {
        let harness = sound();
        harness.by_hand("bare", &[]);
        harness.aws().account().parameters.seed("/inference-profiles/old", UNKNOWN, tags::Tags::new());
        harness.aws().account().faults.add(Fault::before("bedrock:GetInferenceProfile", kind).times(9));
        let swept = harness.sweep(json!({})).await;
        assert_eq!(swept.unread(), [(HOME.to_owned(), "profiles".to_owned())]);
        let found = swept.found();
        assert!(found.contains(&("untagged".into(), "bare".into())), "{found:?}");
        assert!(!found.iter().any(|(rule, _)| rule == "parameter-dangling"), "{found:?}");
        assert_eq!(swept.0["profiles"], 3);
    }
    // An id that Bedrock finds malformed is nobody's.
    let harness = sound();
    harness.aws().account().parameters.seed("/inference-profiles/old", UNKNOWN, tags::Tags::new());
    harness.aws().account().faults.add(Fault::before("bedrock:GetInferenceProfile", ErrorKind::Invalid));
    let swept = harness.sweep(json!({})).await;
    assert_eq!(swept.found(), pairs(&[("parameter-dangling", "/inference-profiles/old")]));
    assert!(swept.is_complete());
}

#[tokio::test(start_paused = true)]
async fn a_stack_of_another_place_owns_nothing_here_and_is_not_gone() {
    for id in [
        "arn:aws:cloudformation:eu-west-1:123456789012:stack/app/1",
        "arn:aws:cloudformation:us-east-1:210987654321:stack/app/1",
        "arn:aws-cn:cloudformation:us-east-1:123456789012:stack/app/1",
    ] {
        let harness = Harness::new();
        harness.owned("copied", &[(tags::STACK_ID, id)]);
        tokio::time::sleep(Duration::from_secs(40 * 86_400)).await;
        let swept = harness.sweep(json!({"deleteOrphans": true})).await;
        assert_eq!(swept.found(), pairs(&[("idle", "copied")]), "{id}");
        assert!(swept.is_complete() && swept.actions().is_empty());
    }
    let harness = Harness::new();
    harness.owned("spoilt", &[(tags::STACK_ID, "app")]);
    assert_eq!(harness.sweep(json!({})).await.found(), pairs(&[("orphaned-stack-deleted", "spoilt")]));
}

#[tokio::test(start_paused = true)]
async fn where_billing_was_not_asked_nothing_is_said_of_it() {
    let harness = sound();
    harness.aws().account().world.state.cost_tags = Some([("owner".to_owned(), false)].into());
    assert_eq!(harness.sweep(json!({})).await.found(), pairs(&[("cost-tag-inactive", "owner")]));
    harness.aws().account().world.state.cost_tags = None;
    let swept = harness.sweep(json!({})).await;
    assert!(swept.is_complete() && swept.found().is_empty());
    assert_eq!(swept.0["counts"].get("cost-tag-inactive"), None);
    assert_eq!(swept.0["unconfirmed"][0]["rule"], "cost-tag-inactive");
    assert_eq!(swept.0["changes"]["gone"], json!([]));
}

#[tokio::test(start_paused = true)]
async fn a_stack_is_gone_only_when_it_says_so_itself() {
    let harness = sound();
    let orphan = harness
        .owned("orphan", &[(tags::STACK_ID, "arn:aws:cloudformation:us-east-1:123456789012:stack/old/1")]);
    let found = harness.sweep(json!({})).await.found();
    assert_eq!(found, pairs(&[("orphaned-stack-deleted", "orphan")]));
    // Asked for by itself: the list shows no deleted stacks, and no others where it lags.
    harness
        .aws()
        .account()
        .faults
        .add(Fault::before("cloudformation:DescribeStacks", ErrorKind::Throttled).after(1).times(9));
    let swept = harness.sweep(json!({})).await;
    assert_eq!(swept.found(), pairs(&[]));
    assert_eq!(swept.unread(), [(HOME.to_owned(), "stacks".to_owned())]);
    assert!(harness.has(&orphan));
}

#[tokio::test(start_paused = true)]
async fn a_stack_at_work_makes_no_orphans() {
    let harness = Harness::new();
    harness.declared("chat");
    harness.owned("replaced", &[(tags::LOGICAL_ID, "Logicalchat")]);
    harness.aws().account().stacks.insert(STACK.into(), in_status("UPDATE_IN_PROGRESS"));
    assert!(!harness.sweep(json!({})).await.found().iter().any(|(rule, _)| rule.starts_with("orphaned")));
    harness.aws().account().stacks.insert(STACK.into(), in_status("UPDATE_COMPLETE"));
    let found = harness.sweep(json!({})).await.found();
    assert!(found.contains(&("orphaned-not-in-stack".into(), "replaced".into())), "{found:?}");
}

#[tokio::test(start_paused = true)]
async fn a_parameter_elsewhere_is_read_where_the_role_reaches_it_and_is_nobody_s_fault_where_not() {
    let harness = Harness::new().with("PARAMETER_PREFIX", "/ai");
    harness.declared("chat");
    let swept = harness.sweep(json!({})).await;
    assert!(swept.is_complete() && swept.found().is_empty(), "{:?}", swept.found());
    harness.aws().account().parameters.take(&parameter("chat"));
    assert_eq!(harness.sweep(json!({})).await.found(), pairs(&[("parameter-missing", "chat")]));
    harness.aws().account().faults.add(Fault::before("ssm:GetParameters", ErrorKind::Denied).times(9));
    let swept = harness.sweep(json!({})).await;
    assert!(swept.is_complete() && swept.found().is_empty(), "{:?}", swept.found());
}

#[tokio::test(start_paused = true)]
async fn use_older_than_two_weeks_is_asked_for_when_idleness_is() {
    let harness = Harness::new();
    let chat = harness.declared("chat");
    let old = harness.declared("old");
    let used = harness.now();
    for arn in [&chat, &old] {
        harness.aws().account().invocations.entry(arn.id().into()).or_default().push(used);
    }
    tokio::time::sleep(Duration::from_secs(20 * 86_400)).await;
    assert_eq!(harness.sweep(json!({})).await.found(), pairs(&[]));
    tokio::time::sleep(Duration::from_secs(20 * 86_400)).await;
    let now = harness.now();
    harness.aws().account().invocations.entry(chat.id().into()).or_default().push(now);
    assert_eq!(harness.sweep(json!({})).await.found(), pairs(&[("idle", "old")]));
    assert_eq!(harness.sweep(json!({"idleDays": 60})).await.found(), pairs(&[]));
}

#[tokio::test(start_paused = true)]
async fn a_model_that_is_called_past_the_profiles_is_told_for_two_weeks() {
    let harness = sound();
    let now = harness.now();
    harness.aws().account().invocations.entry(NOVA.into()).or_default().push(now);
    assert_eq!(harness.sweep(json!({})).await.found(), pairs(&[("unattributed-usage", NOVA)]));
    tokio::time::sleep(Duration::from_secs(16 * 86_400)).await;
    assert_eq!(harness.sweep(json!({})).await.found(), pairs(&[]));
}

#[tokio::test(start_paused = true)]
async fn a_tag_policy_that_cannot_be_read_is_a_part_that_is_unread() {
    let harness = sound().with("TAG_POLICY", "/policies/tags").with("REQUIRED_TAGS", "cost-center");
    let swept = harness.sweep(json!({})).await;
    assert!(swept.unread().contains(&(HOME.into(), "tag-policy".into())), "{:?}", swept.unread());
    assert_eq!(swept.found(), pairs(&[]));
    let policy = r#"{"tags": {"owner": {"tag_value": {"@@assign": ["data"]}}}}"#;
    harness.aws().account().parameters.seed("/policies/tags", policy, tags::Tags::new());
    let found = harness.sweep(json!({})).await.found();
    let expected = [
        ("invalid-tag-value", "chat"),
        ("missing-required-tag", "chat"),
        ("missing-required-tag", "notebook"),
    ];
    assert_eq!(found, pairs(&expected));
}
