//! Each switch in each position.

use local_aws::{
    CreateInferenceProfile, DeletedToken, ListInferenceProfiles, ListWithoutType, MismatchedToken,
    RepeatedToken, UnknownModel,
};

use super::{LITE, Stand, code};

#[test]
fn names_may_be_taken_twice_or_not() {
    let mut stand = Stand::default();
    stand.named("a");
    stand.named("a");
    assert_eq!(stand.names(), ["a", "a"]);
    stand.world.switches.unique_names = true;
    let error = stand.refused(&CreateInferenceProfile::new("a", LITE));
    assert_eq!((error.code.as_str(), error.status), ("ConflictException", 400));
    stand.named("A");
}

#[test]
fn a_unique_name_is_free_when_its_last_holder_is_gone() {
    let mut stand = Stand::default();
    let (first, second) = (stand.named("a"), stand.named("a"));
    stand.world.switches.unique_names = true;
    stand.delete(&first).result.unwrap();
    assert_eq!(stand.refused(&CreateInferenceProfile::new("a", LITE)).code, "ConflictException");
    stand.delete(&second).result.unwrap();
    stand.named("a");
}

#[test]
fn a_deleted_profiles_name_may_stay_taken_for_a_while() {
    let mut stand = Stand::default();
    stand.world.switches.unique_names = true;
    stand.world.switches.name_release_ms = 1000;
    let arn = stand.named("a");
    stand.delete(&arn).result.unwrap();
    stand.wait(999);
    assert_eq!(stand.refused(&CreateInferenceProfile::new("a", LITE)).code, "ConflictException");
    stand.named("b");
    stand.wait(1);
    stand.named("a");
}

#[test]
fn a_repeated_token_in_each_position() {
    let request = CreateInferenceProfile::new("a", LITE).token("t");

    let mut stand = Stand::default();
    let first = stand.made(&request);
    assert_eq!(stand.made(&request), first);
    assert_eq!(stand.names(), ["a"]);

    stand.world.switches.repeated_token = RepeatedToken::Conflict;
    assert_eq!(stand.refused(&request).code, "ConflictException");

    stand.world.switches.repeated_token = RepeatedToken::NewProfile;
    assert_ne!(stand.made(&request), first);
    assert_eq!(stand.names(), ["a", "a"]);
}

#[test]
fn a_token_is_forgotten_in_time() {
    let mut stand = Stand::default();
    stand.world.switches.token_memory_ms = 1000;
    let request = CreateInferenceProfile::new("a", LITE).token("t");
    let first = stand.made(&request);
    stand.wait(999);
    assert_eq!(stand.made(&request), first);
    stand.wait(1);
    assert_ne!(stand.made(&request), first);
}

#[test]
fn a_token_with_other_parameters() {
    let mut stand = Stand::default();
    let first = stand.made(&CreateInferenceProfile::new("a", LITE).token("t"));
    let other = CreateInferenceProfile::new("a", LITE).token("t").tag("k", "v");
    assert_eq!(stand.made(&other), first);
    assert!(stand.world.profiles(&stand.caller)[&first].tags.is_empty(), "the request is ignored");
    stand.world.switches.mismatched_token = MismatchedToken::Conflict;
    assert_eq!(stand.refused(&other).code, "ConflictException");
    assert_eq!(stand.made(&CreateInferenceProfile::new("a", LITE).token("t")), first);
}

#[test]
fn a_token_whose_profile_is_gone() {
    let mut stand = Stand::default();
    let request = CreateInferenceProfile::new("a", LITE).token("t");
    let first = stand.made(&request);
    stand.delete(&first).result.unwrap();
    stand.world.switches.deleted_token = DeletedToken::FirstArn;
    assert_eq!(stand.made(&request), first);
    assert_eq!(code(stand.get(&first)), "ResourceNotFoundException");
    stand.world.switches.deleted_token = DeletedToken::NewProfile;
    let second = stand.made(&request);
    assert_ne!(second, first);
    assert_eq!(stand.made(&request), second, "the token now stands for the second");
}

#[test]
fn a_token_is_of_its_region() {
    let mut stand = Stand::default();
    let request = CreateInferenceProfile::new("a", LITE).token("t");
    let first = stand.made(&request);
    stand.caller.region = "us-west-2".to_owned();
    let west = "arn:aws:bedrock:us-west-2::foundation-model/mistral.mistral-7b-instruct-v0:2";
    assert_ne!(stand.made(&CreateInferenceProfile::new("a", west).token("t")), first);
}

#[test]
fn a_listing_without_a_type_in_each_position() {
    let mut stand = Stand::default();
    stand.named("a");
    let mut has_ours = |position| {
        stand.world.switches.list_without_type = position;
        let request = ListInferenceProfiles { max_results: Some(1000), ..Default::default() };
        let page = stand.world.list_inference_profiles(&stand.caller, stand.now, &request).result.unwrap();
        page.inference_profile_summaries.iter().any(|profile| profile.kind == "APPLICATION")
    };
    assert!(!has_ours(ListWithoutType::SystemDefined));
    assert!(has_ours(ListWithoutType::All));
}

#[test]
fn an_unknown_model_in_each_position() {
    let mut stand = Stand::default();
    let id = "nobody.nothing-v1:0";
    let mut answer = |position| {
        stand.world.switches.unknown_model = position;
        code(stand.world.get_foundation_model(&stand.caller, stand.now, id))
    };
    assert_eq!(answer(UnknownModel::NotFound), "ResourceNotFoundException");
    assert_eq!(answer(UnknownModel::Validation), "ValidationException");
}

#[test]
fn models_past_their_end_may_vanish() {
    let mut stand = Stand::default();
    let id = "amazon.titan-text-express-v1";
    let listed = |stand: &mut Stand| {
        let page = stand.world.list_foundation_models(&stand.caller, stand.now, &Default::default());
        page.result.unwrap().model_summaries.iter().any(|model| model.model_id == id)
    };
    assert!(listed(&mut stand));
    assert!(stand.world.get_foundation_model(&stand.caller, stand.now, id).result.is_ok());
    stand.world.switches.hide_end_of_life_models = true;
    assert!(!listed(&mut stand));
    assert_eq!(
        code(stand.world.get_foundation_model(&stand.caller, stand.now, id)),
        "ResourceNotFoundException"
    );
}
