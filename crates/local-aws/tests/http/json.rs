//! The services in JSON 1.1.

use local_aws::http::Server;
use serde_json::{Value, json};

use super::{Answered, call, get, post, started};

const LITE: &str = "arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-lite-v1:0";

async fn asked(server: &Server, target: &str, body: &Value) -> Answered {
    let headers = format!("x-amz-target: {target}\r\ncontent-type: application/x-amz-json-1.1\r\n");
    call(server, "POST", "/", &headers, &body.to_string()).await.unwrap()
}

async fn tagging(server: &Server, operation: &str, body: &Value) -> Answered {
    asked(server, &format!("ResourceGroupsTaggingAPI_20170126.{operation}"), body).await
}

async fn cost_tags(server: &Server, body: &Value) -> Answered {
    asked(server, "AWSInsightsIndexService.ListCostAllocationTags", body).await
}

async fn quota(server: &Server, code: &str) -> Answered {
    let body = json!({"ServiceCode": "bedrock", "QuotaCode": code});
    asked(server, "ServiceQuotasV20190624.GetServiceQuota", &body).await
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
    for operation in ["Nothing", "CreateInferenceProfile", "GetServiceQuota"] {
        let answer = tagging(&server, operation, &json!({})).await;
        assert_eq!((answer.status, &answer.json()["__type"]), (400, &json!("UnknownOperationException")));
    }
    let answer = call(&server, "POST", "/", "", "{}").await.unwrap();
    assert_eq!(answer.json()["__type"], "UnknownOperationException");
}

#[tokio::test]
async fn cost_allocation_tags_are_those_that_control_was_given() {
    let server = started().await;
    assert_eq!(cost_tags(&server, &json!({})).await.json(), json!({"CostAllocationTags": []}));
    let tags = r#"{"a": true, "b": false, "c": true}"#;
    assert_eq!(call(&server, "PUT", "/_local/cost-tags", "", tags).await.unwrap().status, 200);
    assert_eq!(get(&server, "/_local/cost-tags").await.json(), json!({"a": true, "b": false, "c": true}));
    let tag = |key: &str, status: &str| json!({"TagKey": key, "Type": "UserDefined", "Status": status});
    let mut request = json!({"Type": "UserDefined", "MaxResults": 2});
    let page = cost_tags(&server, &request).await.json();
    assert_eq!(page["CostAllocationTags"], json!([tag("a", "Active"), tag("b", "Inactive")]));
    request["NextToken"] = page["NextToken"].clone();
    let page = cost_tags(&server, &request).await.json();
    assert_eq!(page, json!({"CostAllocationTags": [tag("c", "Active")]}));
    let page = cost_tags(&server, &json!({"Status": "Inactive"})).await.json();
    assert_eq!(page, json!({"CostAllocationTags": [tag("b", "Inactive")]}));
    let page = cost_tags(&server, &json!({"Type": "AWSGenerated"})).await.json();
    assert_eq!(page, json!({"CostAllocationTags": []}));
    for wrong in [json!({"NextToken": "x"}), json!({"MaxResults": 1001}), json!({"Status": "active"})] {
        assert_eq!(cost_tags(&server, &wrong).await.status, 400, "{wrong}");
    }
    for wrong in ["[1]", r#"{"a": "yes"}"#] {
        assert_eq!(call(&server, "PUT", "/_local/cost-tags", "", wrong).await.unwrap().status, 400);
    }

    call(&server, "PUT", "/_local/cost-tags", "", "null").await.unwrap();
    let answer = cost_tags(&server, &json!({})).await;
    let text =
        "Failed to list Cost Allocation Tags: Linked account doesn't have access to cost allocation tags.";
    assert_eq!(answer.status, 400);
    assert_eq!(answer.json(), json!({"__type": "AccessDeniedException", "Message": text}));
    post(&server, "/_local/reset", &json!({})).await;
    assert_eq!(get(&server, "/_local/cost-tags").await.json(), json!({}));
}

#[tokio::test]
async fn the_quota_is_that_of_the_switch() {
    let server = started().await;
    call(&server, "PUT", "/_local/switches", "", r#"{"quota": 7}"#).await.unwrap();
    let answer = quota(&server, "L-40EC9882").await.json();
    assert_eq!((&answer["Quota"]["Value"], &answer["Quota"]["Adjustable"]), (&json!(7.0), &json!(true)));
    assert_eq!(quota(&server, "L-00000000").await.json()["__type"], "NoSuchResourceException");
    call(&server, "PUT", "/_local/switches", "", r#"{"quota_is_told": false}"#).await.unwrap();
    let answer = quota(&server, "L-40EC9882").await;
    assert_eq!((answer.status, &answer.json()["__type"]), (400, &json!("NoSuchResourceException")));
    let target = "ServiceQuotasV20190624.GetServiceQuota";
    assert_eq!(asked(&server, target, &json!({})).await.json()["__type"], "IllegalArgumentException");
}
