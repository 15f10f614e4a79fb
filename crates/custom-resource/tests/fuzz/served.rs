//! Payloads from end to end: the provider's requests, and Lambda's records of those that it gave up.

use std::{
    sync::{LazyLock, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use custom_resource::{
    Answer, AnswerSink, Deadline, Invocation, LogPlace, MAX_BODY_BYTES, PhysicalId, PutError, Request,
    Resource, ResponseUrl, Served, Trust, Undelivered, abandoned, serve,
};
use mutation::{cases, json::spoilt, refusal::assert_visible};
use proptest::{prelude::*, sample};
use serde_json::{Value, json};
use time::macros::datetime;
use tokio::{
    runtime::{Builder, Runtime},
    time::Instant,
};

use crate::{ADDRESSEE, LONGEST_REFUSAL, SIGNATURE, addressed, events};

/// The provider of the events, in a local run.
static TRUST: LazyLock<Trust> = LazyLock::new(|| {
    let arn = "arn:aws:lambda:us-east-1:000000000000:function:inference-profile-manager-provider";
    Trust::new(arn, [("AWS_ENDPOINT_URL_BEDROCK", "http://127.0.0.1:4599")])
});

static RUNTIME: LazyLock<Runtime> =
    LazyLock::new(|| Builder::new_current_thread().enable_time().start_paused(true).build().unwrap());

/// A resource that is always what it is to be, and a bucket that takes what comes.
#[derive(Default)]
struct Willing(Mutex<Vec<Vec<u8>>>);

#[async_trait]
impl Resource for Willing {
    async fn handle(&self, request: &Request, _: Deadline) -> Answer {
        Answer::success(self.fallback_physical_id(request))
    }

    fn fallback_physical_id(&self, request: &Request) -> PhysicalId {
        PhysicalId::unknown(&request.logical_id)
    }
}

#[async_trait]
impl AnswerSink for Willing {
    async fn put(&self, _: &ResponseUrl, body: Vec<u8>) -> Result<(), PutError> {
        self.0.lock().unwrap().push(body);
        Ok(())
    }
}

#[async_trait]
impl abandoned::Waiting for Willing {
    async fn is_waited_for(&self, _: &Request) -> bool {
        true
    }
}

/// Who a payload comes to.
#[derive(Debug, Clone, Copy)]
enum By {
    Provider,
    Rescue,
}

/// The one answer to `payload`, if there is one; and asserts that CloudFormation would take it, or that the
/// log can take why there is none.
fn answer_to(payload: Value, by: By) -> Option<Value> {
    let willing = Willing::default();
    let served: Result<Served, Undelivered> = RUNTIME.block_on(async {
        let invocation = Invocation {
            aws_request_id: "8476a536-e9f4-11e8-9739-2dfe598c3fcd".into(),
            log: LogPlace { group: Some("/aws/lambda/provider".into()), stream: Some("s1".into()) },
            began: datetime!(2026-03-01 12:00:00 UTC),
            deadline: Instant::now() + Duration::from_secs(60),
        };
        match by {
            By::Provider => serve(payload, &invocation, &TRUST, &willing, &willing).await,
            By::Rescue => abandoned::answer(payload, &invocation, &TRUST, &willing, &willing).await,
        }
    });
    let bodies = willing.0.into_inner().unwrap();
    match served.expect("what comes is taken") {
        Served::Delivered { .. } => {
            assert_eq!(bodies.len(), 1, "one answer");
            assert!(bodies[0].len() <= MAX_BODY_BYTES, "{} bytes", bodies[0].len());
            let text = String::from_utf8(bodies[0].clone()).unwrap();
            assert!(!text.contains(SIGNATURE), "{text}");
            Some(serde_json::from_str(&text).unwrap())
        }
        Served::NobodyToTell { reason } => {
            assert!(bodies.is_empty());
            assert!(reason.len() <= LONGEST_REFUSAL, "{} bytes", reason.len());
            assert!(!reason.contains(SIGNATURE), "{reason}");
            assert_visible(&reason);
            None
        }
        other => panic!("{other:?}"),
    }
}

/// Lambda's records of given-up requests: every event of `events/rescue`.
fn records() -> Vec<Value> {
    mutation::events("rescue").into_iter().map(|event| event.payload).collect()
}

/// The events whose answer may go where they say, each with a signature there.
fn trusted() -> Vec<Value> {
    let mut events = addressed();
    events.retain(|event| {
        let url = event["ResponseURL"].as_str().and_then(|url| ResponseUrl::parse(url).ok());
        url.is_some_and(|url| TRUST.check_url(&url).is_ok())
    });
    assert!(events.len() >= 20, "{} events can be answered", events.len());
    for event in &mut events {
        let url = event["ResponseURL"].as_str().unwrap();
        event["ResponseURL"] = json!(format!("{url}?X-Amz-Signature={SIGNATURE}"));
    }
    events
}

fn assert_addressed(answer: Option<&Value>, event: &Value) {
    let answer = answer.expect("who says how to answer is answered");
    for field in ["StackId", "RequestId", "LogicalResourceId"] {
        assert_eq!(answer[field], event[field]);
    }
}

#[test]
fn every_event_gets_one_answer_or_has_nobody_to_tell() {
    let unanswered = |folder: &str, by: By| -> Vec<String> {
        let events = mutation::events(folder).into_iter();
        events
            .filter(|event| answer_to(event.payload.clone(), by).is_none())
            .map(|event| event.name)
            .collect()
    };
    assert_eq!(
        unanswered("provider", By::Provider),
        ["fails-foreign-response-host", "fails-missing-response-url", "fails-not-an-object"]
    );
    assert_eq!(unanswered("rescue", By::Rescue), ["not-a-record"]);
}

proptest! {
    #![proptest_config(cases(200))]

    #[test]
    fn whatever_a_provider_is_invoked_with_one_answer_at_most_is_sent(event in spoilt(events())) {
        answer_to(event.clone(), By::Provider);
        answer_to(event, By::Rescue);
    }

    #[test]
    fn whatever_lambda_s_record_holds_one_answer_at_most_is_sent(record in spoilt(records())) {
        answer_to(record.clone(), By::Rescue);
        answer_to(record, By::Provider);
    }

    #[test]
    fn who_says_how_to_answer_is_answered(
        whole in sample::select(trusted()),
        spoilt_event in spoilt(events()),
        spoilt_record in spoilt(records()),
    ) {
        let Value::Object(mut event) = spoilt_event else { return Ok(()) };
        event.extend(ADDRESSEE.map(|field| (field.to_owned(), whole[field].clone())));
        let event = Value::Object(event);
        assert_addressed(answer_to(event.clone(), By::Provider).as_ref(), &event);
        // The rescue needs to be told that it is a record, and nothing else of it.
        let Value::Object(mut record) = spoilt_record else { return Ok(()) };
        let context = record.remove("requestContext").filter(Value::is_object);
        record.insert("requestContext".into(), context.unwrap_or_else(|| json!({})));
        record.insert("requestPayload".into(), event.clone());
        assert_addressed(answer_to(Value::Object(record), By::Rescue).as_ref(), &event);
    }
}
