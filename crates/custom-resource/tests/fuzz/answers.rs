//! What CloudFormation is told.

use custom_resource::{
    Addressee, Answer, Data, DataValue, EnvelopeError, LogPlace, MAX_BODY_BYTES, PhysicalId, Request, encode,
};
use mutation::{
    cases,
    json::spoilt,
    text::{self, piece},
};
use proptest::{collection, prelude::*};
use serde_json::Value;

use crate::addressed;

/// Reasons from nothing to very long, of whatever can stand in one.
fn reason() -> impl Strategy<Value = String> {
    prop_oneof![
        1 => collection::vec(piece(), 0..40).prop_map(|pieces| pieces.concat()),
        1 => text::spoilt([
            "Tags[2].Key: «aws:owner» begins with aws:, which AWS reserves. Choose another key.",
            "The provider ran out of time: the work was stopped after 290 seconds, before it was done.",
            "",
        ]),
        1 => (piece(), 1..20_usize).prop_map(|(piece, times)| piece.repeat(times * 100)),
    ]
}

fn data() -> impl Strategy<Value = Data> {
    let value = prop_oneof![
        reason().prop_map(DataValue::Text),
        collection::vec(piece(), 0..30).prop_map(DataValue::List),
    ];
    collection::vec((piece(), value), 0..6).prop_map(|data| data.into_iter().collect())
}

fn physical_id() -> impl Strategy<Value = PhysicalId> {
    prop_oneof![Just("\"".repeat(1_024)), Just("🦀".repeat(256)), text::spoilt(["thing-1", "\\\"\\\""])]
        .prop_filter_map("it is no id", |text| PhysicalId::parse(text).ok())
}

fn answer() -> impl Strategy<Value = Answer> {
    prop_oneof![
        2 => (physical_id(), reason()).prop_map(|(id, reason)| Answer::failed(id, reason)),
        1 => (physical_id(), data(), prop::option::of(data()), any::<bool>()).prop_map(
            |(physical_id, data, compact, no_echo)| Answer::Success { physical_id, data, compact, no_echo }
        ),
    ]
}

/// Asserts that CloudFormation would take the answer, and that it is to this request.
fn assert_answers(addressee: &Addressee, answer: &Answer, log: &LogPlace, event: &Value) {
    let encoded = encode(addressee, answer, log);
    assert!(encoded.body.len() <= MAX_BODY_BYTES, "{} bytes", encoded.body.len());
    let body: Value = serde_json::from_slice(&encoded.body).expect("an answer is JSON");
    for field in ["StackId", "RequestId", "LogicalResourceId"] {
        assert_eq!(body[field], event[field]);
    }
    assert!(body["PhysicalResourceId"].as_str().is_some_and(|id| !id.is_empty() && id.len() <= 1_024));
    let failed = body["Status"] == "FAILED";
    assert!(failed || body["Status"] == "SUCCESS");
    assert_eq!(failed, body["Reason"].as_str().is_some_and(|reason| !reason.trim().is_empty()));
}

proptest! {
    #![proptest_config(cases(200))]

    #[test]
    fn every_request_that_says_whom_to_answer_gets_an_answer_that_fits(
        event in spoilt(addressed()),
        answer in answer(),
        (group, stream) in (prop::option::of(piece()), prop::option::of(piece())),
    ) {
        let log = LogPlace { group, stream };
        match Request::read(event.clone()) {
            Ok(request) => assert_answers(&request.addressee(), &answer, &log, &event),
            Err(error) => {
                if let EnvelopeError::Refused(refused) = &error {
                    assert_answers(&refused.addressee, &answer, &log, &event);
                    let named = refused.physical_id.clone();
                    let id = named.unwrap_or_else(|| PhysicalId::parse("x").unwrap());
                    assert_answers(&refused.addressee, &Answer::failed(id, error.to_string()), &log, &event);
                }
            }
        }
    }
}
