//! What the sweep does about its findings, and what it leaves alone.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::time::Duration;

use common::{Harness, STACK, Swept, in_status, owner, parameter};
use local_aws::in_process::{Account, Fault};
use ports::ErrorKind;
use profile::tags::{self, Tags};
use serde_json::json;

const OLD: &str = "2026-02-01T00:00:00Z";
const GONE: &str = "arn:aws:cloudformation:us-east-1:123456789012:stack/gone/1";

fn acted(kind: &str, name: &str, outcome: &str) -> Vec<(String, String, String)> {
    vec![(kind.into(), name.into(), outcome.into())]
}

async fn after_forty_days(harness: &Harness) -> Swept {
    tokio::time::sleep(Duration::from_secs(40 * 86_400)).await;
    harness.sweep(json!({"deleteOrphans": true})).await
}

#[tokio::test(start_paused = true)]
async fn a_replaced_profile_is_retired_when_its_time_has_come_and_not_before() {
    let harness = Harness::new();
    harness.declared("chat");
    let drained = harness.owned("drained", &[(tags::DRAIN_UNTIL, OLD), (tags::LOGICAL_ID, "Logicalchat")]);
    let drains = harness.owned("drains", &[(tags::DRAIN_UNTIL, "2026-04-01T00:00:00Z")]);
    let told = harness.sweep(json!({"dryRun": true})).await;
    assert_eq!(told.actions(), acted("retire", "drained", "would-be-done"));
    assert!(harness.has(&drained));
    let off = harness.sweep(json!({"retireDrained": false})).await;
    assert_eq!(off.actions(), []);
    let swept = harness.sweep(json!({})).await;
    assert_eq!(swept.actions(), acted("retire", "drained", "done"));
    assert!(!harness.has(&drained) && harness.has(&drains));
}

#[tokio::test(start_paused = true)]
async fn what_its_stack_holds_or_may_take_up_is_not_retired() {
    let harness = Harness::new();
    let current = harness.declared("chat");
    harness.aws().account().parameters.take(&parameter("chat"));
    let ports: &dyn ports::Profiles = harness.aws();
    ports.tag(&current, &Tags::from([(tags::DRAIN_UNTIL.into(), OLD.into())])).await.unwrap();
    let drained = harness.owned("drained", &[(tags::DRAIN_UNTIL, OLD), (tags::LOGICAL_ID, "Logicalchat")]);
    harness.aws().account().stacks.insert(STACK.into(), in_status("UPDATE_IN_PROGRESS"));
    assert_eq!(harness.sweep(json!({})).await.actions(), []);
    harness.aws().account().stacks.insert(STACK.into(), in_status("UPDATE_COMPLETE"));
    assert_eq!(harness.sweep(json!({})).await.actions(), acted("retire", "drained", "done"));
    assert!(harness.has(&current) && !harness.has(&drained));
}

#[tokio::test(start_paused = true)]
async fn an_action_whose_stack_goes_to_work_meanwhile_is_skipped() {
    let publish = json!({"republishParameters": true});
    let harness = Harness::new();
    for name in ["chat", "search"] {
        harness.declared(name);
        harness.aws().account().parameters.take(&parameter(name));
    }
    let at_work = |account: &mut Account, _: &str| {
        account.stacks.insert(STACK.into(), in_status("UPDATE_IN_PROGRESS"));
    };
    harness.aws().watch(at_work);
    let republished = harness.sweep(publish).await;
    assert_eq!(outcomes(&republished), ["done", "skipped"]);

    let harness = Harness::new();
    harness.declared("chat");
    for name in ["first", "second"] {
        harness.owned(name, &[(tags::DRAIN_UNTIL, OLD), (tags::LOGICAL_ID, "Logicalchat")]);
    }
    harness.aws().watch(at_work);
    assert_eq!(outcomes(&harness.sweep(json!({})).await), ["done", "skipped"]);
}

#[tokio::test(start_paused = true)]
async fn an_orphan_that_its_stack_takes_up_meanwhile_is_skipped() {
    let harness = Harness::new();
    harness.declared("chat");
    let orphans = ["first", "second"].map(|name| harness.owned(name, &[(tags::LOGICAL_ID, "Logicalchat")]));
    tokio::time::sleep(Duration::from_secs(40 * 86_400)).await;
    harness.aws().watch(|account, _| {
        // Whichever is left.
        let held = account.parameters.all()[&parameter("chat")].value.clone();
        let left = account.profiles().into_keys().find(|arn| *arn != held);
        let key = (STACK.to_owned(), "Logicalchat".to_owned());
        account.resources.get_mut(&key).unwrap().physical_id = left;
    });
    assert_eq!(outcomes(&harness.sweep(json!({"deleteOrphans": true})).await), ["done", "skipped"]);
    assert_eq!(orphans.iter().filter(|orphan| harness.has(orphan)).count(), 1);
}

fn outcomes(swept: &Swept) -> Vec<String> {
    let mut outcomes: Vec<String> = swept.actions().into_iter().map(|(_, _, outcome)| outcome).collect();
    outcomes.sort();
    outcomes
}

#[tokio::test(start_paused = true)]
async fn nothing_is_done_when_anything_could_not_be_read() {
    for operation in [
        "cloudwatch:ListMetrics",
        "ssm:DescribeParameters",
        "ce:ListCostAllocationTags",
        "cloudformation:DescribeStacks",
    ] {
        let harness = Harness::new();
        let drained = harness.owned("drained", &[(tags::DRAIN_UNTIL, OLD)]);
        harness.aws().account().faults.add(Fault::before(operation, ErrorKind::Denied).times(u32::MAX));
        let swept = harness.sweep(json!({})).await;
        assert!(!swept.is_complete() && harness.has(&drained), "{operation}");
        assert_eq!(swept.actions(), [], "{operation}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_profile_that_cannot_be_looked_at_once_more_or_is_not_marked_any_more_is_left_alone() {
    let harness = Harness::new();
    let drained = harness.owned("drained", &[(tags::DRAIN_UNTIL, OLD)]);
    // Once to confirm what the index shows, once more before it is deleted.
    harness
        .aws()
        .account()
        .faults
        .add(Fault::before("bedrock:ListTagsForResource", ErrorKind::Unknown).after(1));
    let failed = harness.sweep(json!({})).await;
    assert_eq!(failed.actions(), acted("retire", "drained", "failed"));
    let ports: &dyn ports::Profiles = harness.aws();
    ports.untag(&drained, &[tags::DRAIN_UNTIL.to_owned()]).await.unwrap();
    assert!(harness.has(&drained));
    assert_eq!(harness.sweep(json!({})).await.actions(), []);
}

#[tokio::test(start_paused = true)]
async fn a_missing_and_a_drifted_parameter_are_published_again_when_that_is_allowed() {
    let harness = Harness::new();
    let (chat, search) = (harness.declared("chat"), harness.declared("search"));
    harness.aws().account().parameters.take(&parameter("chat"));
    harness.aws().account().parameters.seed(&parameter("search"), "something", owner("search").tags());
    assert_eq!(harness.sweep(json!({})).await.actions(), []);
    let swept = harness.sweep(json!({"republishParameters": true})).await;
    let mut names: Vec<_> =
        swept.actions().into_iter().map(|(kind, name, outcome)| (name, kind, outcome)).collect();
    names.sort();
    let done = |name: &str| (name.to_owned(), "republish".to_owned(), "done".to_owned());
    assert_eq!(names, [done("chat"), done("search")]);
    assert_eq!(harness.value(&parameter("chat")), Some(chat.to_string()));
    assert_eq!(harness.value(&parameter("search")), Some(search.to_string()));
    let made = harness.aws().account().parameters.all()[&parameter("chat")].tags.clone();
    assert!(owner("chat").owns(&made) && made["owner"] == "search", "{made:?}");
    assert_eq!(harness.sweep(json!({})).await.found(), []);
}

#[tokio::test(start_paused = true)]
async fn a_parameter_of_somebody_else_is_not_overwritten() {
    let harness = Harness::new();
    harness.declared("chat");
    harness.aws().account().parameters.seed(&parameter("chat"), "theirs", Tags::new());
    let swept = harness.sweep(json!({"republishParameters": true})).await;
    assert_eq!(swept.actions(), acted("republish", "chat", "skipped"));
    assert_eq!(harness.value(&parameter("chat")).as_deref(), Some("theirs"));
}

#[tokio::test(start_paused = true)]
async fn an_old_unused_orphan_is_deleted_with_its_parameter_when_that_is_allowed() {
    let harness = Harness::new();
    let orphan = harness.owned("orphan", &[(tags::STACK_ID, GONE)]);
    let tags =
        Tags::from([(tags::STACK_ID.into(), GONE.into()), (tags::LOGICAL_ID.into(), "Logicalorphan".into())]);
    harness.aws().account().parameters.seed(&parameter("orphan"), orphan.as_str(), tags);
    let young = harness.sweep(json!({"deleteOrphans": true})).await;
    assert_eq!(young.actions(), []);
    let swept = after_forty_days(&harness).await;
    assert_eq!(swept.actions(), acted("delete-orphan", "orphan", "done"));
    assert!(!harness.has(&orphan));
    assert_eq!(harness.value(&parameter("orphan")), None);
}

#[tokio::test(start_paused = true)]
async fn an_orphan_in_use_an_ignored_one_and_an_adopted_one_are_not_deleted() {
    let harness = Harness::new();
    let used = harness.owned("used", &[(tags::STACK_ID, GONE)]);
    let ignored = harness.owned(
        "ignored",
        &[(tags::STACK_ID, GONE), ("inference-profile-manager:ignore", "orphaned-stack-deleted/idle")],
    );
    let adopted = harness.owned("adopted", &[(tags::STACK_ID, GONE), (tags::ADOPTED, "true")]);
    tokio::time::sleep(Duration::from_secs(20 * 86_400)).await;
    let now = harness.now();
    harness.aws().account().invocations.entry(used.id().into()).or_default().push(now);
    tokio::time::sleep(Duration::from_secs(20 * 86_400)).await;
    let swept = harness.sweep(json!({"deleteOrphans": true})).await;
    assert_eq!(swept.actions(), acted("delete-orphan", "adopted", "done"));
    assert!(harness.has(&used) && harness.has(&ignored) && harness.has(&adopted));
    let released = harness.aws().account().profiles()[adopted.as_str()].clone();
    assert!(!released.keys().any(|key| key.starts_with(tags::RESERVED_PREFIX)), "{released:?}");
}
