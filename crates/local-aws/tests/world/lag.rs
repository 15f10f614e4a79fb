//! What is seen late: each read by itself, after a creation, a deletion and a change of tags.

use local_aws::{
    CreateInferenceProfile, GetResources, ListTagsForResource, ListedTags, Tag, TagResource, UntagResource,
};

use super::{LITE, Stand, code};

fn tagged(stand: &mut Stand, arn: &str, key: &str) {
    let request = TagResource { resource_arn: Some(arn.into()), tags: Some(vec![Tag::new(key, "v")]) };
    stand.world.tag_resource(&stand.caller, stand.now, &request).result.unwrap();
}

fn untagged(stand: &mut Stand, arn: &str, key: &str) {
    let request = UntagResource { resource_arn: Some(arn.into()), tag_keys: Some(vec![key.into()]) };
    stand.world.untag_resource(&stand.caller, stand.now, &request).result.unwrap();
}

fn list_tags(stand: &mut Stand, arn: &str) -> local_aws::Answer<ListedTags> {
    let request = ListTagsForResource { resource_arn: Some(arn.into()) };
    stand.world.list_tags_for_resource(&stand.caller, stand.now, &request)
}

fn keys(stand: &mut Stand, arn: &str) -> Vec<String> {
    list_tags(stand, arn).result.unwrap().tags.into_iter().filter_map(|tag| tag.key).collect()
}

/// The keys of each profile in the tagging API.
fn resources(stand: &mut Stand) -> Vec<Vec<String>> {
    let answer = stand.world.get_resources(&stand.caller, stand.now, &GetResources::default());
    let list = answer.result.unwrap().resource_tag_mapping_list;
    list.into_iter().map(|entry| entry.tags.into_iter().map(|tag| tag.key).collect()).collect()
}

fn is_seen(stand: &mut Stand, arn: &str) -> [bool; 4] {
    [
        stand.get(arn).result.is_ok(),
        !stand.names().is_empty(),
        list_tags(stand, arn).result.is_ok(),
        !resources(stand).is_empty(),
    ]
}

#[test]
fn without_lag_everything_is_seen_at_once() {
    let mut stand = Stand::default();
    let arn = stand.made(&CreateInferenceProfile::new("a", LITE).tag("k", "v"));
    assert_eq!(is_seen(&mut stand, &arn), [true; 4]);
    stand.delete(&arn).result.unwrap();
    assert_eq!(is_seen(&mut stand, &arn), [false; 4]);
}

#[test]
fn each_read_has_its_own_lag() {
    let mut stand = Stand::default();
    let switches = &mut stand.world.switches;
    switches.lag_get_ms = 100;
    switches.lag_list_ms = 200;
    switches.lag_tags_ms = 300;
    switches.lag_tagging_api_ms = 400;
    let arn = stand.made(&CreateInferenceProfile::new("a", LITE).tag("k", "v"));
    let steps = [
        (0, [false, false, false, false]),
        (99, [false, false, false, false]),
        (1, [true, false, false, false]),
        (100, [true, true, false, false]),
        (100, [true, true, true, false]),
        (99, [true, true, true, false]),
        (1, [true, true, true, true]),
    ];
    for (wait, expected) in steps {
        stand.wait(wait);
        assert_eq!(is_seen(&mut stand, &arn), expected, "created, at {}", stand.now);
    }
    stand.delete(&arn).result.unwrap();
    for (wait, seen) in steps {
        stand.wait(wait);
        assert_eq!(is_seen(&mut stand, &arn), seen.map(|seen| !seen), "deleted, at {}", stand.now);
    }
}

#[test]
fn writes_are_never_late() {
    let mut stand = Stand::default();
    stand.world.switches.lag_get_ms = 1000;
    stand.world.switches.lag_tags_ms = 1000;
    let arn = stand.named("a");
    assert_eq!(code(stand.get(&arn)), "ResourceNotFoundException");
    tagged(&mut stand, &arn, "k");
    stand.delete(&arn).result.unwrap();
    assert_eq!(code(stand.delete(&arn)), "ResourceNotFoundException");
}

#[test]
fn tags_are_seen_late_one_change_after_the_other() {
    let mut stand = Stand::default();
    stand.world.switches.lag_tags_ms = 100;
    stand.world.switches.lag_tagging_api_ms = 200;
    let arn = stand.made(&CreateInferenceProfile::new("a", LITE).tag("a", ""));
    stand.wait(1000);
    tagged(&mut stand, &arn, "b");
    stand.wait(50);
    untagged(&mut stand, &arn, "a");
    assert_eq!(keys(&mut stand, &arn), ["a"]);
    stand.wait(50);
    assert_eq!(keys(&mut stand, &arn), ["a", "b"]);
    stand.wait(50);
    assert_eq!(keys(&mut stand, &arn), ["b"]);
    assert_eq!(resources(&mut stand), [["a"]]);
    stand.wait(50);
    assert_eq!(resources(&mut stand), [["a", "b"]]);
    stand.wait(50);
    assert_eq!(resources(&mut stand), [["b"]]);
}

#[test]
fn a_first_tag_brings_a_profile_into_the_tagging_api_late() {
    let mut stand = Stand::default();
    stand.world.switches.lag_tagging_api_ms = 100;
    let arn = stand.named("a");
    stand.wait(1000);
    tagged(&mut stand, &arn, "k");
    stand.wait(99);
    assert!(resources(&mut stand).is_empty());
    stand.wait(1);
    assert_eq!(resources(&mut stand), [["k"]]);
}

#[test]
fn a_lagging_listing_keeps_the_order_of_creation() {
    let mut stand = Stand::default();
    stand.world.switches.lag_list_ms = 100;
    let arns = ["a", "b", "c", "d"].map(|name| stand.named(name));
    stand.wait(1000);
    stand.delete(&arns[2]).result.unwrap();
    stand.delete(&arns[0]).result.unwrap();
    stand.named("e");
    assert_eq!(stand.names(), ["a", "b", "c", "d"]);
    stand.wait(100);
    assert_eq!(stand.names(), ["b", "d", "e"]);
}

#[test]
fn what_is_long_gone_is_forgotten() {
    let mut stand = Stand::default();
    let mut run = |count: usize| {
        for _ in 0..count {
            let arn = stand.named("a");
            tagged(&mut stand, &arn, "k");
            stand.delete(&arn).result.unwrap();
            stand.wait(60_000);
        }
        serde_json::to_string(&stand.world.state).unwrap().len()
    };
    let (once, again) = (run(200), run(200));
    assert!(again < once + 1000, "the state grows: {once} to {again}");
}

#[test]
fn earlier_tags_are_forgotten_and_those_a_lag_needs_are_not() {
    let mut stand = Stand::default();
    let arn = stand.named("a");
    let mut run = |count: usize| {
        for _ in 0..count {
            tagged(&mut stand, &arn, "k");
            untagged(&mut stand, &arn, "k");
            stand.wait(60_000);
        }
        serde_json::to_string(&stand.world.state).unwrap().len()
    };
    let (once, again) = (run(200), run(200));
    assert!(again < once + 1000, "the state grows: {once} to {again}");

    let two_hours = 2 * 60 * 60 * 1000;
    stand.world.switches.lag_tags_ms = two_hours;
    tagged(&mut stand, &arn, "late");
    for step in 1..=24 {
        stand.wait(5 * 60 * 1000);
        tagged(&mut stand, &arn, &format!("later{step}"));
    }
    assert_eq!(keys(&mut stand, &arn), ["late"]);
}

#[test]
fn time_does_not_run_backwards() {
    let mut stand = Stand::default();
    let arn = stand.named("a");
    stand.wait(-60_000);
    assert!(stand.get(&arn).result.is_ok());
}
