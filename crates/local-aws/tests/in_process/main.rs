//! The face in process: how many calls a reading takes, and what they give.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use local_aws::{
    CreateInferenceProfile,
    in_process::{Fault, InProcess, Mail, StoredReport},
};
use ports::{
    CostAllocationTags, DailyUsage, ErrorKind, Event, EventBus as _, Notices as _, ParameterIndex as _,
    Quotas as _, ReportStore as _, StackIndex as _, TagIndex as _,
};
use profile::{
    arn::ProfileArn,
    record::{StackRecord, StackResourceRecord},
    tags::Tags,
};
use time::{
    OffsetDateTime,
    macros::{date, datetime},
};
use tokio::time::Instant;

const LITE: &str = "arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-lite-v1:0";
const NOW: OffsetDateTime = datetime!(2026-03-13 12:00 UTC);

fn aws() -> InProcess {
    InProcess::new("123456789012", "us-east-1", NOW)
}

/// The calls since the last look.
fn calls(aws: &InProcess) -> BTreeMap<&'static str, usize> {
    let mut counts = BTreeMap::new();
    for call in aws.account().calls.drain(..) {
        *counts.entry(call).or_default() += 1;
    }
    counts
}

#[tokio::test(start_paused = true)]
async fn tags_are_read_a_hundred_profiles_at_a_time_and_side_by_side() {
    let aws = aws();
    aws.account().world.switches.quota = 2000;
    let mut profiles: Vec<ProfileArn> = (0..1000)
        .map(|n| {
            let request = CreateInferenceProfile::new(&format!("p{n}"), LITE).tag("n", &n.to_string());
            aws.make_profile(&request).unwrap()
        })
        .collect();
    let untagged = aws.make_profile(&CreateInferenceProfile::new("untagged", LITE)).unwrap();
    aws.account().latency = Duration::from_millis(20);
    let began = Instant::now();
    let tags = aws.tags_of(&profiles).await.unwrap();
    assert_eq!(began.elapsed(), Duration::from_millis(40));
    assert_eq!(tags.len(), 1000);
    assert_eq!(tags[&profiles[7]], Tags::from([("n".into(), "7".into())]));
    assert_eq!(calls(&aws), BTreeMap::from([("tag:GetResources", 10)]));

    profiles.push(untagged.clone());
    profiles.push(profiles[0].clone());
    let tags = aws.tags_of(&profiles).await.unwrap();
    assert_eq!((tags.len(), tags.get(&untagged)), (1000, None));
    assert_eq!(calls(&aws), BTreeMap::from([("tag:GetResources", 11)]));

    aws.account().faults.add(Fault::before("tag:GetResources", ErrorKind::Throttled).after(3));
    assert_eq!(aws.tags_of(&profiles).await.unwrap_err().kind, ErrorKind::Throttled);
    assert_eq!(aws.tags_of(&[]).await, Ok(BTreeMap::new()));
}

#[tokio::test]
async fn parameters_are_named_fifty_a_page_and_only_those_under_the_path() {
    let aws = aws();
    for n in 0..101 {
        aws.account().parameters.seed(&format!("/p/{n:03}/x"), "v", Tags::new());
    }
    for other in ["/o/a", "/p", "/p-other/a", "/q"] {
        aws.account().parameters.seed(other, "v", Tags::new());
    }
    let names = aws.under("/p").await.unwrap();
    assert_eq!(names, (0..101).map(|n| format!("/p/{n:03}/x")).collect::<Vec<_>>());
    assert_eq!(calls(&aws), BTreeMap::from([("ssm:DescribeParameters", 3)]));
    assert_eq!(aws.under("/nothing").await, Ok(vec![]));
    assert_eq!(calls(&aws), BTreeMap::from([("ssm:DescribeParameters", 1)]));

    aws.account().faults.add(Fault::before("ssm:DescribeParameters", ErrorKind::Denied).after(2));
    assert_eq!(aws.under("/p").await.unwrap_err().kind, ErrorKind::Denied);
}

#[tokio::test]
async fn stacks_and_their_resources_are_read_a_hundred_a_page_and_deleted_stacks_left_out() {
    let aws = aws();
    let stack = |status: &str| StackRecord { status: status.into(), tags: Tags::new(), began: None };
    for n in 0..201 {
        aws.account().stacks.insert(format!("s{n:03}"), stack("CREATE_COMPLETE"));
    }
    aws.account().stacks.insert("gone".into(), stack("DELETE_COMPLETE"));
    let stacks = aws.stacks().await.unwrap();
    assert_eq!(
        stacks.into_keys().collect::<Vec<_>>(),
        (0..201).map(|n| format!("s{n:03}")).collect::<Vec<_>>()
    );
    assert_eq!(calls(&aws), BTreeMap::from([("cloudformation:DescribeStacks", 3)]));

    let record = StackResourceRecord { physical_id: None, status: "CREATE_COMPLETE".into(), since: None };
    for n in 0..101 {
        aws.account().resources.insert(("s001".into(), format!("R{n:03}")), record.clone());
    }
    aws.account().resources.insert(("s000".into(), "Z".into()), record.clone());
    aws.account().resources.insert(("s002".into(), "A".into()), record);
    let found = aws.resources("s001").await.unwrap();
    assert_eq!(
        found.into_keys().collect::<Vec<_>>(),
        (0..101).map(|n| format!("R{n:03}")).collect::<Vec<_>>()
    );
    assert_eq!(calls(&aws), BTreeMap::from([("cloudformation:ListStackResources", 2)]));
    assert_eq!(aws.resources("s003").await, Ok(BTreeMap::new()));
    assert_eq!(aws.resources("nothing").await.unwrap_err().kind, ErrorKind::NotFound);
}

#[tokio::test]
async fn use_is_counted_by_day_five_hundred_ids_a_call() {
    let aws = aws();
    let at = |days: i64| NOW - time::Duration::days(days);
    aws.account().invocations = BTreeMap::from([
        ("future".into(), vec![at(-1)]),
        ("long-ago".into(), vec![at(14)]),
        ("model".into(), vec![at(13)]),
        ("profile".into(), vec![at(0), at(2), at(2), at(3)]),
    ]);
    assert_eq!(DailyUsage::active(&aws).await, Ok(BTreeSet::from(["model".into(), "profile".into()])));
    assert_eq!(calls(&aws), BTreeMap::from([("cloudwatch:ListMetrics", 1)]));

    let mut ids: Vec<String> = (0..1000).map(|n| format!("p{n}")).collect();
    ids.push("profile".into());
    let daily = aws.daily(&ids, date!(2026 - 03 - 11), date!(2026 - 03 - 13)).await.unwrap();
    assert_eq!(daily, BTreeMap::from([("profile".into(), vec![2, 0, 1])]));
    assert_eq!(calls(&aws), BTreeMap::from([("cloudwatch:GetMetricData", 3)]));
    assert_eq!(aws.daily(&ids, date!(2026 - 03 - 13), date!(2026 - 03 - 11)).await, Ok(BTreeMap::new()));
    assert_eq!(calls(&aws), BTreeMap::new());

    let many = (0..501).map(|n| (format!("p{n}"), vec![NOW])).collect();
    aws.account().invocations = many;
    assert_eq!(DailyUsage::active(&aws).await.unwrap().len(), 501);
    assert_eq!(calls(&aws), BTreeMap::from([("cloudwatch:ListMetrics", 2)]));
}

#[tokio::test]
async fn the_quota_and_the_cost_tags_may_not_be_there() {
    let aws = aws();
    aws.account().world.switches.quota = 7;
    assert_eq!(aws.inference_profiles().await, Ok(7));
    aws.account().world.switches.quota_is_told = false;
    assert_eq!(aws.inference_profiles().await.unwrap_err().kind, ErrorKind::NotFound);
    assert_eq!(calls(&aws), BTreeMap::from([("servicequotas:GetServiceQuota", 2)]));

    let read = async || CostAllocationTags::active(&aws).await;
    let tags: BTreeMap<String, bool> = (0..1001).map(|n| (format!("k{n}"), n % 2 == 0)).collect();
    aws.account().world.state.cost_tags = Some(tags.clone());
    assert_eq!(read().await, Ok(tags));
    assert_eq!(calls(&aws), BTreeMap::from([("ce:ListCostAllocationTags", 2)]));
    aws.account().world.state.cost_tags = None;
    assert_eq!(read().await.unwrap_err().kind, ErrorKind::NotFound);
    aws.account().faults.add(Fault::before("ce:ListCostAllocationTags", ErrorKind::Denied));
    assert_eq!(read().await.unwrap_err().kind, ErrorKind::Denied);
}

#[tokio::test]
async fn reports_events_and_mails_are_kept() {
    let aws = aws();
    assert_eq!(aws.read("report.json").await.unwrap_err().kind, ErrorKind::NotFound);
    aws.write("report.json", "application/json", b"1".to_vec()).await.unwrap();
    aws.write("report.json", "application/json", b"2".to_vec()).await.unwrap();
    assert_eq!(aws.read("report.json").await, Ok(b"2".to_vec()));
    let report = StoredReport { content_type: "application/json".into(), body: b"2".to_vec() };
    assert_eq!(aws.account().reports, BTreeMap::from([("report.json".into(), report)]));
    assert_eq!(calls(&aws), BTreeMap::from([("s3:GetObject", 2), ("s3:PutObject", 2)]));

    let event =
        |n: usize| Event { detail_type: "Finding", detail: format!(r#"{{"n":{n}}}"#), resources: vec![] };
    let mut events: Vec<Event> = (0..11).map(event).collect();
    events.push(Event { detail: "[]".into(), ..event(0) });
    aws.account().refused_events = 1;
    assert_eq!(aws.put(&events).await, Ok(2));
    assert_eq!(aws.account().events, events[1..11]);
    assert_eq!(calls(&aws), BTreeMap::from([("events:PutEvents", 2)]));

    aws.send("3 findings", "one\ntwo").await.unwrap();
    for (subject, text) in [("two\nlines", "t"), (&"x".repeat(100), "t"), ("é", "t"), ("", "t"), ("s", "")] {
        assert_eq!(aws.send(subject, text).await.unwrap_err().kind, ErrorKind::Invalid, "{subject}");
    }
    assert_eq!(aws.account().mails, [Mail { subject: "3 findings".into(), text: "one\ntwo".into() }]);
    assert_eq!(calls(&aws), BTreeMap::from([("sns:Publish", 6)]));
}
