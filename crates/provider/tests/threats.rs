//! What somebody might send to the provider, or do by hand to what it owns, to have it do what they may not do
//! themselves. `docs/security.md` names the threats.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::{Harness, LOGICAL_ID, NOVA, PROFILE_NAME, STACK, declared, profile_tag};
use local_aws::{CreateInferenceProfile, in_process::Fault};
use ports::ErrorKind;
use profile::{
    arn::ProfileArn,
    tags::{self, Tags},
};
use serde_json::{Value, json};
use std::time::Duration;

const OTHER_STACK: &str = "arn:aws:cloudformation:us-east-1:123456789012:stack/other/1";
const PARAMETER: &str = "/inference-profiles/search";
const AT_REST: [&str; 4] =
    ["CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "UPDATE_ROLLBACK_FAILED"];

/// A profile that somebody made, with `tags`.
fn theirs(harness: &Harness, name: &str, tags: &[(&str, &str)]) -> ProfileArn {
    let request = CreateInferenceProfile::new(name, &common::model_arn(NOVA));
    let request = tags.iter().fold(request, |request, (key, value)| request.tag(key, value));
    harness.aws.make_profile(&request).unwrap()
}

/// A stack at rest that holds a profile.
async fn at_rest() -> (Harness, String) {
    let harness = Harness::new("CREATE_IN_PROGRESS");
    let arn = harness.create(&declared()).await.succeeded();
    harness.describe(&arn);
    harness.status("CREATE_COMPLETE");
    (harness, arn)
}

/// The three requests, with everything true that a stranger can find out.
fn requests(id: &str) -> [Value; 3] {
    let mut other = declared();
    other["ModelSource"]["CopyFrom"] = json!("us.amazon.nova-lite-v1:0");
    [
        json!({"RequestType": "Create", "ResourceProperties": other}),
        json!({"RequestType": "Update", "PhysicalResourceId": id, "ResourceProperties": other,
               "OldResourceProperties": declared()}),
        json!({"RequestType": "Delete", "PhysicalResourceId": id, "ResourceProperties": declared()}),
    ]
}

mod forged_events {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn an_answer_goes_nowhere_else_and_the_request_is_not_carried_out() {
        let (harness, arn) = at_rest().await;
        harness.status("UPDATE_IN_PROGRESS");
        let (before, calls) = (harness.state(), harness.aws.account().calls.len());
        for url in [
            "https://evil.example/answer",
            "http://169.254.169.254/latest/meta-data/iam",
            "http://127.0.0.1:9001/2018-06-01/runtime/invocation/next",
            "http://cloudformation-custom-resource-response-useast1.s3.amazonaws.com/answer",
            "https://cloudformation-custom-resource-response-useast1.s3.amazonaws.com@evil.example/answer",
            "https://cloudformation-custom-resource-response-useast1.s3.amazonaws.com.evil.example/answer",
            "https://cloudformation-custom-resource-response-euwest1.s3.amazonaws.com/answer",
            "https://evil.s3.amazonaws.com/answer",
        ] {
            for mut request in requests(&arn) {
                request["RequestId"] = json!("forged");
                request["StackId"] = json!(STACK);
                request["LogicalResourceId"] = json!(LOGICAL_ID);
                request["ResourceType"] = json!("Custom::InferenceProfile");
                request["ResponseURL"] = json!(url);
                assert_eq!(harness.deliver(request).await, Vec::<Vec<u8>>::new(), "{url}");
            }
        }
        assert_eq!(harness.state(), before);
        assert_eq!(harness.aws.account().calls.len(), calls, "nothing is asked of AWS either");
    }

    #[tokio::test(start_paused = true)]
    async fn a_stack_of_another_account_region_or_partition_is_refused_before_any_call() {
        let (harness, arn) = at_rest().await;
        let (before, calls) = (harness.state(), harness.aws.account().calls.len());
        for stack in [
            STACK.replace("123456789012", "999999999999"),
            STACK.replace("us-east-1", "eu-west-1"),
            STACK.replace("arn:aws:", "arn:aws-cn:"),
        ] {
            for mut request in requests(&arn) {
                request["StackId"] = json!(stack);
                let reason = harness.send(request).await.failed();
                assert!(reason.starts_with("StackId: the stack is of account"), "{reason}");
            }
        }
        assert_eq!(harness.state(), before);
        assert_eq!(harness.aws.account().calls.len(), calls);
    }

    /// Whoever may invoke the provider knows all that CloudFormation would say, and dates the request as they
    /// like. What they cannot have is a stack that waits for it.
    #[tokio::test(start_paused = true)]
    async fn nothing_of_a_stack_at_rest_is_changed_or_deleted_in_its_name() {
        let (harness, arn) = at_rest().await;
        let before = harness.state();
        for status in AT_REST {
            harness.status(status);
            for request in requests(&arn) {
                let kind = request["RequestType"].clone();
                harness.send(request).await;
                assert_eq!(harness.state(), before, "{kind} while {status}");
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_delete_that_names_what_the_stack_does_not_own_deletes_nothing() {
        let harness = Harness::new("CREATE_IN_PROGRESS");
        let foreign = [
            theirs(&harness, "untagged", &[]),
            theirs(&harness, "other-stack", &[(tags::STACK_ID, OTHER_STACK), (tags::LOGICAL_ID, LOGICAL_ID)]),
            theirs(&harness, "other-resource", &[(tags::STACK_ID, STACK), (tags::LOGICAL_ID, "Other")]),
            theirs(&harness, "half", &[(tags::STACK_ID, STACK)]),
        ];
        let before = harness.state();
        let phases = ["DELETE_IN_PROGRESS", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "ROLLBACK_IN_PROGRESS"];
        for status in phases.into_iter().chain(AT_REST) {
            harness.status(status);
            for arn in &foreign {
                harness.delete(arn.as_str(), &declared()).await.succeeded();
                assert_eq!(harness.state(), before, "{arn} while {status}");
            }
        }
        harness.aws.account().stacks.clear();
        for arn in &foreign {
            harness.delete(arn.as_str(), &declared()).await.succeeded();
            assert_eq!(harness.state(), before, "{arn} for a stack that never was");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_delete_of_an_arn_of_another_account_or_region_calls_nothing() {
        let (harness, arn) = at_rest().await;
        harness.status("DELETE_IN_PROGRESS");
        let calls = harness.aws.account().calls.len();
        for id in [
            arn.replace("123456789012", "999999999999"),
            arn.replace("us-east-1", "eu-west-1"),
            arn.replace("arn:aws:", "arn:aws-cn:"),
        ] {
            assert_eq!(harness.delete(&id, &declared()).await.succeeded(), id);
        }
        assert_eq!(harness.aws.account().calls.len(), calls);
        assert!(harness.aws.account().profiles().contains_key(&arn));
    }

    /// A creation's token makes Bedrock answer with the profile that was made with it before: that of another stack, if a
    /// request in another's name could bring the same.
    #[tokio::test(start_paused = true)]
    async fn a_request_id_of_another_stack_s_request_leads_to_nothing_of_that_stack() {
        for fails in [false, true] {
            let (harness, arn) = at_rest().await;
            let before = harness.state();
            let mut theirs = declared();
            theirs["ParameterName"] = json!("/inference-profiles/theirs");
            if fails {
                let denied = Fault::before("ssm:PutParameter", ErrorKind::Denied).times(9);
                harness.aws.account().faults.add(denied);
            }
            // Every request of the tests' stack has the same id, unless it says otherwise.
            let create =
                json!({"RequestType": "Create", "StackId": OTHER_STACK, "ResourceProperties": theirs});
            let answer = harness.send(create).await;
            assert_ne!(answer.body["PhysicalResourceId"], arn);
            let after = harness.state();
            assert_eq!(after.0.get(&arn), before.0.get(&arn));
            assert_eq!(harness.published(), Some(arn));
        }
    }

    /// The calls are those for a text that names no profile at all.
    #[tokio::test(start_paused = true)]
    async fn a_profile_elsewhere_is_asked_for_nowhere_whoever_names_it() {
        let here = common::profile_arn("0mbq3svia2re");
        for elsewhere in [
            here.replace("123456789012", "999999999999"),
            here.replace("us-east-1", "eu-west-1"),
            here.replace("arn:aws:", "arn:aws-cn:"),
        ] {
            for (names, status) in [
                ("the request", "UPDATE_IN_PROGRESS"),
                ("the parameter", "UPDATE_IN_PROGRESS"),
                ("the parameter", "DELETE_IN_PROGRESS"),
                ("the stack", "UPDATE_IN_PROGRESS"),
                ("the stack", "DELETE_IN_PROGRESS"),
            ] {
                let mut calls = Vec::new();
                for named in [elsewhere.as_str(), "no-profile"] {
                    let (harness, arn) = at_rest().await;
                    harness.status(status);
                    let mut id = arn.as_str();
                    match names {
                        "the request" => id = named,
                        "the parameter" => {
                            let ours = harness.aws.account().parameters.take(PARAMETER).unwrap();
                            harness.aws.account().parameters.seed(PARAMETER, named, ours.tags);
                        }
                        _ => harness.describe(named),
                    }
                    harness.aws.account().calls.clear();
                    if status == "DELETE_IN_PROGRESS" {
                        harness.delete(id, &declared()).await.succeeded();
                        harness.is_empty();
                    } else {
                        assert_eq!(harness.update(id, &declared(), &declared()).await.succeeded(), arn);
                        assert_eq!(harness.published(), Some(arn));
                    }
                    let mut made = harness.aws.account().calls.clone();
                    made.sort_unstable();
                    calls.push(made);
                }
                assert_eq!(calls[0], calls[1], "{elsewhere}, named by {names} while {status}");
            }
        }
    }

    /// A stack that never was can be named as well: it gets what any declaration gets.
    #[tokio::test(start_paused = true)]
    async fn a_made_up_stack_takes_nothing_of_another() {
        let (harness, arn) = at_rest().await;
        let before = harness.state();
        let mut adopting = declared();
        adopting["ExistingProfile"] = json!(arn);
        adopting["ParameterName"] = json!("/inference-profiles/mine");
        for properties in [declared(), adopting] {
            for part in [
                json!({"RequestType": "Create"}),
                json!({"RequestType": "Update", "PhysicalResourceId": arn,
                       "OldResourceProperties": declared()}),
            ] {
                let mut request = part;
                request["StackId"] = json!(OTHER_STACK);
                request["ResourceProperties"] = properties.clone();
                harness.send(request).await.failed();
                assert_eq!(harness.state(), before, "{properties}");
            }
        }
        let delete = json!({"RequestType": "Delete", "StackId": OTHER_STACK, "PhysicalResourceId": arn,
                            "ResourceProperties": declared()});
        harness.send(delete).await.succeeded();
        assert_eq!(harness.state(), before);
    }
}

mod parameters {
    use super::*;

    fn seed(harness: &Harness, name: &str, value: &str, tags: Tags) {
        harness.aws.account().parameters.seed(name, value, tags);
    }

    fn value(harness: &Harness, name: &str) -> Option<String> {
        harness.aws.account().parameters.all().get(name).map(|parameter| parameter.value.clone())
    }

    #[tokio::test(start_paused = true)]
    async fn a_name_that_somebody_took_first_stays_theirs_through_every_request() {
        let harness = Harness::new("CREATE_IN_PROGRESS");
        for tags in [
            Tags::new(),
            Tags::from([
                (tags::STACK_ID.into(), OTHER_STACK.into()),
                (tags::LOGICAL_ID.into(), LOGICAL_ID.into()),
            ]),
        ] {
            harness.status("CREATE_IN_PROGRESS");
            seed(&harness, PARAMETER, "theirs", tags.clone());
            let reason = harness.create(&declared()).await.failed();
            assert!(reason.starts_with("ParameterName: "), "{reason}");

            let mut mine = declared();
            mine["ParameterName"] = json!("/inference-profiles/mine");
            let arn = harness.create(&mine).await.succeeded();
            harness.describe(&arn);
            harness.status("UPDATE_IN_PROGRESS");
            harness.update(&arn, &declared(), &mine).await.failed();
            assert_eq!(value(&harness, "/inference-profiles/mine"), Some(arn.clone()));

            // The declaration names theirs, as after a failed update.
            harness.status("DELETE_IN_PROGRESS");
            harness.delete(&arn, &declared()).await.succeeded();
            assert!(harness.aws.account().profiles().is_empty());
            let left = harness.aws.account().parameters.take(PARAMETER).unwrap();
            assert_eq!((left.value.as_str(), &left.tags), ("theirs", &tags));
            assert_eq!(harness.aws.account().parameters.all().len(), 0);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_parameter_that_took_the_place_of_ours_is_told_and_outlives_the_stack() {
        let (harness, arn) = at_rest().await;
        harness.aws.account().parameters.take(PARAMETER);
        seed(&harness, PARAMETER, &arn, Tags::new());
        harness.status("UPDATE_IN_PROGRESS");
        let reason = harness.update(&arn, &declared(), &declared()).await.failed();
        assert!(reason.starts_with("ParameterName: "), "{reason}");
        harness.status("DELETE_IN_PROGRESS");
        harness.delete(&arn, &declared()).await.succeeded();
        assert!(harness.aws.account().profiles().is_empty());
        assert_eq!(value(&harness, PARAMETER), Some(arn), "it is not ours, whatever it holds");
    }

    #[tokio::test(start_paused = true)]
    async fn a_value_that_somebody_wrote_over_ours_is_set_back_by_an_update() {
        let (harness, arn) = at_rest().await;
        let evil = theirs(&harness, "evil", &[]);
        let ours = harness.aws.account().parameters.take(PARAMETER).unwrap();
        seed(&harness, PARAMETER, evil.as_str(), ours.tags);
        harness.status("UPDATE_IN_PROGRESS");
        assert_eq!(harness.update(&arn, &declared(), &declared()).await.succeeded(), arn);
        assert_eq!(harness.published(), Some(arn));
        assert!(harness.aws.account().profiles().contains_key(evil.as_str()));
    }

    /// The tag that records the parameter is changed by hand, for the provider to delete what it names.
    #[tokio::test(start_paused = true)]
    async fn a_parameter_that_only_a_tag_names_is_not_ours() {
        let (harness, arn) = at_rest().await;
        seed(&harness, "/inference-profiles/victim", &arn, Tags::new());
        let ports: &dyn ports::Profiles = &harness.aws;
        let tag = Tags::from([(tags::PARAMETER.into(), "/inference-profiles/victim".into())]);
        ports.tag(&ProfileArn::parse(&arn).unwrap(), &tag).await.unwrap();
        harness.status("DELETE_IN_PROGRESS");
        harness.delete(&arn, &declared()).await.succeeded();
        assert_eq!(value(&harness, "/inference-profiles/victim"), Some(arn));
        assert_eq!(harness.published(), None);
    }

    #[tokio::test(start_paused = true)]
    async fn no_name_leads_out_of_the_prefix() {
        let harness = Harness::new("CREATE_IN_PROGRESS");
        for name in [
            "/inference-profiles-2/search",
            "/inference-profiles",
            "/inference-profiles/",
            "/inference-profiles//search",
            "/inference-profiles/*",
            "/inference-profile-manager/service-token",
            "inference-profiles/search",
            "arn:aws:ssm:us-east-1:123456789012:parameter/search",
        ] {
            let mut properties = declared();
            properties["ParameterName"] = json!(name);
            let reason = harness.create(&properties).await.failed();
            assert!(reason.starts_with("ParameterName: "), "{reason}");
            harness.is_empty();
        }
    }
}

mod tags_by_hand {
    use super::*;

    /// Our tags are taken off, for the profile to be lost or to be taken for somebody else's.
    #[tokio::test(start_paused = true)]
    async fn a_profile_whose_tags_were_taken_off_is_told_and_never_deleted() {
        for stripped in [tags::STACK_ID, tags::LOGICAL_ID] {
            let (harness, arn) = at_rest().await;
            let ports: &dyn ports::Profiles = &harness.aws;
            ports.untag(&ProfileArn::parse(&arn).unwrap(), &[stripped.to_owned()]).await.unwrap();
            let before = harness.aws.account().profiles();
            harness.status("UPDATE_IN_PROGRESS");
            let reason = harness.update(&arn, &declared(), &declared()).await.failed();
            assert!(reason.contains("has lost the tags") && reason.contains(stripped), "{reason}");
            assert_eq!(harness.aws.account().profiles(), before);
            harness.status("DELETE_IN_PROGRESS");
            harness.delete(&arn, &declared()).await.succeeded();
            assert_eq!(harness.aws.account().profiles(), before);
        }
    }

    /// A template, or who deploys it, names another stack in reserved tags.
    #[tokio::test(start_paused = true)]
    async fn neither_a_resource_nor_its_stack_can_declare_our_tags() {
        let harness = Harness::new("CREATE_IN_PROGRESS");
        let mut properties = declared();
        properties["Tags"] = json!([{"Key": tags::STACK_ID, "Value": OTHER_STACK}]);
        let reason = harness.create(&properties).await.failed();
        assert!(reason.starts_with("Tags[0].Key: "), "{reason}");
        harness.is_empty();

        let spoofed = Tags::from([
            (tags::STACK_ID.into(), OTHER_STACK.into()),
            (tags::ADOPTED.into(), "true".into()),
            (tags::DRAIN_UNTIL.into(), "2026-01-01T00:00:00Z".into()),
        ]);
        harness.aws.account().stacks.get_mut(STACK).unwrap().tags.extend(spoofed);
        let arn = harness.create(&declared()).await.succeeded();
        assert_eq!(profile_tag(&harness, &arn, tags::STACK_ID).as_deref(), Some(STACK));
        for key in [tags::ADOPTED, tags::DRAIN_UNTIL] {
            assert_eq!(profile_tag(&harness, &arn, key), None);
        }
    }

    /// They are seen at any moment of a Delete that waits for what reads do not show yet, and knows no name to list by.
    #[tokio::test(start_paused = true)]
    async fn a_profile_whose_copied_tags_are_seen_late_is_not_deleted() {
        for lag_ms in (0..70_000).step_by(300) {
            let (harness, arn) = at_rest().await;
            tokio::time::sleep(Duration::from_secs(120)).await;
            let foreign = theirs(&harness, "somebody s own", &[]);
            let copied = harness.aws.account().profiles()[&arn].clone();
            harness.switches(|switches| switches.lag_tags_ms = lag_ms);
            harness.aws.account().latency = Duration::from_millis(700);
            let ports: &dyn ports::Profiles = &harness.aws;
            ports.tag(&foreign, &copied).await.unwrap();
            harness.status("DELETE_IN_PROGRESS");
            harness.delete(&arn, &json!({})).await.succeeded();
            let left = harness.aws.account().profiles();
            assert_eq!(left.keys().collect::<Vec<_>>(), [foreign.as_str()], "{lag_ms} ms late");
        }
    }

    /// Tags that name the stack do not let it adopt by accident what it did not name.
    #[tokio::test(start_paused = true)]
    async fn a_namesake_that_carries_the_tags_of_another_stack_is_neither_taken_nor_touched() {
        let harness = Harness::new("CREATE_IN_PROGRESS");
        let claimed = [(tags::STACK_ID, OTHER_STACK), (tags::LOGICAL_ID, LOGICAL_ID)];
        let namesake = theirs(&harness, PROFILE_NAME, &claimed);
        let before = harness.aws.account().profiles();
        let arn = harness.create(&declared()).await.succeeded();
        assert_ne!(arn, namesake.as_str());
        harness.status("DELETE_IN_PROGRESS");
        harness.delete(&arn, &declared()).await.succeeded();
        assert_eq!(harness.aws.account().profiles(), before);
    }
}
