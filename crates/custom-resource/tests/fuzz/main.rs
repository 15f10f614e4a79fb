//! Whatever is invoked with: it is a request, or it is refused with a clear fault; and whoever can be answered
//! is answered.
//!
//! - [`envelopes`]: whole requests, spoilt from the events of `events/provider`.
//! - [`texts`]: ids, URLs and ARNs, each against a second statement of its rules.
//! - [`served`]: payloads from end to end, with the records of requests that Lambda gave up (`events/rescue`).
//! - [`answers`]: what CloudFormation is told, whatever the request was and came to.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod answers;
mod envelopes;
mod served;
mod texts;

use custom_resource::{EnvelopeError, Fault, Request};
use mutation::refusal::{assert_clear, assert_visible};
use serde_json::{Value, json};

/// The fields that say who is to be answered, and where.
const ADDRESSEE: [&str; 4] = ["ResponseURL", "RequestId", "LogicalResourceId", "StackId"];

/// The fields that are read.
const FIELDS: [&str; 9] = [
    "ResponseURL",
    "RequestId",
    "LogicalResourceId",
    "StackId",
    "ResourceType",
    "PhysicalResourceId",
    "RequestType",
    "OldResourceProperties",
    "ResourceProperties",
];

/// What stands in the query of every response URL here, and is told to nobody.
const SIGNATURE: &str = "SIGNATUREofTHEurl";

/// How many bytes the text of all faults of an envelope has at most: one fault for each field, with 80
/// characters of its value.
const LONGEST_REFUSAL: usize = 4 * 1_024;

/// Every event of `events/provider`.
fn events() -> Vec<Value> {
    mutation::events("provider").into_iter().map(|event| event.payload).collect()
}

/// The events that are objects with all that is needed to answer them.
fn addressed() -> Vec<Value> {
    let mut events = events();
    events.retain(|event| ADDRESSEE.iter().all(|field| event.get(field).is_some()));
    assert!(events.len() >= 20, "{} events can be answered", events.len());
    events
}

/// A response URL with a signature, as CloudFormation's have one.
fn signed_url() -> Value {
    json!(format!(
        "https://bucket.s3.amazonaws.com/arn%3Aaws/x?X-Amz-Date=20260313T174952Z&X-Amz-Signature={SIGNATURE}"
    ))
}

fn faults(error: &EnvelopeError) -> &[Fault] {
    match error {
        EnvelopeError::Refused(refused) => &refused.faults,
        EnvelopeError::Unanswerable(faults) => faults,
    }
}

/// Asserts that a refusal says clearly what is wrong, and is not long.
fn assert_clear_refusal(error: &EnvelopeError) {
    assert!(!faults(error).is_empty());
    for fault in faults(error) {
        assert!(fault.field == "the payload" || FIELDS.contains(&fault.field), "{fault}");
        assert_clear(fault.field, &fault.problem, &fault.remedy);
    }
    let text = error.to_string();
    assert!(text.len() <= LONGEST_REFUSAL, "{} bytes", text.len());
    assert_visible(&text);
}

/// All that is ever printed of what was read.
fn printed(read: &Result<Request, EnvelopeError>) -> String {
    match read {
        Ok(request) => format!("{request:?} {:?} {:?}", request.kind, request.addressee()),
        Err(error) => format!("{error:?} {error}"),
    }
}
