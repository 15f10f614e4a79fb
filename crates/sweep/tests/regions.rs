//! Several Regions in one sweep.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::time::Duration;

use common::{Harness, pairs};
use local_aws::{CreateInferenceProfile, in_process::Fault};
use ports::ErrorKind;
use serde_json::json;

const EU: &str = "eu-west-1";

fn two() -> Harness {
    let harness = Harness::of(&["us-east-1", EU]).with("REGIONS", "us-east-1,eu-west-1");
    for (region, aws) in &harness.regions {
        let source = format!("arn:aws:bedrock:{region}::foundation-model/mistral.mistral-7b-instruct-v0:2");
        aws.make_profile(&CreateInferenceProfile::new(&format!("in {region}"), &source).tag("owner", "a"))
            .unwrap();
    }
    harness
}

#[tokio::test(start_paused = true)]
async fn every_region_is_swept_side_by_side() {
    let harness = two();
    for aws in harness.regions.values() {
        aws.account().latency = Duration::from_secs(1);
    }
    let began = harness.now();
    let swept = harness.sweep(json!({})).await;
    assert_eq!(swept.found(), pairs(&[("unmanaged", "in eu-west-1"), ("unmanaged", "in us-east-1")]));
    assert_eq!(swept.0["profiles"], 2);
    assert!(swept.is_complete());
    // One after the other would take twice as many rounds.
    let both = harness.now() - began;
    let began = harness.now();
    harness.sweep(json!({"regions": "us-east-1"})).await;
    let one = harness.now() - began;
    assert!(both < one + Duration::from_secs(2), "{both} {one}");
}

#[tokio::test(start_paused = true)]
async fn a_region_that_does_not_answer_does_not_hide_the_others_however_many_there_are() {
    let names = [
        "ap-south-1",
        "ca-central-1",
        "eu-central-1",
        "eu-north-1",
        "eu-west-1",
        "eu-west-2",
        "sa-east-1",
        "us-east-1",
        "us-east-2",
        "us-west-1",
        "us-west-2",
    ];
    let harness = Harness::of(&names).with("REGIONS", &names.join(","));
    for aws in harness.regions.values() {
        aws.account().latency = Duration::from_millis(20);
    }
    harness.regions["eu-north-1"]
        .account()
        .faults
        .add(Fault::crash("cloudwatch:ListMetrics", local_aws::in_process::Moment::Before));
    let swept = harness.sweep(json!({})).await;
    assert_eq!(swept.unread(), [("eu-north-1".to_owned(), "usage".to_owned())]);
    assert_eq!(swept.0["regions"].as_array().unwrap().len(), names.len());
}

#[tokio::test(start_paused = true)]
async fn a_region_that_fails_does_not_hide_the_others() {
    let harness = two();
    harness.regions[EU].account().faults.add(Fault::before(Fault::ANY, ErrorKind::Denied).times(u32::MAX));
    let swept = harness.sweep(json!({})).await;
    assert_eq!(swept.found(), pairs(&[("unmanaged", "in us-east-1")]));
    assert!(!swept.is_complete());
    assert!(swept.unread().iter().all(|(region, _)| region == EU));
    assert!(swept.unread().contains(&(EU.into(), "profiles".into())));
}

#[tokio::test(start_paused = true)]
async fn findings_of_a_region_that_fails_are_unconfirmed_and_those_of_one_that_is_dropped_go() {
    let mut harness = two();
    harness.sweep(json!({})).await;
    harness.regions[EU].account().faults.add(Fault::before(Fault::ANY, ErrorKind::Denied).times(u32::MAX));
    let failed = harness.sweep(json!({})).await.0;
    assert_eq!(failed["unconfirmed"][0]["region"], EU);
    assert_eq!(failed["changes"]["gone"], json!([]));
    // Left out once, by hand.
    let narrow = harness.sweep(json!({"regions": ["us-east-1"]})).await.0;
    assert_eq!(narrow["unconfirmed"][0]["region"], EU);
    harness = harness.with("REGIONS", "us-east-1");
    let dropped = harness.sweep(json!({})).await.0;
    assert_eq!(dropped["unconfirmed"], json!([]));
    assert_eq!(dropped["changes"]["gone"][0]["region"], EU);
}
