//! Control, under `/_local/`.

use local_aws::Operation;
use serde_json::{Value, json};

use super::{call, get, post, started};

const LITE: &str = "arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-lite-v1:0";

fn request(name: &str, source: &str) -> Value {
    json!({"inferenceProfileName": name, "modelSource": {"copyFrom": source}})
}

#[tokio::test]
async fn health_state_and_calls() {
    let server = started().await;
    let health = get(&server, "/_local/health").await.json();
    assert_eq!(health, json!({"status": "ok", "account": "000000000000", "region": "us-east-1"}));

    let mut body = request("a", LITE);
    body["tags"] = json!([{"key": "k", "value": "v"}]);
    let arn = post(&server, "/inference-profiles", &body).await.json()["inferenceProfileArn"].clone();
    get(&server, "/inference-profiles/abcdefghijkl").await;

    let state = get(&server, "/_local/state").await.json();
    let profile = &state["profiles"]["000000000000"]["us-east-1"][arn.as_str().unwrap()];
    assert_eq!((&profile["name"], &profile["copiedFrom"]), (&json!("a"), &json!(LITE)));
    assert_eq!(profile["tags"], json!({"k": "v"}));

    let calls = get(&server, "/_local/calls").await.json();
    assert_eq!(calls["total"], 2, "control is not counted");
    assert_eq!(calls["counts"], json!({"CreateInferenceProfile": 1, "GetInferenceProfile": 1}));
    assert_eq!(calls["calls"][0]["result"], "ok");
    assert_eq!(calls["calls"][1]["result"], "error");
    assert_eq!(calls["calls"][1]["code"], "ResourceNotFoundException");
    let of_get = get(&server, "/_local/calls?operation=GetInferenceProfile").await.json();
    assert_eq!(of_get["calls"].as_array().unwrap().len(), 1);
    let later = get(&server, "/_local/calls?after=1").await.json();
    assert_eq!(later["calls"][0]["number"], 2);
    assert_eq!(get(&server, "/_local/calls?operation=Nothing").await.status, 400);
    assert_eq!(get(&server, "/_local/calls?after=x").await.status, 400);

    call(&server, "DELETE", "/_local/calls", "", "").await.unwrap();
    assert_eq!(get(&server, "/_local/calls").await.json()["total"], 0);
}

#[tokio::test]
async fn switches_are_moved_and_a_wrong_one_is_told() {
    let server = started().await;
    let put = async |body: &str| call(&server, "PUT", "/_local/switches", "", body).await.unwrap();
    let answer = put(r#"{"unique_names": true, "quota": 5}"#).await;
    assert_eq!((answer.status, &answer.json()["quota"]), (200, &json!(5)));
    for wrong in [r#"{"uniq": true}"#, r#"{"quota": "many"}"#, "[]", "{"] {
        let answer = put(wrong).await;
        assert_eq!(answer.status, 400, "{wrong}");
        assert!(!answer.json()["message"].as_str().unwrap().is_empty());
    }
    let switches = get(&server, "/_local/switches").await.json();
    assert_eq!((&switches["unique_names"], &switches["quota"]), (&json!(true), &json!(5)));

    assert_eq!(post(&server, "/inference-profiles", &request("a", LITE)).await.status, 201);
    let answer = post(&server, "/inference-profiles", &request("a", LITE)).await;
    assert_eq!((answer.status, answer.headers["x-amzn-errortype"].as_str()), (400, "ConflictException"));
}

#[tokio::test]
async fn faults_are_added_replaced_and_cleared() {
    let server = started().await;
    let rules = json!([
        {"operation": "ListInferenceProfiles", "kind": "error", "code": "AccessDeniedException", "nth": 2},
        {"operation": "GetInferenceProfile", "kind": "throttle"},
    ]);
    assert_eq!(post(&server, "/_local/faults", &rules).await.status, 200);
    let status = async || get(&server, "/inference-profiles").await.status;
    assert_eq!([status().await, status().await, status().await], [200, 403, 200]);
    assert_eq!(get(&server, "/inference-profiles/abcdefghijkl").await.status, 429);
    let faults = get(&server, "/_local/faults").await.json();
    assert_eq!((&faults["rules"][0]["seen"], &faults["rules"][0]["fired"]), (&json!(3), &json!(1)));

    let one_more = json!({"kind": "delay", "ms": 1});
    let rules = post(&server, "/_local/faults", &one_more).await.json()["rules"].clone();
    assert_eq!(rules.as_array().unwrap().len(), 3);
    let plan = json!({"seed": 4, "rules": [{"kind": "server_error"}]});
    let rules = post(&server, "/_local/faults", &plan).await.json()["rules"].clone();
    assert_eq!(rules.as_array().unwrap().len(), 1);
    assert_eq!(status().await, 500);
    let seeded = post(&server, "/_local/faults", &json!({"seed": 4, "rate": 0.5})).await.json();
    assert!(seeded["rules"].as_array().unwrap().len() > 3);
    for wrong in
        [json!({"kind": "unheard-of"}), json!({"rate": "x"}), json!({"x": 1}), json!([{"kind": "delay"}])]
    {
        assert_eq!(post(&server, "/_local/faults", &wrong).await.status, 400, "{wrong}");
    }
    call(&server, "DELETE", "/_local/faults", "", "").await.unwrap();
    assert_eq!(get(&server, "/_local/faults").await.json()["rules"], json!([]));
    assert_eq!(status().await, 200);
}

#[tokio::test]
async fn the_catalogue_grows_and_shrinks() {
    let server = started().await;
    let model = json!({
        "modelId": "new.model-v1:0",
        "regions": {"us-east-1": ["INFERENCE_PROFILE"], "us-west-2": ["ON_DEMAND"]},
        "modelLifecycle": {"status": "LEGACY", "endOfLifeTime": "2099-01-01T00:00:00Z"},
    });
    assert_eq!(post(&server, "/_local/models", &model).await.status, 200);
    let profile = json!({
        "id": "us.new.model-v1:0",
        "modelId": "new.model-v1:0",
        "sourceRegions": ["us-east-1"],
        "destinations": [{"region": "us-west-2"}, "regionless", "own_region"],
    });
    assert_eq!(post(&server, "/_local/system-profiles", &json!([profile])).await.status, 200);

    let source = "arn:aws:bedrock:us-east-1::inference-profile/us.new.model-v1:0";
    assert_eq!(post(&server, "/inference-profiles", &request("a", source)).await.status, 201);
    let answer = get(&server, "/inference-profiles/us.new.model-v1:0").await.json();
    let arn = |region: &str| json!({"modelArn": format!("arn:aws:bedrock:{region}::foundation-model/new.model-v1:0")});
    assert_eq!(answer["models"], json!([arn("us-west-2"), arn(""), arn("us-east-1")]));
    let answer = get(&server, "/foundation-models/new.model-v1:0").await.json();
    assert_eq!(answer["modelDetails"]["modelLifecycle"]["endOfLifeTime"], "2099-01-01T00:00:00Z");
    let catalogue = get(&server, "/_local/catalogue").await.json();
    assert!(catalogue["models"].as_array().unwrap().iter().any(|model| model["modelId"] == "new.model-v1:0"));

    call(&server, "DELETE", "/_local/models/new.model-v1:0", "", "").await.unwrap();
    assert_eq!(get(&server, "/foundation-models/new.model-v1:0").await.status, 404);
    call(&server, "DELETE", "/_local/system-profiles/us.new.model-v1:0", "", "").await.unwrap();
    assert_eq!(get(&server, "/inference-profiles/us.new.model-v1:0").await.status, 404);
    assert_eq!(post(&server, "/_local/models", &json!({"modelId": "x.y"})).await.status, 400);
    assert_eq!(post(&server, "/_local/system-profiles", &json!({"id": 1})).await.status, 400);
}

#[tokio::test]
async fn a_reset_leads_back_to_the_start() {
    let server = started().await;
    let start = server.local().world().clone();
    post(&server, "/inference-profiles", &request("a", LITE)).await;
    call(&server, "PUT", "/_local/switches", "", r#"{"quota": 1}"#).await.unwrap();
    post(&server, "/_local/faults", &json!({"kind": "throttle"})).await;
    call(&server, "DELETE", "/_local/models/amazon.nova-lite-v1:0", "", "").await.unwrap();
    call(&server, "PUT", "/_local/responses/t", "", "{}").await.unwrap();
    assert_ne!(*server.local().world(), start);
    assert_eq!(post(&server, "/_local/reset", &json!({})).await.status, 200);
    assert_eq!(*server.local().world(), start);
    assert_eq!(get(&server, "/_local/responses").await.json(), json!({}));
}

#[tokio::test]
async fn other_paths_are_not_there() {
    let server = started().await;
    for path in ["/_local", "/_local/", "/_local/nothing", "/_local/health/x"] {
        assert_eq!(get(&server, path).await.status, 404, "{path}");
    }
    assert_eq!(server.local().world().calls.count(Operation::ListInferenceProfiles), 0);
}
