//! Create, get, list and delete.

use local_aws::catalogue::Lifecycle;
use local_aws::{
    Caller, CreateInferenceProfile, ListInferenceProfiles, Model, ModelSource, SystemProfile, Tag, Timestamp,
};
use serde_json::json;

use super::{GLOBAL, LITE, Stand, code, error};

#[test]
fn a_profile_is_given_back_as_recorded() {
    let mut stand = Stand::default();
    let request = CreateInferenceProfile::new("team-a chat", GLOBAL).description("Chat of team a.");
    let created = stand.create(&request).result.unwrap();
    assert_eq!(created.status, "ACTIVE");
    let arn = created.inference_profile_arn;
    let id =
        arn.strip_prefix("arn:aws:bedrock:us-east-1:000000000000:application-inference-profile/").unwrap();
    assert!(id.len() == 12 && id.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit()), "{id}");

    let profile = stand.get(&arn).result.unwrap();
    assert_eq!(
        serde_json::to_value(&profile).unwrap(),
        json!({
            "inferenceProfileName": "team-a chat",
            "description": "Chat of team a.",
            "createdAt": "2026-11-24T12:00:00Z",
            "updatedAt": "2026-11-24T12:00:00Z",
            "inferenceProfileArn": arn,
            "models": [
                {"modelArn": "arn:aws:bedrock:::foundation-model/amazon.nova-2-lite-v1:0"},
                {"modelArn": "arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-2-lite-v1:0"},
            ],
            "inferenceProfileId": id,
            "status": "ACTIVE",
            "type": "APPLICATION",
        })
    );
    assert_eq!(stand.get(id).result.unwrap(), profile, "by id as by ARN");
}

#[test]
fn a_profile_of_a_model_has_that_model() {
    let mut stand = Stand::default();
    let arn = stand.named("a");
    let models = stand.get(&arn).result.unwrap().models;
    assert_eq!(models.iter().map(|model| model.model_arn.as_str()).collect::<Vec<_>>(), [LITE]);
    let records = stand.world.profiles(&stand.caller);
    assert_eq!(records[&arn].copied_from, LITE);
}

#[test]
fn a_system_profile_is_found_by_id_and_arn_with_and_without_account() {
    let mut stand = Stand::default();
    let by_id = stand.get("us.amazon.nova-lite-v1:0").result.unwrap();
    assert_eq!(by_id.kind, "SYSTEM_DEFINED");
    assert_eq!(by_id.inference_profile_name, "US Nova Lite");
    for account in ["000000000000", ""] {
        let arn = format!("arn:aws:bedrock:us-east-1:{account}:inference-profile/us.amazon.nova-lite-v1:0");
        assert_eq!(stand.get(&arn).result.unwrap(), by_id);
    }
}

#[test]
fn what_is_not_there_or_not_ours_is_told_apart() {
    let mut stand = Stand::default();
    let arn = stand.named("a");
    let other_region = arn.replace("us-east-1", "us-west-2");
    let other_account = arn.replace("000000000000", "111122223333");
    let other_partition = arn.replace("arn:aws:", "arn:aws-cn:");
    let eu = "arn:aws:bedrock:us-east-1:000000000000:inference-profile/eu.amazon.nova-lite-v1:0";
    let cases = [
        ("abcdefghijkl", "ResourceNotFoundException"),
        ("us.nobody.nothing-v1:0", "ResourceNotFoundException"),
        ("eu.amazon.nova-lite-v1:0", "ResourceNotFoundException"),
        (eu, "ResourceNotFoundException"),
        (&other_region, "ValidationException"),
        (&other_partition, "ValidationException"),
        (&other_account, "AccessDeniedException"),
        ("", "ValidationException"),
        ("a/b", "ValidationException"),
        (LITE, "ValidationException"),
    ];
    for (identifier, expected) in cases {
        assert_eq!(code(stand.get(identifier)), expected, "{identifier}");
        assert_eq!(code(stand.delete(identifier)), expected, "{identifier}");
    }
    assert_eq!(stand.names(), ["a"]);
}

#[test]
fn a_deleted_profile_is_gone_and_a_system_profile_cannot_be() {
    let mut stand = Stand::default();
    let (a, b) = (stand.named("a"), stand.named("b"));
    stand.delete(&a).result.unwrap();
    assert_eq!(code(stand.get(&a)), "ResourceNotFoundException");
    assert_eq!(code(stand.delete(&a)), "ResourceNotFoundException");
    assert_eq!(stand.names(), ["b"]);
    stand.delete(b.rsplit('/').next().unwrap()).result.unwrap();
    assert!(stand.world.profiles(&stand.caller).is_empty());
    assert_eq!(code(stand.delete("us.amazon.nova-lite-v1:0")), "ValidationException");
}

#[test]
fn accounts_and_regions_are_apart() {
    let mut stand = Stand::default();
    let arn = stand.named("a");
    let id = arn.rsplit('/').next().unwrap();
    for other in [Caller::new("000000000000", "us-west-2"), Caller::new("111122223333", "us-east-1")] {
        assert_eq!(
            code(stand.world.get_inference_profile(&other, stand.now, id)),
            "ResourceNotFoundException",
            "{other:?}"
        );
        assert!(stand.world.profiles(&other).is_empty());
    }
}

#[test]
fn every_field_is_checked_and_all_faults_are_told() {
    let mut stand = Stand::default();
    let good = || CreateInferenceProfile::new("a", LITE);
    let cases: Vec<(CreateInferenceProfile, &str)> = vec![
        (CreateInferenceProfile { inference_profile_name: None, ..good() }, "'inferenceProfileName' failed"),
        (CreateInferenceProfile::new("", LITE), "length greater than or equal to 1"),
        (CreateInferenceProfile::new(&"a".repeat(65), LITE), "length less than or equal to 64"),
        (CreateInferenceProfile::new("a (b)", LITE), "([0-9a-zA-Z][ _-]?)+"),
        (good().description(""), "'description' failed"),
        (good().description(&"a".repeat(201)), "length less than or equal to 200"),
        (good().description("a, b"), "([0-9a-zA-Z:.][ _-]?)+"),
        (good().token(""), "'clientRequestToken' failed"),
        (good().token("a_b"), "'clientRequestToken' failed"),
        (good().token(&"a".repeat(257)), "length less than or equal to 256"),
        (CreateInferenceProfile { model_source: None, ..good() }, "'modelSource' failed"),
        (
            CreateInferenceProfile { model_source: Some(ModelSource::default()), ..good() },
            "'modelSource.copyFrom' failed",
        ),
        (CreateInferenceProfile::new("a", "amazon.nova-lite-v1:0"), "'modelSource.copyFrom' failed"),
        (good().tag("", "v"), "'tags.1.member.key' failed"),
        (good().tag(&"k".repeat(129), "v"), "'tags.1.member.key' failed"),
        (good().tag("k", "v").tag("l", &"v".repeat(257)), "'tags.2.member.value' failed"),
        (good().tag("k,", "v"), "'tags.1.member.key' failed"),
        (good().tag("k", "(v)"), "'tags.1.member.value' failed"),
        (
            CreateInferenceProfile { tags: Some(vec![Tag { key: Some("k".into()), value: None }]), ..good() },
            "Value null at 'tags.1.member.value'",
        ),
        (good().tag("aws:k", "v"), "aws: is reserved"),
        (good().tag("AWS:k", "v"), "aws: is reserved"),
        (good().tag("k", "1").tag("k", "2"), "more than once"),
    ];
    for (request, expected) in cases {
        let error = stand.refused(&request);
        assert_eq!((error.code.as_str(), error.status), ("ValidationException", 400), "{error}");
        assert!(error.message.contains(expected), "{error}");
    }
    let error = stand.refused(&CreateInferenceProfile::new("(", "x").description(")"));
    assert!(error.message.starts_with("3 validation errors detected: "), "{error}");
    assert!(!error.message.contains("')'"), "the description is sensitive: {error}");
}

#[test]
fn the_longest_that_fits_is_taken() {
    let mut stand = Stand::default();
    let mut request = CreateInferenceProfile::new(&"a".repeat(64), LITE)
        .description(&"a".repeat(200))
        .token(&"a".repeat(256))
        .tag(&"k".repeat(128), &"v".repeat(256))
        .tag("case", "1")
        .tag("Case", "");
    for number in 4..=50 {
        request = request.tag(&format!("k{number}"), "v");
    }
    let arn = stand.made(&request);
    assert_eq!(stand.world.profiles(&stand.caller)[&arn].tags.len(), 50);
}

#[test]
fn fifty_one_tags_are_too_many_and_201_break_the_shape() {
    let mut stand = Stand::default();
    let with = |count: usize| {
        (0..count)
            .fold(CreateInferenceProfile::new("a", LITE), |request, n| request.tag(&format!("k{n}"), ""))
    };
    let error = stand.refused(&with(51));
    assert_eq!((error.code.as_str(), error.status), ("TooManyTagsException", 400));
    assert_eq!(stand.refused(&with(200)).code, "TooManyTagsException");
    assert_eq!(stand.refused(&with(201)).code, "ValidationException");
}

#[test]
fn a_source_must_be_of_the_callers_region_account_and_partition() {
    let mut stand = Stand::default();
    let text = "copyFrom must be a valid inference profile model source ARN.";
    let wrong = [
        "arn:aws:bedrock:us-west-2::foundation-model/mistral.mistral-7b-instruct-v0:2",
        "arn:aws:bedrock:::foundation-model/amazon.nova-lite-v1:0",
        "arn:aws:bedrock:us-east-1::foundation-model/nobody.nothing-v1:0",
        "arn:aws:bedrock:us-east-1:000000000000:foundation-model/amazon.nova-lite-v1:0",
        "arn:aws-cn:bedrock:us-east-1::foundation-model/amazon.nova-lite-v1:0",
        "arn:aws:bedrock:us-east-1:000000000000:inference-profile/eu.amazon.nova-lite-v1:0",
        "arn:aws:bedrock:us-west-2:000000000000:inference-profile/us.amazon.nova-lite-v1:0",
        "arn:aws:bedrock:us-east-1:111122223333:inference-profile/us.amazon.nova-lite-v1:0",
        "arn:aws:bedrock:us-east-1:000000000000:inference-profile/us.nobody.nothing-v1:0",
    ];
    for source in wrong {
        let error = stand.refused(&CreateInferenceProfile::new("a", source));
        assert_eq!((error.code.as_str(), error.message.as_str()), ("ValidationException", text), "{source}");
    }
    let mine = stand.named("a");
    let error = stand.refused(&CreateInferenceProfile::new("b", &mine));
    assert_eq!(error.code, "ValidationException", "an application profile is no source");
}

#[test]
fn an_empty_account_in_a_system_profiles_arn_is_taken() {
    let mut stand = Stand::default();
    let source = "arn:aws:bedrock:us-east-1::inference-profile/us.amazon.nova-lite-v1:0";
    let arn = stand.made(&CreateInferenceProfile::new("a", source));
    let copied = stand.get(&arn).result.unwrap().models;
    assert_eq!(copied, stand.get("us.amazon.nova-lite-v1:0").result.unwrap().models);
    assert_eq!(copied.len(), 3);
}

#[test]
fn a_source_works_in_another_partition() {
    let mut stand = Stand { caller: Caller::new("000000000000", "us-gov-west-1"), ..Stand::default() };
    let source =
        "arn:aws-us-gov:bedrock:us-gov-west-1:000000000000:inference-profile/us-gov.amazon.nova-lite-v1:0";
    let arn = stand.made(&CreateInferenceProfile::new("a", source));
    assert!(arn.starts_with("arn:aws-us-gov:bedrock:us-gov-west-1:"), "{arn}");
    assert!(stand.get(&arn).result.is_ok());
}

#[test]
fn a_model_without_on_demand_use_needs_a_system_profile() {
    let mut stand = Stand::default();
    for id in ["amazon.nova-2-lite-v1:0", "amazon.nova-lite-v1:0:24k"] {
        let source = format!("arn:aws:bedrock:us-east-1::foundation-model/{id}");
        let error = stand.refused(&CreateInferenceProfile::new("a", &source));
        assert_eq!(error.code, "ValidationException");
        assert!(error.message.contains("does not support on-demand throughput"), "{error}");
    }
    stand.made(&CreateInferenceProfile::new("a", GLOBAL));
}

#[test]
fn a_model_past_its_end_is_refused_and_a_legacy_one_is_not() {
    let mut stand = Stand::default();
    let ended = [
        "arn:aws:bedrock:us-east-1::foundation-model/amazon.titan-text-express-v1",
        "arn:aws:bedrock:us-east-1::inference-profile/us.anthropic.claude-3-7-sonnet-20250219-v1:0",
    ];
    for source in ended {
        let error = stand.refused(&CreateInferenceProfile::new("a", source));
        assert_eq!(error.code, "ValidationException");
        assert!(error.message.contains("end of its life"), "{error}");
    }
    let legacy = "arn:aws:bedrock:us-east-1::foundation-model/anthropic.claude-3-haiku-20240307-v1:0";
    stand.made(&CreateInferenceProfile::new("a", legacy));
}

#[test]
fn the_end_of_life_comes_with_the_clock() {
    let mut stand = Stand::default();
    let end = Timestamp::new(stand.now + time::Duration::seconds(1));
    let life = Lifecycle { end_of_life_time: Some(end), ..Lifecycle::default() };
    let model = Model { model_lifecycle: life, ..Model::on_demand("x.y", &["us-east-1"]) };
    stand.world.state.catalogue.put_model(model);
    stand.world.state.catalogue.put_system_profile(SystemProfile::over("us.x.y", "x.y", &["us-east-1"]));
    let request = CreateInferenceProfile::new("a", "arn:aws:bedrock:us-east-1::foundation-model/x.y");
    let copy = CreateInferenceProfile::new("a", "arn:aws:bedrock:us-east-1::inference-profile/us.x.y");
    stand.wait(999);
    stand.made(&request);
    stand.made(&copy);
    stand.wait(1);
    assert!(stand.refused(&request).message.contains("end of its life"));
    assert!(stand.refused(&copy).message.contains("end of its life"));
}

#[test]
fn the_quota_holds_and_can_be_adjusted() {
    let mut stand = Stand::default();
    assert_eq!(stand.world.switches.quota, 1000);
    for number in 0..1000 {
        stand.named(&format!("n{number}"));
    }
    let request = CreateInferenceProfile::new("one-more", LITE);
    let error = stand.refused(&request);
    assert_eq!((error.code.as_str(), error.status), ("ServiceQuotaExceededException", 400));
    stand.world.switches.quota = 1001;
    let arn = stand.made(&request);
    assert_eq!(stand.refused(&request).code, "ServiceQuotaExceededException");
    stand.delete(&arn).result.unwrap();
    stand.made(&request);
}

#[test]
fn a_listing_is_by_type() {
    let mut stand = Stand::default();
    stand.named("a");
    let mut kinds = |type_equals: Option<&str>| {
        let request = ListInferenceProfiles {
            type_equals: type_equals.map(str::to_owned),
            max_results: Some(1000),
            next_token: None,
        };
        let page = stand.world.list_inference_profiles(&stand.caller, stand.now, &request).result.unwrap();
        assert_eq!(page.next_token, None);
        let mut kinds: Vec<_> = page.inference_profile_summaries.into_iter().map(|p| p.kind).collect();
        kinds.dedup();
        kinds
    };
    assert_eq!(kinds(Some("APPLICATION")), ["APPLICATION"]);
    assert_eq!(kinds(Some("SYSTEM_DEFINED")), ["SYSTEM_DEFINED"]);
    assert_eq!(kinds(None), ["SYSTEM_DEFINED"]);
}

#[test]
fn a_listing_is_the_same_as_the_single_answers() {
    let mut stand = Stand::default();
    stand.made(&CreateInferenceProfile::new("a", GLOBAL).description("b"));
    for kind in ["APPLICATION", "SYSTEM_DEFINED"] {
        let request = ListInferenceProfiles { type_equals: Some(kind.into()), ..Default::default() };
        let page = stand.world.list_inference_profiles(&stand.caller, stand.now, &request).result.unwrap();
        assert!(!page.inference_profile_summaries.is_empty());
        for summary in page.inference_profile_summaries {
            assert_eq!(stand.get(&summary.inference_profile_arn).result.unwrap(), summary);
        }
    }
}

/// Walks all pages and gives the names.
fn walk(
    stand: &mut Stand,
    first: &ListInferenceProfiles,
    mut between: impl FnMut(&mut Stand),
) -> Vec<Vec<String>> {
    let (mut pages, mut request) = (Vec::new(), first.clone());
    loop {
        let page = stand.world.list_inference_profiles(&stand.caller, stand.now, &request).result.unwrap();
        pages.push(page.inference_profile_summaries.into_iter().map(|p| p.inference_profile_name).collect());
        let Some(token) = page.next_token else { return pages };
        request.next_token = Some(token);
        between(stand);
    }
}

#[test]
fn pages_hold_as_many_as_asked_and_the_last_has_no_token() {
    let mut stand = Stand::default();
    let _ = ["a", "b", "c", "d"].map(|name| stand.named(name));
    let by = |size| ListInferenceProfiles { max_results: Some(size), ..ListInferenceProfiles::application() };
    assert_eq!(walk(&mut stand, &by(3), |_| ()), [vec!["a", "b", "c"], vec!["d"]]);
    assert_eq!(walk(&mut stand, &by(2), |_| ()), [["a", "b"], ["c", "d"]]);
    stand.world.switches.page_cap = 1;
    assert_eq!(walk(&mut stand, &by(3), |_| ()), [["a"], ["b"], ["c"], ["d"]]);
    stand.world.switches.page_cap = 0;
    stand.world.switches.default_page_size = 2;
    let unsized_page = ListInferenceProfiles { max_results: None, ..ListInferenceProfiles::application() };
    assert_eq!(walk(&mut stand, &unsized_page, |_| ()).len(), 2);
}

#[test]
fn pages_neither_repeat_nor_skip_when_profiles_come_and_go() {
    let mut stand = Stand::default();
    let arns = ["a", "b", "c", "d"].map(|name| stand.named(name));
    let by_two = ListInferenceProfiles { max_results: Some(2), ..ListInferenceProfiles::application() };
    let mut done = false;
    let pages = walk(&mut stand, &by_two, |stand| {
        if !std::mem::replace(&mut done, true) {
            stand.delete(&arns[0]).result.unwrap();
            stand.delete(&arns[1]).result.unwrap();
            stand.named("e");
        }
    });
    assert_eq!(pages, [vec!["a", "b"], vec!["c", "d"], vec!["e"]]);
}

#[test]
fn pages_go_over_from_system_profiles_to_applications() {
    let mut stand = Stand::default();
    stand.named("a");
    stand.named("b");
    stand.world.switches.list_without_type = local_aws::ListWithoutType::All;
    let whole = ListInferenceProfiles { max_results: Some(1000), ..Default::default() };
    let all = walk(&mut stand, &whole, |_| ()).concat();
    assert!(all.ends_with(&["a".to_owned(), "b".to_owned()]) && all.len() > 10);
    for size in [1, 3, 7] {
        let request = ListInferenceProfiles { max_results: Some(size), ..Default::default() };
        assert_eq!(walk(&mut stand, &request, |_| ()).concat(), all);
    }
}

#[test]
fn a_listing_checks_its_parameters_and_tokens() {
    let mut stand = Stand::default();
    let _ = ["a", "b"].map(|name| stand.named(name));
    let app = ListInferenceProfiles::application();
    let first = ListInferenceProfiles { max_results: Some(1), ..app.clone() };
    let page = stand.world.list_inference_profiles(&stand.caller, stand.now, &first).result.unwrap();
    let token = page.next_token;
    let wrong = [
        ListInferenceProfiles { max_results: Some(0), ..app.clone() },
        ListInferenceProfiles { max_results: Some(1001), ..app.clone() },
        ListInferenceProfiles { type_equals: Some("application".into()), ..app.clone() },
        ListInferenceProfiles { next_token: Some(String::new()), ..app.clone() },
        ListInferenceProfiles { next_token: Some("a b".into()), ..app.clone() },
        ListInferenceProfiles { next_token: Some("nonsense".into()), ..app.clone() },
        ListInferenceProfiles {
            type_equals: Some("SYSTEM_DEFINED".into()),
            next_token: token.clone(),
            ..app.clone()
        },
    ];
    for request in wrong {
        let error = error(stand.world.list_inference_profiles(&stand.caller, stand.now, &request));
        assert_eq!((error.code.as_str(), error.status), ("ValidationException", 400), "{request:?}");
    }
    let other = Caller::new("000000000000", "us-west-2");
    let request = ListInferenceProfiles { next_token: token, ..app };
    assert_eq!(code(stand.world.list_inference_profiles(&other, stand.now, &request)), "ValidationException");
    assert!(stand.world.list_inference_profiles(&stand.caller, stand.now, &request).result.is_ok());
}

#[test]
fn the_state_survives_a_round_through_json() {
    let mut stand = Stand::default();
    let arn = stand.made(&CreateInferenceProfile::new("a", LITE).tag("k", "v").token("t"));
    stand.named("b");
    stand.delete(&arn).result.unwrap();
    let json = serde_json::to_string(&stand.world.state).unwrap();
    let back: local_aws::State = serde_json::from_str(&json).unwrap();
    assert_eq!(back, stand.world.state);
}
