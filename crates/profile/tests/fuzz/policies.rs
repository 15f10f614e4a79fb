//! Tag policies.

use mutation::{cases, json, text::spoilt};
use profile::{
    tag_policy::{OffenceKind, TagPolicy},
    tags::Tags,
};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::{assert_all_clear, oracle};

const REQUIRED_TAGS: [&str; 6] = [
    "owner",
    "owner,project-id,env=dev|prod",
    " owner, project-id ,env = dev | prod",
    "CostCenter=100|200*|*@example.com",
    "owner,,env=",
    "env=*a*",
];

/// As the Organizations User Guide writes policies, as `describe-effective-policy` gives them, and wrong ones.
fn documents() -> Vec<Value> {
    vec![
        json!({"tags": {"costcenter": {
            "tag_key": {"@@assign": "CostCenter", "@@operators_allowed_for_child_policies": ["@@none"]},
            "tag_value": {"@@assign": ["100", "200*", "*@example.com"]},
            "enforced_for": {"@@assign": ["secretsmanager:ALL_SUPPORTED"]},
        }}}),
        json!({"tags": {"costcenter": {"tag_key": "CostCenter", "tag_value": ["100", "200*", "*@example.com"]}}}),
        json!({"tags": {
            "owner": {"report_required_tag_for": {"@@assign": ["bedrock:ALL_SUPPORTED"]}},
            "env": {"tag_value": {"@@assign": ["dev", "prod"]}},
            "@@operators_allowed_for_child_policies": ["@@none"],
        }}),
        json!({"tags": {"a": {"tag_value": {"@@append": ["x"]}, "tag_values": []}}, "Statement": []}),
    ]
}

fn tags() -> impl Strategy<Value = Tags> {
    let key = spoilt(["owner", "Owner", "env", "ENV", "CostCenter", "costcenter", "project-id", "other"]);
    let value = spoilt(["dev", "prod", "Prod", "100", "200-x", "me@example.com", ""]);
    prop::collection::btree_map(key, value, 0..6)
}

/// Asserts that what a policy says of tags is clear, and that to do what it says is right.
fn assert_judges(policy: &TagPolicy, tags: &Tags) {
    assert_all_clear(&policy.judge(tags));
    let mut mended = tags.clone();
    for offence in policy.offences(tags) {
        assert_eq!(offence.fault.path, "Tags");
        assert!(policy.keys().any(|key| key == offence.key), "{offence:?}");
        let is_missing = offence.kind == OffenceKind::Missing;
        assert!(!is_missing || !tags.contains_key(&offence.key), "{offence:?}");
        if let Some(miscased) = &offence.miscased {
            let value = mended.remove(miscased).unwrap_or_default();
            mended.entry(offence.key.clone()).or_insert(value);
        }
    }
    // Each tag has its right key now: what is said of keys is not said again.
    assert!(policy.offences(&mended).iter().all(|offence| offence.miscased.is_none()), "{mended:?}");
}

proptest! {
    #![proptest_config(cases(200))]

    #[test]
    fn any_text_is_a_list_of_required_tags_or_clear_faults(text in spoilt(REQUIRED_TAGS), tags in tags()) {
        match TagPolicy::parse(&text, "") {
            Ok(policy) => {
                for key in policy.keys() {
                    prop_assert!(text.contains(key) && oracle::is_tag_key(key) != Some(false), "{:?}", text);
                }
                assert_judges(&policy, &tags);
                // Each key in its own entry, in any order, is the same policy.
                let entries: Vec<&str> = text.split(',').rev().collect();
                prop_assert_eq!(TagPolicy::parse(&entries.join(" , "), ""), Ok(policy));
            }
            Err(faults) => {
                assert_all_clear(&faults);
                for fault in faults.iter() {
                    let entry = fault.path.strip_prefix("RequiredTags[").and_then(|rest| rest.split_once(']'));
                    let index: usize = entry.unwrap().0.parse().unwrap();
                    prop_assert!(index < text.split(',').count(), "{}", fault);
                }
            }
        }
    }

    #[test]
    fn any_document_is_a_policy_or_clear_faults(document in json::spoilt(documents()), tags in tags()) {
        match TagPolicy::parse("", &document.to_string()) {
            Ok(policy) => assert_judges(&policy, &tags),
            Err(faults) => {
                assert_all_clear(&faults);
                prop_assert!(faults.iter().all(|fault| fault.path.starts_with("TagPolicy")), "{}", faults);
            }
        }
    }

    #[test]
    fn any_text_is_a_document_or_a_clear_fault(
        text in spoilt(documents().iter().map(Value::to_string)),
        required in spoilt(REQUIRED_TAGS),
    ) {
        if let Err(faults) = TagPolicy::parse(&required, &text) {
            assert_all_clear(&faults);
        }
    }

    #[test]
    fn a_value_is_right_exactly_when_one_of_the_patterns_matches(
        patterns in prop::collection::vec("[ab]{0,3}[*]?[ab]{0,3}", 1..4),
        value in "[ab]{0,7}",
    ) {
        let document = json!({"tags": {"env": {"tag_value": patterns}}}).to_string();
        let policy = TagPolicy::parse("", &document).unwrap();
        let right = patterns.iter().any(|pattern| oracle::matches(pattern, &value));
        let tags = Tags::from([("env".to_owned(), value)]);
        prop_assert_eq!(policy.judge(&tags).is_empty(), right, "{:?} and {:?}", tags, patterns);
    }

    #[test]
    fn a_policy_means_the_same_as_it_is_written_and_as_it_is_effective(
        key in "[A-Za-z]{1,6}",
        values in prop::collection::vec("[a-z]{0,4}[*]?[a-z]{0,4}", 0..5),
        types in prop::collection::vec(prop::sample::select(vec!["bedrock:*", "ec2:instance", "ALL_SUPPORTED"]), 0..3),
    ) {
        let effective = json!({"tags": {key.to_lowercase(): {
            "tag_key": key, "tag_value": values, "report_required_tag_for": types, "enforced_for": types,
        }}});
        let written = json!({"tags": {key.to_uppercase(): {
            "tag_key": {"@@assign": key},
            "tag_value": {"@@assign": values},
            "report_required_tag_for": {"@@assign": types},
            "enforced_for": {"@@assign": types},
        }}});
        let parse = |document: &Value| TagPolicy::parse("", &document.to_string());
        prop_assert_eq!(parse(&effective), parse(&written));
        prop_assert!(parse(&effective).is_ok());
    }
}
