//! What a person reads when a declaration is wrong: every fault, word by word.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};

use common::{Harness, declared};
use local_aws::CreateInferenceProfile;
use profile::tags;
use serde_json::{Map, Value, json};
use time::{Date, Month};
use tracing_subscriber::fmt::MakeWriter;

/// The reason that a Create of the tests' declaration gets when its properties are changed so.
async fn reason(harness: &Harness, changes: &[(&str, Value)]) -> String {
    let mut properties = declared();
    for (name, value) in changes {
        properties[*name] = value.clone();
    }
    let reason = harness.create(&properties).await.failed();
    harness.is_empty();
    reason
}

#[tokio::test(start_paused = true)]
async fn each_instructive_event_gets_its_answer_or_none_when_nobody_can_be_trusted() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../events/provider");
    let mut answers = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        if !name.starts_with("fails-") {
            continue;
        }
        let began = Date::from_calendar_date(2026, Month::November, 1).unwrap().midnight().assume_utc();
        let mut harness = Harness::of_account("000000000000", began);
        harness.environment = vec![("AWS_ENDPOINT_URL_BEDROCK", "http://127.0.0.1:4599")];
        let event: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        let bodies: Vec<Value> =
            harness.deliver(event).await.iter().map(|body| serde_json::from_slice(body).unwrap()).collect();
        harness.is_empty();
        answers.insert(name, bodies);
    }
    insta::assert_json_snapshot!(answers);
}

#[tokio::test(start_paused = true)]
async fn all_faults_of_a_request_come_in_one_answer_whoever_finds_them() {
    let mut harness = Harness::new("CREATE_IN_PROGRESS");
    harness.environment = vec![("REQUIRED_TAGS", "project-id,owner=sales|support")];
    harness.aws.account().parameters.seed("/inference-profiles/taken", "x", tags::Tags::new());
    let mut properties = declared();
    properties["Descripton"] = json!("x");
    properties["ParameterName"] = json!("/inference-profiles/taken");
    properties["ModelSource"]["CopyFrom"] = json!("amazon.nova-lit-v1:0");
    properties["ExistingProfile"] = json!("0mbq3svia2re");
    insta::assert_snapshot!(harness.create(&properties).await.failed().replace(" (", "\n("));
}

#[tokio::test(start_paused = true)]
async fn fifty_one_tags_are_counted_for_the_user_and_the_most_that_fit_do() {
    let tags = |count: usize| {
        json!((0..count).map(|n| json!({"Key": format!("key-{n}"), "Value": "v"})).collect::<Vec<_>>())
    };
    let harness = Harness::new("CREATE_IN_PROGRESS");
    insta::assert_snapshot!(reason(&harness, &[("Tags", tags(51))]).await);
    // Two more come from the stack.
    harness
        .create(&{
            let mut properties = declared();
            properties["Tags"] = tags(42);
            properties
        })
        .await
        .succeeded();
}

#[tokio::test(start_paused = true)]
async fn a_profile_to_adopt_that_is_gone_or_somebody_else_s_is_named() {
    let harness = Harness::new("CREATE_IN_PROGRESS");
    let gone = reason(&harness, &[("ExistingProfile", json!("0mbq3svia2re"))]).await;
    let request = CreateInferenceProfile::new("search", &common::model_arn(common::NOVA))
        .tag(tags::STACK_ID, "arn:aws:cloudformation:us-east-1:123456789012:stack/other/1")
        .tag(tags::LOGICAL_ID, "Theirs");
    let theirs = harness.aws.make_profile(&request).unwrap();
    let before = harness.state();
    let mut properties = declared();
    properties["ExistingProfile"] = json!(theirs.as_str());
    let owned = harness.create(&properties).await.failed().replace(theirs.id(), "<id>");
    assert_eq!(harness.state(), before);
    insta::assert_snapshot!(format!("{gone}\n{owned}"));
}

#[tokio::test(start_paused = true)]
async fn a_profile_to_adopt_that_is_not_as_declared_lists_every_difference() {
    let harness = Harness::new("CREATE_IN_PROGRESS");
    let request = CreateInferenceProfile::new("other", &common::model_arn("amazon.nova-micro-v1:0"));
    let existing = harness.aws.make_profile(&request).unwrap();
    let mut properties = declared();
    properties["ExistingProfile"] = json!(existing.as_str());
    insta::assert_snapshot!(harness.create(&properties).await.failed().replace(" (", "\n("));
}

#[tokio::test(start_paused = true)]
async fn tag_policies_are_held_inline_and_from_a_parameter() {
    let policy = r#"{"tags": {"costcenter": {
        "tag_key": {"@@assign": "CostCenter"}, "tag_value": {"@@assign": ["100", "2*"]}}}}"#;
    let mut inline = Harness::new("CREATE_IN_PROGRESS");
    inline.environment = vec![("TAG_POLICY", policy)];
    let mut stored = Harness::new("CREATE_IN_PROGRESS");
    stored.environment = vec![("TAG_POLICY", "/policies/tags")];
    let mut reasons = Map::new();
    for (place, harness) in [("inline", &inline), ("in a parameter", &stored)] {
        if place == "in a parameter" {
            let missing = harness.create(&declared()).await.failed();
            reasons.insert("the parameter is missing".into(), json!(missing));
            harness.aws.account().parameters.seed("/policies/tags", policy, tags::Tags::new());
        }
        for (what, key, value) in [
            ("another case", "costCenter", "100"),
            ("another value", "CostCenter", "300"),
            ("right", "CostCenter", "250"),
        ] {
            let mut properties = declared();
            properties["Tags"] = json!([{"Key": key, "Value": value}]);
            let answer = harness.create(&properties).await;
            match what {
                "right" => drop(answer.succeeded()),
                _ => drop(reasons.insert(format!("{what}, {place}"), json!(answer.failed()))),
            }
        }
    }
    assert_eq!(reasons["another case, inline"], reasons["another case, in a parameter"]);
    insta::assert_json_snapshot!(reasons);
}

#[tokio::test(start_paused = true)]
async fn a_provider_that_is_deployed_wrongly_says_so() {
    let mut reasons = Vec::new();
    for (name, value) in [
        ("PARAMETER_PREFIX", "inference-profiles"),
        ("REQUIRED_TAGS", "owner,,aws:x"),
        ("TAG_POLICY", "{\"tags\": ["),
    ] {
        let mut harness = Harness::new("CREATE_IN_PROGRESS");
        harness.environment = vec![(name, value)];
        let answer = harness.create(&declared()).await;
        reasons.push(answer.failed());
        harness.is_empty();
        harness.status("ROLLBACK_IN_PROGRESS");
        let id = answer.body["PhysicalResourceId"].as_str().unwrap();
        harness.delete(id, &declared()).await.succeeded();
    }
    insta::assert_json_snapshot!(reasons);
}

#[tokio::test(start_paused = true)]
async fn model_sources_that_will_not_do_are_answered_with_those_that_would() {
    let harness = Harness::new("CREATE_IN_PROGRESS");
    let mut reasons = BTreeMap::new();
    for source in [
        "amazon.nova-light-v1:0",
        "nova-lite",
        "eu.amazon.nova-lite-v1:0",
        "anthropic.claude-sonnet-4-5-20250929-v1:0",
        "arn:aws:bedrock:eu-west-1::foundation-model/amazon.nova-lite-v1:0",
        "arn:aws:bedrock:us-east-1:999999999999:inference-profile/us.amazon.nova-lite-v1:0",
        "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/0mbq3svia2re",
        "gpt 4",
        "",
    ] {
        reasons.insert(source, reason(&harness, &[("ModelSource", json!({"CopyFrom": source}))]).await);
    }
    insta::assert_json_snapshot!(reasons);
}

#[tokio::test(start_paused = true)]
async fn a_model_past_its_end_is_a_fault_and_a_legacy_one_a_warning_in_the_log() {
    let harness = Harness::new("CREATE_IN_PROGRESS");
    let source = |id: &str| json!({"CopyFrom": id});
    let mut reasons = Vec::new();
    for ended in ["amazon.titan-text-express-v1", "us.anthropic.claude-3-7-sonnet-20250219-v1:0"] {
        tokio::time::sleep(Duration::from_secs(90 * 86_400)).await;
        reasons.push(reason(&harness, &[("ModelSource", source(ended))]).await);
    }
    insta::assert_json_snapshot!(reasons);

    let mut properties = declared();
    properties["ModelSource"] = source("anthropic.claude-3-haiku-20240307-v1:0");
    let warnings = warnings(async { harness.create(&properties).await.succeeded() }).await;
    insta::assert_json_snapshot!("a_legacy_model_s_warning", warnings);
}

/// Why nothing was removed, for whoever looks for the request that would have done it.
#[tokio::test(start_paused = true)]
async fn a_stale_delete_says_in_the_log_by_which_instants_it_was_judged() {
    let harness = Harness::new("CREATE_IN_PROGRESS");
    let id = harness.create(&declared()).await.succeeded();
    let asked = harness.now();
    tokio::time::sleep(Duration::from_secs(60)).await;
    harness.status("UPDATE_IN_PROGRESS");
    tokio::time::sleep(Duration::from_secs(60)).await;
    harness.describe(&id);
    let late = harness.late(asked);
    let warnings = warnings(async { late.delete(&id, &declared()).await.succeeded() }).await;
    insta::assert_json_snapshot!(warnings);
}

/// The warnings that `work` logs.
async fn warnings(work: impl Future<Output = String>) -> Vec<String> {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt().with_writer(log.clone()).with_ansi(false).finish();
    let guard = tracing::subscriber::set_default(subscriber);
    work.await;
    drop(guard);
    let lines = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    lines.lines().filter_map(|line| line.split_once(" WARN ")).map(|(_, text)| text.to_owned()).collect()
}

/// What was logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Log {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}
