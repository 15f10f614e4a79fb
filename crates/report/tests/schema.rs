//! `docs/report.schema.json` describes what is written.
//!
//! A validator of the keywords that the schema uses is below; one that it does not know fails the test. It is
//! stricter than the schema in one respect: a property that is not described is an error.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use report::{RESULT_LIMIT, result, to_json};
use rules::{
    finding::{ResourceKind, Severity},
    inventory::Source,
    rule::Rule,
};
use serde_json::{Value, json};
use time::{
    Date, OffsetDateTime,
    format_description::well_known::{Iso8601, Rfc3339},
};

mod samples;

fn schema() -> Value {
    serde_json::from_str(include_str!("../../../docs/report.schema.json")).unwrap()
}

/// What is wrong with `value`, each with where it is.
fn faults(root: &Value, schema: &Value, value: &Value, path: &str) -> Vec<String> {
    let keywords = schema.as_object().unwrap().iter();
    keywords.flat_map(|(keyword, rule)| faults_by(root, keyword, rule, value, path)).collect()
}

fn faults_by(root: &Value, keyword: &str, rule: &Value, value: &Value, path: &str) -> Vec<String> {
    let properties = || value.as_object().into_iter().flatten();
    let text = value.as_str();
    let valid = match keyword {
        "$schema" | "$id" | "$defs" | "title" | "description" => true,
        "const" => value == rule,
        "enum" => rule.as_array().unwrap().contains(value),
        "type" => {
            let is = |name: &Value| match name.as_str().unwrap() {
                "null" => value.is_null(),
                "object" => value.is_object(),
                "array" => value.is_array(),
                "string" => value.is_string(),
                "boolean" => value.is_boolean(),
                "integer" => value.is_i64() || value.is_u64(),
                other => panic!("the type {other}"),
            };
            rule.as_array().map_or_else(|| is(rule), |types| types.iter().any(is))
        }
        "minimum" => value.as_i64().is_none_or(|value| value >= rule.as_i64().unwrap()),
        "pattern" => {
            assert_eq!(rule, "^[0-9]{12}$");
            text.is_none_or(|text| text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit()))
        }
        "format" if rule == "date" => {
            text.is_none_or(|text| text.len() == 10 && Date::parse(text, &Iso8601::DATE).is_ok())
        }
        "format" if rule == "date-time" => {
            text.is_none_or(|text| OffsetDateTime::parse(text, &Rfc3339).is_ok())
        }
        "required" => rule.as_array().unwrap().iter().all(|name| value.get(name.as_str().unwrap()).is_some()),
        "$ref" => {
            let name = rule.as_str().unwrap().strip_prefix("#/$defs/").unwrap();
            return faults(root, &root["$defs"][name], value, path);
        }
        "items" => {
            let items = value.as_array().into_iter().flatten().enumerate();
            return items.flat_map(|(at, item)| faults(root, rule, item, &format!("{path}[{at}]"))).collect();
        }
        "propertyNames" => {
            return properties().flat_map(|(name, _)| faults(root, rule, &json!(name), path)).collect();
        }
        "additionalProperties" => {
            let below = |(name, property)| faults(root, rule, property, &format!("{path}.{name}"));
            return properties().flat_map(below).collect();
        }
        "properties" => {
            let below = |(name, property): (&String, &Value)| match rule.get(name) {
                Some(rule) => faults(root, rule, property, &format!("{path}.{name}")),
                None => vec![format!("{path}.{name} is not described")],
            };
            return properties().flat_map(below).collect();
        }
        other => panic!("the keyword {other}"),
    };
    if valid { Vec::new() } else { vec![format!("{path}: {keyword} {rule}")] }
}

fn faults_of(json: &str) -> Vec<String> {
    let (schema, value): (_, Value) = (schema(), serde_json::from_str(json).unwrap());
    faults(&schema, &schema, &value, "$")
}

#[test]
fn reports_and_results_are_as_described() {
    for sample in ["empty", "clean", "realistic", "incomplete", "small", "large"] {
        let mut report = samples::named(sample).unwrap();
        report.undelivered = vec!["the digest was not sent".to_owned()];
        assert_eq!(faults_of(&to_json(&report).unwrap()), Vec::<String>::new(), "{sample}");
        for limit in [5_000, RESULT_LIMIT] {
            let result = result(&report, Some("s3://bucket/report.html"), limit).unwrap();
            assert_eq!(faults_of(result.get()), Vec::<String>::new(), "{sample}");
        }
    }
}

#[test]
fn what_is_not_as_described_is_noticed() {
    let good: Value = serde_json::from_str(&to_json(&samples::small()).unwrap()).unwrap();
    let broken: [fn(&mut Value); 9] = [
        |json| json["schemaVersion"] = json!(2),
        |json| json["account"] = json!("12345"),
        |json| json["startedAt"] = json!("yesterday"),
        |json| json["regions"][0]["usageSince"] = json!([2026, 60]),
        |json| json["counts"]["no-such-rule"] = json!(1),
        |json| json["findings"][0]["severity"] = json!("grave"),
        |json| json["findings"][0]["resource"]["colour"] = json!("red"),
        |json| json["changes"]["gone"] = Value::Null,
        |json| drop(json.as_object_mut().unwrap().remove("regions")),
    ];
    for (at, break_) in broken.into_iter().enumerate() {
        let mut json = good.clone();
        break_(&mut json);
        assert_eq!(faults_of(&json.to_string()).len(), 1, "{at}: {:?}", faults_of(&json.to_string()));
    }
}

#[test]
fn its_lists_of_names_are_those_of_the_rules() {
    let defs = &schema()["$defs"];
    assert_eq!(defs["rule"]["enum"], json!(Rule::ALL));
    assert_eq!(defs["severity"]["enum"], json!(Severity::ALL));
    let sources = defs["source"]["enum"].as_array().unwrap();
    for source in Rule::ALL.into_iter().flat_map(Rule::sources) {
        assert!(sources.contains(&json!(source)));
    }
    for source in sources {
        assert_eq!(serde_json::from_value::<Source>(source.clone()).unwrap().as_str(), source);
    }
    for kind in defs["resource"]["properties"]["kind"]["enum"].as_array().unwrap() {
        serde_json::from_value::<ResourceKind>(kind.clone()).unwrap();
    }
}
