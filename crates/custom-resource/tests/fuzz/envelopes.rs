//! Whole requests.

use std::{sync::LazyLock, time::Duration};

use custom_resource::{EnvelopeError, Request, RequestKind};
use mutation::{
    cases,
    json::{any_value, dismantle, nested, spoilt},
    text,
};
use proptest::{prelude::*, sample};
use serde_json::{Map, Value, json};

use crate::{ADDRESSEE, SIGNATURE, addressed, assert_clear_refusal, events, faults, printed, signed_url};

/// What stands for every value of a property here, and is told to nobody.
const SECRET: &str = "hunter2";

/// A request, for another timeout.
static TIMED: LazyLock<Value> = LazyLock::new(|| addressed().swap_remove(0));

/// Puts [`SECRET`] in the place of every value that a property has.
fn hide(properties: &mut Value) {
    match properties {
        Value::Array(list) => list.iter_mut().for_each(hide),
        Value::Object(map) => map.values_mut().for_each(hide),
        scalar => *scalar = json!(SECRET),
    }
}

/// Asserts that a request holds what CloudFormation's reference says of one, and what its event says.
fn assert_right(request: &Request, event: &Value) {
    let field = |name: &str| event[name].as_str();
    assert_eq!(Some(request.kind.as_str()), field("RequestType"));
    assert_eq!(Some(request.request_id.as_str()), field("RequestId"));
    assert_eq!(Some(request.logical_id.as_str()), field("LogicalResourceId"));
    assert_eq!(Some(request.stack_id.as_str()), field("StackId"));
    assert_eq!(Some(request.resource_type.as_str()), field("ResourceType"));
    match &request.kind {
        RequestKind::Create => {}
        RequestKind::Update { physical_id, old_properties } => {
            assert_eq!(Some(physical_id.as_str()), field("PhysicalResourceId"));
            assert_eq!(Some(old_properties), event["OldResourceProperties"].as_object());
        }
        RequestKind::Delete { physical_id } => {
            assert_eq!(Some(physical_id.as_str()), field("PhysicalResourceId"));
        }
    }
    let properties = event["ResourceProperties"].as_object().cloned().unwrap_or_default();
    assert_eq!(request.properties, properties);
    let timeout = request.service_timeout();
    assert!(timeout.is_none_or(|timeout| (1..=3_600).contains(&timeout.as_secs())));
}

#[test]
fn every_event_is_read_or_refused() {
    let mut requests = 0;
    for event in events() {
        match Request::read(event.clone()) {
            Ok(request) => {
                assert_right(&request, &event);
                requests += 1;
            }
            Err(error) => assert_clear_refusal(&error),
        }
    }
    assert!(requests >= 20, "{requests} events are requests");
}

proptest! {
    #![proptest_config(cases(300))]

    #[test]
    fn whatever_becomes_of_an_event_it_is_read_or_refused(event in spoilt(events())) {
        match Request::read(event.clone()) {
            Ok(request) => assert_right(&request, &event),
            Err(error) => {
                assert_clear_refusal(&error);
                let missing = ADDRESSEE.iter().filter(|field| faults(&error).iter().any(|fault| fault.field == **field));
                let is_object = event.is_object();
                let stack_is_text = |field: &&&str| **field == "StackId" && faults(&error).iter().any(|fault| {
                    fault.field == "StackId" && fault.problem.contains("is not the ARN of a stack")
                });
                let unanswerable = !is_object || missing.filter(|field| !stack_is_text(field)).count() > 0;
                let told = matches!(error, EnvelopeError::Unanswerable(_));
                prop_assert_eq!(told, unanswerable, "{}", error);
            }
        }
    }

    #[test]
    fn whoever_says_how_to_answer_can_be_answered(
        whole in sample::select(addressed()),
        spoilt in spoilt(addressed()),
    ) {
        let Value::Object(mut event) = spoilt else { return Ok(()) };
        event.extend(ADDRESSEE.map(|field| (field.to_owned(), whole[field].clone())));
        let addressee = Request::read(whole.clone()).map(|request| request.addressee());
        let named = event.get("PhysicalResourceId").and_then(Value::as_str).map(str::to_owned);
        let (told, url, physical_id) = match Request::read(Value::Object(event)) {
            Ok(request) => {
                let physical_id = request.kind.physical_id().cloned();
                (request.addressee(), request.response_url, physical_id)
            }
            Err(EnvelopeError::Refused(refused)) => (refused.addressee, refused.response_url, refused.physical_id),
            Err(error) => return Err(TestCaseError::fail(error.to_string())),
        };
        prop_assert_eq!(Some(url.reveal()), whole["ResponseURL"].as_str());
        // Spoilt or not, the same is repeated; only the id of a Delete may have become another.
        let repeated = |told: &_| format!("{told:?}").split("deletes").next().map(str::to_owned);
        if let Ok(addressee) = addressee {
            prop_assert_eq!(repeated(&addressee), repeated(&told));
        }
        if let Some(physical_id) = physical_id {
            prop_assert_eq!(Some(physical_id.as_str()), named.as_deref());
        }
    }

    #[test]
    fn a_delete_is_a_delete_whatever_its_properties_have_become(
        event in sample::select(addressed()),
        properties in prop_oneof![
            4 => spoilt(events().iter().filter_map(|event| event.get("ResourceProperties").cloned()).collect()),
            1 => any_value(),
        ],
        more in prop::option::of(any_value()),
        is_left_out in prop::bool::weighted(0.1),
    ) {
        let mut event = event;
        event["RequestType"] = json!("Delete");
        event["PhysicalResourceId"] = json!("thing-1");
        event["ResourceProperties"] = properties.clone();
        event["OldResourceProperties"] = more.unwrap_or_default();
        if is_left_out {
            event.as_object_mut().unwrap().remove("ResourceProperties");
        }
        let request = Request::read(event).map_err(|error| TestCaseError::fail(error.to_string()))?;
        prop_assert_eq!(request.kind.as_str(), "Delete");
        prop_assert_eq!(request.kind.physical_id().map(|id| id.as_str()), Some("thing-1"));
        let kept = if is_left_out { None } else { properties.as_object() };
        prop_assert_eq!(request.properties, kept.cloned().unwrap_or_default());
    }

    #[test]
    fn neither_a_value_nor_a_signature_is_printed(event in spoilt(addressed()), url in text::spoilt([
        format!("https://bucket.s3.amazonaws.com/arn%3Aaws/x?X-Amz-Signature={SIGNATURE}"),
        format!("http://localhost:4566/_ministack/cfn-response/{SIGNATURE}"),
        format!("https://user:{SIGNATURE}@host/"),
    ])) {
        let Value::Object(mut event) = event else { return Ok(()) };
        for field in ["ResourceProperties", "OldResourceProperties"] {
            event.entry(field).and_modify(hide);
        }
        for url in [signed_url(), json!(url)] {
            let mut event = event.clone();
            event.insert("ResponseURL".to_owned(), url);
            let printed = printed(&Request::read(Value::Object(event)));
            // Hosts are in lower case, and the host alone is printed.
            prop_assert!(!printed.contains(SIGNATURE) && !printed.contains(SECRET), "{}", printed);
        }
    }

    #[test]
    fn whatever_text_arrives_it_is_no_json_or_read(text in text::spoilt(events().iter().map(Value::to_string))) {
        // The bytes come to the function as JSON that parses, or not at all.
        if let Ok(event) = serde_json::from_str::<Value>(&text)
            && let Err(error) = Request::read(event)
        {
            assert_clear_refusal(&error);
        }
    }

    #[test]
    fn a_timeout_is_read_as_what_it_is_or_not_at_all(value in prop_oneof![
        any_value(),
        text::spoilt(["1", "300", "3600", "3601", "0", " 60 "]).prop_map(Value::from),
        (0..5_000_u32).prop_map(Value::from),
    ]) {
        let mut event = TIMED.clone();
        event["ResourceProperties"]["ServiceTimeout"] = value.clone();
        let number = match &value {
            Value::String(text) => text.trim().strip_prefix('+').unwrap_or(text.trim()).to_owned(),
            Value::Number(number) => number.to_string(),
            _ => String::new(),
        };
        let digits = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
        let seconds = digits.then(|| number.trim_start_matches('0')).filter(|number| number.len() <= 4);
        let seconds = seconds.and_then(|number| number.parse().ok()).filter(|seconds| (1..=3_600).contains(seconds));
        let request = Request::read(event).unwrap();
        prop_assert_eq!(request.service_timeout(), seconds.map(Duration::from_secs), "{}", value);
    }
}

#[test]
fn what_is_deeper_than_the_stack_is_read_and_handed_on() {
    // No parser of JSON makes such values, but a program can.
    let mut event = TIMED.clone();
    event["ResourceProperties"]["Deep"] = nested(json!(SECRET), 30_000, true);
    let mut request = Request::read(event).unwrap();
    let _ = request.service_timeout();
    // The names of properties are printed, which is not deep.
    assert!(format!("{request:?}").contains("Deep"));
    std::mem::take(&mut request.properties).into_iter().for_each(|(_, value)| dismantle(value));
}

#[test]
fn a_long_field_is_refused_or_handed_on_and_never_repeated_whole() {
    for piece in ["a", "é", "\0", "\u{1b}[31m", "\u{202e}", "\"", "\\", ":", "/", " ", "🦀"] {
        let long = piece.repeat(1_000_000 / piece.len());
        for event in addressed() {
            for field in crate::FIELDS {
                let mut event = event.clone();
                event[field] = json!(long);
                if let Err(error) = Request::read(event) {
                    assert_clear_refusal(&error);
                    assert!(format!("{error:?}").len() <= 16 * 1_024, "{field}");
                }
            }
        }
        let error = Request::read(json!({"RequestType": long, long.as_str(): long})).unwrap_err();
        assert_clear_refusal(&error);
        let list = Request::read(Value::Array(vec![json!(long)])).unwrap_err();
        assert_clear_refusal(&list);
    }
    let many: Map<String, Value> = (0..300_000).map(|n| (format!("Field{n}"), json!(n))).collect();
    assert_clear_refusal(&Request::read(Value::Object(many)).unwrap_err());
}
