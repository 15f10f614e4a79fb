//! Where the report goes, and what comes of it when it does not arrive.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::{Harness, pairs};
use local_aws::in_process::{Fault, Moment};
use ports::ErrorKind;
use profile::tags;
use serde_json::{Value, json};
use sweep::run::Failure;

fn with_a_finding() -> Harness {
    let harness = Harness::new();
    harness.declared("chat");
    harness.by_hand("notebook", &[("owner", "data")]);
    harness
}

#[tokio::test(start_paused = true)]
async fn a_report_is_kept_sent_and_put() {
    let harness = with_a_finding();
    let swept = harness.sweep(json!({})).await;
    let kept = harness.kept();
    assert_eq!(kept["findings"], swept.0["findings"]);
    assert_eq!(kept["regions"][0]["inventory"].as_array().unwrap().len(), 2);
    assert_eq!(swept.0["undelivered"], Value::Null);
    let account = harness.aws().account();
    let html = &account.reports["report.html"];
    assert_eq!(html.content_type, "text/html; charset=utf-8");
    assert!(String::from_utf8_lossy(&html.body).contains("notebook"));
    let history: Vec<&String> = account.reports.keys().filter(|key| key.starts_with("history/")).collect();
    assert_eq!(history, ["history/2026-03-01/120000.html", "history/2026-03-01/120000.json"]);
    assert_eq!(account.mails.len(), 1);
    assert!(
        account.mails[0].text.contains("notebook")
            && account.mails[0].text.contains("s3://reports/report.html")
    );
    let types: Vec<&str> = account.events.iter().map(|event| event.detail_type).collect();
    assert_eq!(types, ["Inference Profile Finding", "Inference Profile Sweep"]);
}

#[tokio::test(start_paused = true)]
async fn a_report_has_the_profiles_by_name() {
    let harness = Harness::new();
    for name in ["search", "archive", "chat", "batch"] {
        harness.by_hand(name, &[]);
    }
    harness.sweep(json!({})).await;
    let kept = harness.kept();
    let rows = kept["regions"][0]["inventory"].as_array().unwrap();
    let names: Vec<&Value> = rows.iter().map(|row| &row["name"]).collect();
    assert_eq!(names, ["archive", "batch", "chat", "search"]);
}

#[tokio::test(start_paused = true)]
async fn use_by_the_id_and_by_the_arn_of_a_profile_is_told_as_one() {
    let harness = Harness::new();
    let chat = harness.declared("chat");
    let now = harness.now();
    for model_id in [chat.id(), chat.id(), chat.as_str()] {
        harness.aws().account().invocations.entry(model_id.to_owned()).or_default().push(now);
    }
    harness.sweep(json!({})).await;
    let kept = harness.kept();
    let row = &kept["regions"][0]["inventory"][0];
    assert_eq!((&row["invocations"], &row["lastUsed"]), (&json!(3), &json!("2026-03-01")));
    assert_eq!(row["daily"].as_array().unwrap().last(), Some(&json!(3)));
}

#[tokio::test(start_paused = true)]
async fn a_mail_is_sent_only_when_something_changed() {
    let harness = with_a_finding();
    harness.sweep(json!({})).await;
    let second = harness.sweep(json!({})).await;
    assert_eq!(harness.aws().account().mails.len(), 1);
    assert_eq!(second.0["changes"]["appeared"], json!([]));
    harness.by_hand("bare", &[]);
    harness.sweep(json!({})).await;
    assert_eq!(harness.aws().account().mails.len(), 2);
    assert!(harness.aws().account().mails[1].text.contains("bare"));
}

#[tokio::test(start_paused = true)]
async fn what_does_not_arrive_is_told_and_does_not_keep_the_rest_back() {
    for (operation, told) in [
        ("s3:PutObject", "the report was not kept"),
        ("events:PutEvents", "the events were not put"),
        ("sns:Publish", "the digest was not sent"),
    ] {
        let harness = with_a_finding();
        harness.aws().account().faults.add(Fault::before(operation, ErrorKind::Denied).times(9));
        let swept = harness.sweep(json!({})).await;
        let reasons = swept.0["undelivered"].as_array().unwrap();
        assert_eq!(reasons.len(), 1, "{reasons:?}");
        assert!(reasons[0].as_str().unwrap().starts_with(told), "{reasons:?}");
        assert_eq!(swept.found(), pairs(&[("unmanaged", "notebook")]));
        let account = harness.aws().account();
        let arrived = [!account.reports.is_empty(), !account.events.is_empty(), !account.mails.is_empty()];
        assert_eq!(arrived.iter().filter(|arrived| **arrived).count(), 2, "{operation}");
    }
    let harness = with_a_finding();
    harness.aws().account().refused_events = 1;
    let swept = harness.sweep(json!({})).await;
    assert_eq!(swept.0["undelivered"], json!(["the event bus refused 1 of 2 events"]));
}

#[tokio::test(start_paused = true)]
async fn whatever_never_answers_the_result_comes_in_time() {
    for (operation, told) in [
        ("s3:GetObject", "what changed is not known"),
        ("s3:PutObject", "the report was not kept: the time that the function has was over"),
        ("events:PutEvents", "the events were not put: the time that the function has was over"),
        ("sns:Publish", "the digest was not sent: the time that the function has was over"),
    ] {
        let harness = with_a_finding();
        harness.aws().account().faults.add(Fault::crash(operation, Moment::Before));
        let began = harness.now();
        let swept = harness.sweep(json!({})).await;
        assert!(harness.now() - began < harness.timeout, "{operation}");
        assert!(
            swept.0["undelivered"][0].as_str().unwrap().starts_with(told),
            "{:?}",
            swept.0["undelivered"]
        );
        assert_eq!(swept.found(), pairs(&[("unmanaged", "notebook")]));
    }
    let harness = with_a_finding();
    harness.owned("drained", &[(tags::DRAIN_UNTIL, "2026-02-01T00:00:00Z")]);
    harness.aws().account().faults.add(Fault::crash("bedrock:DeleteInferenceProfile", Moment::Before));
    let began = harness.now();
    let swept = harness.sweep(json!({})).await;
    assert!(harness.now() - began < harness.timeout);
    let failed = ("retire".to_owned(), "drained".to_owned(), "failed".to_owned());
    assert_eq!(swept.actions(), [failed]);
    assert!(harness.aws().account().mails.len() == 1, "the report is delivered all the same");
}

#[tokio::test(start_paused = true)]
async fn when_the_report_before_cannot_be_read_nothing_counts_as_changed() {
    let harness = with_a_finding();
    harness.sweep(json!({})).await;
    let before = harness.kept();
    harness.by_hand("bare", &[]);
    harness.aws().account().faults.add(Fault::before("s3:GetObject", ErrorKind::Denied));
    let swept = harness.sweep(json!({})).await;
    assert_eq!(swept.0["changes"]["appeared"], json!([]));
    assert_eq!(harness.aws().account().mails.len(), 1);
    assert!(swept.0["undelivered"][0].as_str().unwrap().contains("what changed is not known"));
    // The next one compares with the last that was compared, and tells then.
    assert_eq!(harness.kept(), before);
    let next = harness.sweep(json!({})).await;
    assert_eq!(next.0["changes"]["appeared"].as_array().unwrap().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_report_that_is_not_understood_counts_as_none() {
    let harness = with_a_finding();
    let store: &dyn ports::ReportStore = harness.aws();
    store.write("report.json", "application/json", b"{}".to_vec()).await.unwrap();
    let swept = harness.sweep(json!({})).await;
    assert_eq!(swept.0["changes"]["since"], Value::Null);
    assert_eq!(swept.0["changes"]["appeared"].as_array().unwrap().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_sweep_of_some_rules_only_gives_its_result() {
    let harness = with_a_finding();
    harness.by_hand("bare", &[]);
    let swept = harness.sweep(json!({"rules": ["untagged"]})).await;
    assert_eq!(swept.found(), pairs(&[("untagged", "bare")]));
    assert_eq!(swept.0["counts"], json!({"untagged": 1}));
    let account = harness.aws().account();
    assert!(account.reports.is_empty() && account.events.is_empty() && account.mails.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_sweep_that_judges_otherwise_does_not_take_the_place_of_a_report() {
    let harness = with_a_finding();
    harness.sweep(json!({})).await;
    let before = harness.kept();
    for payload in [json!({"idleDays": 1}), json!({"quotaShare": 1}), json!({"rules": "idle"})] {
        harness.sweep(payload.clone()).await;
        assert_eq!(harness.kept(), before, "{payload}");
    }
    // Another dry run is a sweep like any other.
    tokio::time::sleep(std::time::Duration::from_secs(60)).await;
    harness.sweep(json!({"dryRun": true})).await;
    assert_ne!(harness.kept(), before);
}

#[tokio::test(start_paused = true)]
async fn wrong_settings_and_wrong_invocations_are_told_before_anything_is_read() {
    let harness = with_a_finding().with("IDLE_DAYS", "soon");
    let error = harness.try_sweep(json!({})).await.unwrap_err();
    assert!(matches!(error, Failure::Settings(_)));
    assert!(error.to_string().contains("IDLE_DAYS: it is «soon»"), "{error}");
    let harness = with_a_finding();
    let error = harness.try_sweep(json!({"dryrun": true})).await.unwrap_err();
    assert!(matches!(error, Failure::Payload(_)));
    assert!(error.to_string().contains("Perhaps you mean dryRun"), "{error}");
    assert!(harness.aws().account().calls.is_empty());
}
