//! The response sink over HTTP: `PUT /_local/responses/{token}` stands for the presigned URL of a custom
//! resource's request; `GET` gives back what came, for one token or for all.

use hyper::Method;
use hyper::header::{CONTENT_LENGTH, CONTENT_TYPE, TRANSFER_ENCODING};
use serde_json::json;

use super::{LocalAws, Reply, Request, control, timestamp};
use crate::responses::{Delivery, Received};

pub(super) fn handle(local: &LocalAws, request: &Request, path: &[&str]) -> Reply {
    match (&request.method, path) {
        (&Method::PUT, [token]) if !token.is_empty() => {
            let delivery = Delivery {
                content_length: request.header(CONTENT_LENGTH),
                transfer_encoding: request.header(TRANSFER_ENCODING),
                content_type: request.header(CONTENT_TYPE),
                body: &request.body,
            };
            let mut sink = local.responses();
            let received = sink.receive(token, timestamp(local), delivery);
            if local.settings().print_responses {
                println!("{}", told(token, received));
            }
            match received.status_code {
                200 => Reply { body: Vec::new(), ..Reply::json(200, &()) },
                status => control::problem(status, received.violations.join("; ")),
            }
        }
        (&Method::GET, []) => Reply::json(200, local.responses().all()),
        (&Method::GET, [token]) => match local.responses().of(token) {
            Some(received) => Reply::json(200, &received),
            None => control::problem(404, format!("nothing came for '{token}'")),
        },
        (&Method::DELETE, []) => {
            local.responses().clear();
            Reply::json(200, &json!({}))
        }
        _ => control::problem(404, "a response is put to /_local/responses/{token}"),
    }
}

/// A received response, for people.
fn told(token: &str, received: &Received) -> String {
    let verdict = match (received.status_code, received.violations.as_slice()) {
        (200, []) => "accepted".to_owned(),
        (200, violations) => format!("accepted, but it breaks rules: {}", violations.join("; ")),
        (status, violations) => format!("refused with {status}: {}", violations.join("; ")),
    };
    let body = serde_json::to_string_pretty(&received.body).unwrap_or_default();
    format!("CloudFormation response {token}, {} bytes, {verdict}\n{body}", received.size)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::timestamp::Timestamp;

    #[test]
    fn a_response_is_told_with_its_faults() {
        let mut received = Received {
            at: Timestamp::date(2026, 1, 1),
            status_code: 200,
            violations: Vec::new(),
            size: 20,
            body: json!({"Status": "SUCCESS"}),
        };
        let good = "CloudFormation response t, 20 bytes, accepted\n{\n  \"Status\": \"SUCCESS\"\n}";
        assert_eq!(told("t", &received), good);
        received.violations = vec!["StackId is missing".to_owned()];
        assert!(told("t", &received).contains("accepted, but it breaks rules: StackId is missing"));
        received.status_code = 411;
        assert!(told("t", &received).contains("refused with 411: StackId is missing"));
    }
}
