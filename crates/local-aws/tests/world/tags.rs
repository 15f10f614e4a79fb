//! Bedrock's operations on tags.

use local_aws::{CreateInferenceProfile, ListTagsForResource, Tag, TagResource, UntagResource};

use super::{LITE, Stand, code, error};

const SYSTEM: &str = "arn:aws:bedrock:us-east-1:000000000000:inference-profile/us.amazon.nova-lite-v1:0";

fn tag(arn: &str, tags: Vec<Tag>) -> TagResource {
    TagResource { resource_arn: Some(arn.to_owned()), tags: Some(tags) }
}

fn untag(arn: &str, keys: &[&str]) -> UntagResource {
    let keys = keys.iter().map(|&key| key.to_owned()).collect();
    UntagResource { resource_arn: Some(arn.to_owned()), tag_keys: Some(keys) }
}

fn list(arn: &str) -> ListTagsForResource {
    ListTagsForResource { resource_arn: Some(arn.to_owned()) }
}

#[track_caller]
fn tags(stand: &mut Stand, arn: &str) -> Vec<Tag> {
    stand.world.list_tags_for_resource(&stand.caller, stand.now, &list(arn)).result.unwrap().tags
}

#[test]
fn tags_are_added_overwritten_and_taken_away() {
    let mut stand = Stand::default();
    let arn = stand.made(&CreateInferenceProfile::new("a", LITE).tag("a", "1").tag("b", "1"));
    let (caller, now) = (stand.caller.clone(), stand.now);
    let change = tag(&arn, vec![Tag::new("b", "2"), Tag::new("c", "")]);
    stand.world.tag_resource(&caller, now, &change).result.unwrap();
    assert_eq!(tags(&mut stand, &arn), [Tag::new("a", "1"), Tag::new("b", "2"), Tag::new("c", "")]);
    stand.world.untag_resource(&caller, now, &untag(&arn, &["a", "c", "never-there"])).result.unwrap();
    assert_eq!(tags(&mut stand, &arn), [Tag::new("b", "2")]);
}

#[test]
fn fifty_is_the_limit_over_all_requests() {
    let mut stand = Stand::default();
    let arn = stand.named("a");
    let (caller, now) = (stand.caller.clone(), stand.now);
    let fifty: Vec<Tag> = (0..50).map(|n| Tag::new(&format!("k{n}"), "")).collect();
    stand.world.tag_resource(&caller, now, &tag(&arn, fifty.clone())).result.unwrap();
    stand.world.tag_resource(&caller, now, &tag(&arn, fifty)).result.unwrap();
    let before = stand.world.state.clone();
    let one_more = tag(&arn, vec![Tag::new("k0", "changed"), Tag::new("another", "")]);
    let error = error(stand.world.tag_resource(&caller, now, &one_more));
    assert_eq!((error.code.as_str(), error.status), ("TooManyTagsException", 400));
    assert_eq!(error.resource_name.as_deref(), Some(arn.as_str()));
    assert_eq!(stand.world.state, before);
}

#[test]
fn every_field_is_checked() {
    let mut stand = Stand::default();
    let arn = stand.made(&CreateInferenceProfile::new("a", LITE).tag("k", "v"));
    let (caller, now, before) = (stand.caller.clone(), stand.now, stand.world.state.clone());
    let long = "k".repeat(129);
    let taggings = [
        TagResource { resource_arn: None, tags: Some(Vec::new()) },
        TagResource { resource_arn: Some(arn.clone()), tags: None },
        tag(arn.rsplit('/').next().unwrap(), vec![Tag::new("k", "")]),
        tag(LITE.split("::").next().unwrap(), vec![Tag::new("k", "")]),
        tag(&arn, vec![Tag::new("", "")]),
        tag(&arn, vec![Tag::new(&long, "")]),
        tag(&arn, vec![Tag::new("k", &"v".repeat(257))]),
        tag(&arn, vec![Tag::new("k;", "")]),
        tag(&arn, vec![Tag { key: None, value: Some(String::new()) }]),
        tag(&arn, vec![Tag::new("aws:k", "")]),
        tag(&arn, vec![Tag::new("k", "1"), Tag::new("k", "2")]),
        tag(&arn, vec![Tag::new("k", ""); 201]),
        tag(SYSTEM, vec![Tag::new("k", "")]),
        tag(&arn.replace("us-east-1", "us-west-2"), vec![Tag::new("k", "")]),
    ];
    for request in &taggings {
        assert_eq!(
            code(stand.world.tag_resource(&caller, now, request)),
            "ValidationException",
            "{request:?}"
        );
    }
    let untaggings = [
        UntagResource { resource_arn: None, tag_keys: Some(Vec::new()) },
        UntagResource { resource_arn: Some(arn.clone()), tag_keys: None },
        untag(&arn, &[""]),
        untag(&arn, &[&long]),
        untag(&arn, &["k;"]),
        untag(&arn, &["aws:k"]),
        untag(&arn, &["k"; 201]),
        untag(SYSTEM, &["k"]),
    ];
    for request in &untaggings {
        assert_eq!(
            code(stand.world.untag_resource(&caller, now, request)),
            "ValidationException",
            "{request:?}"
        );
    }
    let nothing = ListTagsForResource::default();
    assert_eq!(code(stand.world.list_tags_for_resource(&caller, now, &nothing)), "ValidationException");
    assert_eq!(stand.world.state, before);
}

#[test]
fn what_is_not_there_or_not_ours() {
    let mut stand = Stand::default();
    let arn = stand.named("a");
    let (caller, now) = (stand.caller.clone(), stand.now);
    let cases = [
        (arn.clone() + "x", "ResourceNotFoundException"),
        (arn.replace("000000000000", "111122223333"), "AccessDeniedException"),
        ("arn:aws:bedrock:us-east-1:000000000000:guardrail/abcdef".to_owned(), "ResourceNotFoundException"),
    ];
    for (arn, expected) in cases {
        let request = tag(&arn, vec![Tag::new("k", "")]);
        assert_eq!(code(stand.world.tag_resource(&caller, now, &request)), expected, "{arn}");
        assert_eq!(code(stand.world.untag_resource(&caller, now, &untag(&arn, &["k"]))), expected, "{arn}");
        assert_eq!(code(stand.world.list_tags_for_resource(&caller, now, &list(&arn))), expected, "{arn}");
    }
    assert_eq!(tags(&mut stand, SYSTEM), []);
    stand.delete(&arn).result.unwrap();
    assert_eq!(
        code(stand.world.list_tags_for_resource(&caller, now, &list(&arn))),
        "ResourceNotFoundException"
    );
}
