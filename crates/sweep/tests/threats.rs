//! What somebody might do by hand to have the sweep delete or write what they may not. `docs/security.md` names
//! the threats.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::time::Duration;

use common::{Harness, owner, parameter};
use profile::tags::{self, Tags};
use serde_json::json;

const OLD: &str = "2026-02-01T00:00:00Z";
const GONE: &str = "arn:aws:cloudformation:us-east-1:123456789012:stack/gone/1";
const ELSEWHERE: &str = "arn:aws:cloudformation:us-east-1:999999999999:stack/gone/1";

/// Everything that the sweep may do is switched on, and everything is old and unused.
async fn sweep_at_its_worst(harness: &Harness) -> common::Swept {
    tokio::time::sleep(Duration::from_secs(40 * 86_400)).await;
    harness.sweep(json!({"deleteOrphans": true, "republishParameters": true, "orphanMinAge": "0"})).await
}

#[tokio::test(start_paused = true)]
async fn a_drain_mark_put_on_by_hand_retires_nothing_that_has_no_owner() {
    let harness = Harness::new();
    let (stack_id, logical_id) = (owner("chat").stack_id, owner("chat").logical_id);
    let profiles = [
        harness.by_hand("marked", &[(tags::DRAIN_UNTIL, OLD)]),
        harness.by_hand("half", &[(tags::DRAIN_UNTIL, OLD), (tags::STACK_ID, &stack_id)]),
        harness.by_hand("other-half", &[(tags::DRAIN_UNTIL, OLD), (tags::LOGICAL_ID, &logical_id)]),
    ];
    let swept = sweep_at_its_worst(&harness).await;
    assert!(swept.is_complete());
    assert_eq!(swept.actions(), []);
    assert!(profiles.iter().all(|profile| harness.has(profile)));
}

#[tokio::test(start_paused = true)]
async fn the_tags_of_a_stack_that_never_was_delete_nothing_that_it_did_not_make() {
    let harness = Harness::new();
    let claims = |stack| [(tags::STACK_ID, stack), (tags::LOGICAL_ID, "Chat"), (tags::DRAIN_UNTIL, OLD)];
    let profiles = [
        harness.by_hand("gone", &claims(GONE)[..2]),
        harness.by_hand("gone-and-marked", &claims(GONE)),
        harness.by_hand("elsewhere", &claims(ELSEWHERE)),
        harness.by_hand("no-stack", &claims("no-stack")),
    ];
    let swept = sweep_at_its_worst(&harness).await;
    assert!(swept.is_complete());
    assert_eq!(swept.actions(), []);
    assert!(profiles.iter().all(|profile| harness.has(profile)));
}

/// All tags of what a stack left behind are put on another profile.
#[tokio::test(start_paused = true)]
async fn the_tags_of_an_orphan_delete_no_other_profile() {
    let harness = Harness::new();
    let orphan = harness.owned("orphan", &[(tags::STACK_ID, GONE)]);
    let copied = harness.aws().account().profiles()[orphan.as_str()].clone();
    let copied: Vec<(&str, &str)> = copied.iter().map(|(key, value)| (&**key, &**value)).collect();
    let theirs = harness.by_hand("theirs", &copied);
    sweep_at_its_worst(&harness).await;
    assert!(!harness.has(&orphan) && harness.has(&theirs));
}

/// The tag that records the parameter of a profile is changed, for the sweep to publish into another one's.
#[tokio::test(start_paused = true)]
async fn a_parameter_that_only_a_tag_names_is_neither_written_nor_deleted() {
    let harness = Harness::new();
    let current = harness.declared("chat");
    let victim = harness.declared("victim");
    let ports: &dyn ports::Profiles = harness.aws();
    let tag = Tags::from([(tags::PARAMETER.into(), parameter("victim"))]);
    ports.tag(&current, &tag).await.unwrap();
    harness.aws().account().parameters.seed(&parameter("by-hand"), "theirs", Tags::new());
    let orphan = harness.owned("orphan", &[(tags::STACK_ID, GONE), (tags::PARAMETER, &parameter("by-hand"))]);
    let swept = sweep_at_its_worst(&harness).await;
    assert!(swept.is_complete());
    assert!(swept.found().contains(&("parameter-drift".into(), "chat".into())), "{:?}", swept.found());
    assert_eq!(harness.value(&parameter("victim")).as_deref(), Some(victim.as_str()));
    assert_eq!(harness.value(&parameter("by-hand")).as_deref(), Some("theirs"));
    assert!(harness.has(&current) && !harness.has(&orphan));
}

/// A parameter of somebody else's holds the ARN of an orphan: its readers would be stranded.
#[tokio::test(start_paused = true)]
async fn a_parameter_of_somebody_else_that_holds_an_orphan_s_arn_keeps_both() {
    let harness = Harness::new();
    let orphan = harness.owned("orphan", &[(tags::STACK_ID, GONE)]);
    harness.aws().account().parameters.seed(&parameter("reader"), orphan.as_str(), Tags::new());
    sweep_at_its_worst(&harness).await;
    assert!(harness.has(&orphan));
    assert_eq!(harness.value(&parameter("reader")).as_deref(), Some(orphan.as_str()));
}

/// A profile can be hidden from the report by a tag, but the report tells how many are.
#[tokio::test(start_paused = true)]
async fn what_is_hidden_by_hand_is_counted() {
    let harness = Harness::new();
    harness.by_hand("hidden", &[("inference-profile-manager:ignore", "all")]);
    let swept = harness.sweep(json!({})).await;
    assert_eq!(swept.found(), []);
    let silenced = json!({"missing-required-tag": 1, "unmanaged": 1, "untagged": 1});
    assert_eq!((&swept.0["silenced"], &swept.0["profiles"]), (&silenced, &json!(1)));
}
