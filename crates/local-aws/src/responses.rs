//! The sink for CloudFormation responses.
//!
//! It takes the place of the presigned URL that a custom resource answers to. What storage would refuse is
//! refused with storage's status; what only CloudFormation would mind is accepted, as it would be, and
//! written down as a violation.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use crate::timestamp::Timestamp;

/// The largest body that CloudFormation reads.
pub const MAX_BODY: usize = 4096;
/// The longest physical id.
pub const MAX_PHYSICAL_ID: usize = 1024;

/// What arrived at a response URL.
#[derive(Clone, Copy, Debug, Default)]
pub struct Delivery<'a> {
    /// The header `Content-Length`.
    pub content_length: Option<&'a str>,
    /// The header `Transfer-Encoding`.
    pub transfer_encoding: Option<&'a str>,
    /// The header `Content-Type`.
    pub content_type: Option<&'a str>,
    /// The body.
    pub body: &'a [u8],
}

/// A delivery as it was received.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Received {
    /// When it arrived.
    pub at: Timestamp,
    /// The HTTP status it was answered with; 200 is accepted.
    pub status_code: u16,
    /// The rules it breaks, in words. An accepted one without violations is what CloudFormation wants.
    pub violations: Vec<String>,
    /// The size of the body in bytes.
    pub size: usize,
    /// The body as JSON, or as text when it is none.
    pub body: Value,
}

impl Received {
    /// Whether CloudFormation would have taken it as an answer.
    pub fn is_good(&self) -> bool {
        self.status_code == 200 && self.violations.is_empty()
    }
}

/// The responses received, by the token of their URL.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct ResponseSink {
    by_token: BTreeMap<String, Vec<Received>>,
}

impl ResponseSink {
    /// Takes a delivery in and judges it.
    pub fn receive(&mut self, token: &str, now: Timestamp, delivery: Delivery<'_>) -> &Received {
        let before = self.by_token.entry(token.to_owned()).or_default();
        let text = String::from_utf8_lossy(delivery.body);
        let parsed: Option<Value> = serde_json::from_slice(delivery.body).ok();
        let refusal = refusal(&delivery);
        let mut violations: Vec<String> = refusal.iter().map(|(_, why)| why.clone()).collect();
        if delivery.body.len() > MAX_BODY {
            let size = delivery.body.len();
            violations.push(format!("Response object is too long: {size} bytes, at most {MAX_BODY}"));
        }
        match &parsed {
            Some(body) => judge(body, &mut violations),
            None => violations.push("the body is not JSON".to_owned()),
        }
        if before.iter().any(|received| received.status_code == 200) {
            violations.push("an answer was already accepted".to_owned());
        }
        let received = Received {
            at: now,
            status_code: refusal.map_or(200, |(status, _)| status),
            violations,
            size: delivery.body.len(),
            body: parsed.unwrap_or_else(|| Value::String(text.into_owned())),
        };
        before.push(received);
        &before[before.len() - 1]
    }

    /// All that came for a token, in order.
    pub fn of(&self, token: &str) -> Option<&[Received]> {
        self.by_token.get(token).map(Vec::as_slice)
    }

    /// All that came, by token.
    pub fn all(&self) -> &BTreeMap<String, Vec<Received>> {
        &self.by_token
    }

    /// Forgets all.
    pub fn clear(&mut self) {
        self.by_token.clear();
    }
}

/// What storage behind a presigned URL would refuse, and with which status.
fn refusal(delivery: &Delivery<'_>) -> Option<(u16, String)> {
    if let Some(encoding) = delivery.transfer_encoding {
        return Some((501, format!("Transfer-Encoding: {encoding} is not implemented")));
    }
    let Some(length) = delivery.content_length else {
        return Some((411, "Content-Length is missing".to_owned()));
    };
    if length.trim().parse() != Ok(delivery.body.len()) {
        return Some((
            400,
            format!("Content-Length is {length}, the body has {} bytes", delivery.body.len()),
        ));
    }
    let content_type = delivery.content_type.filter(|text| !text.is_empty())?;
    Some((403, format!("Content-Type is '{content_type}', the URL is signed for an empty one")))
}

fn judge(body: &Value, violations: &mut Vec<String>) {
    let Value::Object(body) = body else {
        violations.push("the body is not an object".to_owned());
        return;
    };
    const KEYS: [&str; 8] = [
        "Status",
        "PhysicalResourceId",
        "StackId",
        "RequestId",
        "LogicalResourceId",
        "Reason",
        "NoEcho",
        "Data",
    ];
    for key in body.keys().filter(|key| !KEYS.contains(&key.as_str())) {
        violations.push(format!("{key} is not a key of a response"));
    }
    for key in &KEYS[..5] {
        match body.get(*key) {
            None => violations.push(format!("{key} is missing")),
            Some(Value::String(text)) if text.is_empty() => violations.push(format!("{key} is empty")),
            Some(Value::String(_)) => {}
            Some(_) => violations.push(format!("{key} is not a string")),
        }
    }
    let status = body.get("Status").and_then(Value::as_str);
    if status.is_some_and(|status| !["SUCCESS", "FAILED"].contains(&status)) {
        violations.push("Status is neither SUCCESS nor FAILED".to_owned());
    }
    let physical_id = body.get("PhysicalResourceId").and_then(Value::as_str);
    if let Some(long) = physical_id.filter(|id| id.len() > MAX_PHYSICAL_ID) {
        violations.push(format!("PhysicalResourceId has {} bytes, at most {MAX_PHYSICAL_ID}", long.len()));
    }
    match body.get("Reason") {
        Some(Value::String(reason)) if status == Some("FAILED") && reason.is_empty() => {
            violations.push("Reason is empty".to_owned());
        }
        None if status == Some("FAILED") => violations.push("Reason is missing".to_owned()),
        None | Some(Value::String(_)) => {}
        Some(_) => violations.push("Reason is not a string".to_owned()),
    }
    if body.get("NoEcho").is_some_and(|no_echo| !no_echo.is_boolean()) {
        violations.push("NoEcho is not true or false".to_owned());
    }
    let strings = |list: &Vec<Value>| list.iter().all(Value::is_string);
    match body.get("Data") {
        None => {}
        Some(Value::Object(data)) => {
            for (key, value) in data {
                if !(value.is_string() || value.as_array().is_some_and(strings)) {
                    violations.push(format!("Data.{key} is neither a string nor a list of strings"));
                }
            }
        }
        Some(_) => violations.push("Data is not an object".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn success() -> Value {
        json!({
            "Status": "SUCCESS", "PhysicalResourceId": "arn:x", "StackId": "arn:stack", "RequestId": "r",
            "LogicalResourceId": "Chat", "Data": {"A": "b", "C": ["d"]}, "NoEcho": false
        })
    }

    fn violations(body: &Value) -> Vec<String> {
        let body = body.to_string();
        let length = body.len().to_string();
        let delivery =
            Delivery { content_length: Some(&length), body: body.as_bytes(), ..Delivery::default() };
        let mut sink = ResponseSink::default();
        let received = sink.receive("t", Timestamp::date(2026, 1, 1), delivery);
        assert_eq!(received.status_code, 200);
        received.violations.clone()
    }

    #[track_caller]
    fn with(change: impl FnOnce(&mut serde_json::Map<String, Value>), expected: &str) {
        let mut body = success();
        change(body.as_object_mut().unwrap());
        assert_eq!(violations(&body), [expected]);
    }

    #[test]
    fn a_good_answer_has_no_violations() {
        assert_eq!(violations(&success()), [""; 0]);
    }

    #[test]
    fn each_rule_of_the_body() {
        for key in ["Status", "PhysicalResourceId", "StackId", "RequestId", "LogicalResourceId"] {
            with(|body| drop(body.remove(key)), &format!("{key} is missing"));
        }
        with(|b| drop(b.insert("PhysicalResourceId".into(), "".into())), "PhysicalResourceId is empty");
        with(|b| drop(b.insert("StackId".into(), 5.into())), "StackId is not a string");
        with(|b| drop(b.insert("Status".into(), "success".into())), "Status is neither SUCCESS nor FAILED");
        with(|b| drop(b.insert("Status".into(), "FAILED".into())), "Reason is missing");
        with(|b| drop(b.insert("NoEcho".into(), "true".into())), "NoEcho is not true or false");
        with(|b| drop(b.insert("Data".into(), "x".into())), "Data is not an object");
        with(
            |b| drop(b.insert("Data".into(), json!({"A": {"b": "c"}}))),
            "Data.A is neither a string nor a list of strings",
        );
        with(|b| drop(b.insert("Extra".into(), "x".into())), "Extra is not a key of a response");
        with(
            |b| drop(b.insert("PhysicalResourceId".into(), "x".repeat(1025).into())),
            "PhysicalResourceId has 1025 bytes, at most 1024",
        );
    }

    #[test]
    fn the_size_is_counted_in_bytes() {
        let sized = |size: usize| {
            let mut body = success();
            let rest = size - body.to_string().len() - ",\"Reason\":\"\"".len();
            body["Reason"] = "x".repeat(rest).into();
            assert_eq!(body.to_string().len(), size);
            violations(&body)
        };
        assert_eq!(sized(4096), [""; 0]);
        assert_eq!(sized(4097), ["Response object is too long: 4097 bytes, at most 4096"]);
    }

    #[test]
    fn what_storage_refuses() {
        let body = success().to_string();
        let length = body.len().to_string();
        let good = Delivery { content_length: Some(&length), body: body.as_bytes(), ..Delivery::default() };
        let status = |delivery| {
            let mut sink = ResponseSink::default();
            let received = sink.receive("t", Timestamp::date(2026, 1, 1), delivery);
            (received.status_code, received.is_good())
        };
        assert_eq!(status(good), (200, true));
        assert_eq!(status(Delivery { content_type: Some(""), ..good }), (200, true));
        assert_eq!(status(Delivery { content_type: Some("application/json"), ..good }), (403, false));
        assert_eq!(status(Delivery { content_length: None, ..good }), (411, false));
        assert_eq!(status(Delivery { content_length: Some("1"), ..good }), (400, false));
        assert_eq!(status(Delivery { transfer_encoding: Some("chunked"), ..good }), (501, false));
    }

    #[test]
    fn a_second_answer_is_told() {
        let body = success().to_string();
        let length = body.len().to_string();
        let good = Delivery { content_length: Some(&length), body: body.as_bytes(), ..Delivery::default() };
        let refused = Delivery { content_length: None, ..good };
        let mut sink = ResponseSink::default();
        let now = Timestamp::date(2026, 1, 1);
        sink.receive("t", now, refused);
        assert!(sink.receive("t", now, good).is_good());
        assert_eq!(sink.receive("t", now, good).violations, ["an answer was already accepted"]);
        assert!(sink.receive("other", now, good).is_good());
        assert_eq!(sink.of("t").map(<[_]>::len), Some(3));
    }
}
