//! What CloudFormation is told when the provider died, and when it is told nothing.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::{
    collections::BTreeMap,
    fs, io,
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use custom_resource::{
    AnswerSink, Invocation, LogPlace, PutError, ResponseUrl, Served, Status, Trust, Undelivered,
    abandoned::{LOOK_LIMIT, READ_WITHIN},
};
use local_aws::in_process::{Fault, InProcess, Moment};
use ports::ErrorKind;
use profile::{
    record::{StackRecord, StackResourceRecord},
    tags::Tags,
};
use serde_json::{Value, json};
use time::{OffsetDateTime, macros::datetime};
use tokio::time::Instant;
use tracing_subscriber::{filter::LevelFilter, fmt::MakeWriter};

const NOW: OffsetDateTime = datetime!(2026-03-13 17:53:00 UTC);
const FUNCTION: &str = "arn:aws:lambda:us-east-1:123456789012:function:manager-rescue";
const STACK: &str =
    "arn:aws:cloudformation:us-east-1:123456789012:stack/shop/51af3dc0-da77-11e4-872e-1234567db123";
const LOGICAL_ID: &str = "Search";
const OLD: &str = "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/old000000000";
const NEW: &str = "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/new000000000";
/// When the requests were issued.
const ISSUED: OffsetDateTime = datetime!(2026-03-13 17:50:00 UTC);
const QUERY: &str = "X-Amz-Date=20260313T175000Z&X-Amz-Signature=c5b8";

/// The function's timeout.
const TIMEOUT: Duration = Duration::from_secs(60);

/// Keeps what would have reached CloudFormation.
#[derive(Default)]
struct Bucket {
    bodies: Mutex<Vec<Vec<u8>>>,
    fails: Option<PutError>,
}

#[async_trait]
impl AnswerSink for Bucket {
    async fn put(&self, _: &ResponseUrl, body: Vec<u8>) -> Result<(), PutError> {
        if let Some(error) = &self.fails {
            return Err(error.clone());
        }
        self.bodies.lock().unwrap().push(body);
        Ok(())
    }
}

impl Bucket {
    fn answers(&self) -> Vec<Value> {
        let bodies = self.bodies.lock().unwrap();
        bodies.iter().map(|body| serde_json::from_slice(body).unwrap()).collect()
    }
}

fn request(kind: &str) -> Value {
    let mut request = json!({
        "RequestType": kind,
        "ResponseURL": format!(
            "https://cloudformation-custom-resource-response-useast1.s3.us-east-1.amazonaws.com/key?{QUERY}"
        ),
        "StackId": STACK,
        "RequestId": "77f2bb1e-4a5c-4d7c-8e55-0f2a6c1f9b10",
        "LogicalResourceId": LOGICAL_ID,
        "ResourceType": "Custom::InferenceProfile",
        "ResourceProperties": {"InferenceProfileName": "a-secret-name"},
    });
    if kind != "Create" {
        request["PhysicalResourceId"] = json!(OLD);
    }
    if kind == "Update" {
        request["OldResourceProperties"] = json!({"InferenceProfileName": "an-older-secret"});
    }
    request
}

fn record(request: Value) -> Value {
    json!({
        "version": "1.0",
        "timestamp": "2026-03-13T17:53:00.000Z",
        "requestContext": {
            "requestId": "8476a536-e9f4-11e8-9739-2dfe598c3fcd",
            "functionArn": "arn:aws:lambda:us-east-1:123456789012:function:manager-provider:$LATEST",
            "condition": "RetriesExhausted",
            "approximateInvokeCount": 3,
        },
        "requestPayload": request,
        "responseContext": {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"},
        "responsePayload": {
            "errorType": "Runtime.ExitError",
            "errorMessage": "RequestId: 8476a536-e9f4-11e8-9739-2dfe598c3fcd Error: Runtime exited with \
                             error: signal: killed",
        },
    })
}

fn aws() -> InProcess {
    InProcess::new("123456789012", "us-east-1", NOW)
}

/// What the stack says: its status and when its operation began, and the same of the resource, in seconds
/// after the request was issued.
struct Says {
    stack: (&'static str, i64),
    resource: Option<(&'static str, i64, &'static str)>,
}

fn after(seconds: i64) -> Option<OffsetDateTime> {
    Some(ISSUED + time::Duration::seconds(seconds))
}

fn told(says: &Says) -> InProcess {
    let aws = aws();
    let (status, began) = says.stack;
    let stack = StackRecord { status: status.into(), tags: Tags::new(), began: after(began) };
    aws.account().stacks.insert(STACK.into(), stack);
    if let Some((status, since, physical_id)) = says.resource {
        let physical_id = Some(physical_id.to_owned()).filter(|id| !id.is_empty());
        let resource = StackResourceRecord { physical_id, status: status.into(), since: after(since) };
        aws.account().resources.insert((STACK.into(), LOGICAL_ID.into()), resource);
    }
    aws
}

fn invocation() -> Invocation {
    Invocation {
        aws_request_id: "1c2d3e4f-0000-4000-8000-000000000000".into(),
        log: LogPlace { group: Some("/aws/lambda/manager-rescue".into()), stream: Some("s1".into()) },
        began: NOW,
        deadline: Instant::now() + TIMEOUT,
    }
}

async fn rescued(payload: Value, aws: &InProcess, bucket: &Bucket) -> Result<Served, Undelivered> {
    let trust = Trust::new::<&str, &str>(FUNCTION, []);
    rescue::answer(payload, &invocation(), &trust, aws, bucket).await
}

/// The one answer to a request of `kind` where the stack says `says`; `None` when there is none.
async fn answer(kind: &str, says: &Says) -> Option<Value> {
    let bucket = Bucket::default();
    let served = rescued(record(request(kind)), &told(says), &bucket).await.unwrap();
    let answers = bucket.answers();
    match served {
        Served::NotWaitedFor => assert_eq!(answers, [] as [Value; 0]),
        served => assert_eq!(served, Served::Delivered { status: Status::Failed, attempts: 1 }),
    }
    answers.into_iter().next()
}

#[tokio::test(start_paused = true)]
async fn each_event_gets_its_answer() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../events/rescue");
    let function = "arn:aws:lambda:us-east-1:000000000000:function:inference-profile-manager-rescue";
    let trust = Trust::new(function, [("AWS_ENDPOINT_URL_BEDROCK", "http://127.0.0.1:4599")]);
    let mut answers = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let event: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        let bucket = Bucket::default();
        rescue::answer(event, &invocation(), &trust, &aws(), &bucket).await.unwrap();
        answers.insert(name, bucket.answers());
    }
    insta::assert_json_snapshot!(answers);
}

#[tokio::test(start_paused = true)]
async fn how_long_a_throttled_provider_was_not_run_is_told() {
    let mut reasons = BTreeMap::new();
    for (at, waited) in [
        ("2026-03-13T18:00:01.442Z", "ten minutes"),
        ("2026-03-13T17:51:01Z", "a minute"),
        ("2026-03-13T17:50:05Z", "a moment"),
        ("2026-03-13T17:49:00Z", "less than nothing"),
        ("soon", "nobody knows"),
    ] {
        let mut record = record(request("Create"));
        record["timestamp"] = json!(at);
        record["requestContext"]["condition"] = json!("EventAgeExceeded");
        for absent in ["responseContext", "responsePayload"] {
            record.as_object_mut().unwrap().remove(absent);
        }
        let bucket = Bucket::default();
        rescued(record, &aws(), &bucket).await.unwrap();
        reasons.insert(waited, bucket.answers().remove(0)["Reason"].clone());
    }
    insta::assert_json_snapshot!(reasons);
}

#[tokio::test(start_paused = true)]
async fn the_next_delete_finds_what_was_made() {
    let bucket = Bucket::default();
    for kind in ["Create", "Update", "Delete"] {
        rescued(record(request(kind)), &aws(), &bucket).await.unwrap();
    }
    let ids: Vec<_> = bucket.answers().iter().map(|body| body["PhysicalResourceId"].clone()).collect();
    // What is unknown is sought by its tags.
    assert_eq!(ids, ["unknown-for-Search", OLD, OLD]);
}

/// Whatever the stack does while it waits, it gets its answer.
#[tokio::test(start_paused = true)]
async fn what_is_waited_for_is_answered() {
    for (kind, stack, resource) in [
        // A creation; CloudFormation tells it twice, and not at once.
        ("Create", ("CREATE_IN_PROGRESS", -2), Some(("CREATE_IN_PROGRESS", 0, ""))),
        ("Create", ("CREATE_IN_PROGRESS", -2), Some(("CREATE_IN_PROGRESS", 60, "made-up"))),
        ("Create", ("CREATE_IN_PROGRESS", -2), None),
        ("Create", ("REVIEW_IN_PROGRESS", -2), None),
        // One that is new in an update, and one that comes back under a name that was used before.
        ("Create", ("UPDATE_IN_PROGRESS", -9), Some(("CREATE_IN_PROGRESS", 0, ""))),
        ("Create", ("UPDATE_IN_PROGRESS", -9), Some(("DELETE_COMPLETE", -9000, OLD))),
        ("Create", ("UPDATE_IN_PROGRESS", -9), Some(("CREATE_FAILED", -9000, OLD))),
        // A change; the resource may still be told as it was.
        ("Update", ("UPDATE_IN_PROGRESS", -9), Some(("UPDATE_IN_PROGRESS", 0, OLD))),
        ("Update", ("UPDATE_IN_PROGRESS", -9), Some(("CREATE_COMPLETE", -9000, OLD))),
        ("Update", ("UPDATE_IN_PROGRESS", -9), Some(("UPDATE_FAILED", 1, OLD))),
        // The way back, from the one that had replaced the old.
        ("Update", ("UPDATE_ROLLBACK_IN_PROGRESS", -500), Some(("UPDATE_IN_PROGRESS", 0, NEW))),
        ("Update", ("UPDATE_ROLLBACK_IN_PROGRESS", -500), Some(("UPDATE_COMPLETE", 0, NEW))),
        // In progress, and told so anew: it may be the way back of this one, or this one itself.
        ("Update", ("UPDATE_ROLLBACK_IN_PROGRESS", -500), Some(("UPDATE_IN_PROGRESS", 60, OLD))),
        // The end of a stack, of a resource, and of a creation that failed.
        ("Delete", ("DELETE_IN_PROGRESS", -9000), Some(("DELETE_IN_PROGRESS", 0, OLD))),
        ("Delete", ("ROLLBACK_IN_PROGRESS", -60), Some(("DELETE_IN_PROGRESS", 0, OLD))),
        ("Delete", ("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", -60), Some(("DELETE_IN_PROGRESS", 0, OLD))),
        // Asked for a second time, or still told as before.
        ("Delete", ("DELETE_IN_PROGRESS", -9000), Some(("DELETE_IN_PROGRESS", 30, OLD))),
        ("Delete", ("DELETE_IN_PROGRESS", -9000), Some(("DELETE_FAILED", -600, OLD))),
        // The replaced profile: the resource is its replacement, at rest.
        ("Delete", ("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", -60), Some(("UPDATE_COMPLETE", -5, NEW))),
        ("Delete", ("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", -60), Some(("UPDATE_COMPLETE", 0, NEW))),
        // What a failed update had made: the resource is the old one again, at rest.
        ("Delete", ("UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS", -60), Some(("UPDATE_COMPLETE", -5, NEW))),
        // Local stand-ins clean up in this status.
        ("Delete", ("UPDATE_IN_PROGRESS", -60), Some(("UPDATE_COMPLETE", -1, NEW))),
    ] {
        let says = Says { stack, resource };
        let answered = answer(kind, &says).await;
        assert!(answered.is_some(), "{kind} {stack:?} {resource:?}");
    }
}

/// A provider that died after its answer was taken, or a request that was given up.
#[tokio::test(start_paused = true)]
async fn what_cloudformation_has_finished_with_is_not_answered_again() {
    for (kind, stack, resource) in [
        // Answered with SUCCESS, while others are still at work.
        ("Create", ("CREATE_IN_PROGRESS", -2), Some(("CREATE_COMPLETE", 5, NEW))),
        ("Create", ("CREATE_IN_PROGRESS", -2), Some(("CREATE_COMPLETE", 0, NEW))),
        ("Update", ("UPDATE_IN_PROGRESS", -9), Some(("UPDATE_COMPLETE", 5, NEW))),
        ("Delete", ("DELETE_IN_PROGRESS", -9000), Some(("DELETE_COMPLETE", 5, OLD))),
        ("Delete", ("DELETE_IN_PROGRESS", -9000), Some(("DELETE_COMPLETE", 0, OLD))),
        // The same, and all is done.
        ("Create", ("CREATE_COMPLETE", -2), Some(("CREATE_COMPLETE", 5, NEW))),
        ("Update", ("UPDATE_COMPLETE", -9), Some(("UPDATE_COMPLETE", 1, OLD))),
        ("Update", ("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", -9), Some(("UPDATE_COMPLETE", 1, NEW))),
        ("Update", ("UPDATE_ROLLBACK_COMPLETE", -9), Some(("UPDATE_COMPLETE", 1, NEW))),
        ("Delete", ("UPDATE_COMPLETE", -60), Some(("UPDATE_COMPLETE", -5, NEW))),
        ("Delete", ("DELETE_COMPLETE", -9000), Some(("DELETE_COMPLETE", 5, OLD))),
        ("Delete", ("DELETE_COMPLETE", -9000), None),
        ("Delete", ("DELETE_FAILED", -9000), Some(("DELETE_FAILED", 5, OLD))),
        // Given up: cancelled, timed out, rolled back.
        ("Create", ("ROLLBACK_IN_PROGRESS", -2), Some(("CREATE_FAILED", 30, ""))),
        ("Create", ("ROLLBACK_IN_PROGRESS", -2), Some(("DELETE_IN_PROGRESS", 40, "made-up"))),
        ("Create", ("ROLLBACK_COMPLETE", -2), Some(("DELETE_COMPLETE", 40, "made-up"))),
        ("Update", ("UPDATE_ROLLBACK_IN_PROGRESS", -9), Some(("UPDATE_FAILED", 30, OLD))),
        ("Delete", ("DELETE_IN_PROGRESS", -9000), Some(("DELETE_FAILED", 120, OLD))),
        // A later operation.
        ("Create", ("UPDATE_IN_PROGRESS", 100), Some(("CREATE_IN_PROGRESS", 101, ""))),
        ("Update", ("UPDATE_IN_PROGRESS", 100), Some(("UPDATE_IN_PROGRESS", 101, OLD))),
        ("Delete", ("UPDATE_IN_PROGRESS", 100), Some(("UPDATE_COMPLETE", -5, NEW))),
    ] {
        let says = Says { stack, resource };
        assert_eq!(answer(kind, &says).await, None, "{kind} {stack:?} {resource:?}");
    }
}

/// Where the URL does not tell when the request was issued, only what is certain without it counts.
#[tokio::test(start_paused = true)]
async fn a_request_of_unknown_age_is_answered_in_doubt() {
    for (kind, says, is_answered) in [
        (
            "Update",
            Says { stack: ("UPDATE_IN_PROGRESS", 900), resource: Some(("UPDATE_COMPLETE", 901, NEW)) },
            true,
        ),
        (
            "Update",
            Says { stack: ("UPDATE_COMPLETE", 900), resource: Some(("UPDATE_COMPLETE", 901, NEW)) },
            false,
        ),
        (
            "Create",
            Says { stack: ("CREATE_IN_PROGRESS", 0), resource: Some(("CREATE_COMPLETE", 1, NEW)) },
            false,
        ),
        (
            "Delete",
            Says { stack: ("DELETE_IN_PROGRESS", 0), resource: Some(("DELETE_FAILED", 1, NEW)) },
            true,
        ),
    ] {
        let mut request = request(kind);
        request["ResponseURL"] =
            json!(request["ResponseURL"].as_str().unwrap().replace(QUERY, "Signature=c5b8"));
        let bucket = Bucket::default();
        rescued(record(request), &told(&says), &bucket).await.unwrap();
        assert_eq!(bucket.answers().len(), usize::from(is_answered), "{kind} {:?}", says.stack);
    }
}

#[tokio::test(start_paused = true)]
async fn a_stack_that_cannot_be_read_is_answered_all_the_same_and_soon() {
    let finished = Says { stack: ("CREATE_COMPLETE", -2), resource: Some(("CREATE_COMPLETE", 5, NEW)) };
    let failing = |kind| move |operation: &str| Fault::before(operation, kind);
    let hanging = |operation: &str| Fault::crash(operation, Moment::Before);
    let faults: [&dyn Fn(&str) -> Fault; 4] =
        [&failing(ErrorKind::Denied), &failing(ErrorKind::Throttled), &failing(ErrorKind::Unknown), &hanging];
    for fault in faults {
        for looks in [2, 1] {
            let aws = told(&finished);
            for operation in ["cloudformation:DescribeStacks", "cloudformation:DescribeStackResource"] {
                (0..looks).for_each(|_| aws.account().faults.add(fault(operation)));
            }
            let (bucket, start) = (Bucket::default(), Instant::now());
            let served = rescued(record(request("Create")), &aws, &bucket).await.unwrap();
            // Of two looks one that can read it is enough.
            assert_eq!(bucket.answers().len(), looks - 1, "{served:?}");
            assert!(start.elapsed() <= LOOK_LIMIT * 2 + READ_WITHIN, "{:?}", start.elapsed());
        }
    }
}

/// One of the two is enough, where it is certain.
#[tokio::test(start_paused = true)]
async fn what_can_be_read_of_the_stack_counts() {
    let says = Says { stack: ("CREATE_IN_PROGRESS", -2), resource: Some(("CREATE_COMPLETE", 5, NEW)) };
    let aws = told(&says);
    aws.account().faults.add(Fault::before("cloudformation:DescribeStacks", ErrorKind::Denied));
    let bucket = Bucket::default();
    assert_eq!(rescued(record(request("Create")), &aws, &bucket).await, Ok(Served::NotWaitedFor));
    let says = Says { stack: ("CREATE_COMPLETE", -2), resource: None };
    assert_eq!(answer("Create", &says).await, None);
}

#[tokio::test(start_paused = true)]
async fn only_cloudformation_is_answered_and_foreign_stacks_are_told_so() {
    let evil = json!("https://evil.org/key?X-Amz-Signature=c5b8");
    let foreign = STACK.replace("123456789012", "999999999999");
    for kind in ["Create", "Update", "Delete"] {
        let (mut elsewhere, bucket) = (request(kind), Bucket::default());
        elsewhere["ResponseURL"] = evil.clone();
        let served = rescued(record(elsewhere), &aws(), &bucket).await;
        assert!(matches!(served, Ok(Served::NobodyToTell { .. })), "{served:?}");
        assert_eq!(bucket.answers().len(), 0);

        let (mut stranger, aws) = (request(kind), aws());
        stranger["StackId"] = json!(foreign);
        rescued(record(stranger), &aws, &bucket).await.unwrap();
        let answer = bucket.answers().remove(0);
        let reason = answer["Reason"].as_str().unwrap();
        assert!(reason.starts_with("StackId: the stack is of account 999999999999"), "{reason}");
        // Nothing was done for it, and nothing is asked about it.
        assert_eq!(
            answer["PhysicalResourceId"],
            if kind == "Create" { "nothing-was-made-for-Search" } else { OLD }
        );
        assert_eq!(aws.account().calls.len(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn another_try_is_asked_for_only_where_it_may_help() {
    for (error, is_worth_it) in
        [(PutError::from_status(503, "SlowDown"), true), (PutError::from_status(403, "AccessDenied"), false)]
    {
        let (bucket, start) = (Bucket { fails: Some(error.clone()), ..Bucket::default() }, Instant::now());
        match rescued(record(request("Create")), &aws(), &bucket).await {
            Err(undelivered) => assert!(is_worth_it && undelivered.last == error),
            Ok(served) => assert!(!is_worth_it && served == Served::TurnedAway(error)),
        }
        assert!(start.elapsed() <= TIMEOUT, "{:?}", start.elapsed());
    }
}

#[tokio::test(start_paused = true)]
async fn the_answer_fits_whatever_the_record_holds() {
    let long = "\"\\\u{1}é".repeat(5000);
    let mut request = request("Delete");
    request["LogicalResourceId"] = json!("x".repeat(255));
    request["PhysicalResourceId"] = json!("\"".repeat(1024));
    for (kind, message) in [
        ("Runtime.ExitError", format!("Runtime exited with error: {long}")),
        ("Runtime.InvalidEntrypoint", format!("Error: {long}")),
        ("Sandbox.Timedout", format!("Task timed out after {long} seconds")),
        (long.as_str(), long.clone()),
        (
            "Error",
            format!(
                "the answer to request 77f2bb1e-4a5c-4d7c-8e55-0f2a6c1f9b10 was not delivered in 3 attempts: {long}"
            ),
        ),
    ] {
        let mut record = record(request.clone());
        record["responsePayload"] = json!({"errorType": kind, "errorMessage": message});
        record["requestContext"]["functionArn"] = json!(long);
        record["requestContext"]["requestId"] = json!(long);
        let bucket = Bucket::default();
        rescued(record, &aws(), &bucket).await.unwrap();
        let bodies = bucket.bodies.lock().unwrap();
        assert!(bodies[0].len() <= 4096, "{}", bodies[0].len());
        let body: Value = serde_json::from_slice(&bodies[0]).unwrap();
        let reason = body["Reason"].as_str().unwrap();
        assert!(
            reason.starts_with("The provider ") && reason.contains("the stack operation again."),
            "{reason}"
        );
    }
}

/// What was logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Log {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

#[tokio::test(start_paused = true)]
async fn neither_the_answer_nor_the_log_holds_a_secret() {
    let telling = format!("cannot reach https://bucket/key?{QUERY} with a-secret-name");
    let undelivered = format!(
        "the answer to request 77f2bb1e-4a5c-4d7c-8e55-0f2a6c1f9b10 was not delivered in 3 attempts: cannot \
         reach ?{QUERY}"
    );
    let finished = Says { stack: ("CREATE_COMPLETE", -2), resource: Some(("CREATE_COMPLETE", 5, NEW)) };
    let mut texts = Vec::new();
    for (payload, aws, fails) in [
        (json!({"errorType": "Panic", "errorMessage": telling}), aws(), None),
        (json!(telling), aws(), None),
        (json!({"errorType": "Error", "errorMessage": undelivered}), aws(), None),
        (json!({"errorType": "Error", "errorMessage": undelivered}), told(&finished), None),
        (json!({"errorType": "Panic", "errorMessage": telling}), aws(), Some(PutError::Final(QUERY.into()))),
    ] {
        for kind in ["Create", "Update", "Delete"] {
            let mut record = record(request(kind));
            record["responsePayload"] = payload.clone();
            let (log, bucket) = (Log::default(), Bucket { fails: fails.clone(), ..Bucket::default() });
            let subscriber = tracing_subscriber::fmt().json().with_max_level(LevelFilter::TRACE);
            let subscriber = subscriber.with_writer(log.clone()).finish();
            let guard = tracing::subscriber::set_default(subscriber);
            let served = rescued(record, &aws, &bucket).await;
            drop(guard);
            texts.push(format!("{served:?} {:?}", bucket.answers()));
            texts.push(String::from_utf8(log.0.lock().unwrap().clone()).unwrap());
        }
    }
    for text in texts {
        for secret in ["c5b8", "X-Amz", "a-secret-name", "an-older-secret"] {
            assert!(!text.contains(secret), "{text}");
        }
    }
}
