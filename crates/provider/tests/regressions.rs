//! Defects that were found once, each by its name.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::{Harness, LOGICAL_ID, NOVA, PROFILE_NAME, STACK, declared, profile_tag};
use local_aws::{
    CreateInferenceProfile, RepeatedToken,
    in_process::{Conditions, Fault, Moment},
};
use ports::ErrorKind;
use profile::{
    arn::ProfileArn,
    record::StackResourceRecord,
    tags::{self, Tags},
};
use serde_json::{Value, json};
use std::time::Duration;

fn changed(changes: &[(&str, Value)]) -> Value {
    let mut properties = declared();
    for (name, value) in changes {
        properties[*name] = value.clone();
    }
    properties
}

/// A profile that fits the tests' declaration, made by somebody else; its ARN.
fn made_by_hand(harness: &Harness, tags: &[(&str, &str)]) -> String {
    let request = CreateInferenceProfile {
        description: Some(declared()["Description"].as_str().unwrap().to_owned()),
        ..CreateInferenceProfile::new(PROFILE_NAME, &common::model_arn(NOVA))
    };
    let request = tags.iter().fold(request, |request, (key, value)| request.tag(key, value));
    harness.aws.make_profile(&request).unwrap().as_str().to_owned()
}

/// Two deliveries of one Create side by side; the first is accepted and the stack is complete.
#[tokio::test(start_paused = true)]
async fn a_second_delivery_at_the_same_time_does_not_undo_the_first() {
    let harness = Harness::new("CREATE_IN_PROGRESS");
    harness.aws.account().latency = Duration::from_secs(1);
    let first = async {
        let id = harness.create(&declared()).await.succeeded();
        harness.describe(&id);
        harness.status("CREATE_COMPLETE");
        id
    };
    let second = async {
        tokio::time::sleep(Duration::from_millis(1500)).await;
        harness.create(&declared()).await
    };
    let (first, _second) = tokio::join!(first, second);
    assert!(harness.aws.account().profiles().contains_key(&first), "the living profile was deleted");
    assert_eq!(harness.published(), Some(first));
}

/// A repeated delivery while reads lag, just when the stack becomes complete.
#[tokio::test(start_paused = true)]
async fn a_repeated_create_while_reads_lag_does_not_undo_the_first() {
    for token in [RepeatedToken::FirstArn, RepeatedToken::Conflict, RepeatedToken::NewProfile] {
        let harness = Harness::new("CREATE_IN_PROGRESS");
        harness.switches(|switches| {
            switches.repeated_token = token;
            (switches.lag_list_ms, switches.lag_get_ms) = (8_000, 8_000);
            (switches.lag_tags_ms, switches.lag_tagging_api_ms) = (60_000, 60_000);
        });
        let properties = changed(&[("PublishParameter", json!("false"))]);
        let first = harness.create(&properties).await.succeeded();
        harness.describe(&first);
        harness.aws.watch(|account, operation| {
            if operation == "bedrock:CreateInferenceProfile" {
                account.stacks.get_mut(STACK).unwrap().status = "CREATE_COMPLETE".into();
            }
        });
        let _ = harness.create(&properties).await;
        let profiles = harness.aws.account().profiles();
        assert_eq!(profiles.keys().collect::<Vec<_>>(), [&first], "{token:?}");
    }
}

/// While a second delivery of a Create waits for its creation, which gives it the first one's profile, the stack
/// replaces that, and it drains.
#[tokio::test(start_paused = true)]
async fn a_late_create_leaves_what_drains_of_a_stack_at_rest() {
    let harness = Harness::new("CREATE_IN_PROGRESS");
    harness.switches(|switches| {
        switches.repeated_token = RepeatedToken::FirstArn;
        (switches.lag_list_ms, switches.lag_tagging_api_ms) = (60_000, 60_000);
    });
    let properties = changed(&[("PublishParameter", json!("false"))]);
    let first = harness.create(&properties).await.succeeded();
    let drains = Tags::from([(tags::DRAIN_UNTIL.into(), "2030-01-01T00:00:00Z".into())]);
    harness.ports().profiles.tag(&ProfileArn::parse(&first).unwrap(), &drains).await.unwrap();
    harness.describe(&format!("{}second000000", first.trim_end_matches(char::is_alphanumeric)));
    harness.aws.watch(|account, operation| {
        if operation == "bedrock:CreateInferenceProfile" {
            account.stacks.get_mut(STACK).unwrap().status = "UPDATE_COMPLETE".into();
        }
    });
    let reason = harness.create(&properties).await.failed();
    assert!(reason.contains("out of date"), "{reason}");
    assert!(harness.aws.account().profiles().contains_key(&first));
}

/// A late Create makes the profile of a declaration that is long replaced.
#[tokio::test(start_paused = true)]
async fn a_late_create_makes_nothing_while_the_stack_is_updated() {
    let harness = Harness::new("CREATE_IN_PROGRESS");
    let first = harness.create(&declared()).await.succeeded();
    let other = changed(&[("Description", json!("Another one"))]);
    harness.status("UPDATE_IN_PROGRESS");
    let second = harness.update(&first, &other, &declared()).await.succeeded();
    harness.describe(&second);
    harness.status("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS");
    harness.delete(&first, &declared()).await.succeeded();
    harness.status("UPDATE_IN_PROGRESS");
    let before = harness.state();
    let _ = harness.create(&declared()).await;
    assert_eq!(harness.published(), Some(second));
    assert_eq!(harness.state(), before);
}

/// An update is cancelled while it runs; CloudFormation sends the rollback's Update at once.
#[tokio::test(start_paused = true)]
async fn an_update_that_is_cancelled_meanwhile_takes_back_what_it_made() {
    let harness = Harness::new("CREATE_IN_PROGRESS");
    let first = harness.create(&declared()).await.succeeded();
    let other = changed(&[("Description", json!("Another one"))]);
    let before = harness.state();
    harness.status("UPDATE_IN_PROGRESS");
    harness.aws.account().latency = Duration::from_secs(1);
    let old = declared();
    let forward = harness.update(&first, &other, &old);
    let back = async {
        tokio::time::sleep(Duration::from_millis(2500)).await;
        harness.status("UPDATE_ROLLBACK_IN_PROGRESS");
        harness.aws.account().latency = Duration::from_millis(100);
        let id = harness.update(&first, &declared(), &other).await.succeeded();
        harness.describe(&id);
        harness.aws.account().latency = Duration::from_secs(1);
        id
    };
    let (_, id) = tokio::join!(forward, back);
    assert_eq!(id, first);
    assert_eq!(harness.state(), before);
}

/// The tag policy became stricter; a rollback must still restore.
#[tokio::test(start_paused = true)]
async fn a_rollback_is_not_refused_by_a_tag_policy_that_came_later() {
    let mut harness = Harness::new("CREATE_IN_PROGRESS");
    let first = harness.create(&declared()).await.succeeded();
    harness.environment = vec![("REQUIRED_TAGS", "project-id")];
    let other = changed(&[("Tags", json!([{"Key": "project", "Value": "slip of the pen"}]))]);
    harness.status("UPDATE_IN_PROGRESS");
    harness.update(&first, &other, &declared()).await.failed();
    harness.status("UPDATE_ROLLBACK_IN_PROGRESS");
    assert_eq!(harness.update(&first, &declared(), &other).await.succeeded(), first);
}

/// A parameter under the former prefix at the stack's end.
#[tokio::test(start_paused = true)]
async fn a_parameter_under_a_former_prefix_goes_with_the_stack_or_is_told() {
    let mut harness = Harness::new("CREATE_IN_PROGRESS");
    let first = harness.create(&declared()).await.succeeded();
    harness.environment = vec![("PARAMETER_PREFIX", "/ai")];
    harness.status("DELETE_IN_PROGRESS");
    harness.delete(&first, &declared()).await.succeeded();
    harness.is_empty();
}

/// A passing conflict is not a name that is taken.
#[tokio::test(start_paused = true)]
async fn a_conflict_that_passes_does_not_fail_a_replacement_of_the_same_name() {
    let harness = Harness::new("CREATE_IN_PROGRESS");
    let first = harness.create(&declared()).await.succeeded();
    harness.status("UPDATE_IN_PROGRESS");
    harness.aws.account().faults.add(Fault::before("bedrock:CreateInferenceProfile", ErrorKind::Conflict));
    let other = changed(&[("Description", json!("Another one"))]);
    assert_ne!(harness.update(&first, &other, &declared()).await.succeeded(), first);
}

/// Adoption overwrites a tag of somebody else; a failed adoption puts it back.
#[tokio::test(start_paused = true)]
async fn a_failed_adoption_puts_back_the_tags_that_it_overwrote() {
    let harness = Harness::new("CREATE_IN_PROGRESS");
    let request = CreateInferenceProfile::new(PROFILE_NAME, &common::model_arn(NOVA))
        .description("Search: production.")
        .tag("owner", "them");
    let existing = harness.aws.make_profile(&request).unwrap();
    let before = harness.aws.account().profiles();
    harness.aws.account().faults.add(Fault::before("ssm:PutParameter", ErrorKind::Denied).times(9));
    harness.create(&changed(&[("ExistingProfile", json!(existing.as_str()))])).await.failed();
    assert_eq!(harness.aws.account().profiles(), before);
}

/// An update adopts another profile of the very same declaration, and is rolled back.
#[tokio::test(start_paused = true)]
async fn a_rollback_of_a_later_adoption_answers_the_original() {
    let harness = Harness::new("CREATE_IN_PROGRESS");
    let request = CreateInferenceProfile::new(PROFILE_NAME, &common::model_arn(NOVA))
        .description("Search: production.");
    let existing = harness.aws.make_profile(&request).unwrap();
    let first = harness.create(&declared()).await.succeeded();
    let adopting = changed(&[("ExistingProfile", json!(existing.as_str()))]);
    harness.status("UPDATE_IN_PROGRESS");
    assert_eq!(harness.update(&first, &adopting, &declared()).await.succeeded(), existing.as_str());
    harness.status("UPDATE_ROLLBACK_IN_PROGRESS");
    assert_eq!(harness.update(existing.as_str(), &declared(), &adopting).await.succeeded(), first);
}

/// A draining profile is taken up again, and that update is rolled back.
#[tokio::test(start_paused = true)]
async fn a_draining_profile_drains_on_after_a_rollback() {
    let harness = Harness::new("CREATE_IN_PROGRESS");
    let old = changed(&[("DrainPeriod", json!("7d"))]);
    let first = harness.create(&old).await.succeeded();
    let new = changed(&[("DrainPeriod", json!("7d")), ("Description", json!("Another one"))]);
    harness.status("UPDATE_IN_PROGRESS");
    let second = harness.update(&first, &new, &old).await.succeeded();
    harness.describe(&second);
    harness.status("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS");
    harness.delete(&first, &old).await.succeeded();
    let before = harness.state();
    assert!(profile_tag(&harness, &first, tags::DRAIN_UNTIL).is_some());
    harness.status("UPDATE_IN_PROGRESS");
    let again = harness.update(&second, &old, &new).await.succeeded();
    harness.status("UPDATE_ROLLBACK_IN_PROGRESS");
    assert_eq!(harness.update(&again, &new, &old).await.succeeded(), second);
    harness.describe(&second);
    if again != second {
        harness.status("UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS");
        harness.delete(&again, &old).await.succeeded();
    }
    assert_eq!(harness.state(), before);
}

/// CloudWatch cannot be asked in a clean-up: the Delete is given up, and the profile leaks.
#[tokio::test(start_paused = true)]
async fn a_clean_up_whose_use_cannot_be_told_drains_instead_of_leaking() {
    let harness = Harness::new("CREATE_IN_PROGRESS");
    let old = changed(&[("ProtectIfUsedWithin", json!("1d"))]);
    let first = harness.create(&old).await.succeeded();
    let new = changed(&[("ProtectIfUsedWithin", json!("1d")), ("Description", json!("Another one"))]);
    harness.status("UPDATE_IN_PROGRESS");
    let second = harness.update(&first, &new, &old).await.succeeded();
    harness.describe(&second);
    harness.status("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS");
    harness.aws.account().faults.add(Fault::before("cloudwatch:GetMetricData", ErrorKind::Denied).times(9));
    harness.delete(&first, &old).await.succeeded();
}

/// Nothing is protected when a creation is rolled back, so nothing need be asked.
#[tokio::test(start_paused = true)]
async fn the_rollback_of_a_creation_does_not_ask_for_use() {
    let harness = Harness::new("CREATE_IN_PROGRESS");
    let properties = changed(&[("ProtectIfUsedWithin", json!("1d"))]);
    let first = harness.create(&properties).await.succeeded();
    harness.status("ROLLBACK_IN_PROGRESS");
    harness.aws.account().faults.add(Fault::before("cloudwatch:GetMetricData", ErrorKind::Denied).times(9));
    harness.delete(&first, &properties).await.succeeded();
}

/// Wrong settings: the Create fails, and the Delete of what was never created fails too.
#[tokio::test(start_paused = true)]
async fn what_wrong_settings_did_not_create_can_be_deleted() {
    let mut harness = Harness::new("CREATE_IN_PROGRESS");
    harness.environment = vec![("PARAMETER_PREFIX", "no slash")];
    let answer = harness.create(&declared()).await;
    answer.failed();
    harness.status("ROLLBACK_IN_PROGRESS");
    harness.delete(answer.body["PhysicalResourceId"].as_str().unwrap(), &declared()).await.succeeded();
}

/// The resource leaves the template, but an earlier replaced profile is still there, because its
/// clean-up had failed.
#[tokio::test(start_paused = true)]
async fn a_dropped_resource_takes_what_an_earlier_clean_up_left() {
    let harness = Harness::new("CREATE_IN_PROGRESS");
    let first = harness.create(&declared()).await.succeeded();
    let other = changed(&[("Description", json!("Another one"))]);
    harness.status("UPDATE_IN_PROGRESS");
    let second = harness.update(&first, &other, &declared()).await.succeeded();
    harness.describe(&second);
    harness.status("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS");
    harness
        .aws
        .account()
        .faults
        .add(Fault::before("bedrock:DeleteInferenceProfile", ErrorKind::Denied).times(9));
    harness.delete(&first, &declared()).await.failed();
    harness.aws.account().faults.clear();
    harness.delete(&second, &other).await.succeeded();
    harness.is_empty();
}

/// The resource leaves the template, and somebody had written another ARN into its parameter.
#[tokio::test(start_paused = true)]
async fn a_dropped_resource_takes_its_parameter_whatever_it_holds() {
    let harness = Harness::new("CREATE_IN_PROGRESS");
    let first = harness.create(&declared()).await.succeeded();
    harness.describe(&first);
    let held = harness.aws.account().parameters.all()["/inference-profiles/search"].tags.clone();
    harness.aws.account().parameters.seed(
        "/inference-profiles/search",
        &common::profile_arn("0mbq3svia2re"),
        held,
    );
    harness.status("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS");
    harness.delete(&first, &declared()).await.succeeded();
    harness.is_empty();
}

/// DrainPeriod goes back in place while reads of tags lag.
#[tokio::test(start_paused = true)]
async fn a_rollback_of_a_drain_period_holds_against_reads_that_lag() {
    let harness = Harness::new("CREATE_IN_PROGRESS");
    let first = harness.create(&declared()).await.succeeded();
    harness.switches(|switches| (switches.lag_tags_ms, switches.lag_tagging_api_ms) = (60_000, 60_000));
    tokio::time::sleep(Duration::from_secs(120)).await;
    let before = harness.state();
    let other =
        changed(&[("DrainPeriod", json!("7d")), ("ParameterName", json!("/inference-profiles/other"))]);
    harness.status("UPDATE_IN_PROGRESS");
    harness.update(&first, &other, &declared()).await.succeeded();
    harness.status("UPDATE_ROLLBACK_IN_PROGRESS");
    harness.update(&first, &declared(), &other).await.succeeded();
    assert_eq!(harness.state(), before);
}

/// What a killed update of another name made is found in the rollback, though the index lags.
#[tokio::test(start_paused = true)]
async fn a_rollback_finds_the_remains_of_another_name_though_the_index_lags() {
    let harness = Harness::new("CREATE_IN_PROGRESS");
    let first = harness.create(&declared()).await.succeeded();
    let before = harness.state();
    harness.switches(|switches| switches.lag_tagging_api_ms = 60_000);
    harness.status("UPDATE_IN_PROGRESS");
    let other = changed(&[("InferenceProfileName", json!("search-2"))]);
    for operation in ["ssm:PutParameter", "bedrock:DeleteInferenceProfile"] {
        harness.aws.account().faults.add(Fault::before(operation, ErrorKind::Denied).times(9));
    }
    harness.update(&first, &other, &declared()).await.failed();
    harness.aws.account().faults.clear();
    harness.status("UPDATE_ROLLBACK_IN_PROGRESS");
    harness.update(&first, &declared(), &other).await.succeeded();
    assert_eq!(harness.state(), before);
}

/// Unpublished with a replacement, taken back in both forms.
#[tokio::test(start_paused = true)]
async fn unpublishing_with_a_replacement_is_taken_back() {
    for by_delete in [false, true] {
        let harness = Harness::new("CREATE_IN_PROGRESS");
        let first = harness.create(&declared()).await.succeeded();
        let before = harness.state();
        let other = changed(&[("PublishParameter", json!("false")), ("Description", json!("Another one"))]);
        harness.status("UPDATE_IN_PROGRESS");
        let second = harness.update(&first, &other, &declared()).await.succeeded();
        if !by_delete {
            harness.status("UPDATE_ROLLBACK_IN_PROGRESS");
            assert_eq!(harness.update(&second, &declared(), &other).await.succeeded(), first);
        }
        harness.describe(&first);
        harness.status("UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS");
        harness.delete(&second, &other).await.succeeded();
        assert_eq!(harness.state(), before);
    }
}

/// Ids that stand for nothing, in an Update and its clean-up.
#[tokio::test(start_paused = true)]
async fn an_update_of_what_was_not_created_makes_it() {
    for id in ["not-created:Search", "unknown-for-Search", "nothing-was-made-for-Search", "app-Search-1ABC"] {
        let harness = Harness::new("UPDATE_IN_PROGRESS");
        let made = harness.update(id, &declared(), &declared()).await.succeeded();
        harness.describe(&made);
        harness.status("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS");
        harness.delete(id, &declared()).await.succeeded();
        harness.holds_exactly(&made, &declared());
    }
}

/// Deleted by hand.
#[tokio::test(start_paused = true)]
async fn what_was_deleted_by_hand_is_made_again() {
    let harness = Harness::new("CREATE_IN_PROGRESS");
    let first = harness.create(&declared()).await.succeeded();
    harness.aws.account().parameters.take("/inference-profiles/search").unwrap();
    harness.status("UPDATE_IN_PROGRESS");
    harness.update(&first, &declared(), &declared()).await.succeeded();
    harness.holds_exactly(&first, &declared());
    ports::Profiles::delete(&harness.aws, &profile::arn::ProfileArn::parse(&first).unwrap()).await.unwrap();
    let second = harness.update(&first, &declared(), &declared()).await.succeeded();
    harness.describe(&second);
    harness.status("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS");
    harness.delete(&first, &declared()).await.succeeded();
    harness.holds_exactly(&second, &declared());
}

/// Names are unique and a replacement keeps its name.
#[tokio::test(start_paused = true)]
async fn a_replacement_of_the_same_name_where_names_are_unique_fails_and_is_taken_back() {
    let harness = Harness::new("CREATE_IN_PROGRESS");
    harness.switches(|switches| switches.unique_names = true);
    let first = harness.create(&declared()).await.succeeded();
    let before = harness.state();
    let other = changed(&[("Description", json!("Another one"))]);
    harness.status("UPDATE_IN_PROGRESS");
    let reason = harness.update(&first, &other, &declared()).await.failed();
    assert!(reason.contains("Change InferenceProfileName"), "{reason}");
    harness.status("UPDATE_ROLLBACK_IN_PROGRESS");
    assert_eq!(harness.update(&first, &declared(), &other).await.succeeded(), first);
    assert_eq!(harness.state(), before);
}

/// Too many tags together with those of others: the remedy speaks of tags.
#[tokio::test(start_paused = true)]
async fn too_many_tags_on_a_profile_are_told_as_such() {
    let harness = Harness::new("CREATE_IN_PROGRESS");
    let mut request = CreateInferenceProfile::new(PROFILE_NAME, &common::model_arn(NOVA))
        .description("Search: production.");
    for n in 0..45 {
        request = request.tag(&format!("theirs-{n}"), "x");
    }
    let existing = harness.aws.make_profile(&request).unwrap();
    let reason = harness.create(&changed(&[("ExistingProfile", json!(existing.as_str()))])).await.failed();
    assert!(!reason.contains("L-40EC9882"), "{reason}");
}

/// The mark of adoption outlives ExistingProfile and takes a tag's place.
#[tokio::test(start_paused = true)]
async fn the_most_tags_fit_a_profile_that_was_adopted_once_or_are_refused_by_us() {
    let harness = Harness::new("CREATE_IN_PROGRESS");
    let request = CreateInferenceProfile::new(PROFILE_NAME, &common::model_arn(NOVA))
        .description("Search: production.");
    let existing = harness.aws.make_profile(&request).unwrap();
    let adopted = changed(&[("ExistingProfile", json!(existing.as_str()))]);
    harness.create(&adopted).await.succeeded();
    // 44 of the resource beside those of the stack, as a profile that is made new may have.
    let list: Vec<Value> = (0..42).map(|n| json!({"Key": format!("key-{n}"), "Value": "v"})).collect();
    harness.status("UPDATE_IN_PROGRESS");
    let many = changed(&[("Tags", json!(list))]);
    let answer = harness.update(existing.as_str(), &many, &adopted).await;
    assert!(
        answer.body["Status"] == "SUCCESS" || answer.body["Reason"].as_str().unwrap().starts_with("Tags"),
        "{:#}",
        answer.body
    );
}

/// A stack tag that Bedrock does not allow, put on after the resource was made, and a rollback.
#[tokio::test(start_paused = true)]
async fn a_stack_tag_that_bedrock_does_not_allow_does_not_stop_a_rollback() {
    let harness = Harness::new("CREATE_IN_PROGRESS");
    let first = harness.create(&declared()).await.succeeded();
    let other = changed(&[("Tags", json!([]))]);
    harness.status("UPDATE_ROLLBACK_IN_PROGRESS");
    harness.aws.account().stacks.get_mut(STACK).unwrap().tags =
        Tags::from([("équipe".into(), "recherche".into())]);
    assert_eq!(harness.update(&first, &declared(), &other).await.succeeded(), first);
}

/// Two stacks publish under one name.
#[tokio::test(start_paused = true)]
async fn two_stacks_do_not_share_a_parameter() {
    let harness = Harness::new("CREATE_IN_PROGRESS");
    let first = harness.create(&declared()).await.succeeded();
    let other_stack = STACK.replace("stack/app", "stack/other");
    let record = harness.aws.account().stacks[STACK].clone();
    harness.aws.account().stacks.insert(other_stack.clone(), record);
    let before = harness.state();
    let create = json!({"RequestType": "Create", "StackId": other_stack, "ResourceProperties": declared()});
    let answer = harness.send(create).await;
    answer.failed();
    harness
        .send(json!({"RequestType": "Delete", "StackId": other_stack, "ResourceProperties": declared(),
        "PhysicalResourceId": answer.body["PhysicalResourceId"]}))
        .await
        .succeeded();
    assert_eq!(harness.state(), before);
    let theirs = json!({"RequestType": "Delete", "StackId": other_stack, "ResourceProperties": declared(), "PhysicalResourceId": first});
    harness.send(theirs).await.succeeded();
    assert_eq!(harness.state(), before);
}

/// ExistingProfile removed and changed in place.
#[tokio::test(start_paused = true)]
async fn an_adopted_profile_changes_to_another_and_back() {
    let harness = Harness::new("CREATE_IN_PROGRESS");
    let make = || {
        let request = CreateInferenceProfile::new(PROFILE_NAME, &common::model_arn(NOVA))
            .description("Search: production.");
        harness.aws.make_profile(&request).unwrap()
    };
    let (a, b) = (make(), make());
    let untouched = harness.aws.account().profiles();
    let with_a = changed(&[("ExistingProfile", json!(a.as_str()))]);
    let with_b = changed(&[("ExistingProfile", json!(b.as_str()))]);
    harness.create(&with_a).await.succeeded();
    let before = harness.state();
    harness.status("UPDATE_IN_PROGRESS");
    assert_eq!(harness.update(a.as_str(), &declared(), &with_a).await.succeeded(), a.as_str());
    assert_eq!(harness.update(a.as_str(), &with_a, &declared()).await.succeeded(), a.as_str());
    assert_eq!(harness.state(), before);
    assert_eq!(harness.update(a.as_str(), &with_b, &with_a).await.succeeded(), b.as_str());
    harness.describe(b.as_str());
    harness.status("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS");
    harness.delete(a.as_str(), &with_a).await.succeeded();
    assert_eq!(harness.published().as_deref(), Some(b.as_str()));
    harness.status("DELETE_IN_PROGRESS");
    harness.delete(b.as_str(), &with_b).await.succeeded();
    assert_eq!(harness.aws.account().profiles(), untouched);
}

/// An update of a renamed profile, in which the parameter follows the name, with a drain.
#[tokio::test(start_paused = true)]
async fn a_renamed_profile_moves_its_derived_parameter() {
    let harness = Harness::new("CREATE_IN_PROGRESS");
    let old = changed(&[("DrainPeriod", json!("7d"))]);
    let first = harness.create(&old).await.succeeded();
    let new = changed(&[("DrainPeriod", json!("7d")), ("InferenceProfileName", json!("search 2"))]);
    harness.status("UPDATE_IN_PROGRESS");
    let second = harness.update(&first, &new, &old).await.succeeded();
    harness.describe(&second);
    assert_eq!(harness.published(), Some(first.clone()), "the old name works until the clean-up");
    harness.status("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS");
    harness.delete(&first, &old).await.succeeded();
    assert_eq!(harness.published(), None);
    assert!(profile_tag(&harness, &first, tags::DRAIN_UNTIL).is_some());
    harness.status("DELETE_IN_PROGRESS");
    harness.delete(&second, &new).await.succeeded();
    harness.is_empty();
}

/// Names of one parameter, more than ten by hand: the plan does not break on GetParameters' limit.
#[tokio::test(start_paused = true)]
async fn more_than_ten_parameters_of_one_owner_can_be_read() {
    let harness = Harness::new("CREATE_IN_PROGRESS");
    let first = harness.create(&declared()).await.succeeded();
    let mut held = harness.aws.account().profiles()[&first].clone();
    held.remove(tags::PARAMETER);
    for n in 0..12 {
        let request = CreateInferenceProfile {
            description: Some(declared()["Description"].as_str().unwrap().to_owned()),
            ..CreateInferenceProfile::new(PROFILE_NAME, &common::model_arn(NOVA))
        };
        let request = held.iter().fold(request, |request, (key, value)| request.tag(key, value));
        let request = request.tag(tags::PARAMETER, &format!("/inference-profiles/p{n}"));
        harness.aws.make_profile(&request).unwrap();
    }
    harness.status("DELETE_IN_PROGRESS");
    harness.delete(&first, &declared()).await.succeeded();
    harness.is_empty();
}

/// Wrong settings must not make a Delete forget a parameter under the prefix that was right.
#[tokio::test(start_paused = true)]
async fn a_delete_under_wrong_settings_leaves_no_parameter_of_another_prefix() {
    let mut harness = Harness::new("CREATE_IN_PROGRESS");
    harness.environment = vec![("PARAMETER_PREFIX", "/ai")];
    let first = harness.create(&declared()).await.succeeded();
    harness.environment = vec![("PARAMETER_PREFIX", "no slash")];
    harness.status("DELETE_IN_PROGRESS");
    harness.delete(&first, &declared()).await.succeeded();
    harness.is_empty();
}

/// An adopted profile with tags of its own, deleted while reads lag.
#[tokio::test(start_paused = true)]
async fn an_adoption_is_released_though_reads_still_show_the_tags_before_it() {
    let harness = Harness::new("CREATE_IN_PROGRESS");
    let request = CreateInferenceProfile::new(PROFILE_NAME, &common::model_arn(NOVA))
        .description("Search: production.")
        .tag("note", "made by hand");
    let existing = harness.aws.make_profile(&request).unwrap();
    let before = harness.aws.account().profiles();
    harness.switches(|switches| (switches.lag_tags_ms, switches.lag_tagging_api_ms) = (8_000, 8_000));
    tokio::time::sleep(Duration::from_secs(60)).await;
    let properties = changed(&[("ExistingProfile", json!(existing.as_str()))]);
    harness.create(&properties).await.succeeded();
    harness.status("ROLLBACK_IN_PROGRESS");
    harness.delete(existing.as_str(), &properties).await.succeeded();
    assert_eq!(harness.aws.account().profiles(), before);
}

/// A failed Create that could not take its profile back answers its ARN; the Delete comes at once.
#[tokio::test(start_paused = true)]
async fn the_delete_of_a_failed_create_waits_for_a_profile_that_reads_do_not_show_yet() {
    let harness = Harness::new("CREATE_IN_PROGRESS");
    harness.switches(|switches| {
        (switches.lag_list_ms, switches.lag_get_ms) = (8_000, 8_000);
        (switches.lag_tags_ms, switches.lag_tagging_api_ms) = (8_000, 8_000);
    });
    for operation in ["bedrock:GetInferenceProfile", "bedrock:DeleteInferenceProfile"] {
        harness.aws.account().faults.add(Fault::before(operation, ErrorKind::Denied));
    }
    let answer = harness.create(&declared()).await;
    answer.failed();
    harness.status("ROLLBACK_IN_PROGRESS");
    harness.delete(answer.body["PhysicalResourceId"].as_str().unwrap(), &declared()).await.succeeded();
    harness.is_empty();
}

/// The first attempt had its effect and its answer was lost; of what carries our tags no more, AWS says that
/// it may not be touched, not that it is gone.
#[tokio::test(start_paused = true)]
async fn a_deletion_that_is_repeated_after_its_effect_may_be_denied() {
    let harness = Harness::new("CREATE_IN_PROGRESS");
    let first = harness.create(&declared()).await.succeeded();
    harness.status("DELETE_IN_PROGRESS");
    for operation in ["ssm:DeleteParameter", "bedrock:DeleteInferenceProfile"] {
        harness.aws.account().faults.add(Fault::lost_answer(operation));
        harness.aws.account().faults.add(Fault::before(operation, ErrorKind::Denied));
    }
    harness.delete(&first, &declared()).await.succeeded();
    harness.is_empty();
}

/// The same for the tags of a profile that is released; a denial of what is still ours is told.
#[tokio::test(start_paused = true)]
async fn a_release_that_is_repeated_after_its_effect_may_be_denied() {
    for released in [true, false] {
        let harness = Harness::new("CREATE_IN_PROGRESS");
        let request = CreateInferenceProfile::new(PROFILE_NAME, &common::model_arn(NOVA))
            .description("Search: production.");
        let existing = harness.aws.make_profile(&request).unwrap();
        let properties = changed(&[("ExistingProfile", json!(existing.as_str()))]);
        harness.create(&properties).await.succeeded();
        harness.status("DELETE_IN_PROGRESS");
        if released {
            harness.aws.account().faults.add(Fault::lost_answer("bedrock:UntagResource"));
        }
        harness.aws.account().faults.add(Fault::before("bedrock:UntagResource", ErrorKind::Denied));
        let answer = harness.delete(existing.as_str(), &properties).await;
        assert_eq!(answer.body["Status"] == "SUCCESS", released, "{:#}", answer.body);
    }
}

/// A time after which a stack has gone on, for what was issued before.
async fn a_while() {
    tokio::time::sleep(Duration::from_secs(90)).await;
}

/// Its clean-up gave the Delete up, and a later update took the profile up again.
#[tokio::test(start_paused = true)]
async fn a_late_delete_of_what_lives_touches_nothing() {
    for resource_is_told in [true, false] {
        let harness = Harness::new("CREATE_IN_PROGRESS");
        let first = harness.create(&declared()).await.succeeded();
        let asked = harness.now();
        a_while().await;
        harness.status("UPDATE_IN_PROGRESS");
        if resource_is_told {
            harness.describe(&first);
        }
        let before = harness.state();
        harness.late(asked).delete(&first, &declared()).await.succeeded();
        assert_eq!(harness.state(), before);
        assert_eq!(
            harness.late(asked).delete("not-created:Search", &declared()).await.body["Status"],
            "SUCCESS"
        );
        assert_eq!(harness.state(), before);
    }
}

/// The Delete of a replaced profile that the stack has given up waiting for.
#[tokio::test(start_paused = true)]
async fn a_late_delete_of_a_replaced_profile_still_removes_it() {
    for later in ["UPDATE_COMPLETE", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"] {
        let harness = Harness::new("CREATE_IN_PROGRESS");
        let first = harness.create(&declared()).await.succeeded();
        harness.status("UPDATE_IN_PROGRESS");
        let other = changed(&[("Description", json!("Another one"))]);
        let second = harness.update(&first, &other, &declared()).await.succeeded();
        let asked = harness.now();
        a_while().await;
        harness.describe(&second);
        harness.status("UPDATE_IN_PROGRESS");
        harness.status(later);
        harness.late(asked).delete(&first, &declared()).await.succeeded();
        harness.holds_exactly(&second, &other);
    }
}

/// Its clean-up was given up, and the next update goes back to the declaration of the replaced profile: the
/// stack does not name it yet.
#[tokio::test(start_paused = true)]
async fn a_late_delete_of_a_replaced_profile_that_is_taken_up_again_touches_nothing() {
    for phase in ["UPDATE_IN_PROGRESS", "UPDATE_ROLLBACK_IN_PROGRESS"] {
        let harness = Harness::new("CREATE_IN_PROGRESS");
        let other = changed(&[("Description", json!("Another one"))]);
        let first = harness.create(&declared()).await.succeeded();
        harness.describe(&first);
        a_while().await;
        harness.status("UPDATE_IN_PROGRESS");
        let second = harness.update(&first, &other, &declared()).await.succeeded();
        harness.describe(&second);
        harness.status("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS");
        let asked = harness.now();
        a_while().await;
        harness.status("UPDATE_COMPLETE");
        a_while().await;
        harness.status("UPDATE_IN_PROGRESS");
        harness.status(phase);
        assert_eq!(harness.update(&second, &declared(), &other).await.succeeded(), first);
        harness.late(asked).delete(&first, &declared()).await.succeeded();
        assert!(harness.state().0.contains_key(&first), "{phase}");
        assert_eq!(harness.published(), Some(first), "{phase}");
    }
}

/// CloudFormation writes to its record while a request runs: a creation is told twice as in progress.
#[tokio::test(start_paused = true)]
async fn a_create_whose_record_changes_while_it_runs_is_still_waited_for() {
    let harness = Harness::new("CREATE_IN_PROGRESS");
    let asked = harness.now();
    harness.aws.account().faults.add(Fault::crash("bedrock:CreateInferenceProfile", Moment::After));
    let killed = tokio::time::timeout(Duration::from_secs(9), harness.create(&declared())).await;
    assert!(killed.is_err());
    a_while().await;
    harness.resource_is("CREATE_IN_PROGRESS", None);
    let id = harness.late(asked).create(&declared()).await.succeeded();
    harness.holds_exactly(&id, &declared());
}

/// The resource left its template, and its Delete runs for long, or comes again after it failed.
#[tokio::test(start_paused = true)]
async fn a_delete_of_what_the_stack_is_deleting_is_carried_out_however_old_it_is() {
    for (stack, resource) in [
        ("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "DELETE_IN_PROGRESS"),
        ("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "DELETE_FAILED"),
        ("UPDATE_IN_PROGRESS", "DELETE_FAILED"),
        ("UPDATE_COMPLETE", "DELETE_FAILED"),
        ("DELETE_FAILED", "DELETE_FAILED"),
    ] {
        let harness = Harness::new("CREATE_IN_PROGRESS");
        let id = harness.create(&declared()).await.succeeded();
        let asked = harness.now();
        a_while().await;
        harness.status("UPDATE_IN_PROGRESS");
        harness.status(stack);
        harness.resource_is(resource, Some(&id));
        harness.late(asked).delete(&id, &declared()).await.succeeded();
        harness.is_empty();
    }
}

/// Whether the stack waits for an Update is told by its status as well.
#[tokio::test(start_paused = true)]
async fn an_update_goes_on_when_the_stack_does_not_tell_of_its_resource() {
    let other = changed(&[("Description", json!("Another one"))]);
    for kind in [ErrorKind::Denied, ErrorKind::Unknown] {
        let harness = Harness::new("CREATE_IN_PROGRESS");
        let first = harness.create(&declared()).await.succeeded();
        let silent = Fault::before("cloudformation:DescribeStackResource", kind).times(99);
        harness.aws.account().faults.add(silent);
        harness.status("UPDATE_IN_PROGRESS");
        let second = harness.update(&first, &other, &declared()).await.succeeded();
        // Nothing of the original is left: the rollback makes it anew.
        harness.aws.account().parameters.take("/inference-profiles/search");
        harness.status("UPDATE_ROLLBACK_IN_PROGRESS");
        assert_eq!(harness.update(&second, &declared(), &other).await.succeeded(), first);
        assert_eq!(harness.published(), Some(first));
    }
}

/// An account whose reads of tags lag, and a profile of the tests' stack, which `tags` says the tags of.
async fn lagging(tags: Value) -> (Harness, Value, String) {
    let harness = Harness::new("CREATE_IN_PROGRESS");
    harness.aws.account().stacks.get_mut(STACK).unwrap().tags.clear();
    let properties = changed(&[("Tags", tags)]);
    let id = harness.create(&properties).await.succeeded();
    harness.describe(&id);
    a_while().await;
    harness.switches(|switches| switches.lag_tags_ms = 20_000);
    (harness, properties, id)
}

/// Takes the stack through `declarations`, each an update, in less time than reads lag by.
async fn updated(harness: &Harness, id: &str, first: &Value, declarations: &[&Value]) {
    let mut old = first;
    for declaration in declarations {
        harness.status("UPDATE_IN_PROGRESS");
        harness.aws.account().stacks.get_mut(STACK).unwrap().tags.clear();
        tokio::time::sleep(Duration::from_secs(2)).await;
        assert_eq!(harness.update(id, declaration, old).await.succeeded(), id);
        old = declaration;
    }
}

fn tag_list(tags: &[(&str, &str)]) -> Value {
    tags.iter().map(|(key, value)| json!({"Key": key, "Value": value})).collect()
}

/// What the declared tags and the record of them are, in truth.
fn holds_tags(harness: &Harness, id: &str, tags: &[(&str, &str)]) {
    let held = harness.aws.account().profiles()[id].clone();
    let wanted: Tags = tags.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect();
    let declared: Tags = held.iter().filter(|(key, _)| !tags::is_reserved(key)).map(owned).collect();
    assert_eq!(declared, wanted);
    let record = tags::KeyRecord::of(&wanted);
    let record = (!wanted.is_empty()).then(|| record.as_str());
    assert_eq!(held.get(tags::TAG_KEYS).map(String::as_str), record);
}

fn owned((key, value): (&String, &String)) -> (String, String) {
    (key.clone(), value.clone())
}

#[tokio::test(start_paused = true)]
async fn the_record_of_tags_follows_a_value_that_goes_and_comes_back_while_reads_lag() {
    let (harness, a, id) = lagging(tag_list(&[("owner", "a")])).await;
    let b = changed(&[("Tags", tag_list(&[("owner", "b")]))]);
    updated(&harness, &id, &a, &[&b, &a]).await;
    holds_tags(&harness, &id, &[("owner", "a")]);
}

#[tokio::test(start_paused = true)]
async fn the_record_of_tags_follows_a_key_that_comes_and_goes_while_reads_lag() {
    for base in [tag_list(&[("owner", "a")]), tag_list(&[])] {
        let (harness, without, id) = lagging(base.clone()).await;
        let mut tags = base.as_array().unwrap().clone();
        tags.push(json!({"Key": "x", "Value": "y"}));
        let with = changed(&[("Tags", json!(tags))]);
        updated(&harness, &id, &without, &[&with, &without]).await;
        let left: &[_] = if base == json!([]) { &[] } else { &[("owner", "a")] };
        holds_tags(&harness, &id, left);
    }
}

#[tokio::test(start_paused = true)]
async fn a_tag_that_is_dropped_and_declared_again_while_reads_lag_is_there() {
    let (harness, with, id) = lagging(tag_list(&[("owner", "a"), ("x", "y")])).await;
    let without = changed(&[("Tags", tag_list(&[("owner", "a")]))]);
    updated(&harness, &id, &with, &[&without, &with]).await;
    holds_tags(&harness, &id, &[("owner", "a"), ("x", "y")]);
}

#[tokio::test(start_paused = true)]
async fn a_drain_period_that_is_dropped_and_declared_again_while_reads_lag_is_there() {
    let (harness, without, id) = lagging(tag_list(&[])).await;
    let mut with = without.clone();
    with["DrainPeriod"] = json!("7d");
    updated(&harness, &id, &without, &[&with]).await;
    a_while().await;
    updated(&harness, &id, &with, &[&without, &with]).await;
    assert_eq!(profile_tag(&harness, &id, tags::DRAIN_PERIOD).as_deref(), Some("7d"));
}

#[tokio::test(start_paused = true)]
async fn a_rollback_to_no_tags_at_all_leaves_no_record_of_tags_while_reads_lag() {
    let (harness, without, id) = lagging(tag_list(&[])).await;
    let before = harness.state();
    let with = changed(&[("Tags", tag_list(&[("owner", "b")]))]);
    updated(&harness, &id, &without, &[&with]).await;
    harness.status("UPDATE_ROLLBACK_IN_PROGRESS");
    harness.aws.account().stacks.get_mut(STACK).unwrap().tags.clear();
    assert_eq!(harness.update(&id, &without, &with).await.succeeded(), id);
    assert_eq!(harness.state(), before);
}

/// The update that declared them failed; AWS would refuse to take them off.
#[tokio::test(start_paused = true)]
async fn a_rollback_does_not_take_off_what_no_tag_can_be() {
    for key in ["a(b)", "", "aws:x", "inference-profile-manager:owner"] {
        let harness = Harness::new("CREATE_IN_PROGRESS");
        let first = harness.create(&declared()).await.succeeded();
        let before = harness.state();
        let other = changed(&[("Tags", tag_list(&[("owner", "search"), (key, "x")]))]);
        harness.status("UPDATE_IN_PROGRESS");
        harness.update(&first, &other, &declared()).await.failed();
        harness.status("UPDATE_ROLLBACK_IN_PROGRESS");
        assert_eq!(harness.update(&first, &declared(), &other).await.succeeded(), first, "{key}");
        assert_eq!(harness.state(), before, "{key}");
    }
}

/// On an adopted profile, what somebody else had put there stays theirs, also when a declaration names it.
#[tokio::test(start_paused = true)]
async fn a_tag_that_an_adopted_profile_had_stays_when_a_declaration_names_and_drops_it() {
    let harness = Harness::new("CREATE_IN_PROGRESS");
    let request = CreateInferenceProfile::new(PROFILE_NAME, &common::model_arn(NOVA))
        .description("Search: production.")
        .tag("note", "theirs");
    let existing = harness.aws.make_profile(&request).unwrap();
    let adopting = |tags: Value| changed(&[("ExistingProfile", json!(existing.as_str())), ("Tags", tags)]);
    let (without, with) = (adopting(tag_list(&[])), adopting(tag_list(&[("note", "theirs"), ("x", "y")])));
    let id = harness.create(&without).await.succeeded();
    let before = harness.state();
    updated(&harness, &id, &without, &[&with]).await;
    harness.status("UPDATE_IN_PROGRESS");
    assert_eq!(harness.update(&id, &without, &with).await.succeeded(), id);
    assert_eq!(harness.state(), before);
}

/// What a role may change lies under the prefix of its deployment.
#[tokio::test(start_paused = true)]
async fn an_update_after_a_changed_prefix_leaves_the_former_parameter_alone() {
    let mut harness = Harness::new("CREATE_IN_PROGRESS");
    let first = harness.create(&declared()).await.succeeded();
    harness.environment = vec![("PARAMETER_PREFIX", "/ai")];
    harness.status("UPDATE_IN_PROGRESS");
    assert_eq!(harness.update(&first, &declared(), &declared()).await.succeeded(), first);
    let parameters = harness.state().1;
    let values: Vec<_> = parameters.all().iter().map(|(name, held)| (&**name, &*held.value)).collect();
    assert_eq!(values, [("/ai/search", &*first), ("/inference-profiles/search", &*first)]);
}

/// Parameter Store denies a call for all its names when the role does not reach one of them.
#[tokio::test(start_paused = true)]
async fn a_parameter_that_cannot_be_reached_does_not_hide_those_that_can() {
    let harness = Harness::new("CREATE_IN_PROGRESS");
    let first = harness.create(&declared()).await.succeeded();
    let owner = profile::tags::Owner { stack_id: STACK.into(), logical_id: LOGICAL_ID.into() }.tags();
    for name in ["/a-former-prefix/search", "/inference-profiles/second", "/inference-profiles/third"] {
        let request = CreateInferenceProfile::new(PROFILE_NAME, &common::model_arn(NOVA));
        let request = owner.iter().fold(request, |request, (key, value)| request.tag(key, value));
        let made = harness.aws.make_profile(&request.tag(tags::PARAMETER, name)).unwrap();
        harness.aws.account().parameters.seed(name, made.as_str(), owner.clone());
    }
    harness.status("DELETE_IN_PROGRESS");
    // After the declared one's: the call for all three, and that for the first alone.
    harness.aws.account().faults.add(Fault::before("ssm:GetParameters", ErrorKind::Denied).after(1).times(2));
    harness.delete(&first, &declared()).await.succeeded();
    let left = harness.state().1;
    assert_eq!(left.all().keys().collect::<Vec<_>>(), ["/a-former-prefix/search"]);
}

#[tokio::test(start_paused = true)]
async fn a_late_update_does_not_overwrite_a_newer_declaration() {
    let harness = Harness::new("CREATE_IN_PROGRESS");
    let first = harness.create(&declared()).await.succeeded();
    let second = changed(&[("Tags", json!([{"Key": "owner", "Value": "second"}]))]);
    let third = changed(&[("Tags", json!([{"Key": "owner", "Value": "third"}]))]);
    harness.status("UPDATE_IN_PROGRESS");
    let asked = harness.now();
    harness.update(&first, &second, &declared()).await.succeeded();
    a_while().await;
    harness.status("UPDATE_IN_PROGRESS");
    harness.update(&first, &third, &second).await.succeeded();
    let reason = harness.late(asked).update(&first, &second, &declared()).await.failed();
    assert!(reason.contains("out of date"), "{reason}");
    assert_eq!(profile_tag(&harness, &first, "owner").as_deref(), Some("third"));
    // What is true already is answered as before.
    assert_eq!(harness.late(asked).update(&first, &third, &second).await.succeeded(), first);
}

/// The update's own answer came too late; the stack rolls back and has its answer to that.
#[tokio::test(start_paused = true)]
async fn a_late_update_does_not_undo_a_rollback() {
    for rollback_begins_anew in [true, false] {
        let harness = Harness::new("CREATE_IN_PROGRESS");
        let first = harness.create(&declared()).await.succeeded();
        let other = changed(&[("Description", json!("Another one"))]);
        harness.status("UPDATE_IN_PROGRESS");
        let asked = harness.now();
        a_while().await;
        if rollback_begins_anew {
            harness.status("UPDATE_IN_PROGRESS");
        }
        harness.status("UPDATE_ROLLBACK_IN_PROGRESS");
        assert_eq!(harness.update(&first, &declared(), &other).await.succeeded(), first);
        harness.describe(&first);
        let before = harness.state();
        harness.late(asked).update(&first, &other, &declared()).await.failed();
        assert_eq!(harness.state(), before);
    }
}

/// The rollback's own Update came within seconds of the one that it takes back.
#[tokio::test(start_paused = true)]
async fn a_late_update_does_not_undo_a_rollback_that_followed_at_once() {
    let harness = Harness::new("CREATE_IN_PROGRESS");
    let first = harness.create(&declared()).await.succeeded();
    let other = changed(&[("Description", json!("Another one"))]);
    a_while().await;
    harness.status("UPDATE_IN_PROGRESS");
    let asked = harness.now();
    let second = harness.update(&first, &other, &declared()).await.succeeded();
    harness.describe(&second);
    tokio::time::sleep(Duration::from_secs(5)).await;
    harness.status("UPDATE_ROLLBACK_IN_PROGRESS");
    harness.resource_is("UPDATE_IN_PROGRESS", Some(&second));
    assert_eq!(harness.update(&second, &declared(), &other).await.succeeded(), first);
    harness.describe(&first);
    let before = harness.state();
    tokio::time::sleep(Duration::from_secs(600)).await;
    harness.late(asked).update(&first, &other, &declared()).await.failed();
    assert_eq!(harness.state(), before);
}

/// A request is signed in whole seconds, and its resource may still be told as it was before.
#[tokio::test(start_paused = true)]
async fn an_update_that_follows_within_a_second_is_still_waited_for() {
    let harness = Harness::new("CREATE_IN_PROGRESS");
    let first = harness.create(&declared()).await.succeeded();
    a_while().await;
    harness.status("UPDATE_IN_PROGRESS");
    tokio::time::sleep(Duration::from_millis(900)).await;
    harness.describe(&first);
    let other = changed(&[("Tags", json!([]))]);
    assert_eq!(harness.update(&first, &other, &declared()).await.succeeded(), first);
}

/// The operation goes on with other resources, and what failed is preserved.
#[tokio::test(start_paused = true)]
async fn a_late_create_makes_nothing_while_its_failed_resource_is_preserved() {
    let harness = Harness::new("CREATE_IN_PROGRESS");
    let asked = harness.now();
    tokio::time::sleep(Duration::from_secs(5)).await;
    harness.resource_is("CREATE_FAILED", Some("not-created:Search"));
    a_while().await;
    harness.late(asked).create(&declared()).await.failed();
    let made = "bedrock:CreateInferenceProfile";
    assert!(!harness.aws.account().calls.contains(&made), "it makes nothing, not even to take it back");
    harness.is_empty();
}

/// Its resource failed, was taken back, and is not in the template any more.
#[tokio::test(start_paused = true)]
async fn a_late_create_makes_nothing_in_a_later_update() {
    let harness = Harness::new("UPDATE_IN_PROGRESS");
    let asked = harness.now();
    a_while().await;
    harness.status("UPDATE_IN_PROGRESS");
    harness.late(asked).create(&declared()).await.failed();
    harness.is_empty();
}

/// The parameter itself cannot be reached any more, and stays as it is.
#[tokio::test(start_paused = true)]
async fn a_rollback_is_not_refused_by_a_prefix_that_came_later() {
    let mut harness = Harness::new("CREATE_IN_PROGRESS");
    let properties = changed(&[("ParameterName", json!("/inference-profiles/search"))]);
    let first = harness.create(&properties).await.succeeded();
    let before = harness.state();
    harness.environment = vec![("PARAMETER_PREFIX", "/ai")];
    harness.aws.account().faults.add(Fault::before("ssm:GetParameters", ErrorKind::Denied).times(9));
    let other = changed(&[("ParameterName", json!("/inference-profiles/search")), ("Tags", json!([]))]);
    harness.status("UPDATE_IN_PROGRESS");
    let reason = harness.update(&first, &other, &properties).await.failed();
    assert!(reason.contains("does not lie under /ai/"), "{reason}");
    harness.status("UPDATE_ROLLBACK_IN_PROGRESS");
    let answer = harness.update(&first, &properties, &other).await;
    assert_eq!(answer.succeeded(), first);
    assert_eq!(answer.body["Data"]["ParameterName"], "/inference-profiles/search");
    assert_eq!(harness.state(), before);
}

/// A Create that is delivered again at once, with a token that gives the first one's profile back: the second
/// delivery finds the stack gone on, and takes nothing back.
#[tokio::test(start_paused = true)]
async fn a_repeated_create_does_not_take_back_the_profile_that_the_first_was_answered_with() {
    let harness = Harness::new("CREATE_IN_PROGRESS");
    harness.aws.account().latency = Duration::from_millis(700);
    let second = harness.clone();
    let second = tokio::spawn(async move {
        tokio::time::sleep(Duration::from_secs(2)).await;
        second.create(&declared()).await
    });
    harness.switches(|switches| switches.lag_list_ms = 2_000);
    let arn = harness.create(&declared()).await.succeeded();
    harness.resource_is("CREATE_COMPLETE", Some(&arn));
    harness.status("CREATE_COMPLETE");
    second.await.unwrap();
    harness.holds_exactly(&arn, &declared());
}

/// Two deliveries of an Update side by side, each of which believes that it made the renamed parameter.
#[tokio::test(start_paused = true)]
async fn a_repeated_rename_does_not_take_the_new_parameter_away() {
    let harness = Harness::new("CREATE_IN_PROGRESS");
    let old = changed(&[("ParameterName", json!("/inference-profiles/own"))]);
    let arn = harness.create(&old).await.succeeded();
    harness.resource_is("CREATE_COMPLETE", Some(&arn));
    harness.status("UPDATE_IN_PROGRESS");
    harness.aws.account().latency = Duration::from_millis(700);
    let update = json!({
        "RequestType": "Update",
        "PhysicalResourceId": arn,
        "ResourceProperties": declared(),
        "OldResourceProperties": old,
    });
    let (second, again) = (harness.clone(), update.clone());
    let second = tokio::spawn(async move { second.send(again).await });
    harness.send(update).await.succeeded();
    harness.resource_is("UPDATE_COMPLETE", Some(&arn));
    harness.status("UPDATE_COMPLETE");
    second.await.unwrap();
    harness.holds_exactly(&arn, &declared());
}

/// A DrainPeriod that comes with the replacement counts, though reads do not show the successor's tags yet.
#[tokio::test(start_paused = true)]
async fn a_new_drain_period_counts_when_the_tags_of_the_successor_are_seen_late() {
    let harness = Harness::new("CREATE_IN_PROGRESS");
    let first = harness.create(&declared()).await.succeeded();
    harness.describe(&first);
    harness.status("UPDATE_IN_PROGRESS");
    let new = changed(&[
        ("DrainPeriod", json!("7d")),
        ("ModelSource", json!({"CopyFrom": "amazon.nova-pro-v1:0"})),
    ]);
    let second = harness.update(&first, &new, &declared()).await.succeeded();
    harness.describe(&second);
    harness.switches(|switches| switches.lag_tags_ms = 20_000);
    harness.status("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS");
    harness.delete(&first, &declared()).await.succeeded();
    assert!(profile_tag(&harness, &first, tags::DRAIN_UNTIL).is_some());
}

/// What failed once is not asked for again in a clean-up: throttling that lasts longer than the calls' own
/// patience is waited for.
#[tokio::test(start_paused = true)]
async fn a_delete_outlasts_throttling() {
    let harness = Harness::new("CREATE_IN_PROGRESS");
    let arn = harness.create(&declared()).await.succeeded();
    harness.status("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS");
    let throttled = Fault::before(Fault::ANY, ErrorKind::Throttled).times(60);
    harness.aws.account().faults.add(throttled);
    harness.delete(&arn, &declared()).await.succeeded();
    harness.is_empty();
}

/// The profile is gone, reads do not show it, and IAM says "denied" of what carries no tag any more.
#[tokio::test(start_paused = true)]
async fn a_denied_deletion_of_what_is_gone_is_told_from_a_denied_one_when_reads_lag() {
    let harness = Harness::new("CREATE_IN_PROGRESS");
    harness.aws.account().conditions = Conditions::On;
    let arn = harness.create(&declared()).await.succeeded();
    harness.switches(|switches| switches.lag_tags_ms = 10_000);
    harness.status("DELETE_IN_PROGRESS");
    harness.delete(&arn, &declared()).await.succeeded();
    harness.delete(&arn, &declared()).await.succeeded();
    harness.is_empty();
}

/// A draining profile that reads do not show as such is no successor to publish.
#[tokio::test(start_paused = true)]
async fn a_parameter_is_not_handed_over_to_a_profile_that_drains_unseen() {
    let harness = Harness::new("CREATE_IN_PROGRESS");
    let drains = |more: (&str, Value)| changed(&[("DrainPeriod", json!("1h")), more]);
    let versions = [
        drains(("Description", json!("One"))),
        drains(("Description", json!("Two"))),
        drains(("InferenceProfileName", json!("renamed"))),
    ];
    let mut id = harness.create(&versions[0]).await.succeeded();
    harness.describe(&id);
    harness.switches(|switches| switches.lag_tags_ms = 20_000);
    for (old, new) in [(0, 1), (1, 2)] {
        harness.status("UPDATE_IN_PROGRESS");
        let next = harness.update(&id, &versions[new], &versions[old]).await.succeeded();
        harness.describe(&next);
        harness.status("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS");
        harness.delete(&id, &versions[old]).await.succeeded();
        id = next;
    }
    assert_eq!(harness.published(), None, "the former name went with its profile");
}

/// A template's short ServiceTimeout leaves a Delete the time that reads may lag, as far as it can.
#[tokio::test(start_paused = true)]
async fn a_delete_waits_for_tags_that_are_seen_late_under_a_short_service_timeout() {
    let harness = Harness::new("CREATE_IN_PROGRESS");
    harness.switches(|switches| switches.lag_tags_ms = 20_000);
    let properties = changed(&[("ServiceTimeout", json!("45"))]);
    let arn = harness.create(&properties).await.succeeded();
    harness.status("ROLLBACK_IN_PROGRESS");
    harness.delete(&arn, &properties).await.succeeded();
    harness.is_empty();
}

/// Two Creates of one name, one after the other's stack: the first, still under way when its stack was deleted,
/// takes nothing from the second.
#[tokio::test(start_paused = true)]
async fn an_undo_does_not_take_a_parameter_that_another_has_made_since() {
    let harness = Harness::new("CREATE_IN_PROGRESS");
    harness.switches(|switches| switches.lag_get_ms = 200_000);
    let first = harness.clone();
    let first = tokio::spawn(async move { first.create(&declared()).await });
    tokio::time::sleep(Duration::from_secs(20)).await;
    let theirs = Tags::from([
        (tags::STACK_ID.into(), "arn:aws:cloudformation:us-east-1:123456789012:stack/app/2".into()),
        (tags::LOGICAL_ID.into(), LOGICAL_ID.into()),
    ]);
    harness.status("DELETE_COMPLETE");
    harness.aws.account().parameters.seed("/inference-profiles/search", "their profile", theirs);
    first.await.unwrap().failed();
    assert_eq!(harness.published().as_deref(), Some("their profile"));
}

/// An update that only adds a parameter, and is cancelled: what it made goes with it.
#[tokio::test(start_paused = true)]
async fn a_cancelled_update_takes_the_parameter_that_it_made_along() {
    let harness = Harness::new("CREATE_IN_PROGRESS");
    let old = changed(&[("PublishParameter", json!("false"))]);
    let arn = harness.create(&old).await.succeeded();
    harness.describe(&arn);
    harness.status("UPDATE_IN_PROGRESS");
    let stacks = harness.clone();
    harness.aws.watch(move |account, operation| {
        if operation == "ssm:PutParameter" {
            let stack = account.stacks.get_mut(STACK).unwrap();
            stack.status = "UPDATE_ROLLBACK_COMPLETE".into();
        }
    });
    stacks.update(&arn, &declared(), &old).await.failed();
    assert_eq!(harness.published(), None);
    assert!(harness.aws.account().profiles().contains_key(&arn));
}

/// A resource whose removal was given up comes back into its template.
#[tokio::test(start_paused = true)]
async fn a_resource_that_could_not_be_removed_can_be_declared_anew() {
    let harness = Harness::new("CREATE_IN_PROGRESS");
    let first = harness.create(&declared()).await.succeeded();
    harness.resource_is("DELETE_FAILED", Some(&first));
    harness.status("UPDATE_IN_PROGRESS");
    let again = changed(&[("Description", json!("Again."))]);
    let second = harness.create(&again).await.succeeded();
    assert_ne!(second, first);
    assert_eq!(harness.published(), Some(second));
}

/// Back to the declaration before, while the tags of the profile that was just deleted are still seen.
#[tokio::test(start_paused = true)]
async fn a_deleted_profile_whose_tags_are_still_seen_is_not_waited_for_in_vain() {
    let harness = Harness::new("CREATE_IN_PROGRESS");
    let before = changed(&[("Description", json!("Before."))]);
    let first = harness.create(&declared()).await.succeeded();
    harness.describe(&first);
    harness.status("UPDATE_IN_PROGRESS");
    let second = harness.update(&first, &before, &declared()).await.succeeded();
    harness.describe(&second);
    harness.status("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS");
    harness.switches(|switches| {
        (switches.lag_tags_ms, switches.lag_tagging_api_ms, switches.lag_list_ms) = (20_000, 20_000, 20_000);
    });
    harness.delete(&first, &declared()).await.succeeded();
    harness.status("UPDATE_IN_PROGRESS");
    let third = harness.update(&second, &declared(), &before).await.succeeded();
    assert!(harness.aws.account().profiles().contains_key(&third));
    assert_eq!(harness.published(), Some(third));
}

/// A cancelled Create publishes after the Delete that overtook it has looked for parameters, and cannot take that back.
#[tokio::test(start_paused = true)]
async fn a_delete_finds_the_parameter_that_a_cancelled_create_made_meanwhile() {
    let harness = Harness::new("CREATE_IN_PROGRESS");
    harness.aws.account().latency = Duration::from_secs(1);
    harness.switches(|switches| switches.lag_list_ms = 8_000);
    let overtaken = async {
        let answer = harness.create(&declared()).await;
        assert!(answer.failed().contains("taking back what had been made failed"));
    };
    let deletion = async {
        tokio::time::sleep(Duration::from_millis(1_500)).await;
        harness.status("ROLLBACK_IN_PROGRESS");
        harness.aws.watch(move |account, operation| {
            if operation == "ssm:PutParameter" {
                account.faults.add(Fault::before("ssm:GetParameters", ErrorKind::Denied));
            }
        });
        harness.delete("app-Search-1A2B3C4D5E6F", &declared()).await.succeeded();
    };
    tokio::join!(overtaken, deletion);
    harness.is_empty();
}

/// Back to the declaration before, while every read still shows the profile that was just deleted: what is not found
/// when it is to be tagged is gone.
#[tokio::test(start_paused = true)]
async fn a_deleted_profile_that_every_read_still_shows_is_not_taken_up_again() {
    for conditions in [Conditions::Off, Conditions::On] {
        let harness = Harness::new("CREATE_IN_PROGRESS");
        harness.aws.account().conditions = conditions;
        let other = changed(&[("Description", json!("Other."))]);
        let first = harness.create(&declared()).await.succeeded();
        harness.describe(&first);
        harness.status("UPDATE_IN_PROGRESS");
        let second = harness.update(&first, &other, &declared()).await.succeeded();
        harness.describe(&second);
        harness.status("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS");
        tokio::time::sleep(Duration::from_secs(60)).await;
        harness.switches(|switches| {
            (switches.lag_get_ms, switches.lag_list_ms) = (8_000, 8_000);
            (switches.lag_tags_ms, switches.lag_tagging_api_ms) = (8_000, 8_000);
        });
        harness.delete(&first, &declared()).await.succeeded();
        harness.status("UPDATE_IN_PROGRESS");
        let readers = harness.watch_readers("/inference-profiles/search");
        let third = harness.update(&second, &declared(), &other).await.succeeded();
        assert!(third != first && harness.aws.account().profiles().contains_key(&third));
        assert_eq!(harness.published(), Some(third));
        assert_eq!(*readers.lock().unwrap(), Vec::<String>::new());
    }
}

/// A profile that was released a moment ago, whose tags are still seen, is adopted again with all of its tags.
#[tokio::test(start_paused = true)]
async fn a_profile_that_is_adopted_again_at_once_gets_all_of_its_tags() {
    let harness = Harness::new("CREATE_IN_PROGRESS");
    let theirs = made_by_hand(&harness, &[]);
    let owns = changed(&[("Description", json!("Own."))]);
    let adopts = changed(&[("ExistingProfile", json!(theirs))]);
    harness.create(&adopts).await.succeeded();
    harness.describe(&theirs);
    harness.status("UPDATE_IN_PROGRESS");
    let own = harness.update(&theirs, &owns, &adopts).await.succeeded();
    harness.describe(&own);
    harness.status("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS");
    tokio::time::sleep(Duration::from_secs(60)).await;
    harness.switches(|switches| switches.lag_tags_ms = 5_000);
    harness.delete(&theirs, &adopts).await.succeeded();
    harness.status("UPDATE_IN_PROGRESS");
    harness.update(&own, &adopts, &owns).await.succeeded();
    assert_eq!(profile_tag(&harness, &theirs, "owner").as_deref(), Some("search"));
    assert_eq!(profile_tag(&harness, &theirs, tags::LOGICAL_ID).as_deref(), Some(LOGICAL_ID));
    harness.describe(&theirs);
    harness.status("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS");
    harness.delete(&own, &owns).await.succeeded();
    harness.status("DELETE_IN_PROGRESS");
    harness.delete(&theirs, &adopts).await.succeeded();
    assert_eq!(harness.aws.account().profiles().into_values().collect::<Vec<_>>(), [Tags::new()]);
}

/// A rollback that names the abandoned profile finds the original, though neither list nor index show it yet.
#[tokio::test(start_paused = true)]
async fn a_rollback_waits_for_the_original_to_be_seen() {
    let harness = Harness::new("CREATE_IN_PROGRESS");
    harness.switches(|switches| (switches.lag_list_ms, switches.lag_tagging_api_ms) = (8_000, 8_000));
    let unpublished =
        |more: &[(&str, Value)]| changed(&[&[("PublishParameter", json!("false"))], more].concat());
    let old = unpublished(&[]);
    let new = unpublished(&[("InferenceProfileName", json!("other"))]);
    let first = harness.create(&old).await.succeeded();
    harness.describe(&first);
    harness.status("UPDATE_IN_PROGRESS");
    let second = harness.update(&first, &new, &old).await.succeeded();
    harness.status("UPDATE_ROLLBACK_IN_PROGRESS");
    assert_eq!(harness.update(&second, &old, &new).await.succeeded(), first);
}

/// A second delivery that lost, and whose parameter the stack has gone on with, does not point it to the former profile.
#[tokio::test(start_paused = true)]
async fn an_undo_does_not_point_a_parameter_back_behind_the_stack() {
    let harness = Harness::new("CREATE_IN_PROGRESS");
    harness.switches(|switches| switches.repeated_token = RepeatedToken::NewProfile);
    let other = changed(&[("Description", json!("Other."))]);
    let first = harness.create(&declared()).await.succeeded();
    harness.describe(&first);
    tokio::time::sleep(Duration::from_secs(60)).await;
    harness.status("UPDATE_IN_PROGRESS");
    harness.switches(|switches| switches.lag_tags_ms = 8_000);
    harness.aws.account().latency = Duration::from_millis(700);
    let update = json!({
        "RequestType": "Update",
        "RequestId": "update",
        "PhysicalResourceId": first,
        "ResourceProperties": other,
        "OldResourceProperties": declared(),
    });
    let winning = async {
        let winner = harness.send(update.clone()).await.succeeded();
        harness.resource_is("UPDATE_COMPLETE", Some(&winner));
        tokio::time::sleep(Duration::from_millis(500)).await;
        harness.status("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS");
        winner
    };
    let losing = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        harness.send(update.clone()).await.failed()
    };
    let (winner, _) = tokio::join!(winning, losing);
    assert_eq!(harness.published(), Some(winner));
}

/// A tag that an update put on an adopted profile a moment before its release goes with the others.
#[tokio::test(start_paused = true)]
async fn a_release_takes_off_a_tag_that_is_not_seen_yet() {
    let harness = Harness::new("CREATE_IN_PROGRESS");
    let theirs = made_by_hand(&harness, &[("env", "theirs")]);
    let adopts = changed(&[("ExistingProfile", json!(theirs))]);
    let tagged = changed(&[
        ("ExistingProfile", json!(theirs)),
        ("Tags", json!([{"Key": "owner", "Value": "search"}, {"Key": "stage", "Value": "prod"}])),
    ]);
    harness.create(&adopts).await.succeeded();
    harness.describe(&theirs);
    harness.status("UPDATE_IN_PROGRESS");
    tokio::time::sleep(Duration::from_secs(60)).await;
    harness.switches(|switches| switches.lag_tags_ms = 8_000);
    harness.update(&theirs, &tagged, &adopts).await.succeeded();
    harness.describe(&theirs);
    harness.status("DELETE_IN_PROGRESS");
    harness.delete(&theirs, &tagged).await.succeeded();
    let left: Vec<Tags> = harness.aws.account().profiles().into_values().collect();
    assert_eq!(left, [Tags::from([("env".to_owned(), "theirs".to_owned())])]);
}

/// Whether what AWS denies to delete is gone cannot be read at the moment: that passes, and the clean-up goes on.
#[tokio::test(start_paused = true)]
async fn a_denied_deletion_is_not_given_up_while_nobody_can_tell_whether_it_is_gone() {
    let harness = Harness::new("CREATE_IN_PROGRESS");
    harness.aws.account().conditions = Conditions::On;
    let arn = harness.create(&declared()).await.succeeded();
    harness.switches(|switches| switches.lag_tags_ms = 10_000);
    harness.status("DELETE_IN_PROGRESS");
    harness.delete(&arn, &declared()).await.succeeded();
    // The first one of the repetition's reads is for its own look.
    let throttled = Fault::before("bedrock:ListTagsForResource", ErrorKind::Throttled).after(1).times(6);
    harness.aws.account().faults.add(throttled);
    harness.delete(&arn, &declared()).await.succeeded();
    assert!(harness.aws.account().faults.struck() >= 4);
}

/// The tags of an adoption were put on, nobody heard of it, and reads do not show them yet.
#[tokio::test(start_paused = true)]
async fn a_failed_adoption_takes_off_tags_that_are_not_seen_yet() {
    let harness = Harness::new("CREATE_IN_PROGRESS");
    let theirs = made_by_hand(&harness, &[]);
    tokio::time::sleep(Duration::from_secs(60)).await;
    harness.switches(|switches| switches.lag_tags_ms = 20_000);
    harness.aws.account().faults.add(Fault::lost_answer("bedrock:TagResource").times(4));
    harness.create(&changed(&[("ExistingProfile", json!(theirs))])).await.failed();
    assert_eq!(harness.aws.account().profiles()[&theirs], Tags::new());
}

/// A profile that may not be tagged is not gone: a rollback does not make another one beside it.
#[tokio::test(start_paused = true)]
async fn a_profile_that_may_not_be_tagged_is_not_replaced_in_silence() {
    let harness = Harness::new("CREATE_IN_PROGRESS");
    let other = changed(&[("Description", json!("Other."))]);
    let first = harness.create(&declared()).await.succeeded();
    harness.describe(&first);
    harness.status("UPDATE_IN_PROGRESS");
    let second = harness.update(&first, &other, &declared()).await.succeeded();
    harness.status("UPDATE_ROLLBACK_IN_PROGRESS");
    harness.aws.account().faults.add(Fault::before("bedrock:TagResource", ErrorKind::Denied).times(9));
    let reason = harness.update(&second, &declared(), &other).await.failed();
    assert!(reason.contains("bedrock:TagResource failed with Denied"), "{reason}");
    assert_eq!(harness.aws.account().profiles().len(), 2);
    harness.aws.account().faults.clear();
    assert_eq!(harness.update(&second, &declared(), &other).await.succeeded(), first);
}

/// What was made a moment ago may be seen in the list before it can be tagged.
#[tokio::test(start_paused = true)]
async fn a_profile_that_cannot_be_tagged_yet_is_not_made_again() {
    let harness = Harness::new("CREATE_IN_PROGRESS");
    let first = harness.create(&declared()).await.succeeded();
    harness.aws.account().faults.add(Fault::before("bedrock:TagResource", ErrorKind::NotFound).times(5));
    assert_eq!(harness.create(&declared()).await.succeeded(), first);
    assert_eq!(harness.aws.account().profiles().len(), 1);
    assert!(harness.aws.account().faults.struck() == 5);
}

/// The same while calls are throttled.
#[tokio::test(start_paused = true)]
async fn a_profile_that_cannot_be_tagged_yet_is_waited_for_through_throttling() {
    let harness = Harness::new("CREATE_IN_PROGRESS");
    let first = harness.create(&declared()).await.succeeded();
    for kind in [ErrorKind::NotFound, ErrorKind::Throttled] {
        harness.aws.account().faults.add(Fault::before("bedrock:TagResource", kind).times(2));
    }
    assert_eq!(harness.create(&declared()).await.succeeded(), first);
    assert_eq!(harness.aws.account().faults.struck(), 4);
}

/// A profile that was released a moment ago fits the new declaration, which does not name it.
#[tokio::test(start_paused = true)]
async fn a_released_profile_that_is_not_named_is_not_taken_up() {
    let harness = Harness::new("CREATE_IN_PROGRESS");
    let theirs = made_by_hand(&harness, &[]);
    let adopts = changed(&[("ExistingProfile", json!(theirs))]);
    let owns = changed(&[("Description", json!("Own."))]);
    harness.create(&adopts).await.succeeded();
    harness.describe(&theirs);
    harness.status("UPDATE_IN_PROGRESS");
    let own = harness.update(&theirs, &owns, &adopts).await.succeeded();
    harness.describe(&own);
    harness.status("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS");
    tokio::time::sleep(Duration::from_secs(60)).await;
    harness.switches(|switches| switches.lag_tags_ms = 20_000);
    harness.delete(&theirs, &adopts).await.succeeded();
    harness.status("UPDATE_IN_PROGRESS");
    let next = harness.update(&own, &declared(), &owns).await.succeeded();
    assert_ne!(next, theirs);
    assert_eq!(harness.aws.account().profiles()[&theirs], Tags::new());
}

/// Back to a former declaration whose profile drains, which reads do not show yet: it is the current one again.
#[tokio::test(start_paused = true)]
async fn a_profile_that_is_taken_up_again_does_not_drain_any_more() {
    let harness = Harness::new("CREATE_IN_PROGRESS");
    let drains =
        |description: &str| changed(&[("DrainPeriod", json!("1h")), ("Description", json!(description))]);
    let (old, new) = (drains("Old."), drains("New."));
    let first = harness.create(&old).await.succeeded();
    harness.describe(&first);
    harness.status("UPDATE_IN_PROGRESS");
    let second = harness.update(&first, &new, &old).await.succeeded();
    harness.describe(&second);
    harness.status("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS");
    tokio::time::sleep(Duration::from_secs(60)).await;
    harness.switches(|switches| switches.lag_tags_ms = 8_000);
    harness.delete(&first, &old).await.succeeded();
    assert!(profile_tag(&harness, &first, tags::DRAIN_UNTIL).is_some());
    harness.status("UPDATE_IN_PROGRESS");
    assert_eq!(harness.update(&second, &old, &new).await.succeeded(), first);
    assert_eq!(profile_tag(&harness, &first, tags::DRAIN_UNTIL), None);
    assert_eq!(profile_tag(&harness, &first, tags::DRAIN_PERIOD).as_deref(), Some("1h"));
}

/// A rollback does not take a draining profile of the same declaration for the one that it is to restore.
#[tokio::test(start_paused = true)]
async fn a_rollback_finds_the_original_beside_one_that_drains() {
    let harness = Harness::new("CREATE_IN_PROGRESS");
    let unpublished = |description: &str| {
        let more = [("PublishParameter", json!("false")), ("DrainPeriod", json!("1h"))];
        changed(&[&more[..], &[("Description", json!(description))]].concat())
    };
    let versions = [unpublished("One."), unpublished("Two."), unpublished("One.")];
    let mut id = harness.create(&versions[0]).await.succeeded();
    harness.describe(&id);
    for step in 1..3 {
        tokio::time::sleep(Duration::from_secs(60)).await;
        harness.status("UPDATE_IN_PROGRESS");
        if step == 2 {
            harness.switches(|switches| {
                (switches.lag_list_ms, switches.lag_tagging_api_ms) = (20_000, 20_000);
            });
        }
        let next = harness.update(&id, &versions[step], &versions[step - 1]).await.succeeded();
        harness.describe(&next);
        harness.status("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS");
        harness.delete(&id, &versions[step - 1]).await.succeeded();
        id = next;
    }
    harness.status("UPDATE_IN_PROGRESS");
    let failed = unpublished("Three.");
    let abandoned = harness.update(&id, &failed, &versions[2]).await.succeeded();
    harness.status("UPDATE_ROLLBACK_IN_PROGRESS");
    assert_eq!(harness.update(&abandoned, &versions[2], &failed).await.succeeded(), id);
}

/// A profile that seemed to be adopted already was released a moment ago; what a failed Create tagged is looked for by
/// its Delete.
#[tokio::test(start_paused = true)]
async fn the_delete_of_a_failed_adoption_looks_for_what_seemed_to_be_ours() {
    failed_adoption(Fault::before("ssm:PutParameter", ErrorKind::Denied).times(9)).await;
}

/// The same where nobody heard of the tags.
#[tokio::test(start_paused = true)]
async fn the_delete_of_a_failed_adoption_looks_for_tags_that_nobody_heard_of() {
    failed_adoption(Fault::lost_answer("bedrock:TagResource").times(4)).await;
}

/// A Create that adopts what was released a moment ago fails of `fault`; its Delete leaves nothing of ours.
async fn failed_adoption(fault: Fault) {
    let harness = Harness::new("CREATE_IN_PROGRESS");
    let theirs = made_by_hand(&harness, &[]);
    let adopts = changed(&[("ExistingProfile", json!(theirs))]);
    harness.create(&adopts).await.succeeded();
    harness.describe(&theirs);
    harness.status("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS");
    tokio::time::sleep(Duration::from_secs(60)).await;
    harness.switches(|switches| {
        (switches.lag_tags_ms, switches.lag_tagging_api_ms) = (20_000, 20_000);
    });
    harness.delete(&theirs, &adopts).await.succeeded();
    harness.resource_is("DELETE_COMPLETE", Some(&theirs));
    tokio::time::sleep(Duration::from_secs(15)).await;
    harness.status("UPDATE_IN_PROGRESS");
    harness.aws.account().faults.add(fault);
    let answer = harness.create(&adopts).await;
    answer.failed();
    harness.aws.account().faults.clear();
    let id = answer.body["PhysicalResourceId"].as_str().unwrap().to_owned();
    harness.resource_is("CREATE_FAILED", Some(&id));
    tokio::time::sleep(Duration::from_secs(10)).await;
    harness.status("UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS");
    harness.delete(&id, &adopts).await.succeeded();
    assert_eq!(harness.aws.account().profiles()[&theirs], Tags::new());
}

/// A reserved tag that an update put on an adopted profile a moment before its release goes with the others.
#[tokio::test(start_paused = true)]
async fn a_release_takes_off_a_reserved_tag_that_is_not_seen_yet() {
    let harness = Harness::new("CREATE_IN_PROGRESS");
    let theirs = made_by_hand(&harness, &[]);
    let adopts = changed(&[("ExistingProfile", json!(theirs))]);
    let drains = changed(&[("ExistingProfile", json!(theirs)), ("DrainPeriod", json!("1h"))]);
    harness.create(&adopts).await.succeeded();
    harness.describe(&theirs);
    harness.status("UPDATE_IN_PROGRESS");
    tokio::time::sleep(Duration::from_secs(60)).await;
    harness.switches(|switches| switches.lag_tags_ms = 8_000);
    harness.update(&theirs, &drains, &adopts).await.succeeded();
    harness.describe(&theirs);
    harness.status("DELETE_IN_PROGRESS");
    harness.delete(&theirs, &drains).await.succeeded();
    assert_eq!(harness.aws.account().profiles()[&theirs], Tags::new());
}

/// Two deliveries each made a profile, and the second one's was accepted; a third one, late, gives the same answer.
#[tokio::test(start_paused = true)]
async fn a_late_delivery_answers_with_the_profile_that_the_stack_names() {
    let harness = Harness::new("CREATE_IN_PROGRESS");
    harness.switches(|switches| {
        switches.repeated_token = RepeatedToken::NewProfile;
        (switches.lag_list_ms, switches.lag_tags_ms) = (8_000, 8_000);
    });
    let issued = harness.now();
    let unpublished = changed(&[("PublishParameter", json!("false"))]);
    let first = harness.create(&unpublished).await.succeeded();
    tokio::time::sleep(Duration::from_millis(10)).await;
    let second = harness.create(&unpublished).await.succeeded();
    assert_ne!(first, second);
    for accepted in [&first, &second] {
        harness.resource_is("CREATE_COMPLETE", Some(accepted));
        harness.status("CREATE_COMPLETE");
        tokio::time::sleep(Duration::from_secs(60)).await;
        assert_eq!(harness.late(issued).create(&unpublished).await.succeeded(), *accepted);
    }
}

/// Under a short ServiceTimeout the tags of the current profile may not be seen in time: it is not made a second time.
#[tokio::test(start_paused = true)]
async fn an_update_that_cannot_see_whose_the_current_profile_is_makes_no_other() {
    let harness = Harness::new("CREATE_IN_PROGRESS");
    let hurried = changed(&[("ServiceTimeout", json!("45"))]);
    let tagged = changed(&[
        ("ServiceTimeout", json!("45")),
        ("Tags", json!([{"Key": "owner", "Value": "search"}, {"Key": "env", "Value": "prod"}])),
    ]);
    harness.switches(|switches| switches.lag_tags_ms = 20_000);
    let arn = harness.create(&hurried).await.succeeded();
    harness.describe(&arn);
    harness.status("UPDATE_IN_PROGRESS");
    let reason = harness.update(&arn, &tagged, &hurried).await.failed();
    assert!(reason.contains("its tags cannot be read yet"), "{reason}");
    assert_eq!(harness.aws.account().profiles().len(), 1);
    assert_eq!(harness.update(&arn, &tagged, &hurried).await.succeeded(), arn);
}

/// A plain adoption takes nothing off: the role may do that only with what carries our tags already.
#[tokio::test(start_paused = true)]
async fn an_adoption_takes_no_tag_off() {
    let harness = Harness::new("CREATE_IN_PROGRESS");
    let theirs = made_by_hand(&harness, &[]);
    harness.create(&changed(&[("ExistingProfile", json!(theirs))])).await.succeeded();
    let calls = harness.aws.account().calls.clone();
    assert!(!calls.contains(&"bedrock:UntagResource"), "{calls:?}");
}

/// A tag that comes and goes with two updates in a row leaves an adopted profile, though reads do not show it yet.
#[tokio::test(start_paused = true)]
async fn an_adopted_profile_loses_a_dropped_tag_that_is_not_seen_yet() {
    let harness = Harness::new("CREATE_IN_PROGRESS");
    let theirs = made_by_hand(&harness, &[("env", "theirs")]);
    let adopts = changed(&[("ExistingProfile", json!(theirs))]);
    let tagged = changed(&[
        ("ExistingProfile", json!(theirs)),
        ("Tags", json!([{"Key": "owner", "Value": "search"}, {"Key": "stage", "Value": "prod"}])),
    ]);
    harness.create(&adopts).await.succeeded();
    harness.describe(&theirs);
    tokio::time::sleep(Duration::from_secs(60)).await;
    harness.switches(|switches| switches.lag_tags_ms = 8_000);
    for (new, old) in [(&tagged, &adopts), (&adopts, &tagged)] {
        harness.status("UPDATE_IN_PROGRESS");
        harness.update(&theirs, new, old).await.succeeded();
        harness.describe(&theirs);
    }
    assert_eq!(profile_tag(&harness, &theirs, "stage"), None);
    assert_eq!(profile_tag(&harness, &theirs, "env").as_deref(), Some("theirs"));
}

/// The same with an adoption, whose profile reads still show as ours after its release.
#[tokio::test(start_paused = true)]
async fn a_delete_looks_on_after_it_released_what_a_cancelled_create_adopted() {
    let harness = Harness::new("CREATE_IN_PROGRESS");
    let theirs = made_by_hand(&harness, &[]);
    let adopts = changed(&[("ExistingProfile", json!(theirs))]);
    tokio::time::sleep(Duration::from_secs(60)).await;
    harness.switches(|switches| switches.lag_tags_ms = 2_000);
    harness.aws.account().faults.add(Fault::slow("ssm:PutParameter", Moment::Before, Duration::from_secs(5)));
    let overtaken = async {
        harness.create(&adopts).await.failed();
    };
    let deletion = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        harness.status("ROLLBACK_IN_PROGRESS");
        harness.aws.watch(move |account, operation| {
            if operation == "ssm:PutParameter" {
                account.faults.add(Fault::before("ssm:GetParameters", ErrorKind::Denied));
            }
        });
        harness.delete("app-Search-1A2B3C4D5E6F", &adopts).await.succeeded();
    };
    tokio::join!(overtaken, deletion);
    assert_eq!(harness.published(), None);
    assert_eq!(harness.aws.account().profiles()[&theirs], Tags::new());
}

/// The same where the profile is not seen at once, either.
#[tokio::test(start_paused = true)]
async fn a_delete_looks_on_after_it_deleted_what_it_had_to_look_for() {
    let harness = Harness::new("CREATE_IN_PROGRESS");
    tokio::time::sleep(Duration::from_secs(60)).await;
    harness.switches(|switches| {
        (switches.lag_list_ms, switches.lag_tagging_api_ms, switches.lag_tags_ms) = (2_000, 2_000, 2_000);
    });
    harness.aws.account().faults.add(Fault::slow("ssm:PutParameter", Moment::Before, Duration::from_secs(5)));
    let overtaken = async {
        harness.create(&declared()).await.failed();
    };
    let deletion = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        harness.status("ROLLBACK_IN_PROGRESS");
        harness.aws.watch(move |account, operation| {
            if operation == "ssm:PutParameter" {
                account.faults.add(Fault::before("ssm:GetParameters", ErrorKind::Denied));
            }
        });
        harness.delete("app-Search-1A2B3C4D5E6F", &declared()).await.succeeded();
    };
    tokio::join!(overtaken, deletion);
    harness.is_empty();
}

/// A Delete that comes twice looks at the second time for a profile that reads still show; by the time that it has
/// seen, the parameter publishes what a later update made.
#[tokio::test(start_paused = true)]
async fn a_delete_does_not_act_on_what_another_operation_has_changed_since() {
    let harness = Harness::new("CREATE_IN_PROGRESS");
    let mut versions = ["One.", "Two.", "Three."].map(|text| changed(&[("Description", json!(text))]));
    versions[0]["InferenceProfileName"] = json!("before");
    let first = harness.create(&versions[0]).await.succeeded();
    harness.describe(&first);
    harness.status("UPDATE_IN_PROGRESS");
    let second = harness.update(&first, &versions[1], &versions[0]).await.succeeded();
    harness.describe(&second);
    tokio::time::sleep(Duration::from_secs(60)).await;
    harness.switches(|switches| switches.lag_get_ms = 20_000);
    harness.status("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS");
    harness.delete(&first, &versions[0]).await.succeeded();
    let again = harness.clone();
    let old = versions[0].clone();
    let (issued, late) = (harness.now(), first.clone());
    let again = tokio::spawn(async move { again.late(issued).delete(&late, &old).await });
    tokio::time::sleep(Duration::from_secs(1)).await;
    harness.status("UPDATE_IN_PROGRESS");
    let third = harness.update(&second, &versions[2], &versions[1]).await.succeeded();
    harness.describe(&third);
    harness.status("UPDATE_COMPLETE");
    assert_eq!(harness.published(), Some(third.clone()));
    again.await.unwrap().succeeded();
    assert_eq!(harness.published(), Some(third));
}

/// Of two deliveries of an Update, which made one profile by their token, the first sees that the stack rolls back when the
/// second has published it: its readers keep it until the clean-up.
#[tokio::test(start_paused = true)]
async fn an_undo_does_not_delete_what_another_delivery_has_published() {
    let harness = Harness::new("CREATE_IN_PROGRESS");
    let first = harness.create(&declared()).await.succeeded();
    harness.describe(&first);
    tokio::time::sleep(Duration::from_secs(60)).await;
    harness.switches(|switches| switches.lag_get_ms = 8_000);
    harness.status("UPDATE_IN_PROGRESS");
    let update = json!({
        "RequestType": "Update",
        "RequestId": "update",
        "PhysicalResourceId": first,
        "ResourceProperties": changed(&[("Description", json!("Other."))]),
        "OldResourceProperties": declared(),
    });
    let readers = harness.watch_readers("/inference-profiles/search");
    let losing = async { harness.send(update.clone()).await.failed() };
    let winning = async {
        tokio::time::sleep(Duration::from_secs(9)).await;
        let winner = harness.send(update.clone()).await.succeeded();
        harness.status("UPDATE_ROLLBACK_IN_PROGRESS");
        winner
    };
    let (_, winner) = tokio::join!(losing, winning);
    assert_eq!(harness.published(), Some(winner));
    assert_eq!(*readers.lock().unwrap(), Vec::<String>::new());
}

/// The clean-up of a rollback waits until the tags of what it removes are seen. Those of what it hands the parameter back
/// to were put on before, and are seen by then.
#[tokio::test(start_paused = true)]
async fn a_parameter_that_is_handed_back_has_the_tags_that_its_profile_was_given_last() {
    let (harness, declared, first) = lagging(json!([])).await;
    let tagged = changed(&[("Tags", tag_list(&[("env", "prod")]))]);
    let other = changed(&[("Tags", tag_list(&[("env", "prod")])), ("Description", json!("Other."))]);
    updated(&harness, &first, &declared, &[&tagged]).await;
    harness.status("UPDATE_IN_PROGRESS");
    let second = harness.update(&first, &other, &tagged).await.succeeded();
    harness.describe(&first);
    harness.status("UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS");
    harness.delete(&second, &other).await.succeeded();
    assert_eq!(harness.published(), Some(first));
    let parameter = harness.aws.account().parameters.all()["/inference-profiles/search"].clone();
    assert_eq!(parameter.tags.get("env").map(String::as_str), Some("prod"));
}

/// The second delivery of a Create finds behind its token what the first one made, and is done only when an update has
/// replaced that: while this is rolled back, to that very profile, or its clean-up is about to let it drain.
#[tokio::test(start_paused = true)]
async fn a_late_delivery_of_a_create_does_not_take_back_what_an_update_replaces() {
    for status in [
        "UPDATE_ROLLBACK_IN_PROGRESS",
        "UPDATE_ROLLBACK_FAILED",
        "UPDATE_FAILED",
        "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS",
    ] {
        let harness = Harness::new("CREATE_IN_PROGRESS");
        tokio::time::sleep(Duration::from_secs(60)).await;
        harness.switches(|switches| {
            (switches.repeated_token, switches.lag_list_ms, switches.lag_tags_ms) =
                (RepeatedToken::Conflict, 2_000, 20_000);
        });
        let before = changed(&[("PublishParameter", json!("false"))]);
        let request = json!({"RequestType": "Create", "RequestId": "create", "ResourceProperties": before});
        harness.aws.account().latency = Duration::from_millis(700);
        let meanwhile = async {
            let first = harness.send(request.clone()).await.succeeded();
            harness.describe(&first);
            tokio::time::sleep(Duration::from_secs(2)).await;
            harness.status("UPDATE_IN_PROGRESS");
            let mut other = before.clone();
            (other["Description"], other["DrainPeriod"]) = (json!("Other."), json!("7d"));
            let another = harness.update(&first, &other, &before).await.succeeded();
            harness.resource_is("UPDATE_COMPLETE", Some(&another));
            harness.status(status);
            first
        };
        let late = async { harness.send(request.clone()).await.failed() };
        let (first, reason) = tokio::join!(meanwhile, late);
        assert!(reason.contains("out of date"), "{status}: {reason}");
        assert!(harness.aws.account().profiles().contains_key(&first), "{status}");
    }
}

/// An update has meanwhile given up the parameter that a second delivery of the Create makes again.
#[tokio::test(start_paused = true)]
async fn a_late_create_takes_back_the_parameter_of_a_profile_that_it_leaves() {
    let harness = Harness::new("CREATE_IN_PROGRESS");
    tokio::time::sleep(Duration::from_secs(60)).await;
    harness.switches(|switches| {
        switches.repeated_token = RepeatedToken::FirstArn;
        (switches.lag_list_ms, switches.lag_tagging_api_ms) = (60_000, 60_000);
    });
    let request = json!({"RequestType": "Create", "RequestId": "create", "ResourceProperties": declared()});
    let first = harness.send(request.clone()).await.succeeded();
    ports::Parameters::delete(&harness.aws, "/inference-profiles/search").await.unwrap();
    harness.aws.watch(|account, operation| {
        if operation == "bedrock:CreateInferenceProfile" {
            let status = "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS".into();
            account.stacks.get_mut(STACK).unwrap().status = status;
            let record = StackResourceRecord {
                physical_id: Some(common::profile_arn("0mbq3svia2re")),
                status: "UPDATE_COMPLETE".into(),
                since: None,
            };
            account.resources.insert((STACK.into(), LOGICAL_ID.into()), record);
        }
    });
    let reason = harness.send(request).await.failed();
    assert!(reason.contains("out of date"), "{reason}");
    assert!(harness.aws.account().profiles().contains_key(&first));
    assert_eq!(harness.published(), None);
}

/// What a second delivery of an Update leaves of the profile that the first one made, when the next update has replaced
/// that meanwhile and the stack is in `status`: whether it is there, and why the second delivery failed.
async fn left_by_a_late_update(status: &'static str) -> (bool, String) {
    let harness = Harness::new("CREATE_IN_PROGRESS");
    let before = changed(&[("PublishParameter", json!("false"))]);
    let zeroth = harness.create(&before).await.succeeded();
    harness.describe(&zeroth);
    tokio::time::sleep(Duration::from_secs(60)).await;
    harness.switches(|switches| {
        switches.repeated_token = RepeatedToken::FirstArn;
        (switches.lag_list_ms, switches.lag_tagging_api_ms) = (60_000, 60_000);
    });
    let mut declaration = before.clone();
    declaration["Description"] = json!("Other.");
    let request = json!({
        "RequestType": "Update", "RequestId": "update", "PhysicalResourceId": zeroth,
        "ResourceProperties": declaration, "OldResourceProperties": before,
    });
    harness.status("UPDATE_IN_PROGRESS");
    let first = harness.send(request.clone()).await.succeeded();
    tokio::time::sleep(Duration::from_secs(5)).await;
    let began = harness.now() + Duration::from_secs(12);
    harness.aws.watch(move |account, operation| {
        if operation == "bedrock:CreateInferenceProfile" {
            let stack = account.stacks.get_mut(STACK).unwrap();
            (stack.status, stack.began) = (status.into(), Some(began));
            let resource = account.resources.get_mut(&(STACK.into(), LOGICAL_ID.into())).unwrap();
            resource.physical_id = Some(common::profile_arn("0mbq3svia2re"));
            resource.since = Some(began);
        }
    });
    let reason = harness.send(request).await.failed();
    (harness.aws.account().profiles().contains_key(&first), reason)
}

/// The second delivery of an Update finds behind its token what the first one made, and is done only when the next update
/// is being rolled back, to that very profile, or is about to let it drain.
#[tokio::test(start_paused = true)]
async fn a_late_delivery_of_an_update_does_not_take_back_what_the_next_one_replaces() {
    for status in [
        "UPDATE_ROLLBACK_IN_PROGRESS",
        "UPDATE_ROLLBACK_FAILED",
        "UPDATE_FAILED",
        "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS",
    ] {
        let (is_there, reason) = left_by_a_late_update(status).await;
        assert!(reason.contains("out of date"), "{status}: {reason}");
        assert!(is_there, "{status}");
    }
}

/// An update that is cancelled while its profile is not active yet, and that goes on until its rollback, which moves the
/// stack's time, is done.
#[tokio::test(start_paused = true)]
async fn an_update_that_nobody_was_answered_takes_back_what_it_made_after_its_rollback() {
    for (named, status) in [
        (None, "UPDATE_ROLLBACK_IN_PROGRESS"),
        (Some(common::profile_arn("0mbq3svia2re")), "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"),
    ] {
        let harness = Harness::new("CREATE_IN_PROGRESS");
        let first = harness.create(&declared()).await.succeeded();
        harness.describe(&first);
        harness.status("UPDATE_IN_PROGRESS");
        let began = harness.now() + Duration::from_secs(12);
        let now_named = named.unwrap_or_else(|| first.clone());
        harness.aws.watch(move |account, operation| {
            if operation == "bedrock:CreateInferenceProfile" {
                let stack = account.stacks.get_mut(STACK).unwrap();
                (stack.status, stack.began) = (status.into(), Some(began));
                let resource = account.resources.get_mut(&(STACK.into(), LOGICAL_ID.into())).unwrap();
                (resource.physical_id, resource.since) = (Some(now_named.clone()), Some(began));
            }
        });
        let other = changed(&[("Description", json!("Other."))]);
        let reason = harness.update(&first, &other, &declared()).await.failed();
        assert!(reason.contains("out of date"), "{status}: {reason}");
        let profiles = harness.aws.account().profiles();
        assert_eq!(profiles.keys().collect::<Vec<_>>(), [&first], "{status}");
    }
}

/// The second delivery of a Create does not see yet that its profile is adopted already, and cannot ask the stack before it
/// is done.
#[tokio::test(start_paused = true)]
async fn a_second_delivery_that_fails_does_not_release_what_the_first_one_adopted() {
    let harness = Harness::new("CREATE_IN_PROGRESS");
    let existing = made_by_hand(&harness, &[]);
    tokio::time::sleep(Duration::from_secs(60)).await;
    harness.switches(|switches| switches.lag_tags_ms = 8_000);
    let adopted = changed(&[("ExistingProfile", json!(existing))]);
    harness.create(&adopted).await.succeeded();
    harness.resource_is("CREATE_COMPLETE", Some(&existing));
    let throttled = Fault::before("cloudformation:DescribeStacks", ErrorKind::Throttled);
    harness.aws.account().faults.add(throttled.after(1).times(4));
    harness.create(&adopted).await.failed();
    harness.holds_exactly(&existing, &adopted);
}

/// The Delete has just released it, and is not told as done yet.
#[tokio::test(start_paused = true)]
async fn a_late_create_does_not_keep_what_it_adopts_from_a_delete() {
    let harness = Harness::new("CREATE_IN_PROGRESS");
    let existing = made_by_hand(&harness, &[]);
    let adopted = changed(&[("ExistingProfile", json!(existing)), ("PublishParameter", json!("false"))]);
    let released = existing.clone();
    harness.aws.watch(move |account, operation| {
        if operation == "bedrock:TagResource" {
            account.stacks.get_mut(STACK).unwrap().status = "ROLLBACK_IN_PROGRESS".into();
            let record = StackResourceRecord {
                physical_id: Some(released.clone()),
                status: "DELETE_IN_PROGRESS".into(),
                since: None,
            };
            account.resources.insert((STACK.into(), LOGICAL_ID.into()), record);
        }
    });
    harness.create(&adopted).await.failed();
    assert_eq!(harness.aws.account().profiles()[&existing], Tags::new());
}

/// The second delivery of a Create finds the profile of the first one, publishes it, and is done only when a failed update
/// is cleaned up.
#[tokio::test(start_paused = true)]
async fn a_late_create_leaves_the_name_of_what_the_stack_has() {
    let harness = Harness::new("CREATE_IN_PROGRESS");
    let first = harness.create(&declared()).await.succeeded();
    ports::Parameters::delete(&harness.aws, "/inference-profiles/search").await.unwrap();
    let named = first.clone();
    harness.aws.watch(move |account, operation| {
        if operation == "ssm:PutParameter" {
            let status = "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS".into();
            account.stacks.get_mut(STACK).unwrap().status = status;
            let record = StackResourceRecord {
                physical_id: Some(named.clone()),
                status: "UPDATE_COMPLETE".into(),
                since: None,
            };
            account.resources.insert((STACK.into(), LOGICAL_ID.into()), record);
        }
    });
    let reason = harness.create(&declared()).await.failed();
    assert!(reason.contains("out of date"), "{reason}");
    assert_eq!(harness.published(), Some(first));
}

/// While its mark to drain is not seen yet, an update in place fails.
#[tokio::test(start_paused = true)]
async fn a_rollback_does_not_delete_a_profile_that_drains_unseen() {
    let (harness, first, drained) = lagging(json!([])).await;
    let mut second = changed(&[("Description", json!("Other.")), ("DrainPeriod", json!("7d"))]);
    second["Tags"] = json!([]);
    harness.status("UPDATE_IN_PROGRESS");
    let current = harness.update(&drained, &second, &first).await.succeeded();
    harness.describe(&current);
    a_while().await;
    harness.status("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS");
    harness.delete(&drained, &first).await.succeeded();
    harness.status("UPDATE_COMPLETE");
    assert!(profile_tag(&harness, &drained, tags::DRAIN_UNTIL).is_some());
    let mut failing = second.clone();
    failing["Tags"] = tag_list(&[("env", "prod")]);
    harness.status("UPDATE_IN_PROGRESS");
    harness.update(&current, &failing, &second).await.succeeded();
    harness.status("UPDATE_ROLLBACK_IN_PROGRESS");
    assert_eq!(harness.update(&current, &second, &failing).await.succeeded(), current);
    assert!(harness.aws.account().profiles().contains_key(&drained));
}

/// Its resource left the template, which its protection refused; and came back as another profile.
#[tokio::test(start_paused = true)]
async fn a_rollback_does_not_delete_a_profile_that_was_protected_from_its_removal() {
    let harness = Harness::new("CREATE_IN_PROGRESS");
    let protects = changed(&[("ProtectIfUsedWithin", json!("7d"))]);
    let used = harness.create(&protects).await.succeeded();
    harness.describe(&used);
    harness.used(&used);
    a_while().await;
    harness.status("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS");
    harness.resource_is("DELETE_IN_PROGRESS", Some(&used));
    harness.delete(&used, &protects).await.failed();
    harness.resource_is("DELETE_FAILED", Some(&used));
    a_while().await;
    let other = changed(&[("InferenceProfileName", json!("another"))]);
    harness.status("UPDATE_IN_PROGRESS");
    let current = harness.create(&other).await.succeeded();
    harness.describe(&current);
    a_while().await;
    let failing = changed(&[("InferenceProfileName", json!("a third"))]);
    harness.status("UPDATE_IN_PROGRESS");
    let abandoned = harness.update(&current, &failing, &other).await.succeeded();
    harness.status("UPDATE_ROLLBACK_IN_PROGRESS");
    assert_eq!(harness.update(&current, &other, &failing).await.succeeded(), current);
    let left = harness.aws.account().profiles();
    assert!(left.contains_key(&used) && !left.contains_key(&abandoned), "{left:?}");
}

/// Its Delete was tried again after a kill, and comes while a later update is cleaned up after that failed.
#[tokio::test(start_paused = true)]
async fn a_late_delete_in_the_clean_up_of_a_rollback_does_not_cut_a_drain_short() {
    let harness = Harness::new("CREATE_IN_PROGRESS");
    let drained = harness.create(&declared()).await.succeeded();
    harness.describe(&drained);
    a_while().await;
    let second = changed(&[("Description", json!("Other.")), ("DrainPeriod", json!("7d"))]);
    harness.status("UPDATE_IN_PROGRESS");
    let current = harness.update(&drained, &second, &declared()).await.succeeded();
    harness.describe(&current);
    harness.status("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS");
    let issued = harness.now();
    harness.delete(&drained, &declared()).await.succeeded();
    let mark = profile_tag(&harness, &drained, tags::DRAIN_UNTIL);
    assert!(mark.is_some());
    a_while().await;
    harness.status("UPDATE_IN_PROGRESS");
    harness.status("UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS");
    harness.late(issued).delete(&drained, &declared()).await.succeeded();
    assert_eq!(profile_tag(&harness, &drained, tags::DRAIN_UNTIL), mark);
}

/// A Delete read the tags of the profile that it names, and once more among those of the owner.
#[tokio::test(start_paused = true)]
async fn a_delete_asks_for_the_tags_of_its_profile_once() {
    let harness = Harness::new("CREATE_IN_PROGRESS");
    let id = harness.create(&declared()).await.succeeded();
    harness.describe(&id);
    harness.status("DELETE_IN_PROGRESS");
    harness.aws.account().calls.clear();
    harness.delete(&id, &declared()).await.succeeded();
    let account = harness.aws.account();
    let reads = account.calls.iter().filter(|call| **call == "bedrock:ListTagsForResource");
    assert_eq!(reads.count(), 1, "{:?}", account.calls);
}
