//! The promises of the provider, each held against an account in process: the real handler, from the
//! event to the bytes of the answer, under a clock that does not wait.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::{ACCOUNT, Harness, NOVA, PROFILE_NAME, Received, declared, profile_tag};
use local_aws::{
    CreateInferenceProfile, RepeatedToken, SystemProfile,
    in_process::{Fate, Fault, Moment},
};
use ports::ErrorKind;
use profile::{
    arn::ProfileArn,
    tags::{self, Tags},
};
use serde_json::{Value, json};
use std::{collections::BTreeSet, time::Duration};
use time::format_description::well_known::Rfc3339;

#[tokio::test(start_paused = true)]
async fn a_create_makes_tags_and_publishes_a_profile_in_nine_calls_or_fewer() {
    for source in [NOVA, "us.amazon.nova-lite-v1:0"] {
        let harness = Harness::new("CREATE_IN_PROGRESS");
        let mut properties = declared();
        properties["ModelSource"]["CopyFrom"] = json!(source);
        let answer = harness.create(&properties).await;
        let arn = answer.succeeded();
        let profiles = harness.aws.account().profiles();
        assert_eq!(profiles.keys().collect::<Vec<_>>(), [&arn]);
        assert_eq!(profiles[&arn]["owner"], "search");
        assert_eq!(profiles[&arn]["cost-center"], "42", "the stack's tags are inherited");
        assert_eq!(harness.published(), Some(arn.clone()));
        assert!(harness.aws.account().calls.len() <= 9, "{:?}", harness.aws.account().calls);
    }
}

#[tokio::test(start_paused = true)]
async fn independent_calls_run_side_by_side_and_a_request_takes_few_rounds_one_after_another() {
    const LATENCY: Duration = Duration::from_millis(20);
    let harness = Harness::new("CREATE_IN_PROGRESS");
    harness.aws.account().latency = LATENCY;
    let mut rounds = Vec::new();
    let mut began = tokio::time::Instant::now();
    let mut took = |answer: Received| {
        rounds.push(began.elapsed().as_millis() / LATENCY.as_millis());
        began = tokio::time::Instant::now();
        answer.succeeded()
    };
    let [mut made, mut tagged, mut replaced] = [declared(), declared(), declared()];
    made["Tags"] = json!([{"Key": "project", "Value": "support"}]);
    tagged["Tags"] = json!([{"Key": "team", "Value": "search"}]);
    replaced["Description"] = json!("Another one");
    let first = took(harness.create(&made).await);
    harness.describe(&first);
    harness.status("UPDATE_IN_PROGRESS");
    took(harness.update(&first, &tagged, &made).await);
    let second = took(harness.update(&first, &replaced, &tagged).await);
    harness.describe(&second);
    harness.status("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS");
    took(harness.delete(&first, &tagged).await);
    harness.status("DELETE_IN_PROGRESS");
    took(harness.delete(&second, &replaced).await);
    harness.is_empty();
    assert_eq!(rounds, [4, 4, 7, 4, 5]);
}

#[tokio::test(start_paused = true)]
async fn the_attributes_are_the_same_on_create_and_update_and_hold_all_that_is_promised() {
    let harness = Harness::new("CREATE_IN_PROGRESS");
    let created = harness.create(&declared()).await;
    harness.status("UPDATE_IN_PROGRESS");
    let updated = harness.update(&created.succeeded(), &declared(), &declared()).await;
    assert_eq!(created.body["Data"], updated.body["Data"]);
    let data = &created.body["Data"];
    let keys: Vec<&String> = data.as_object().unwrap().keys().collect();
    assert_eq!(
        keys,
        [
            "CreatedAt",
            "InferenceProfileArn",
            "InferenceProfileId",
            "InferenceProfileIdentifier",
            "InferenceProfileName",
            "InvokeResourceArns",
            "ModelArns",
            "ModelSourceArn",
            "ParameterArn",
            "ParameterName",
            "Status",
            "Type",
            "UpdatedAt"
        ]
    );
    assert_eq!(
        data["ParameterArn"],
        "arn:aws:ssm:us-east-1:123456789012:parameter/inference-profiles/search"
    );
    assert_eq!(data["ModelSourceArn"], format!("arn:aws:bedrock:us-east-1::foundation-model/{NOVA}"));
    assert_eq!(data["InvokeResourceArns"], json!([data["InferenceProfileArn"], data["ModelSourceArn"]]));
}

/// The attributes of a success against the profile and the parameter as they truly are.
fn tells_what_is_so(harness: &Harness, answer: &Received) {
    let arn = answer.succeeded();
    let account = harness.aws.account();
    let profile = account.truth()[&arn].clone();
    let parameters = account.parameters.all().iter();
    let names: Vec<&String> =
        parameters.filter(|(_, held)| held.value == arn).map(|(name, _)| name).collect();
    let parameter = names.first().map(|name| name.as_str());
    let parameter_arn = parameter.map(|name| format!("arn:aws:ssm:us-east-1:{ACCOUNT}:parameter{name}"));
    let made = profile.created_at.get().format(&Rfc3339).unwrap();
    let models: BTreeSet<&String> = profile.models.iter().collect();
    let system = Some(&profile.copied_from).filter(|source| source.contains(":inference-profile/"));
    let invoked: Vec<&String> = [&arn].into_iter().chain(system).chain(models.iter().copied()).collect();
    assert_eq!(
        answer.body["Data"],
        json!({
            "InferenceProfileArn": arn,
            "InferenceProfileId": arn.rsplit('/').next(),
            "InferenceProfileIdentifier": arn,
            "InferenceProfileName": profile.name,
            "Status": "ACTIVE",
            "Type": "APPLICATION",
            "CreatedAt": made,
            "UpdatedAt": made,
            "ModelSourceArn": profile.copied_from,
            "ModelArns": models,
            "InvokeResourceArns": invoked,
            "ParameterName": parameter.unwrap_or_default(),
            "ParameterArn": parameter_arn.unwrap_or_default(),
        })
    );
    assert_ne!(answer.body["NoEcho"], true, "what an answer tells is no secret");
}

#[tokio::test(start_paused = true)]
async fn every_attribute_of_every_success_tells_what_is_so() {
    for source in [NOVA, "us.amazon.nova-lite-v1:0"] {
        let harness = Harness::new("CREATE_IN_PROGRESS");
        let mut old = declared();
        old["ModelSource"]["CopyFrom"] = json!(source);
        let created = harness.create(&old).await;
        tells_what_is_so(&harness, &created);
        let mut id = created.succeeded();
        for (property, value) in [
            ("Tags", json!([{"Key": "owner", "Value": "other"}])),
            ("PublishParameter", json!("false")),
            ("InferenceProfileName", json!("search-2")),
            ("PublishParameter", json!("true")),
            ("ParameterName", json!("/inference-profiles/renamed")),
            ("Description", json!("Another one")),
        ] {
            tokio::time::sleep(Duration::from_secs(60)).await;
            harness.describe(&id);
            harness.status("UPDATE_IN_PROGRESS");
            let mut new = old.clone();
            new[property] = value;
            let updated = harness.update(&id, &new, &old).await;
            tells_what_is_so(&harness, &updated);
            (id, old) = (updated.succeeded(), new);
        }
    }
    let harness = Harness::new("CREATE_IN_PROGRESS");
    let request = CreateInferenceProfile::new(PROFILE_NAME, &common::model_arn(NOVA));
    let existing = harness.aws.make_profile(&request.description("Search: production.")).unwrap();
    let mut adopts = declared();
    adopts["ExistingProfile"] = json!(existing.as_str());
    tells_what_is_so(&harness, &harness.create(&adopts).await);
}

#[tokio::test(start_paused = true)]
async fn a_profile_copied_from_a_system_profile_names_it_and_every_model_to_iam() {
    let harness = Harness::new("CREATE_IN_PROGRESS");
    let mut properties = declared();
    properties["ModelSource"]["CopyFrom"] = json!("us.amazon.nova-lite-v1:0");
    let answer = harness.create(&properties).await;
    let arn = answer.succeeded();
    let resources = answer.body["Data"]["InvokeResourceArns"].as_array().unwrap().clone();
    let system = "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.amazon.nova-lite-v1:0";
    assert_eq!(resources[..2], [json!(arn), json!(system)]);
    assert!(resources.len() > 3);
    let models = answer.body["Data"]["ModelArns"].as_array().unwrap();
    assert_eq!(&resources[2..], models.as_slice());
}

mod one_answer {
    use super::*;

    /// A profile's whole life: made, changed in place, renamed, replaced, taken back, drained and deleted.
    async fn own_profile(harness: &Harness) -> Vec<Received> {
        let with = |old: &Value, changes: &[(&str, Value)]| {
            let mut new = old.clone();
            changes.iter().for_each(|(name, value)| new[*name] = value.clone());
            new
        };
        let tags =
            |keys: &[&str]| -> Value { keys.iter().map(|key| json!({"Key": key, "Value": "x"})).collect() };
        let made =
            with(&declared(), &[("ProtectIfUsedWithin", json!("1d")), ("Tags", tags(&["owner", "old"]))]);
        let tagged = with(&made, &[("Tags", tags(&["owner", "new"]))]);
        let renamed = with(&tagged, &[("ParameterName", json!("/inference-profiles/renamed"))]);
        let system = json!({"CopyFrom": "us.amazon.nova-lite-v1:0"});
        let replaced = with(&renamed, &[("ModelSource", system), ("Tags", tags(&["owner"]))]);
        let drained = with(&replaced, &[("Description", json!("Drained.")), ("DrainPeriod", json!("1h"))]);
        let failed = with(&drained, &[("Description", json!("Failed.")), ("Tags", tags(&["new"]))]);

        let mut answers = vec![harness.create(&made).await];
        let first = answers[0].succeeded();
        harness.describe(&first);
        harness.status("UPDATE_IN_PROGRESS");
        answers.push(harness.update(&first, &tagged, &made).await);
        answers.push(harness.update(&first, &renamed, &tagged).await);
        let mut current = first;
        for (new, old) in [(&replaced, &renamed), (&drained, &replaced)] {
            harness.status("UPDATE_IN_PROGRESS");
            answers.push(harness.update(&current, new, old).await);
            let next = answers.last().unwrap().succeeded();
            harness.describe(&next);
            harness.status("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS");
            answers.push(harness.delete(&current, old).await);
            current = next;
        }
        harness.status("UPDATE_IN_PROGRESS");
        answers.push(harness.update(&current, &failed, &drained).await);
        let abandoned = answers.last().unwrap().succeeded();
        harness.status("UPDATE_ROLLBACK_IN_PROGRESS");
        answers.push(harness.update(&abandoned, &drained, &failed).await);
        harness.status("UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS");
        answers.push(harness.delete(&abandoned, &failed).await);
        harness.status("DELETE_IN_PROGRESS");
        answers.push(harness.delete(&current, &json!({})).await);
        harness.is_empty();
        assert!(answers.iter().all(|answer| answer.body["Status"] == "SUCCESS"));
        answers
    }

    /// A profile that was made by hand, adopted, changed and released.
    async fn adopted_profile(harness: &Harness) -> Vec<Received> {
        let request = CreateInferenceProfile::new(PROFILE_NAME, &common::model_arn(NOVA));
        let existing = harness.aws.make_profile(&request.description("Search: production.")).unwrap();
        let before = harness.state();
        let mut adopts = declared();
        adopts["ExistingProfile"] = json!(existing.as_str());
        let mut tagged = adopts.clone();
        tagged["Tags"] = json!([{"Key": "team", "Value": "search"}]);
        let mut answers = vec![harness.create(&adopts).await];
        harness.describe(existing.as_str());
        harness.status("UPDATE_IN_PROGRESS");
        answers.push(harness.update(existing.as_str(), &tagged, &adopts).await);
        harness.status("DELETE_IN_PROGRESS");
        answers.push(harness.delete(existing.as_str(), &tagged).await);
        assert_eq!(harness.state(), before);
        assert!(answers.iter().all(|answer| answer.body["Status"] == "SUCCESS"));
        answers
    }

    /// A Create that is cancelled when it has published.
    async fn cancelled_creation(harness: &Harness) -> Vec<Received> {
        harness.aws.watch(|account, operation| {
            if operation == "ssm:PutParameter" {
                account.stacks.get_mut(common::STACK).unwrap().status = "ROLLBACK_IN_PROGRESS".into();
            }
        });
        let answer = harness.create(&declared()).await;
        assert!(answer.failed().contains("out of date"));
        harness.is_empty();
        vec![answer]
    }

    /// A Create from a model that there is not.
    async fn unknown_model(harness: &Harness) -> Vec<Received> {
        let mut properties = declared();
        properties["ModelSource"]["CopyFrom"] = json!("amazon.nova-lit-v1:0");
        let answer = harness.create(&properties).await;
        assert!(answer.failed().contains("Perhaps you mean amazon.nova-lite-v1:0"));
        vec![answer]
    }

    /// A Create from a system profile whose id does not name its model.
    async fn renamed_source(harness: &Harness) -> Vec<Received> {
        let source = SystemProfile::over("us.amazon.nova-lite", NOVA, &["us-east-1", "us-west-2"]);
        harness.aws.account().world.state.catalogue.put_system_profile(source);
        let mut properties = declared();
        properties["ModelSource"]["CopyFrom"] = json!("us.amazon.nova-lite");
        let answer = harness.create(&properties).await;
        answer.succeeded();
        vec![answer]
    }

    /// A Delete that can be told neither by the index of tags nor by a name what there is.
    async fn no_index(harness: &Harness) -> Vec<Received> {
        let arn = harness.create(&declared()).await.succeeded();
        harness.aws.account().faults.add(Fault::before("tag:GetResources", ErrorKind::Denied).times(99));
        harness.status("DELETE_IN_PROGRESS");
        let answer = harness.delete(&arn, &json!({})).await;
        answer.succeeded();
        harness.is_empty();
        vec![answer]
    }

    /// An Update whose parameter somebody pointed at a profile of nobody's, which is waited for to show whose it is.
    async fn value_by_hand(harness: &Harness) -> Vec<Received> {
        let arn = harness.create(&declared()).await.succeeded();
        harness.describe(&arn);
        let other = CreateInferenceProfile::new("by hand", &common::model_arn(NOVA));
        let other = harness.aws.make_profile(&other).unwrap();
        let name = "/inference-profiles/search";
        let ours = harness.aws.account().parameters.take(name).unwrap();
        harness.aws.account().parameters.seed(name, other.as_str(), ours.tags);
        harness.status("UPDATE_IN_PROGRESS");
        let answer = harness.update(&arn, &declared(), &declared()).await;
        assert_eq!(answer.succeeded(), arn);
        assert_eq!(harness.published(), Some(arn));
        vec![answer]
    }

    /// An Update that may not take a tag off what is its own.
    async fn denied_change(harness: &Harness) -> Vec<Received> {
        let mut old = declared();
        old["Tags"] = json!([{"Key": "old", "Value": "x"}]);
        let arn = harness.create(&old).await.succeeded();
        harness.describe(&arn);
        harness.aws.account().faults.add(Fault::before("bedrock:UntagResource", ErrorKind::Denied).times(99));
        harness.status("UPDATE_IN_PROGRESS");
        let answer = harness.update(&arn, &declared(), &old).await;
        assert!(answer.failed().starts_with("bedrock:UntagResource failed with Denied"));
        vec![answer]
    }

    /// What an undisturbed run of `life` answers, and which calls it makes; the same with `fault`.
    async fn lived(life: &str, fault: Option<Fault>) -> (Vec<[String; 2]>, Vec<&'static str>) {
        let harness = Harness::new("CREATE_IN_PROGRESS");
        let times = fault.as_ref().map_or(0, |fault| fault.times);
        if let Some(fault) = fault {
            harness.aws.account().faults.add(fault);
        }
        let answers = match life {
            "own profile" => own_profile(&harness).await,
            "adopted profile" => adopted_profile(&harness).await,
            "cancelled creation" => cancelled_creation(&harness).await,
            "unknown model" => unknown_model(&harness).await,
            "renamed source" => renamed_source(&harness).await,
            "no index" => no_index(&harness).await,
            "value by hand" => value_by_hand(&harness).await,
            _ => denied_change(&harness).await,
        };
        let passing = |(_, fate): &&(Moment, Fate)| *fate != Fate::Fails(ErrorKind::Denied);
        let struck = harness.aws.account().faults.strikes().iter().filter(passing).count();
        assert_eq!(struck, times as usize);
        let told = |answer: &Received| ["Status", "Reason"].map(|field| answer.body[field].to_string());
        (answers.iter().map(told).collect(), harness.aws.account().calls.clone())
    }

    /// Every call of every kind of request, one after the other, and nothing else is repeated with it.
    #[tokio::test(start_paused = true)]
    async fn a_throttled_or_failing_call_is_made_again_by_itself() {
        // Whether as many calls are made whenever they are made: not where something is waited for.
        for (life, is_counted) in [
            ("own profile", true),
            ("adopted profile", true),
            ("cancelled creation", true),
            ("unknown model", true),
            ("renamed source", true),
            ("no index", true),
            ("value by hand", false),
            ("denied change", false),
        ] {
            let (told, calls) = lived(life, None).await;
            for (k, operation) in calls.iter().enumerate() {
                let skip = calls[..k].iter().filter(|call| *call == operation).count() as u32;
                for (kind, times) in [
                    (ErrorKind::Throttled, 1),
                    (ErrorKind::Throttled, 2),
                    (ErrorKind::Unknown, 1),
                    (ErrorKind::Unknown, 2),
                ] {
                    let run = format!("{life}: call {k}, {operation}, {kind:?} {times} times");
                    let fault = Fault::before(operation, kind).after(skip).times(times);
                    let (then, made) = lived(life, Some(fault)).await;
                    assert_eq!(then, told, "{run}");
                    // What may have made a profile is looked for first. After two pauses the stack is asked again.
                    let is_looked_for =
                        *operation == "bedrock:CreateInferenceProfile" && kind == ErrorKind::Unknown;
                    if is_counted && times == 1 && !is_looked_for {
                        assert_eq!(made.len(), calls.len() + 1, "{run}: {made:?}");
                    }
                }
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_creation_that_fails_for_good_is_tried_so_often_and_no_more() {
        for (kind, tries) in [
            (ErrorKind::Throttled, 6),
            (ErrorKind::Unknown, 3),
            (ErrorKind::Conflict, 3),
            (ErrorKind::Denied, 1),
            (ErrorKind::LimitExceeded, 1),
        ] {
            let harness = Harness::new("CREATE_IN_PROGRESS");
            let operation = "bedrock:CreateInferenceProfile";
            harness.aws.account().faults.add(Fault::before(operation, kind).times(999));
            harness.create(&declared()).await.failed();
            assert_eq!(harness.aws.account().faults.struck(), tries, "{kind:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_denied_call_is_told_with_what_to_do_and_leaves_nothing() {
        for operation in [
            "bedrock:CreateInferenceProfile",
            "bedrock:GetInferenceProfile",
            "ssm:PutParameter",
            "cloudformation:DescribeStacks",
        ] {
            let harness = Harness::new("CREATE_IN_PROGRESS");
            harness.aws.account().faults.add(Fault::before(operation, ErrorKind::Denied).times(9));
            let reason = harness.create(&declared()).await.failed();
            assert!(reason.starts_with(&format!("{operation} failed with Denied")), "{reason}");
            assert!(reason.contains("service control policy"), "{reason}");
            harness.is_empty();
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_aws_that_never_answers_ends_in_a_failure_before_the_function_s_deadline() {
        let harness = Harness::new("CREATE_IN_PROGRESS");
        harness.aws.account().latency = Duration::from_secs(3600);
        let began = tokio::time::Instant::now();
        harness.create(&declared()).await.failed();
        assert!(began.elapsed() < Harness::TIMEOUT);
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_that_runs_out_of_time_takes_back_what_it_made_before_it_answers() {
        let harness = Harness::new("CREATE_IN_PROGRESS");
        // The profile is made, and no read ever shows it.
        harness.switches(|switches| switches.lag_get_ms = 86_400_000);
        let mut properties = declared();
        properties["ServiceTimeout"] = json!("60");
        let began = tokio::time::Instant::now();
        let reason = harness.create(&properties).await.failed();
        assert!(began.elapsed() < Duration::from_secs(60), "{:?}", began.elapsed());
        assert!(reason.contains("did not become active within 33 seconds"), "{reason}");
        assert!(harness.aws.account().calls.contains(&"bedrock:CreateInferenceProfile"));
        harness.is_empty();
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_whose_time_is_up_between_two_effects_goes_no_further_and_takes_back_what_it_made() {
        for slow in ["bedrock:CreateInferenceProfile", "bedrock:GetInferenceProfile", "ssm:PutParameter"] {
            let harness = Harness::new("CREATE_IN_PROGRESS");
            harness.aws.account().latency = Duration::from_secs(1);
            let by = Duration::from_secs(21);
            harness.aws.account().faults.add(Fault::slow(slow, Moment::After, by));
            let mut properties = declared();
            properties["ServiceTimeout"] = json!("45");
            let began = tokio::time::Instant::now();
            let reason = harness.create(&properties).await.failed();
            assert!(began.elapsed() < Duration::from_secs(45), "{slow}: {:?}", began.elapsed());
            assert!(reason.starts_with("AWS was too slow to finish in time"), "{slow}: {reason}");
            harness.is_empty();
        }
    }
}

mod nothing_leaks {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_creation_whose_answer_was_lost_is_found_and_not_repeated() {
        for token in [RepeatedToken::FirstArn, RepeatedToken::NewProfile, RepeatedToken::Conflict] {
            for unique_names in [false, true] {
                for lag in [0, 8_000] {
                    let harness = Harness::new("CREATE_IN_PROGRESS");
                    harness.switches(|switches| {
                        switches.repeated_token = token;
                        switches.unique_names = unique_names;
                        (switches.lag_list_ms, switches.lag_get_ms) = (lag, lag);
                        (switches.lag_tags_ms, switches.lag_tagging_api_ms) = (lag, lag);
                    });
                    let lost = Fault::lost_answer("bedrock:CreateInferenceProfile");
                    harness.aws.account().faults.add(lost);
                    let arn = harness.create(&declared()).await.succeeded();
                    let profiles = harness.aws.account().profiles();
                    let state = format!("{token:?} unique={unique_names} lag={lag}");
                    assert_eq!(profiles.keys().collect::<Vec<_>>(), [&arn], "{state}");
                    assert_eq!(harness.published(), Some(arn), "{state}");
                }
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_function_that_is_killed_at_a_call_is_followed_by_one_that_finishes_the_work() {
        for operation in ["bedrock:CreateInferenceProfile", "bedrock:GetInferenceProfile", "ssm:PutParameter"]
        {
            for moment in [Moment::Before, Moment::After] {
                let harness = Harness::new("CREATE_IN_PROGRESS");
                harness.aws.account().faults.add(Fault::crash(operation, moment));
                let killed = tokio::time::timeout(Duration::from_secs(60), harness.create(&declared())).await;
                assert!(killed.is_err(), "{operation} {moment:?}");
                let arn = harness.create(&declared()).await.succeeded();
                let profiles = harness.aws.account().profiles();
                assert_eq!(profiles.keys().collect::<Vec<_>>(), [&arn], "{operation} {moment:?}");
                assert_eq!(harness.published(), Some(arn), "{operation} {moment:?}");
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_parameter_whose_creation_was_not_confirmed_is_ours() {
        let harness = Harness::new("CREATE_IN_PROGRESS");
        harness.aws.account().faults.add(Fault::lost_answer("ssm:PutParameter"));
        let arn = harness.create(&declared()).await.succeeded();
        assert_eq!(harness.published(), Some(arn));
    }

    #[tokio::test(start_paused = true)]
    async fn a_create_that_was_cancelled_meanwhile_takes_back_what_it_made() {
        let harness = Harness::new("CREATE_IN_PROGRESS");
        harness.aws.watch(|account, operation| {
            if operation == "ssm:PutParameter" {
                account.stacks.get_mut(common::STACK).unwrap().status = "ROLLBACK_IN_PROGRESS".into();
            }
        });
        let reason = harness.create(&declared()).await.failed();
        assert!(reason.contains("out of date"), "{reason}");
        harness.is_empty();
    }

    #[tokio::test(start_paused = true)]
    async fn the_delete_of_a_cancelled_create_finds_what_lagging_reads_do_not_show_yet() {
        let harness = Harness::new("CREATE_IN_PROGRESS");
        harness.create(&declared()).await.succeeded();
        harness.switches(|switches| {
            (switches.lag_list_ms, switches.lag_get_ms) = (8_000, 8_000);
            (switches.lag_tags_ms, switches.lag_tagging_api_ms) = (8_000, 8_000);
        });
        harness.status("ROLLBACK_IN_PROGRESS");
        harness.delete("made-up-by-cloudformation", &declared()).await.succeeded();
        harness.is_empty();
    }

    #[tokio::test(start_paused = true)]
    async fn a_failed_create_leaves_nothing_and_its_delete_is_quick() {
        let harness = Harness::new("CREATE_IN_PROGRESS");
        harness.aws.account().faults.add(Fault::before("ssm:PutParameter", ErrorKind::Denied).times(9));
        let answer = harness.create(&declared()).await;
        answer.failed();
        harness.is_empty();
        harness.status("ROLLBACK_IN_PROGRESS");
        let began = tokio::time::Instant::now();
        harness.delete(answer.body["PhysicalResourceId"].as_str().unwrap(), &declared()).await.succeeded();
        assert!(began.elapsed() < Duration::from_secs(1));
    }

    #[tokio::test(start_paused = true)]
    async fn what_cannot_be_taken_back_is_found_by_the_delete_that_follows() {
        let harness = Harness::new("CREATE_IN_PROGRESS");
        let denied = |operation: &str| Fault::before(operation, ErrorKind::Denied);
        harness.aws.account().faults.add(denied("ssm:PutParameter").times(9));
        harness.aws.account().faults.add(denied("bedrock:DeleteInferenceProfile"));
        let answer = harness.create(&declared()).await;
        assert!(answer.failed().contains("taking back what had been made failed"));
        assert_eq!(harness.aws.account().profiles().len(), 1);
        harness.status("ROLLBACK_IN_PROGRESS");
        let id = answer.body["PhysicalResourceId"].as_str().unwrap();
        harness.delete(id, &declared()).await.succeeded();
        harness.is_empty();
    }

    #[tokio::test(start_paused = true)]
    async fn the_delete_of_a_failed_create_finds_what_a_delivery_before_it_made_and_never_told() {
        let harness = Harness::new("CREATE_IN_PROGRESS");
        let killed = Fault::crash("bedrock:CreateInferenceProfile", Moment::After);
        harness.aws.account().faults.add(killed);
        let first = tokio::time::timeout(Duration::from_secs(60), harness.create(&declared())).await;
        assert!(first.is_err());
        harness.aws.account().faults.add(Fault::before("ssm:PutParameter", ErrorKind::Denied).times(9));
        let second = harness.create(&declared()).await;
        second.failed();
        harness.status("ROLLBACK_IN_PROGRESS");
        let id = second.body["PhysicalResourceId"].as_str().unwrap();
        harness.delete(id, &declared()).await.succeeded();
        harness.is_empty();
    }

    #[tokio::test(start_paused = true)]
    async fn a_failed_replacement_leaves_the_original_alone_and_published() {
        for operation in ["ssm:PutParameter", "ssm:AddTagsToResource"] {
            let harness = Harness::new("CREATE_IN_PROGRESS");
            let first = harness.create(&declared()).await.succeeded();
            let before = harness.aws.account().profiles();
            harness.status("UPDATE_IN_PROGRESS");
            harness.aws.account().faults.add(Fault::before(operation, ErrorKind::Denied).times(9));
            let mut changed = declared();
            changed["Description"] = json!("Another one");
            changed["Tags"] = json!([{"Key": "owner", "Value": "other"}]);
            let answer = harness.update(&first, &changed, &declared()).await;
            answer.failed();
            assert_eq!(answer.body["PhysicalResourceId"], first);
            assert_eq!(harness.aws.account().profiles(), before, "{operation}");
            assert_eq!(harness.published(), Some(first.clone()), "{operation}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn without_the_index_of_tags_every_profile_is_read() {
        let harness = Harness::new("CREATE_IN_PROGRESS");
        harness.create(&declared()).await.succeeded();
        harness.aws.account().faults.add(Fault::before("tag:GetResources", ErrorKind::Denied).times(9));
        harness.status("DELETE_IN_PROGRESS");
        harness.delete("made-up-by-cloudformation", &json!({})).await.succeeded();
        harness.is_empty();
    }
}

mod nothing_foreign {
    use super::*;

    /// Another stack in the same state as the tests' stack, and its Create of `properties`.
    fn other_create(harness: &Harness, request_id: &str, properties: &Value) -> Value {
        let other_stack = common::STACK.replace("stack/app", "stack/other");
        let record = harness.aws.account().stacks[common::STACK].clone();
        harness.aws.account().stacks.insert(other_stack.clone(), record);
        json!({
            "RequestType": "Create",
            "RequestId": request_id,
            "StackId": other_stack,
            "ResourceProperties": properties,
        })
    }

    #[tokio::test(start_paused = true)]
    async fn a_creation_s_token_is_that_of_its_request_and_of_no_other() {
        let harness = Harness::new("CREATE_IN_PROGRESS");
        harness.switches(|switches| {
            switches.repeated_token = RepeatedToken::NewProfile;
            switches.lag_list_ms = 60_000;
        });
        let mut properties = declared();
        properties["PublishParameter"] = json!("false");
        let create = |request_id: &str| json!({"RequestType": "Create", "RequestId": request_id, "ResourceProperties": properties});
        let requests =
            [create("one"), create("one"), create("two"), other_create(&harness, "three", &properties)];
        let mut tokens = Vec::new();
        for request in requests {
            let arn = harness.send(request).await.succeeded();
            tokens.push(harness.aws.account().truth()[&arn].client_request_token.clone().unwrap());
        }
        assert_eq!(tokens[0], tokens[1], "two deliveries of one request");
        let distinct: BTreeSet<&String> = tokens.iter().collect();
        assert_eq!(distinct.len(), 3, "{tokens:?}");
    }

    /// The same template, deployed as another stack, makes a profile that only its owner tells from ours.
    #[tokio::test(start_paused = true)]
    async fn a_twin_of_another_stack_is_not_taken_for_what_a_creation_made_whose_answer_was_lost() {
        let operation = "bedrock:CreateInferenceProfile";
        for lost in [Fault::lost_answer(operation), Fault::before(operation, ErrorKind::Unknown)] {
            for fails in [false, true] {
                let harness = Harness::new("CREATE_IN_PROGRESS");
                let mut theirs = declared();
                theirs["ParameterName"] = json!("/inference-profiles/theirs");
                let twin = harness.send(other_create(&harness, "theirs", &theirs)).await.succeeded();
                let before = harness.state();
                harness.aws.account().faults.add(lost.clone());
                if fails {
                    let denied = Fault::before("ssm:PutParameter", ErrorKind::Denied).times(9);
                    harness.aws.account().faults.add(denied);
                    harness.create(&declared()).await.failed();
                } else {
                    let arn = harness.create(&declared()).await.succeeded();
                    assert_ne!(arn, twin);
                    assert_eq!(harness.published().as_ref(), Some(&arn));
                    harness.status("DELETE_IN_PROGRESS");
                    harness.delete(&arn, &declared()).await.succeeded();
                }
                assert_eq!(harness.state(), before);
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_tag_that_somebody_put_on_ours_stays_through_updates_and_their_rollback() {
        let harness = Harness::new("CREATE_IN_PROGRESS");
        let first = harness.create(&declared()).await.succeeded();
        harness.describe(&first);
        let theirs = Tags::from([("theirs".to_owned(), "x".to_owned())]);
        let arn = ProfileArn::parse(&first).unwrap();
        ports::Profiles::tag(&harness.aws, &arn, &theirs).await.unwrap();
        ports::Parameters::tag(&harness.aws, "/inference-profiles/search", &theirs).await.unwrap();
        let stays = |when: &str| {
            let account = harness.aws.account();
            let parameter =
                account.parameters.all()["/inference-profiles/search"].tags.get("theirs").cloned();
            let profile = account.profiles()[&first].get("theirs").cloned();
            assert_eq!((profile, parameter), (Some("x".into()), Some("x".into())), "{when}");
        };
        let mut tagged = declared();
        tagged["Tags"] = json!([{"Key": "team", "Value": "search"}]);
        let mut replaced = declared();
        replaced["Description"] = json!("Another one");
        harness.status("UPDATE_IN_PROGRESS");
        harness.update(&first, &tagged, &declared()).await.succeeded();
        stays("an update of tags");
        let second = harness.update(&first, &replaced, &tagged).await.succeeded();
        stays("a replacement");
        harness.status("UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS");
        harness.delete(&second, &replaced).await.succeeded();
        stays("a rollback that only deletes");
        harness.status("UPDATE_ROLLBACK_IN_PROGRESS");
        harness.update(&first, &declared(), &tagged).await.succeeded();
        stays("a rollback of tags");
        assert_eq!(profile_tag(&harness, &first, "team"), None);
    }

    #[tokio::test(start_paused = true)]
    async fn an_existing_parameter_is_a_fault_and_stays() {
        let harness = Harness::new("CREATE_IN_PROGRESS");
        harness.aws.account().parameters.seed("/inference-profiles/search", "mine", Default::default());
        let before = harness.aws.account().parameters.clone();
        let reason = harness.create(&declared()).await.failed();
        assert!(reason.starts_with("ParameterName: «/inference-profiles/search» exists"), "{reason}");
        assert_eq!(harness.aws.account().parameters, before);
        assert!(harness.aws.account().profiles().is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn a_parameter_that_appears_at_the_last_moment_is_not_overwritten() {
        let harness = Harness::new("CREATE_IN_PROGRESS");
        harness.aws.watch(|account, operation| {
            if operation == "bedrock:CreateInferenceProfile" {
                account.parameters.seed("/inference-profiles/search", "theirs", Default::default());
            }
        });
        harness.create(&declared()).await.failed();
        assert_eq!(harness.published(), Some("theirs".to_owned()));
        assert!(harness.aws.account().profiles().is_empty());
    }

    /// Somebody who may tag a profile, but not delete it, has the stack do it: the tags of one of its own are
    /// put on what is somebody else's.
    #[tokio::test(start_paused = true)]
    async fn all_of_a_profile_s_tags_put_on_another_by_hand_delete_nothing() {
        for (also_on_index, leaves) in [
            (0, "DELETE_IN_PROGRESS"),
            (8_000, "DELETE_IN_PROGRESS"),
            (0, "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"),
        ] {
            let harness = Harness::new("CREATE_IN_PROGRESS");
            harness.switches(|switches| switches.lag_list_ms = also_on_index);
            let arn = harness.create(&declared()).await.succeeded();
            let copied = harness.aws.account().profiles()[&arn].clone();
            let request = CreateInferenceProfile::new("theirs", &common::model_arn(NOVA));
            let request = copied.iter().fold(request, |request, (key, value)| request.tag(key, value));
            let draining = request.clone().tag(tags::DRAIN_UNTIL, "2026-01-01T00:00:00Z");
            let theirs = [request, draining].map(|request| harness.aws.make_profile(&request).unwrap());
            harness.status(leaves);
            harness.delete(&arn, &declared()).await.succeeded();
            let left: Vec<String> = harness.aws.account().profiles().into_keys().collect();
            let mut theirs = theirs.map(|arn| arn.to_string());
            theirs.sort();
            assert_eq!(left, theirs, "{leaves}");
            assert_eq!(harness.published(), None);
        }
    }

    /// Without the tag that says so, the declaration still says that it was adopted.
    #[tokio::test(start_paused = true)]
    async fn an_adopted_profile_that_lost_its_mark_is_released_all_the_same() {
        let harness = Harness::new("CREATE_IN_PROGRESS");
        let mut request = CreateInferenceProfile::new(PROFILE_NAME, &common::model_arn(NOVA));
        request.description = Some("Search: production.".into());
        let theirs = harness.aws.make_profile(&request).unwrap();
        let mut adopts = declared();
        adopts["ExistingProfile"] = json!(theirs.as_str());
        assert_eq!(harness.create(&adopts).await.succeeded(), theirs.as_str());
        harness.status("CREATE_COMPLETE");
        let keys = [tags::ADOPTED.to_owned()];
        ports::Profiles::untag(&harness.aws, &theirs, &keys).await.unwrap();
        harness.status("DELETE_IN_PROGRESS");
        harness.delete(theirs.as_str(), &adopts).await.succeeded();
        let left = harness.aws.account().profiles();
        assert_eq!(left.into_iter().collect::<Vec<_>>(), [(theirs.to_string(), Default::default())]);
    }

    /// The owner's tags on a parameter that never published a profile.
    #[tokio::test(start_paused = true)]
    async fn a_parameter_is_not_ours_by_its_tags_alone() {
        let harness = Harness::new("CREATE_IN_PROGRESS");
        let arn = harness.create(&declared()).await.succeeded();
        let held = harness.aws.account().parameters.all()["/inference-profiles/search"].tags.clone();
        let theirs = "/inference-profiles/theirs";
        harness.aws.account().parameters.seed(theirs, "a password", held);
        harness.status("DELETE_IN_PROGRESS");
        let mut other = declared();
        other["ParameterName"] = json!("/inference-profiles/search");
        // As the index of tags would name it.
        let pointed = [(tags::PARAMETER.to_owned(), theirs.to_owned())].into();
        let spoofed = CreateInferenceProfile::new("spoofed", &common::model_arn(NOVA));
        let spoofed = harness.aws.make_profile(&spoofed).unwrap();
        let copied = harness.aws.account().profiles()[&arn].clone();
        ports::Profiles::tag(&harness.aws, &spoofed, &copied).await.unwrap();
        ports::Profiles::tag(&harness.aws, &spoofed, &pointed).await.unwrap();
        harness.delete(&arn, &other).await.succeeded();
        assert!(harness.aws.account().parameters.all().contains_key(theirs));
        assert_eq!(harness.published(), None);
    }

    /// The same while an update is taken back, which removes what only the update had made.
    #[tokio::test(start_paused = true)]
    async fn tags_put_on_by_hand_are_not_taken_for_what_a_failed_update_made() {
        let harness = Harness::new("CREATE_IN_PROGRESS");
        let arn = harness.create(&declared()).await.succeeded();
        let copied = harness.aws.account().profiles()[&arn].clone();
        let request = CreateInferenceProfile::new("theirs", &common::model_arn(NOVA));
        let request = copied.iter().fold(request, |request, (key, value)| request.tag(key, value));
        let theirs = harness.aws.make_profile(&request).unwrap();
        harness.describe(&arn);
        harness.status("UPDATE_ROLLBACK_IN_PROGRESS");
        assert_eq!(harness.update(&arn, &declared(), &declared()).await.succeeded(), arn);
        assert!(harness.aws.account().profiles().contains_key(theirs.as_str()));
    }

    #[tokio::test(start_paused = true)]
    async fn reserved_tags_put_on_by_hand_for_another_stack_protect_from_a_delete() {
        let harness = Harness::new("DELETE_IN_PROGRESS");
        let mut request = CreateInferenceProfile::new("theirs", &common::model_arn(NOVA));
        request = request.tag(tags::STACK_ID, "arn:aws:cloudformation:us-east-1:123456789012:stack/other/1");
        request = request.tag(tags::LOGICAL_ID, common::LOGICAL_ID);
        let theirs = harness.aws.make_profile(&request).unwrap();
        harness.delete(theirs.as_str(), &declared()).await.succeeded();
        assert!(harness.aws.account().profiles().contains_key(theirs.as_str()));
    }

    #[tokio::test(start_paused = true)]
    async fn a_namesake_is_neither_taken_nor_touched() {
        for unique_names in [false, true] {
            let harness = Harness::new("CREATE_IN_PROGRESS");
            let request = CreateInferenceProfile::new(PROFILE_NAME, &common::model_arn(NOVA));
            let theirs = harness.aws.make_profile(&request).unwrap();
            harness.switches(|switches| switches.unique_names = unique_names);
            let answer = harness.create(&declared()).await;
            assert!(harness.aws.account().profiles()[theirs.as_str()].is_empty());
            if unique_names {
                let reason = answer.failed();
                assert!(reason.contains(theirs.as_str()) && reason.contains("ExistingProfile"), "{reason}");
            } else {
                assert_ne!(answer.succeeded(), theirs.as_str());
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_adopted_profile_is_released_as_it_was() {
        let harness = Harness::new("CREATE_IN_PROGRESS");
        let request = CreateInferenceProfile::new(PROFILE_NAME, &common::model_arn(NOVA))
            .description("Search: production.")
            .tag("note", "made by hand");
        let existing = harness.aws.make_profile(&request).unwrap();
        let mut properties = declared();
        properties["ExistingProfile"] = json!(existing.id());
        let before = harness.aws.account().profiles();
        assert_eq!(harness.create(&properties).await.succeeded(), existing.as_str());
        assert_eq!(harness.published(), Some(existing.to_string()));
        assert_eq!(profile_tag(&harness, existing.as_str(), tags::ADOPTED).as_deref(), Some("true"));
        harness.status("DELETE_IN_PROGRESS");
        harness.delete(existing.as_str(), &properties).await.succeeded();
        assert_eq!(harness.aws.account().profiles(), before);
        assert_eq!(harness.published(), None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_failed_adoption_is_released_as_it_was() {
        let harness = Harness::new("CREATE_IN_PROGRESS");
        let request = CreateInferenceProfile::new(PROFILE_NAME, &common::model_arn(NOVA))
            .description("Search: production.")
            .tag("note", "made by hand");
        let existing = harness.aws.make_profile(&request).unwrap();
        let before = harness.aws.account().profiles();
        harness.aws.account().faults.add(Fault::before("ssm:PutParameter", ErrorKind::Denied).times(9));
        let mut properties = declared();
        properties["ExistingProfile"] = json!(existing.as_str());
        harness.create(&properties).await.failed();
        assert_eq!(harness.aws.account().profiles(), before);
    }
}

mod rollbacks {
    use super::*;

    /// A stack that replaced its profile, and then fails in a sibling.
    async fn replaced() -> (Harness, Value, String, String) {
        let harness = Harness::new("CREATE_IN_PROGRESS");
        let first = harness.create(&declared()).await.succeeded();
        harness.status("UPDATE_IN_PROGRESS");
        let mut changed = declared();
        changed["ModelSource"]["CopyFrom"] = json!("us.amazon.nova-lite-v1:0");
        changed["Tags"] = json!([{"Key": "owner", "Value": "other"}]);
        let second = harness.update(&first, &changed, &declared()).await.succeeded();
        assert_ne!(first, second, "another source is another profile");
        assert_eq!(harness.published(), Some(second.clone()));
        (harness, changed, first, second)
    }

    #[tokio::test(start_paused = true)]
    async fn a_rollback_restores_profile_tags_parameter_and_physical_id() {
        let (harness, changed, first, second) = replaced().await;
        harness.status("UPDATE_ROLLBACK_IN_PROGRESS");
        let back = harness.update(&second, &declared(), &changed).await.succeeded();
        assert_eq!(back, first);
        assert_eq!(harness.published(), Some(first.clone()));
        harness.describe(&first);
        harness.status("UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS");
        harness.delete(&second, &changed).await.succeeded();
        harness.holds_exactly(&first, &declared());
    }

    #[tokio::test(start_paused = true)]
    async fn a_rollback_that_only_deletes_the_new_profile_restores_the_parameter_too() {
        let (harness, changed, first, second) = replaced().await;
        harness.describe(&second);
        harness.status("UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS");
        harness.delete(&second, &changed).await.succeeded();
        harness.holds_exactly(&first, &declared());
    }

    #[tokio::test(start_paused = true)]
    async fn a_rollback_of_tags_holds_against_reads_that_lag() {
        let harness = Harness::new("CREATE_IN_PROGRESS");
        let first = harness.create(&declared()).await.succeeded();
        let mut changed = declared();
        changed["Tags"] = json!([{"Key": "owner", "Value": "other"}, {"Key": "extra", "Value": "x"}]);
        harness.switches(|switches| (switches.lag_tags_ms, switches.lag_tagging_api_ms) = (60_000, 60_000));
        tokio::time::sleep(Duration::from_secs(120)).await;
        harness.status("UPDATE_IN_PROGRESS");
        harness.update(&first, &changed, &declared()).await.succeeded();
        assert_eq!(profile_tag(&harness, &first, "extra").as_deref(), Some("x"));
        harness.status("UPDATE_ROLLBACK_IN_PROGRESS");
        harness.update(&first, &declared(), &changed).await.succeeded();
        assert_eq!(profile_tag(&harness, &first, "owner").as_deref(), Some("search"));
        assert_eq!(profile_tag(&harness, &first, "extra"), None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_tag_policy_that_came_later_does_not_stand_in_the_way_of_a_rollback() {
        let mut harness = Harness::new("CREATE_IN_PROGRESS");
        let first = harness.create(&declared()).await.succeeded();
        harness.environment = vec![("REQUIRED_TAGS", "project-id")];
        let mut changed = declared();
        changed["Tags"] = json!([{"Key": "project-id", "Value": "x"}]);
        harness.status("UPDATE_IN_PROGRESS");
        harness.update(&first, &changed, &declared()).await.succeeded();
        harness.status("UPDATE_ROLLBACK_IN_PROGRESS");
        harness.update(&first, &declared(), &changed).await.succeeded();
        harness.holds_exactly(&first, &declared());
        harness.status("UPDATE_IN_PROGRESS");
        let reason = harness.update(&first, &declared(), &changed).await.failed();
        assert!(reason.contains("project-id"), "{reason}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_model_at_its_end_of_life_does_not_stand_in_the_way_of_a_rollback() {
        let harness = Harness::new("CREATE_IN_PROGRESS");
        let first = harness.create(&declared()).await.succeeded();
        harness.status("UPDATE_ROLLBACK_IN_PROGRESS");
        harness
            .aws
            .account()
            .faults
            .add(Fault::before("bedrock:GetFoundationModel", ErrorKind::NotFound).times(9));
        let mut changed = declared();
        changed["Tags"] = json!([]);
        assert_eq!(harness.update(&first, &declared(), &changed).await.succeeded(), first);
        // To make a new one from it is a fault, as ever.
        let mut other = declared();
        other["Description"] = json!("Another one");
        let reason = harness.update(&first, &other, &declared()).await.failed();
        assert!(reason.starts_with("ModelSource.CopyFrom: "), "{reason}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_reader_is_never_stranded() {
    let harness = Harness::new("CREATE_IN_PROGRESS");
    let first = harness.create(&declared()).await.succeeded();
    // From here on, at every instant: the parameter holds the ARN of a profile that exists.
    let violations = harness.watch_readers("/inference-profiles/search");
    let mut changed = declared();
    changed["Description"] = json!("Another one");
    harness.status("UPDATE_IN_PROGRESS");
    let second = harness.update(&first, &changed, &declared()).await.succeeded();
    harness.status("UPDATE_ROLLBACK_IN_PROGRESS");
    harness.update(&second, &declared(), &changed).await.succeeded();
    harness.describe(&first);
    harness.status("UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS");
    harness.delete(&second, &changed).await.succeeded();
    harness.status("UPDATE_IN_PROGRESS");
    let third = harness.update(&first, &changed, &declared()).await.succeeded();
    harness.describe(&third);
    harness.status("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS");
    harness.delete(&first, &declared()).await.succeeded();
    assert_eq!(*violations.lock().unwrap(), Vec::<String>::new());
    assert_eq!(harness.published(), Some(third));
}

#[tokio::test(start_paused = true)]
async fn the_physical_id_changes_only_with_the_immutable_properties() {
    let harness = Harness::new("CREATE_IN_PROGRESS");
    let first = harness.create(&declared()).await.succeeded();
    harness.status("UPDATE_IN_PROGRESS");
    let mut before = declared();
    for (property, value, replaces) in [
        ("Tags", json!([{"Key": "owner", "Value": "new"}]), false),
        ("ParameterName", json!("/inference-profiles/elsewhere"), false),
        ("DrainPeriod", json!("1d"), false),
        ("ProtectIfUsedWithin", json!("1d"), false),
        ("ModelSource", json!({"CopyFrom": common::model_arn(NOVA)}), false),
        ("PublishParameter", json!("true"), false),
        ("InferenceProfileName", json!("search-2"), true),
        ("Description", json!("Another one"), true),
        ("ModelSource", json!({"CopyFrom": "us.amazon.nova-lite-v1:0"}), true),
    ] {
        let mut after = before.clone();
        after[property] = value;
        let id = harness.update(&first, &after, &before).await.succeeded();
        assert_eq!(id != first, replaces, "{property}");
        if !replaces {
            before = after;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_repeated_or_stale_delivery_is_harmless_and_gets_the_same_answer() {
    let harness = Harness::new("CREATE_IN_PROGRESS");
    let created = harness.create(&declared()).await;
    let first = created.succeeded();
    let before = harness.state();
    for status in ["CREATE_IN_PROGRESS", "CREATE_COMPLETE"] {
        harness.status(status);
        let again = harness.create(&declared()).await;
        assert_eq!(again.body, created.body, "{status}");
    }
    harness.describe(&first);
    harness.status("UPDATE_COMPLETE");
    harness.delete(&first, &declared()).await.succeeded();
    let mut older = declared();
    older["Description"] = json!("An older one");
    harness.update(&first, &older, &declared()).await.failed();
    let after = harness.state();
    assert_eq!(after, before);
}

mod deleting {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_is_not_there_or_was_never_created_is_deleted_with_success() {
        let harness = Harness::new("DELETE_IN_PROGRESS");
        let gone = common::profile_arn("0mbq3svia2re");
        let elsewhere = gone.replace("us-east-1", "eu-west-1");
        for id in [gone.as_str(), &elsewhere, "made-up-by-cloudformation", "nothing"] {
            let answer = harness.delete(id, &json!({"Whatever": ["an", "old", "template", "held"]})).await;
            assert_eq!(answer.succeeded(), id);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn it_works_from_the_physical_id_and_the_stack_alone() {
        let harness = Harness::new("CREATE_IN_PROGRESS");
        let first = harness.create(&declared()).await.succeeded();
        harness.status("DELETE_IN_PROGRESS");
        harness.delete(&first, &json!({})).await.succeeded();
        harness.is_empty();
    }

    /// A stack whose profile of this declaration was replaced by a second one, and which cleans up; with the new
    /// declaration.
    async fn replaced(old: &Value) -> (Harness, Value, [String; 2]) {
        let harness = Harness::new("CREATE_IN_PROGRESS");
        let first = harness.create(old).await.succeeded();
        let mut new = old.clone();
        new["Description"] = json!("Another one");
        harness.status("UPDATE_IN_PROGRESS");
        let second = harness.update(&first, &new, old).await.succeeded();
        harness.describe(&second);
        harness.status("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS");
        harness.delete(&first, old).await.succeeded();
        (harness, new, [first, second])
    }

    #[tokio::test(start_paused = true)]
    async fn a_replaced_profile_drains_and_the_stack_s_end_takes_it_along() {
        let mut properties = declared();
        properties["DrainPeriod"] = json!("7d");
        let (harness, changed, [first, second]) = replaced(&properties).await;
        assert_eq!(profile_tag(&harness, &first, tags::DRAIN_UNTIL).as_deref(), Some("2026-03-08T00:00:00Z"));
        assert_eq!(harness.published(), Some(second.clone()));
        harness.status("DELETE_IN_PROGRESS");
        harness.delete(&second, &changed).await.succeeded();
        harness.is_empty();
    }

    #[tokio::test(start_paused = true)]
    async fn a_profile_in_use_is_not_deleted_and_nothing_of_it_either() {
        let harness = Harness::new("CREATE_IN_PROGRESS");
        let mut properties = declared();
        properties["ProtectIfUsedWithin"] = json!("1d");
        let first = harness.create(&properties).await.succeeded();
        harness.used(&first);
        tokio::time::sleep(Duration::from_secs(3600)).await;
        harness.status("DELETE_IN_PROGRESS");
        let reason = harness.delete(&first, &properties).await.failed();
        assert!(reason.starts_with("ProtectIfUsedWithin: ") && reason.contains("1 times"), "{reason}");
        assert_eq!(harness.published(), Some(first.clone()));
        tokio::time::sleep(Duration::from_secs(2 * 86_400)).await;
        harness.delete(&first, &properties).await.succeeded();
        harness.is_empty();
    }

    /// A stack whose profile was replaced by the second one; the first one drains, and is in use.
    async fn draining_in_use() -> (Harness, Value, [String; 2]) {
        let mut old = declared();
        (old["DrainPeriod"], old["ProtectIfUsedWithin"]) = (json!("7d"), json!("1d"));
        let (harness, new, [first, second]) = replaced(&old).await;
        assert!(profile_tag(&harness, &first, tags::DRAIN_UNTIL).is_some());
        harness.used(&first);
        (harness, new, [first, second])
    }

    #[tokio::test(start_paused = true)]
    async fn a_draining_profile_in_use_protects_its_resource_too() {
        for dropped in [false, true] {
            let (harness, properties, [first, second]) = draining_in_use().await;
            if dropped {
                harness.resource_is("DELETE_IN_PROGRESS", Some(&second));
            } else {
                harness.status("DELETE_IN_PROGRESS");
            }
            let before = harness.state();
            let reason = harness.delete(&second, &properties).await.failed();
            assert!(reason.starts_with(&format!("ProtectIfUsedWithin: {first} was invoked")), "{reason}");
            assert_eq!(harness.state(), before);
            tokio::time::sleep(Duration::from_secs(2 * 86_400)).await;
            harness.delete(&second, &properties).await.succeeded();
            harness.is_empty();
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_replaced_profile_with_as_many_tags_as_there_may_be_drains() {
        let mut old = declared();
        old["DrainPeriod"] = json!("7d");
        // Two are the stack's.
        old["Tags"] = (0..41).map(|n| json!({"Key": format!("key-{n}"), "Value": "v"})).collect();
        let (harness, _, [first, second]) = replaced(&old).await;
        // It was as full as this one, which does not drain.
        assert_eq!(harness.aws.account().profiles()[&second].len(), tags::LIMIT);
        assert_eq!(profile_tag(&harness, &first, tags::DRAIN_UNTIL).as_deref(), Some("2026-03-08T00:00:00Z"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_protection_that_cannot_be_checked_protects() {
        let harness = Harness::new("CREATE_IN_PROGRESS");
        let mut properties = declared();
        properties["ProtectIfUsedWithin"] = json!("1d");
        let first = harness.create(&properties).await.succeeded();
        harness.status("DELETE_IN_PROGRESS");
        harness.aws.account().faults.add(Fault::before("cloudwatch:GetMetricData", ErrorKind::Denied));
        let reason = harness.delete(&first, &properties).await.failed();
        assert!(reason.contains("cloudwatch:GetMetricData"), "{reason}");
        assert_eq!(harness.published(), Some(first));
    }
}

mod switches {
    use local_aws::{DeletedToken, ListWithoutType, MismatchedToken, Switches, UnknownModel};

    use super::*;

    /// What a position is called, and what sets it.
    type Position = (&'static str, fn(&mut Switches));

    /// Every position of every switch that the default is not.
    fn positions() -> Vec<Position> {
        vec![
            ("unique names", |s| s.unique_names = true),
            ("names released late", |s| (s.unique_names, s.name_release_ms) = (true, 2_000)),
            ("token makes another", |s| s.repeated_token = RepeatedToken::NewProfile),
            ("token conflicts", |s| s.repeated_token = RepeatedToken::Conflict),
            ("token forgotten", |s| s.token_memory_ms = 0),
            ("mismatched token conflicts", |s| s.mismatched_token = MismatchedToken::Conflict),
            ("token of a deleted profile", |s| s.deleted_token = DeletedToken::FirstArn),
            ("get lags", |s| s.lag_get_ms = 8_000),
            ("list lags", |s| s.lag_list_ms = 8_000),
            ("tags lag", |s| s.lag_tags_ms = 8_000),
            ("the tagging API lags", |s| s.lag_tagging_api_ms = 8_000),
            ("everything lags", |s| {
                (s.lag_get_ms, s.lag_list_ms) = (8_000, 8_000);
                (s.lag_tags_ms, s.lag_tagging_api_ms) = (8_000, 8_000);
            }),
            ("a list of all types", |s| s.list_without_type = ListWithoutType::All),
            ("unknown models are invalid", |s| s.unknown_model = UnknownModel::Validation),
            ("ended models vanish", |s| s.hide_end_of_life_models = true),
            ("pages of one", |s| (s.default_page_size, s.page_cap) = (1, 1)),
        ]
    }

    #[tokio::test(start_paused = true)]
    async fn the_life_of_a_profile_is_the_same_in_every_position() {
        for (position, set) in positions() {
            for lost in [None, Some("bedrock:CreateInferenceProfile")] {
                println!("{position}, lost answer of {lost:?}");
                let harness = Harness::new("CREATE_IN_PROGRESS");
                harness.switches(set);
                let unknown = json!({"CopyFrom": "amazon.nova-lit-v1:0"});
                let mut wrong = declared();
                wrong["ModelSource"] = unknown;
                let reason = harness.create(&wrong).await.failed();
                assert!(reason.contains("Perhaps you mean amazon.nova-lite-v1:0"), "{reason}");
                if let Some(operation) = lost {
                    harness.aws.account().faults.add(Fault::lost_answer(operation));
                }
                let first = harness.create(&declared()).await.succeeded();
                let again = harness.create(&declared()).await.succeeded();
                assert_eq!(again, first);
                harness.status("UPDATE_IN_PROGRESS");
                let mut retagged = declared();
                retagged["Tags"] = json!([{"Key": "owner", "Value": "other"}]);
                assert_eq!(harness.update(&first, &retagged, &declared()).await.succeeded(), first);
                let mut replaced = retagged.clone();
                replaced["InferenceProfileName"] = json!("search-2");
                replaced["ParameterName"] = json!("/inference-profiles/search");
                let second = harness.update(&first, &replaced, &retagged).await.succeeded();
                assert_ne!(second, first);
                assert_eq!(harness.published(), Some(second.clone()));
                harness.status("UPDATE_ROLLBACK_IN_PROGRESS");
                assert_eq!(harness.update(&second, &retagged, &replaced).await.succeeded(), first);
                harness.describe(&first);
                harness.status("UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS");
                harness.delete(&second, &replaced).await.succeeded();
                harness.holds_exactly(&first, &retagged);
                harness.status("DELETE_IN_PROGRESS");
                harness.delete(&first, &retagged).await.succeeded();
                harness.is_empty();
            }
        }
    }
}
