//! Foundation models.

use local_aws::{Caller, ListFoundationModels, Model};
use serde_json::json;

use super::{LITE, Stand, code};

#[test]
fn a_model_is_given_back_as_the_api_writes_it() {
    let mut stand = Stand::default();
    let legacy = "anthropic.claude-3-haiku-20240307-v1:0";
    let answer = stand.world.get_foundation_model(&stand.caller, stand.now, legacy).result.unwrap();
    assert_eq!(
        serde_json::to_value(answer).unwrap(),
        json!({"modelDetails": {
            "modelArn": format!("arn:aws:bedrock:us-east-1::foundation-model/{legacy}"),
            "modelId": legacy,
            "modelName": "Claude 3 Haiku",
            "providerName": "Anthropic",
            "inputModalities": ["TEXT", "IMAGE"],
            "outputModalities": ["TEXT"],
            "responseStreamingSupported": true,
            "customizationsSupported": [],
            "inferenceTypesSupported": ["ON_DEMAND"],
            "modelLifecycle": {
                "status": "LEGACY",
                "startOfLifeTime": "2024-03-13T00:00:00Z",
                "legacyTime": "2026-03-10T00:00:00Z",
                "publicExtendedAccessTime": "2026-12-10T00:00:00Z",
                "endOfLifeTime": "2027-09-10T00:00:00Z",
            },
        }})
    );
}

#[test]
fn a_model_is_found_by_arn_and_id_in_its_region_only() {
    let mut stand = Stand::default();
    let by_id = stand.world.get_foundation_model(&stand.caller, stand.now, "amazon.nova-lite-v1:0");
    let by_arn = stand.world.get_foundation_model(&stand.caller, stand.now, LITE);
    assert_eq!(by_id.result.unwrap(), by_arn.result.unwrap());
    let west = LITE.replace("us-east-1", "us-west-2");
    let cases = [
        (west.as_str(), "ValidationException"),
        ("openai.nothing-v1:0", "ResourceNotFoundException"),
        ("us.amazon.nova-lite-v1:0", "ResourceNotFoundException"),
        ("nova", "ValidationException"),
        ("", "ValidationException"),
    ];
    for (identifier, expected) in cases {
        let answer = stand.world.get_foundation_model(&stand.caller, stand.now, identifier);
        assert_eq!(code(answer), expected, "{identifier}");
    }
    let ireland = Caller::new("000000000000", "eu-west-1");
    let answer = stand.world.get_foundation_model(&ireland, stand.now, "cohere.command-r-v1:0");
    assert_eq!(code(answer), "ResourceNotFoundException");
}

#[test]
fn ways_of_use_differ_by_region() {
    let mut stand = Stand::default();
    let mut types = |region: &str| {
        let caller = Caller::new("000000000000", region);
        let answer = stand.world.get_foundation_model(&caller, stand.now, "amazon.nova-lite-v1:0");
        answer.result.unwrap().model_details.inference_types_supported
    };
    assert_eq!(types("us-east-1"), ["ON_DEMAND"]);
    assert_eq!(types("us-west-2"), ["INFERENCE_PROFILE"]);
}

#[test]
fn a_listing_is_filtered() {
    let mut stand = Stand::default();
    let mut ids = |request: ListFoundationModels| -> Vec<String> {
        let answer = stand.world.list_foundation_models(&stand.caller, stand.now, &request).result.unwrap();
        answer.model_summaries.into_iter().map(|model| model.model_id).collect()
    };
    let text = |text: &str| Some(text.to_owned());
    let all = ids(ListFoundationModels::default());
    assert!(all.len() > 20);
    let cohere = ListFoundationModels { by_provider: text("cohere"), ..Default::default() };
    assert_eq!(ids(cohere), ["cohere.command-r-v1:0"]);
    let embedding = ListFoundationModels { by_output_modality: text("EMBEDDING"), ..Default::default() };
    assert_eq!(ids(embedding), ["amazon.titan-embed-text-v2:0"]);
    let provisioned = ListFoundationModels { by_inference_type: text("PROVISIONED"), ..Default::default() };
    let provisioned = ids(provisioned);
    assert!(provisioned.contains(&"amazon.nova-lite-v1:0:24k".to_owned()));
    assert!(!provisioned.contains(&"amazon.nova-lite-v1:0".to_owned()));
    let tuned = ListFoundationModels { by_customization_type: text("FINE_TUNING"), ..Default::default() };
    assert!(ids(tuned).contains(&"amazon.titan-text-express-v1".to_owned()));
    let none = ListFoundationModels { by_provider: text("Nobody"), ..Default::default() };
    assert_eq!(ids(none), [""; 0]);
}

#[test]
fn filters_are_checked() {
    let mut stand = Stand::default();
    let text = |text: &str| Some(text.to_owned());
    let wrong = [
        ListFoundationModels { by_provider: text("a.b"), ..Default::default() },
        ListFoundationModels { by_provider: text(""), ..Default::default() },
        ListFoundationModels { by_output_modality: text("SOUND"), ..Default::default() },
        ListFoundationModels { by_inference_type: text("INFERENCE_PROFILE"), ..Default::default() },
        ListFoundationModels { by_customization_type: text("x"), ..Default::default() },
    ];
    for request in wrong {
        let answer = stand.world.list_foundation_models(&stand.caller, stand.now, &request);
        assert_eq!(code(answer), "ValidationException", "{request:?}");
    }
}

#[test]
fn a_model_can_be_added() {
    let mut stand = Stand::default();
    stand.world.state.catalogue.put_model(Model::on_demand("new.model-v1:0", &["us-east-1"]));
    let answer = stand.world.get_foundation_model(&stand.caller, stand.now, "new.model-v1:0");
    assert_eq!(answer.result.unwrap().model_details.inference_types_supported, ["ON_DEMAND"]);
}
