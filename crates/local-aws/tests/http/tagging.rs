//! The Resource Groups Tagging API in JSON 1.1.

use local_aws::http::Server;
use serde_json::{Value, json};

use super::{Answered, call, post, started};

const LITE: &str = "arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-lite-v1:0";

async fn tagging(server: &Server, operation: &str, body: &Value) -> Answered {
    let headers = format!(
        "x-amz-target: ResourceGroupsTaggingAPI_20170126.{operation}\r\ncontent-type: application/x-amz-json-1.1\r\n"
    );
    call(server, "POST", "/", &headers, &body.to_string()).await.unwrap()
}

#[tokio::test]
async fn every_operation() {
    let server = started().await;
    let body = json!({
        "inferenceProfileName": "a", "modelSource": {"copyFrom": LITE},
        "tags": [{"key": "k", "value": "v"}],
    });
    let arn = post(&server, "/inference-profiles", &body).await.json()["inferenceProfileArn"].clone();

    let filters = json!({
        "ResourceTypeFilters": ["bedrock:application-inference-profile"],
        "TagFilters": [{"Key": "k", "Values": ["v"]}],
    });
    let answer = tagging(&server, "GetResources", &filters).await;
    assert_eq!((answer.status, answer.headers["content-type"].as_str()), (200, "application/x-amz-json-1.1"));
    assert_eq!(
        answer.json(),
        json!({
            "PaginationToken": "",
            "ResourceTagMappingList": [{"ResourceARN": arn, "Tags": [{"Key": "k", "Value": "v"}]}],
        })
    );
    let answer = tagging(&server, "GetTagKeys", &json!({})).await;
    assert_eq!(answer.json(), json!({"PaginationToken": "", "TagKeys": ["k"]}));
    let answer = tagging(&server, "GetTagValues", &json!({"Key": "k"})).await;
    assert_eq!(answer.json(), json!({"PaginationToken": "", "TagValues": ["v"]}));

    let change = json!({"ResourceARNList": [arn, "arn:aws:s3:::bucket"], "Tags": {"l": "w"}});
    let failed = tagging(&server, "TagResources", &change).await.json();
    assert_eq!(failed["FailedResourcesMap"]["arn:aws:s3:::bucket"]["ErrorCode"], "InvalidParameterException");
    let change = json!({"ResourceARNList": [arn], "TagKeys": ["k"]});
    let answer = tagging(&server, "UntagResources", &change).await;
    assert_eq!(answer.json(), json!({"FailedResourcesMap": {}}));
    let tags = post(&server, "/listTagsForResource", &json!({"resourceARN": arn})).await.json();
    assert_eq!(tags, json!({"tags": [{"key": "l", "value": "w"}]}));
}

#[tokio::test]
async fn errors_name_their_type_in_the_body() {
    let server = started().await;
    let answer = tagging(&server, "GetResources", &json!({"ResourcesPerPage": 101})).await;
    assert_eq!((answer.status, &answer.json()["__type"]), (400, &json!("InvalidParameterException")));
    assert_eq!(answer.json()["Message"], "ResourcesPerPage must be from 1 to 100.");
    let answer = tagging(&server, "GetResources", &json!({"PaginationToken": "x"})).await;
    assert_eq!((answer.status, &answer.json()["__type"]), (400, &json!("PaginationTokenExpiredException")));
    let answer = tagging(&server, "GetResources", &json!({"TagFilters": "x"})).await;
    assert_eq!((answer.status, &answer.json()["__type"]), (400, &json!("SerializationException")));
    post(&server, "/_local/faults", &json!({"kind": "throttle", "times": 1})).await;
    let answer = tagging(&server, "GetTagKeys", &json!({})).await;
    assert_eq!((answer.status, &answer.json()["__type"]), (400, &json!("ThrottledException")));
    for operation in ["Nothing", "CreateInferenceProfile"] {
        let answer = tagging(&server, operation, &json!({})).await;
        assert_eq!((answer.status, &answer.json()["__type"]), (400, &json!("UnknownOperationException")));
    }
    let answer = call(&server, "POST", "/", "", "{}").await.unwrap();
    assert_eq!(answer.json()["__type"], "UnknownOperationException");
}
