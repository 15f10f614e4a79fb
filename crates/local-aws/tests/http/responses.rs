//! The sink for CloudFormation responses.

use serde_json::{Value, json};

use super::{call, get, send, started};

fn good() -> Value {
    json!({
        "Status": "SUCCESS", "PhysicalResourceId": "p", "StackId": "s", "RequestId": "r",
        "LogicalResourceId": "l", "Data": {"A": "b"},
    })
}

#[tokio::test]
async fn a_good_response_is_accepted_and_given_back() {
    let server = started().await;
    let body = good().to_string();
    let path = "/_local/responses/token-1?X-Amz-Signature=abc";
    let answer = call(&server, "PUT", path, "content-type: \r\n", &body).await.unwrap();
    assert_eq!((answer.status, answer.body.as_str()), (200, ""));
    let received = get(&server, "/_local/responses/token-1").await.json();
    assert_eq!(received[0]["body"], good());
    assert_eq!(received[0]["violations"], json!([]));
    assert_eq!((&received[0]["statusCode"], &received[0]["size"]), (&json!(200), &json!(body.len())));
    let all = get(&server, "/_local/responses").await.json();
    assert_eq!(all, json!({"token-1": received}));
    assert_eq!(get(&server, "/_local/responses/other").await.status, 404);
    call(&server, "DELETE", "/_local/responses", "", "").await.unwrap();
    assert_eq!(get(&server, "/_local/responses").await.json(), json!({}));
}

#[tokio::test]
async fn a_content_type_is_refused() {
    let server = started().await;
    let headers = "content-type: application/json\r\n";
    let answer = call(&server, "PUT", "/_local/responses/t", headers, &good().to_string()).await.unwrap();
    assert_eq!(answer.status, 403);
    assert!(answer.json()["message"].as_str().unwrap().contains("Content-Type"));
}

#[tokio::test]
async fn a_body_in_chunks_or_without_a_length_is_refused() {
    let server = started().await;
    let head = "PUT /_local/responses/t HTTP/1.1\r\nhost: x\r\nconnection: close\r\n";
    let body = good().to_string();
    let chunks = format!("{head}transfer-encoding: chunked\r\n\r\n{:x}\r\n{body}\r\n0\r\n\r\n", body.len());
    assert_eq!(send(server.address(), &chunks).await.unwrap().status, 501);
    assert_eq!(send(server.address(), &format!("{head}\r\n")).await.unwrap().status, 411);
    let received = get(&server, "/_local/responses/t").await.json();
    assert_eq!(received[0]["body"], good(), "it is kept all the same");
    assert_eq!(received[0]["violations"], json!(["Transfer-Encoding: chunked is not implemented"]));
    assert_eq!(received[1]["violations"], json!(["Content-Length is missing", "the body is not JSON"]));
}

#[tokio::test]
async fn what_only_cloudformation_minds_is_accepted_and_written_down() {
    let server = started().await;
    let mut body = good();
    body["Data"]["A"] = "x".repeat(4096).into();
    body.as_object_mut().unwrap().remove("StackId");
    let answer = call(&server, "PUT", "/_local/responses/t", "", &body.to_string()).await.unwrap();
    assert_eq!(answer.status, 200);
    let violations = get(&server, "/_local/responses/t").await.json()[0]["violations"].to_string();
    assert!(violations.contains("Response object is too long"), "{violations}");
    assert!(violations.contains("StackId is missing"), "{violations}");
}

#[tokio::test]
async fn only_a_put_with_a_token_is_a_response() {
    let server = started().await;
    for (method, path) in
        [("PUT", "/_local/responses"), ("PUT", "/_local/responses/"), ("POST", "/_local/responses/t")]
    {
        let answer = call(&server, method, path, "", &good().to_string()).await.unwrap();
        assert_eq!(answer.status, 404, "{method} {path}");
    }
}
