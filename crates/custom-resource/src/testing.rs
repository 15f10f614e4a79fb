//! Requests as CloudFormation sends them, for tests.

use serde_json::{Value, json};

pub(crate) const FUNCTION: &str = "arn:aws:lambda:us-east-1:123456789012:function:provider";

pub(crate) const STACK: &str =
    "arn:aws:cloudformation:us-east-1:123456789012:stack/shop/51af3dc0-da77-11e4-872e-1234567db123";

pub(crate) const RESPONSE_URL: &str = "https://cloudformation-custom-resource-response-useast1.s3.us-east-1.amazonaws.com/\
     arn%3Aaws%3Acloudformation%3Aus-east-1%3A123456789012%3Astack/shop/51af3dc0%7CThing%7C77f2bb1e?\
     X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Expires=7200&X-Amz-Signature=c5b8";

pub(crate) fn create() -> Value {
    json!({
        "RequestType": "Create",
        "ServiceToken": FUNCTION,
        "ResponseURL": RESPONSE_URL,
        "StackId": STACK,
        "RequestId": "77f2bb1e-4a5c-4d7c-8e55-0f2a6c1f9b10",
        "LogicalResourceId": "Thing",
        "ResourceType": "Custom::Thing",
        "ResourceProperties": { "ServiceToken": FUNCTION, "Size": "large" },
    })
}

pub(crate) fn update() -> Value {
    let mut request = with(create(), "RequestType", json!("Update"));
    request["PhysicalResourceId"] = json!("thing-1");
    request["OldResourceProperties"] = json!({ "ServiceToken": FUNCTION, "Size": "small" });
    request
}

pub(crate) fn delete() -> Value {
    let request = with(create(), "RequestType", json!("Delete"));
    with(request, "PhysicalResourceId", json!("thing-1"))
}

pub(crate) fn with(mut request: Value, field: &str, value: Value) -> Value {
    request[field] = value;
    request
}

pub(crate) fn without(mut request: Value, field: &str) -> Value {
    request.as_object_mut().unwrap().remove(field);
    request
}
