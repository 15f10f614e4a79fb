//! The Resource Groups Tagging API.

use std::collections::BTreeMap;

use local_aws::{
    Caller, CreateInferenceProfile, GetResources, GetTagKeys, GetTagValues, Resources, TagFilter,
    TagResources, UntagResources,
};

use super::{LITE, Stand, code};

const TYPE: &str = "bedrock:application-inference-profile";

fn texts(list: &[&str]) -> Option<Vec<String>> {
    Some(list.iter().map(|&text| text.to_owned()).collect())
}

fn filter(key: &str, values: &[&str]) -> TagFilter {
    TagFilter { key: Some(key.to_owned()), values: texts(values) }
}

fn get(stand: &mut Stand, request: &GetResources) -> local_aws::Answer<Resources> {
    stand.world.get_resources(&stand.caller, stand.now, request)
}

/// The ARNs of one answer.
#[track_caller]
fn arns(stand: &mut Stand, request: &GetResources) -> Vec<String> {
    let answer = get(stand, request).result.unwrap();
    assert_eq!(answer.pagination_token, "");
    answer.resource_tag_mapping_list.into_iter().map(|entry| entry.resource_arn).collect()
}

fn untag(stand: &mut Stand, arn: &str, key: &str) {
    let request = UntagResources { resource_arn_list: texts(&[arn]), tag_keys: texts(&[key]) };
    let failed = stand.world.untag_resources(&stand.caller, stand.now, &request).result.unwrap();
    assert!(failed.failed_resources_map.is_empty());
}

#[test]
fn a_profile_without_tags_appears_only_if_it_ever_had_one() {
    let mut stand = Stand::default();
    stand.named("never");
    let lost = stand.made(&CreateInferenceProfile::new("lost", LITE).tag("k", "v"));
    let has = stand.made(&CreateInferenceProfile::new("has", LITE).tag("k", "v").tag("l", ""));
    untag(&mut stand, &lost, "k");
    let answer = get(&mut stand, &GetResources::default()).result.unwrap();
    assert_eq!(
        serde_json::to_value(answer).unwrap(),
        serde_json::json!({
            "PaginationToken": "",
            "ResourceTagMappingList": [
                {"ResourceARN": lost, "Tags": []},
                {"ResourceARN": has, "Tags": [{"Key": "k", "Value": "v"}, {"Key": "l", "Value": ""}]},
            ],
        })
    );
    stand.delete(&has).result.unwrap();
    assert_eq!(arns(&mut stand, &GetResources::default()), [lost]);
}

#[test]
fn filters_of_tags() {
    let mut stand = Stand::default();
    let a = stand.made(&CreateInferenceProfile::new("a", LITE).tag("k", "1").tag("l", "x"));
    let b = stand.made(&CreateInferenceProfile::new("b", LITE).tag("k", "2"));
    let mut with = |filters: Vec<TagFilter>| {
        arns(&mut stand, &GetResources { tag_filters: Some(filters), ..Default::default() })
    };
    assert_eq!(with(vec![filter("k", &[])]), [a.clone(), b.clone()]);
    assert_eq!(with(vec![TagFilter { values: None, ..filter("k", &[]) }]), [a.clone(), b.clone()]);
    assert_eq!(with(vec![filter("k", &["1"])]), [a.as_str()]);
    assert_eq!(with(vec![filter("k", &["1", "2"])]), [a.clone(), b]);
    assert_eq!(with(vec![filter("k", &["1", "2"]), filter("l", &[])]), [a]);
    assert_eq!(with(vec![filter("k", &["3"])]), [""; 0]);
    assert_eq!(with(vec![filter("K", &[])]), [""; 0]);
}

#[test]
fn filters_of_types() {
    let mut stand = Stand::default();
    let arn = stand.made(&CreateInferenceProfile::new("a", LITE).tag("k", "1"));
    let mut with = |types: &[&str]| {
        arns(&mut stand, &GetResources { resource_type_filters: texts(types), ..Default::default() })
    };
    assert_eq!(with(&[TYPE]), [arn.as_str()]);
    assert_eq!(with(&["bedrock"]), [arn.as_str()]);
    assert_eq!(with(&["ssm:parameter", TYPE]), [arn.as_str()]);
    assert_eq!(with(&[]), [arn]);
    assert_eq!(with(&["ssm:parameter"]), [""; 0]);
    assert_eq!(with(&["bedrock:inference-profile"]), [""; 0]);
}

#[test]
fn named_resources() {
    let mut stand = Stand::default();
    let arn = stand.made(&CreateInferenceProfile::new("a", LITE).tag("k", "1"));
    let never = stand.named("never");
    let other = "arn:aws:ssm:us-east-1:000000000000:parameter/x";
    let absent = arn.clone() + "x";
    let foreign = arn.replace("000000000000", "111122223333");
    let request = GetResources {
        resource_arn_list: texts(&[&arn, &never, other, &absent, &foreign, &arn]),
        ..Default::default()
    };
    assert_eq!(arns(&mut stand, &request), [arn]);
}

#[test]
fn pages_of_a_hundred() {
    let mut stand = Stand::default();
    let all: Vec<String> = (0..205)
        .map(|n| stand.made(&CreateInferenceProfile::new(&format!("n{n}"), LITE).tag("k", "v")))
        .collect();
    let mut pages = |size: Option<i64>| {
        let mut request = GetResources { resources_per_page: size, ..Default::default() };
        let mut pages: Vec<Vec<String>> = Vec::new();
        loop {
            let answer = get(&mut stand, &request).result.unwrap();
            pages.push(answer.resource_tag_mapping_list.into_iter().map(|e| e.resource_arn).collect());
            if answer.pagination_token.is_empty() {
                return pages;
            }
            request.pagination_token = Some(answer.pagination_token);
        }
    };
    for (size, expected) in
        [(None, vec![100, 100, 5]), (Some(41), vec![41; 5]), (Some(100), vec![100, 100, 5])]
    {
        let pages = pages(size);
        assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), expected);
        assert_eq!(pages.concat(), all);
    }
}

#[test]
fn tags_per_page_never_splits_a_resource() {
    let mut stand = Stand::default();
    for name in ["a", "b", "c"] {
        let request = (0..45)
            .fold(CreateInferenceProfile::new(name, LITE), |request, n| request.tag(&format!("k{n}"), ""));
        stand.made(&request);
    }
    let mut request = GetResources { tags_per_page: Some(100), ..Default::default() };
    let first = get(&mut stand, &request).result.unwrap();
    assert_eq!(first.resource_tag_mapping_list.len(), 2);
    request.pagination_token = Some(first.pagination_token);
    let second = get(&mut stand, &request).result.unwrap();
    assert_eq!((second.resource_tag_mapping_list.len(), second.pagination_token.as_str()), (1, ""));
}

#[test]
fn compliance_details_come_when_asked_for() {
    let mut stand = Stand::default();
    stand.made(&CreateInferenceProfile::new("a", LITE).tag("k", "1"));
    let details = GetResources { include_compliance_details: Some(true), ..Default::default() };
    let entry = get(&mut stand, &details).result.unwrap().resource_tag_mapping_list.remove(0);
    assert!(entry.compliance_details.unwrap().compliance_status);
    let none = GetResources { exclude_compliant_resources: Some(true), ..details };
    assert_eq!(arns(&mut stand, &none), [""; 0]);
}

#[test]
fn wrong_requests() {
    let mut stand = Stand::default();
    let arn = stand.made(&CreateInferenceProfile::new("a", LITE).tag("k", "1"));
    let plain = GetResources::default;
    let listed = || GetResources { resource_arn_list: texts(&[&arn]), ..plain() };
    let filtered = |filters| GetResources { tag_filters: Some(filters), ..plain() };
    let wrong = [
        GetResources { resources_per_page: Some(0), ..plain() },
        GetResources { resources_per_page: Some(101), ..plain() },
        GetResources { tags_per_page: Some(99), ..plain() },
        GetResources { tags_per_page: Some(150), ..plain() },
        GetResources { tags_per_page: Some(600), ..plain() },
        GetResources { exclude_compliant_resources: Some(true), ..plain() },
        GetResources { resource_arn_list: Some(Vec::new()), ..plain() },
        GetResources { resource_arn_list: Some(vec![arn.clone(); 101]), ..plain() },
        GetResources { resource_arn_list: texts(&["no-arn"]), ..plain() },
        GetResources { resource_arn_list: Some(vec![arn.replace("arn:aws:", "arn:aws-cn:")]), ..plain() },
        GetResources { resources_per_page: Some(10), ..listed() },
        GetResources { pagination_token: Some("x".into()), ..listed() },
        GetResources { tag_filters: Some(vec![filter("k", &[])]), ..listed() },
        GetResources { resource_type_filters: texts(&[TYPE]), ..listed() },
        filtered(vec![TagFilter::default()]),
        filtered(vec![filter("", &[])]),
        filtered(vec![filter(&"k".repeat(129), &[])]),
        filtered(vec![filter("k", &["v"; 21])]),
        filtered(vec![filter("k", &[&"v".repeat(257)])]),
        filtered(vec![filter("k", &[]); 51]),
        GetResources { resource_type_filters: texts(&["bedrock:"]), ..plain() },
        GetResources { resource_type_filters: texts(&["a b"]), ..plain() },
        GetResources { resource_type_filters: texts(&["a"; 101]), ..plain() },
    ];
    for request in wrong {
        assert_eq!(code(get(&mut stand, &request)), "InvalidParameterException", "{request:?}");
    }
    let token = GetResources { pagination_token: Some("x".into()), ..plain() };
    assert_eq!(code(get(&mut stand, &token)), "PaginationTokenExpiredException");
    let empty_is_the_beginning = GetResources { pagination_token: Some(String::new()), ..plain() };
    assert_eq!(arns(&mut stand, &empty_is_the_beginning), [arn]);
}

#[test]
fn a_token_belongs_to_its_filters() {
    let mut stand = Stand::default();
    for name in ["a", "b"] {
        stand.made(&CreateInferenceProfile::new(name, LITE).tag("k", "1"));
    }
    let by_one = GetResources { resources_per_page: Some(1), ..Default::default() };
    let token = get(&mut stand, &by_one).result.unwrap().pagination_token;
    let next = GetResources { pagination_token: Some(token), ..by_one };
    let other = GetResources { tag_filters: Some(vec![filter("k", &[])]), ..next.clone() };
    assert_eq!(code(get(&mut stand, &other)), "PaginationTokenExpiredException");
    assert_eq!(arns(&mut stand, &next).len(), 1);
    stand.caller = Caller::new("000000000000", "us-west-2");
    assert_eq!(code(get(&mut stand, &next)), "PaginationTokenExpiredException");
}

#[test]
fn keys_and_values() {
    let mut stand = Stand::default();
    stand.made(&CreateInferenceProfile::new("a", LITE).tag("k", "1").tag("l", "x"));
    stand.made(&CreateInferenceProfile::new("b", LITE).tag("k", "2"));
    stand.made(&CreateInferenceProfile::new("c", LITE).tag("k", "1"));
    let (caller, now) = (stand.caller.clone(), stand.now);
    let keys = stand.world.get_tag_keys(&caller, now, &GetTagKeys::default()).result.unwrap();
    assert_eq!((keys.tag_keys, keys.pagination_token), (vec!["k".into(), "l".into()], String::new()));
    let of = |key: &str| GetTagValues { key: Some(key.into()), pagination_token: None };
    let values = stand.world.get_tag_values(&caller, now, &of("k")).result.unwrap();
    assert_eq!((values.tag_values, values.pagination_token), (vec!["1".into(), "2".into()], String::new()));
    assert_eq!(stand.world.get_tag_values(&caller, now, &of("m")).result.unwrap().tag_values, [""; 0]);
    assert_eq!(
        code(stand.world.get_tag_values(&caller, now, &GetTagValues::default())),
        "InvalidParameterException"
    );

    stand.world.switches.page_cap = 1;
    let first = stand.world.get_tag_keys(&caller, now, &GetTagKeys::default()).result.unwrap();
    assert_eq!(first.tag_keys, ["k"]);
    let next = GetTagKeys { pagination_token: Some(first.pagination_token.clone()) };
    let second = stand.world.get_tag_keys(&caller, now, &next).result.unwrap();
    assert_eq!((second.tag_keys, second.pagination_token), (vec!["l".into()], String::new()));
    let wrong = GetTagValues { pagination_token: Some(first.pagination_token), ..of("k") };
    assert_eq!(code(stand.world.get_tag_values(&caller, now, &wrong)), "PaginationTokenExpiredException");
}

#[test]
fn several_resources_are_changed_and_each_failure_is_told() {
    let mut stand = Stand::default();
    let (a, b) = (stand.named("a"), stand.named("b"));
    let absent = a.clone() + "x";
    let other = "arn:aws:ssm:us-east-1:000000000000:parameter/x";
    let tags: BTreeMap<String, String> = [("k".to_owned(), "v".to_owned())].into();
    let request =
        TagResources { resource_arn_list: texts(&[&a, &absent, other, &b]), tags: Some(tags.clone()) };
    let failed = stand.world.tag_resources(&stand.caller, stand.now, &request).result.unwrap();
    assert_eq!(
        failed.failed_resources_map.keys().map(String::as_str).collect::<Vec<_>>(),
        [absent.as_str(), other]
    );
    assert!(failed.failed_resources_map.values().all(|f| f.error_code == "InvalidParameterException"));
    let records = stand.world.profiles(&stand.caller);
    assert!([&a, &b].into_iter().all(|arn| records[arn].tags == tags));
    untag(&mut stand, &a, "k");
    assert!(stand.world.profiles(&stand.caller)[&a].tags.is_empty());
    assert_eq!(stand.world.profiles(&stand.caller)[&b].tags, tags);
}

#[test]
fn wrong_changes() {
    let mut stand = Stand::default();
    let arn = stand.named("a");
    let (caller, now, before) = (stand.caller.clone(), stand.now, stand.world.state.clone());
    let tags = |list: &[(&str, &str)]| {
        Some(list.iter().map(|&(key, value)| (key.to_owned(), value.to_owned())).collect::<BTreeMap<_, _>>())
    };
    let many: BTreeMap<_, _> = (0..51).map(|n| (format!("k{n}"), String::new())).collect();
    let good = || TagResources { resource_arn_list: texts(&[&arn]), tags: tags(&[("k", "v")]) };
    let wrong = [
        TagResources { resource_arn_list: None, ..good() },
        TagResources { resource_arn_list: Some(vec![arn.clone(); 21]), ..good() },
        TagResources { resource_arn_list: texts(&["no-arn"]), ..good() },
        TagResources { tags: None, ..good() },
        TagResources { tags: tags(&[]), ..good() },
        TagResources { tags: tags(&[("", "")]), ..good() },
        TagResources { tags: tags(&[("k,", "")]), ..good() },
        TagResources { tags: tags(&[("aws:k", "")]), ..good() },
        TagResources { tags: Some(many), ..good() },
    ];
    for request in &wrong {
        let answer = stand.world.tag_resources(&caller, now, request);
        assert_eq!(code(answer), "InvalidParameterException", "{request:?}");
    }
    let good = || UntagResources { resource_arn_list: texts(&[&arn]), tag_keys: texts(&["k"]) };
    let wrong = [
        UntagResources { resource_arn_list: texts(&[]), ..good() },
        UntagResources { tag_keys: None, ..good() },
        UntagResources { tag_keys: texts(&[]), ..good() },
        UntagResources { tag_keys: texts(&[""]), ..good() },
        UntagResources { tag_keys: texts(&["k"; 51]), ..good() },
        UntagResources { tag_keys: texts(&["aws:k"]), ..good() },
    ];
    for request in &wrong {
        let answer = stand.world.untag_resources(&caller, now, request);
        assert_eq!(code(answer), "InvalidParameterException", "{request:?}");
    }
    assert_eq!(stand.world.state, before);
}
