//! What is very large or very deep. No clock is read: what would take for ever, or all of the memory or the
//! stack, does not come to its end.

use mutation::json::{dismantle, nested};
use profile::{
    arn::ProfileArn,
    fault::{Faults, shown},
    model_source::{Catalogue, CopyFrom, Rejection},
    parameter::{ParameterName, ParameterPrefix},
    period::Period,
    properties::{Draft, Remainder, names},
    tag_policy::TagPolicy,
    tags::{self, Tags},
};
use serde_json::{Map, Value, json};
use time::OffsetDateTime;

use crate::{assert_all_clear, assert_clear_at, here, prefix};

/// An asynchronous invocation takes 1 MB (Lambda Developer Guide, "Lambda quotas"), into which half a million
/// members of a list fit. A test build is slow, and whatever grows faster than these shows with fewer.
const MANY: usize = 100_000;

/// The bytes of a long text, for the same reason.
const LONG_TEXT: usize = 64 * 1_024;

fn faults_of(name: &str, value: Value) -> Faults {
    let mut properties = Map::from_iter([
        ("InferenceProfileName".to_owned(), json!("search")),
        ("ModelSource".to_owned(), json!({"CopyFrom": "amazon.nova-lite-v1:0"})),
    ]);
    properties.insert(name.to_owned(), value);
    Remainder::read(&properties, &here(), &prefix());
    let (_, faults) = Draft::read(&properties, &here(), &prefix());
    assert_all_clear(&faults);
    faults
}

/// Long texts, each of them wrong in another way, or in none but its length.
fn long_texts() -> impl Iterator<Item = String> {
    ["a", "0", " ", "/", ":", ".", "-", "*", "é", "\0", "\u{1b}[31m", "\u{202e}", "🦀", "a-", "/a", "a b"]
        .into_iter()
        .map(|piece| piece.repeat(LONG_TEXT / piece.len()))
}

#[test]
fn ten_thousand_wrong_tags_are_told_in_a_bounded_text_and_counted() {
    let tags: Vec<Value> = (0..10_000).map(|n| json!({"Key": format!("(k{n})"), "Value": "(v)"})).collect();
    let faults = faults_of("Tags", json!(tags));
    assert_eq!((faults.count(), faults.iter().count()), (20_000, Faults::KEPT));
    let text = faults.to_string();
    assert!(text.starts_with("20000 faults. (1) Tags[0].Key: «(k0)» contains «(»."), "{text}");
    assert!(text.ends_with(" And 19900 more."), "{text}");
}

#[test]
fn however_many_faults_there_are_few_are_kept() {
    let entries = MANY;
    assert_eq!(faults_of("Tags", Value::Array(vec![json!(0); entries])).count(), entries);
    let many = || (0..entries / 2).map(|n| (format!("Inf{n}"), Value::Null)).collect::<Map<_, _>>();
    let mut properties = many();
    properties.insert("ModelSource".into(), Value::Object(many()));
    properties.insert("Tags".into(), json!([many()]));
    let (_, faults) = Draft::read(&properties, &here(), &prefix());
    assert_all_clear(&faults);
    assert_eq!(faults.iter().count(), Faults::KEPT);
    // And the name, the source, and a tag's key and value are missing.
    assert_eq!(faults.count(), 3 * (entries / 2) + 4);
}

#[test]
fn a_long_text_is_quoted_in_part() {
    for text in long_texts() {
        for name in names::ALL {
            let faults = faults_of(name, json!(text));
            let is_zero = text.starts_with('0') && [names::DRAIN, names::PROTECT].contains(&name);
            assert_eq!(faults.is_empty(), is_zero, "{name}: {}", shown(&text));
        }
        assert!(!faults_of(&text, json!("x")).is_empty());
        assert!(!faults_of("ModelSource", json!({"CopyFrom": text})).is_empty());
        assert!(!faults_of("ModelSource", json!({text.as_str(): "x"})).is_empty());
        assert!(!faults_of("Tags", json!([{"Key": text, "Value": text, text.as_str(): text}])).is_empty());
    }
}

#[test]
fn a_long_text_is_no_id_name_or_setting() {
    for text in long_texts() {
        assert_eq!(ProfileArn::parse(&text), None);
        let of_profile = "arn:aws:bedrock:us-east-1:000000000000:application-inference-profile/";
        assert_eq!(ProfileArn::parse(&format!("{of_profile}{text}")), None);
        assert_clear_at("ParameterPrefix", &ParameterPrefix::parse(&text).unwrap_err());
        assert_clear_at("P", &ParameterName::declared("P", &text, &prefix()).unwrap_err());
        let beneath = format!("/inference-profiles/{text}");
        assert_clear_at("P", &ParameterName::declared("P", &beneath, &prefix()).unwrap_err());
        assert_clear_at("ParameterName", &ParameterName::derived(&text, &prefix()).unwrap_err());
        for text in [text.clone(), format!("arn:{text}"), format!("{text}/x"), format!("x {text}")] {
            assert_clear_at("P", &CopyFrom::parse("P", &text, &here()).unwrap_err());
        }
        for text in [format!("1{text}"), format!("{text}d"), format!("9{text}d")] {
            if let Err(fault) = Period::parse("P", &text) {
                assert_clear_at("P", &fault);
            }
        }
        for (required, document) in [
            (text.as_str(), ""),
            ("", text.as_str()),
            ("", &json!({"tags": {text.as_str(): {text.as_str(): text, "tag_value": text}}}).to_string()),
            (&format!("{text}={text}"), &json!({text.as_str(): {}}).to_string()),
        ] {
            if let Err(faults) = TagPolicy::parse(required, document) {
                assert_all_clear(&faults);
            }
        }
    }
}

#[test]
fn what_is_deeper_than_the_stack_is_read_and_refused() {
    // No parser of JSON makes such values, but a program can.
    let depth = 30_000;
    for in_maps in [false, true] {
        for name in names::ALL.into_iter().chain(["Unknown"]) {
            let mut properties = Map::from_iter([(name.to_owned(), nested(json!("x"), depth, in_maps))]);
            let (draft, faults) = Draft::read(&properties, &here(), &prefix());
            Remainder::read(&properties, &here(), &prefix());
            assert_all_clear(&faults);
            assert!(!faults.is_empty() && draft.finish().is_none(), "{name}");
            properties.remove(name).into_iter().for_each(dismantle);
        }
    }
}

#[test]
fn a_document_deeper_than_the_parser_goes_is_a_clear_fault() {
    for document in [
        "[".repeat(1_000_000),
        r#"{"tags":"#.repeat(500_000),
        format!(r#"{{"tags":{{"a":{{"tag_value":{}{}}}}}}}"#, "[".repeat(400), "]".repeat(400)),
    ] {
        let faults = TagPolicy::parse("", &document).unwrap_err();
        assert_all_clear(&faults);
        assert!(faults.to_string().starts_with("TagPolicy: "), "{faults}");
    }
}

#[test]
fn a_wildcard_that_nearly_matches_everywhere_is_not_tried_everywhere() {
    let many = "a".repeat(50_000);
    let patterns = [format!("{many}*{many}"), format!("*{many}b"), format!("b{many}*")];
    let document = json!({"tags": {"env": {"tag_value": patterns}}}).to_string();
    let policy = TagPolicy::parse("", &document).unwrap();
    for (value, right) in [
        (many.repeat(2), true),
        ("a".repeat(99_999), false),
        (format!("{many}{many}b"), true),
        (format!("{many}c{many}c"), false),
    ] {
        assert_eq!(policy.judge(&Tags::from([("env".into(), value)])).is_empty(), right);
    }
    // Many wildcards in one pattern could be tried in ever so many ways; there are none.
    let faults = TagPolicy::parse(&format!("env={}b", "a*".repeat(5_000)), "").unwrap_err();
    assert_all_clear(&faults);
    assert!(faults.to_string().contains("has more than one *"), "{faults}");
}

#[test]
fn long_lists_of_values_are_compared_once() {
    // Each pattern of the one list allows each value of the other.
    let v = |n: usize| "v".repeat(n);
    let patterns: Vec<String> = (0..1_024).map(|n| format!("{}*{}", v(n / 32), v(n % 32))).collect();
    let values: Vec<String> = (0..1_000).map(|n| format!("{}{n}{}", v(100), v(100))).collect();
    let document = json!({"tags": {"environment": {"tag_value": values}}}).to_string();
    // Given many times, they are still the same.
    let required = format!("environment={}", [&*patterns, &patterns, &patterns].concat().join("|"));
    let policy = TagPolicy::parse(&required, &document).unwrap();
    // 2,048 ways of writing the key, and none of them is the right one.
    let miscased = |n: usize| -> String {
        let letters = "environment".chars().enumerate();
        letters.map(|(at, c)| if n >> at & 1 == 1 { c.to_ascii_uppercase() } else { c }).collect()
    };
    let tags: Tags = (1..2_048).map(|n| (miscased(n), values[7].clone())).collect();
    let faults = policy.judge(&tags);
    assert_eq!(faults.count(), 2_047);
    assert_all_clear(&faults);
}

#[test]
fn long_lists_of_long_values_are_told_as_far_as_they_fit() {
    let values: Vec<String> = (0..20).map(|n| format!("{n}{}", "🦀".repeat(200))).collect();
    let statement = json!({"tag_value": values, "report_required_tag_for": ["bedrock:*"]});
    let statements: Map<String, Value> = (0..50).map(|n| (format!("key-{n}"), statement.clone())).collect();
    let policy = TagPolicy::parse("", &json!({"tags": statements}).to_string()).unwrap();
    let faults = policy.judge(&Tags::new());
    assert_eq!((faults.count(), faults.iter().count()), (50, 50));
    assert_all_clear(&faults);
    assert!(faults.to_string().ends_with(" more."));
}

#[test]
fn many_tags_are_held_against_many_rules_one_by_one() {
    let required: Vec<String> = (0..4_000).map(|n| format!("key-{n}")).collect();
    let policy = TagPolicy::parse(&required.join(","), "").unwrap();
    let tags: Tags = (0..MANY).map(|n| (format!("tag-{n}"), String::new())).collect();
    let faults = policy.judge(&tags);
    assert_eq!(faults.count(), 4_000);
    assert_all_clear(&faults);
}

#[test]
fn the_longest_source_is_looked_for_in_a_large_catalogue() {
    let id = |n: usize| format!("us.provider{n}.{}", "model-".repeat(300));
    let wanted = CopyFrom::parse("P", &id(0), &here()).unwrap();
    let profile = |n| profile::record::SystemProfile { id: id(n), arn: String::new(), models: vec![] };
    let catalogue = Catalogue { models: vec![], system_profiles: (1..40).map(profile).collect() };
    for rejection in [
        Rejection::Unknown { wanted },
        Rejection::NotOnDemand { model_id: id(0) },
        Rejection::EndOfLife { model_id: id(0), system_profile_id: None, since: OffsetDateTime::UNIX_EPOCH },
    ] {
        assert_clear_at("P", &rejection.fault("P", &catalogue, OffsetDateTime::UNIX_EPOCH));
    }
}

#[test]
fn a_long_tag_is_a_fault_of_each_part() {
    for text in long_texts() {
        let faults = tags::check("Tags[0]", &text, &text);
        assert_eq!(faults.count(), 2);
        assert_all_clear(&faults);
    }
}
