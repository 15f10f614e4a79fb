//! Whatever a sweep is invoked with: it says what to do, or it is refused with clear faults.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeMap;

use mutation::{
    cases, events,
    json::{dismantle, nested, spoilt},
    refusal::{LONGEST_FAULT, assert_clear, assert_visible},
    text,
};
use profile::fault::{self, Faults};
use proptest::prelude::*;
use serde_json::{Map, Value, json};
use sweep::settings::Settings;

/// What a hand-made event may hold.
const FIELDS: [&str; 12] = [
    "regions",
    "idleDays",
    "endOfLifeDays",
    "quotaShare",
    "costTags",
    "retireDrained",
    "republishParameters",
    "deleteOrphans",
    "orphanMinAge",
    "orphanIdle",
    "rules",
    "dryRun",
];

/// Every event of `events/sweep`, and one with every setting.
fn seeds() -> Vec<Value> {
    let mut seeds: Vec<Value> = events("sweep").into_iter().map(|event| event.payload).collect();
    seeds.push(json!({
        "regions": ["us-east-1", "eu-west-1"], "idleDays": 7, "endOfLifeDays": "30", "quotaShare": 95,
        "costTags": false, "retireDrained": "true", "republishParameters": true, "deleteOrphans": "TRUE",
        "orphanMinAge": "7d", "orphanIdle": "2w", "rules": "untagged, idle", "dryRun": true,
    }));
    seeds
}

fn assert_all_clear(faults: &Faults) {
    for fault in faults.iter() {
        assert_clear(&fault.path, &fault.problem, &fault.remedy);
    }
    let text = faults.to_string();
    assert!(text.len() <= if faults.count() > 1 { Faults::LONGEST_TEXT } else { LONGEST_FAULT });
    assert_visible(&text);
}

/// Asserts that every setting is within what is documented.
fn assert_right(settings: &Settings) {
    let longest = time::Duration::days(455);
    for region in &settings.regions {
        let is_word =
            |part: &str| !part.is_empty() && part.chars().all(|c| matches!(c, 'a'..='z' | '0'..='9'));
        assert!(region.split('-').all(is_word) && region.split('-').count() >= 3, "{region:?}");
        assert!(region.len() <= 32, "{region:?}");
    }
    assert!((1..=455).contains(&settings.thresholds.idle_days));
    assert!((0..=3_650).contains(&settings.thresholds.end_of_life_days));
    assert!((1..=100).contains(&settings.thresholds.quota_share));
    assert!(settings.actions.orphan_min_age <= longest && settings.actions.orphan_idle <= longest);
}

#[test]
fn every_event_says_what_to_do_or_what_is_wrong() {
    for event in events("sweep") {
        match Settings::default().overridden(&event.payload) {
            Ok(settings) => {
                assert!(!event.name.starts_with("fails-"), "{}", event.name);
                assert_right(&settings);
            }
            Err(faults) => {
                assert!(event.name.starts_with("fails-"), "{}: {faults}", event.name);
                assert_all_clear(&faults);
            }
        }
    }
}

proptest! {
    #![proptest_config(cases(300))]

    #[test]
    fn any_payload_is_settings_or_clear_faults(payload in spoilt(seeds())) {
        let deployed = Settings::default();
        match deployed.overridden(&payload) {
            Ok(settings) => {
                assert_right(&settings);
                let given = payload.as_object().cloned().unwrap_or_default();
                let is_of_schedule = given.contains_key("detail-type");
                prop_assert!(is_of_schedule || given.keys().all(|key| FIELDS.contains(&key.as_str())));
                if is_of_schedule || given.is_empty() {
                    prop_assert_eq!(settings, deployed);
                }
            }
            Err(faults) => {
                assert_all_clear(&faults);
                let keys: Vec<String> = payload.as_object().into_iter().flat_map(Map::keys).map(|key| fault::key(key)).collect();
                for fault in faults.iter() {
                    prop_assert!(fault.path == "the payload" || keys.contains(&fault.path), "{}", fault);
                }
            }
        }
    }

    #[test]
    fn any_environment_is_settings_or_clear_faults(
        values in prop::collection::btree_map(
            prop::sample::select(vec![
                "REGIONS", "IDLE_DAYS", "END_OF_LIFE_DAYS", "QUOTA_SHARE", "COST_TAGS", "RETIRE_DRAINED",
                "ORPHAN_MIN_AGE", "METRICS", "PARAMETER_PREFIX", "REPORT_BUCKET",
            ]),
            text::spoilt(["us-east-1,eu-west-1", "30", "100", "true", "False", "30d", "/ai", ""]),
            0..6,
        ),
    ) {
        let values: BTreeMap<&str, String> = values;
        match Settings::read(|name| values.get(name).cloned()) {
            Ok(settings) => assert_right(&settings),
            Err(faults) => {
                assert_all_clear(&faults);
                for fault in faults.iter() {
                    let known = values.contains_key(fault.path.as_str()) || fault.path == "ParameterPrefix";
                    prop_assert!(known, "{}", fault);
                }
            }
        }
    }
}

#[test]
fn what_is_very_long_or_very_deep_is_not_repeated_whole() {
    let deployed = Settings::default();
    let long = "us-east-1,".repeat(100_000);
    let mut payloads: Vec<Value> =
        FIELDS.iter().map(|field| json!({*field: long.replace(',', "x")})).collect();
    payloads.extend(FIELDS.iter().map(|field| json!({*field: {"a": long}})));
    payloads.extend([json!(long), json!([long]), json!({long.as_str(): 1})]);
    payloads.push((0..100_000).map(|n| (format!("setting{n}"), json!(n))).collect::<Map<_, _>>().into());
    for payload in &payloads {
        assert_all_clear(&deployed.overridden(payload).unwrap_err());
    }
    for in_maps in [false, true] {
        let deep = || nested(json!(1), 30_000, in_maps);
        let mut payloads = vec![];
        if !in_maps {
            payloads.push(deep());
        }
        payloads.extend(FIELDS.iter().map(|field| Map::from_iter([((*field).to_owned(), deep())]).into()));
        for payload in payloads {
            assert_all_clear(&deployed.overridden(&payload).unwrap_err());
            dismantle(payload);
        }
    }
}
