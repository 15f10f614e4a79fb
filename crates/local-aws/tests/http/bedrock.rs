//! Bedrock's REST API.

use std::time::{Duration, Instant};

use local_aws::http::{LocalAws, Server, Settings};
use local_aws::{Fault, FaultRule, Operation};
use serde_json::{Value, json};

use super::{Answered, call, get, post, started};

const LITE: &str = "arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-lite-v1:0";

fn request(name: &str) -> Value {
    json!({"inferenceProfileName": name, "modelSource": {"copyFrom": LITE}})
}

#[track_caller]
fn errortype(answer: &Answered) -> &str {
    &answer.headers["x-amzn-errortype"]
}

async fn created(server: &Server, name: &str) -> String {
    let answer = post(server, "/inference-profiles", &request(name)).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    answer.json()["inferenceProfileArn"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn the_life_of_a_profile() {
    let server = started().await;
    let mut body = request("team a");
    body["description"] = "Chat: team a.".into();
    body["clientRequestToken"] = "t-1".into();
    body["tags"] = json!([{"key": "owner", "value": "a"}]);
    let answer = post(&server, "/inference-profiles", &body).await;
    assert_eq!(answer.status, 201);
    assert_eq!(answer.headers["content-type"], "application/json");
    assert_eq!(answer.headers["x-amzn-requestid"].len(), 36);
    let arn = answer.json()["inferenceProfileArn"].as_str().unwrap().to_owned();
    assert_eq!(answer.json(), json!({"inferenceProfileArn": arn, "status": "ACTIVE"}));

    let listed = get(&server, "/inference-profiles?type=APPLICATION&maxResults=1000").await;
    assert_eq!(listed.status, 200);
    let profile = listed.json()["inferenceProfileSummaries"][0].clone();
    assert_eq!(profile["inferenceProfileName"], "team a");
    assert_eq!(profile["models"], json!([{"modelArn": LITE}]));
    assert!(profile.get("tags").is_none() && profile.get("modelSource").is_none());
    assert!(listed.json().get("nextToken").is_none());

    let escaped = arn.replace(':', "%3A").replace('/', "%2F");
    for identifier in [arn.as_str(), &escaped, arn.rsplit('/').next().unwrap()] {
        let answer = get(&server, &format!("/inference-profiles/{identifier}")).await;
        assert_eq!((answer.status, answer.json()), (200, profile.clone()), "{identifier}");
    }

    let tag = json!({"resourceARN": arn, "tags": [{"key": "b", "value": ""}]});
    let answer = post(&server, "/tagResource", &tag).await;
    assert_eq!((answer.status, answer.body.as_str()), (200, "{}"));
    let untag = json!({"resourceARN": arn, "tagKeys": ["owner"]});
    let answer = post(&server, "/untagResource", &untag).await;
    assert_eq!((answer.status, answer.body.as_str()), (200, "{}"));
    let answer = post(&server, "/listTagsForResource", &json!({"resourceARN": arn})).await;
    assert_eq!((answer.status, answer.json()), (200, json!({"tags": [{"key": "b", "value": ""}]})));

    let path = format!("/inference-profiles/{escaped}");
    let answer = call(&server, "DELETE", &path, "", "").await.unwrap();
    assert_eq!((answer.status, answer.body.as_str()), (200, "{}"));
    let answer = call(&server, "DELETE", &path, "", "").await.unwrap();
    assert_eq!((answer.status, errortype(&answer)), (404, "ResourceNotFoundException"));
}

#[tokio::test]
async fn errors_have_a_status_a_type_and_a_message() {
    let server = started().await;
    let wrong_region = json!({
        "inferenceProfileName": "a",
        "modelSource": {"copyFrom": LITE.replace("us-east-1", "us-west-2")},
    });
    let answer = post(&server, "/inference-profiles", &wrong_region).await;
    assert_eq!((answer.status, errortype(&answer)), (400, "ValidationException"));
    let text = "copyFrom must be a valid inference profile model source ARN.";
    assert_eq!(answer.json(), json!({"message": text}));

    let answer = get(&server, "/inference-profiles/abcdefghijkl").await;
    assert_eq!((answer.status, errortype(&answer)), (404, "ResourceNotFoundException"));

    let foreign =
        "/inference-profiles/arn:aws:bedrock:us-east-1:111122223333:application-inference-profile%2Fx";
    let answer = get(&server, foreign).await;
    assert_eq!((answer.status, errortype(&answer)), (403, "AccessDeniedException"));

    let mut many = request("a");
    many["tags"] = (0..51).map(|n| json!({"key": format!("k{n}"), "value": ""})).collect();
    let answer = post(&server, "/inference-profiles", &many).await;
    assert_eq!((answer.status, errortype(&answer)), (400, "TooManyTagsException"));
    assert_eq!(answer.json()["resourceName"], "a");

    for (kind, status, code) in
        [("throttle", 429, "ThrottlingException"), ("server_error", 500, "InternalServerException")]
    {
        post(&server, "/_local/faults", &json!({"kind": kind, "times": 1})).await;
        let answer = get(&server, "/inference-profiles").await;
        assert_eq!((answer.status, errortype(&answer)), (status, code));
    }
}

#[tokio::test]
async fn a_body_or_a_parameter_of_the_wrong_type_is_refused_and_logged() {
    let server = started().await;
    let wrong = [
        "{",
        "[]",
        r#"{"inferenceProfileName": 5}"#,
        r#"{"tags": {"k": "v"}}"#,
        r#"{"tags": [["k", "v"]]}"#,
        r#"{"modelSource": ["arn"]}"#,
    ];
    for body in wrong {
        let answer = call(&server, "POST", "/inference-profiles", "", body).await.unwrap();
        assert_eq!((answer.status, errortype(&answer)), (400, "SerializationException"), "{body}");
    }
    let answer = get(&server, "/inference-profiles?maxResults=many").await;
    assert_eq!(answer.headers["x-amzn-errortype"], "SerializationException");
    let empty = call(&server, "POST", "/inference-profiles", "", "").await.unwrap();
    assert_eq!(empty.headers["x-amzn-errortype"], "ValidationException");
    assert_eq!(server.local().world().calls.count(Operation::CreateInferenceProfile), 7);
    assert!(server.local().world().profiles(&server.local().caller_in("us-east-1")).is_empty());
}

#[tokio::test]
async fn unknown_operations_are_told() {
    let server = started().await;
    for (method, path) in
        [("GET", "/nothing"), ("PUT", "/inference-profiles"), ("POST", "/inference-profiles/x")]
    {
        let answer = call(&server, method, path, "", "").await.unwrap();
        assert_eq!(
            (answer.status, errortype(&answer)),
            (404, "UnknownOperationException"),
            "{method} {path}"
        );
    }
}

#[tokio::test]
async fn pages_follow_a_token_in_the_query() {
    let server = started().await;
    for name in ["a", "b", "c"] {
        created(&server, name).await;
    }
    let first = get(&server, "/inference-profiles?type=APPLICATION&maxResults=2").await.json();
    let token = first["nextToken"].as_str().unwrap();
    let path = format!("/inference-profiles?maxResults=2&nextToken={token}&type=APPLICATION");
    let second = get(&server, &path).await.json();
    assert_eq!(first["inferenceProfileSummaries"].as_array().unwrap().len(), 2);
    assert_eq!(second["inferenceProfileSummaries"][0]["inferenceProfileName"], "c");
    assert!(second.get("nextToken").is_none());
    let answer = get(&server, "/inference-profiles?nextToken=wrong").await;
    assert_eq!((answer.status, errortype(&answer)), (400, "ValidationException"));
}

#[tokio::test]
async fn the_region_is_of_the_signature_or_else_of_the_server() {
    let settings =
        Settings { region: "eu-west-1".into(), account: "111122223333".into(), ..Settings::default() };
    let server = Server::start_local(LocalAws::new(settings)).await.unwrap();
    let path = "/inference-profiles?type=SYSTEM_DEFINED&maxResults=1";
    let signed = "authorization: AWS4-HMAC-SHA256 Credential=AK/20261124/us-west-2/bedrock/aws4_request, \
                  SignedHeaders=host, Signature=0\r\n";
    for (headers, region) in [("", "eu-west-1"), (signed, "us-west-2")] {
        let answer = call(&server, "GET", path, headers, "").await.unwrap().json();
        let arn = answer["inferenceProfileSummaries"][0]["inferenceProfileArn"].as_str().unwrap();
        assert!(
            arn.starts_with(&format!("arn:aws:bedrock:{region}:111122223333:inference-profile/")),
            "{arn}"
        );
    }
}

#[tokio::test]
async fn models_by_id_by_arn_and_in_a_filtered_list() {
    let server = started().await;
    let by_id = get(&server, "/foundation-models/amazon.nova-lite-v1%3A0").await;
    assert_eq!(by_id.json()["modelDetails"]["modelArn"], LITE);
    let by_arn = get(&server, &format!("/foundation-models/{}", LITE.replace('/', "%2F"))).await;
    assert_eq!((by_arn.status, by_arn.body), (200, by_id.body));
    let list = get(&server, "/foundation-models?byProvider=cohere").await.json();
    assert_eq!(list["modelSummaries"][0]["modelId"], "cohere.command-r-v1:0");
    assert_eq!(list["modelSummaries"].as_array().unwrap().len(), 1);
    let wrong = get(&server, "/foundation-models?byInferenceType=x").await;
    assert_eq!((wrong.status, wrong.headers["x-amzn-errortype"].as_str()), (400, "ValidationException"));
}

#[tokio::test]
async fn a_lost_answer_cuts_the_connection_after_the_effect() {
    let server = started().await;
    let rule = FaultRule::nth(Operation::CreateInferenceProfile, 1, Fault::Lost);
    server.local().world().faults.add(rule);
    let body = request("a").to_string();
    let answer = call(&server, "POST", "/inference-profiles", "", &body).await;
    assert!(answer.is_none(), "{answer:?}");
    let profiles = server.local().world().profiles(&server.local().caller_in("us-east-1"));
    assert_eq!(profiles.len(), 1);
    created(&server, "b").await;
}

#[tokio::test]
async fn a_delayed_answer_comes_late_and_its_effect_does_not() {
    let server = started().await;
    let rule = FaultRule::nth(Operation::CreateInferenceProfile, 1, Fault::Delay { ms: 300 });
    server.local().world().faults.add(rule);
    let start = Instant::now();
    let (body, done) = (request("a").to_string(), tokio::time::sleep(Duration::from_millis(150)));
    let slow = call(&server, "POST", "/inference-profiles", "", &body);
    let seen = async {
        done.await;
        server.local().world().profiles(&server.local().caller_in("us-east-1")).len()
    };
    let (answer, seen) = tokio::join!(slow, seen);
    assert_eq!((answer.unwrap().status, seen), (201, 1));
    assert!(start.elapsed() >= Duration::from_millis(300));
}

#[tokio::test]
async fn calls_wait_out_the_latency_side_by_side_and_control_does_not() {
    let settings = Settings { latency: Duration::from_millis(200), ..Settings::default() };
    let server = Server::start_local(LocalAws::new(settings)).await.unwrap();
    let start = Instant::now();
    let list = || get(&server, "/inference-profiles");
    tokio::join!(list(), list(), list(), list());
    let took = start.elapsed();
    assert!(took >= Duration::from_millis(200) && took < Duration::from_millis(700), "{took:?}");
    let start = Instant::now();
    get(&server, "/_local/health").await;
    assert!(start.elapsed() < Duration::from_millis(200));
}

#[tokio::test]
async fn a_server_ends_when_it_is_dropped() {
    let server = started().await;
    let address = server.address();
    let idle = tokio::net::TcpStream::connect(address).await.unwrap();
    drop(server);
    let closed = async {
        while tokio::net::TcpStream::connect(address).await.is_ok() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), closed).await.unwrap();
    let mut byte = [0];
    idle.readable().await.unwrap();
    assert!(matches!(idle.try_read(&mut byte), Ok(0) | Err(_)));
}
