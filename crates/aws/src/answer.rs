//! CloudFormation's answers, PUT to their presigned URL.

use std::{error::Error, time::Duration};

use async_trait::async_trait;
use aws_smithy_runtime_api::client::{
    http::HttpConnector as _,
    orchestrator::{HttpRequest, HttpResponse},
};
use aws_smithy_types::{body::SdkBody, byte_stream::ByteStream};
use custom_resource::{AnswerSink, PutError, ResponseUrl};
use time::OffsetDateTime;
use tokio::time::timeout;

use crate::{error::chain, http::Http};

/// How long one PUT may take, its response included.
const LIMIT: Duration = Duration::from_secs(5);

/// How much of an error's body is read: S3 names the error at its beginning.
const ERROR_BYTES: usize = 4096;

pub(crate) struct HttpSink {
    http: Http,
    limit: Duration,
}

impl HttpSink {
    pub(crate) fn new(http: Http) -> Self {
        Self { http, limit: LIMIT }
    }

    async fn send(&self, url: &ResponseUrl, body: Vec<u8>) -> Result<(), PutError> {
        // The client adds `Content-Length`, and nothing else but `Host`.
        let mut request = HttpRequest::new(SdkBody::from(body));
        request.headers_mut().insert("content-type", "");
        let method = request.set_method("PUT");
        if method.and_then(|()| request.set_uri(url.reveal())).is_err() {
            return Err(PutError::Final("the URL cannot be sent to".into()));
        }
        match self.http.connector().call(request).await {
            Ok(response) if response.status().is_success() => Ok(()),
            Ok(response) => {
                let status = response.status().as_u16();
                let error = PutError::from_status(status, &error_code(response).await);
                let is_good = url.is_good_at(OffsetDateTime::now_utc());
                Err(if is_good { error.of_a_good_url() } else { error })
            }
            Err(error) => {
                let text = unless_revealing(url, &error, "the connection failed");
                Err(if error.is_user() { PutError::Final(text) } else { PutError::Retryable(text) })
            }
        }
    }
}

#[async_trait]
impl AnswerSink for HttpSink {
    async fn put(&self, url: &ResponseUrl, body: Vec<u8>) -> Result<(), PutError> {
        match timeout(self.limit, self.send(url, body)).await {
            Ok(result) => result,
            Err(_) => Err(PutError::Retryable(format!("no response within {} ms", self.limit.as_millis()))),
        }
    }
}

/// The text of an error, or `otherwise` if it holds any of the URL beyond its host.
fn unless_revealing(url: &ResponseUrl, error: &(dyn Error + 'static), otherwise: &str) -> String {
    let text = chain(error);
    let after_host = url.reveal().splitn(4, '/').nth(3).unwrap_or_default();
    let (path, query) = after_host.split_once('?').unwrap_or((after_host, ""));
    let reveals = |part: &str| !part.is_empty() && text.contains(part);
    if reveals(path) || reveals(query) { otherwise.to_owned() } else { text }
}

/// The code of an error of S3, and never more of its body: for a wrong signature S3 repeats what was
/// signed, the query with it (Amazon S3 API Reference, "Error responses").
async fn error_code(response: HttpResponse) -> String {
    let mut body = ByteStream::new(response.into_body());
    let mut read = Vec::new();
    while let Some(Ok(bytes)) = body.next().await {
        read.extend_from_slice(&bytes);
        if read.len() >= ERROR_BYTES {
            break;
        }
    }
    let text = String::from_utf8_lossy(&read);
    let code = text.split_once("<Code>").and_then(|(_, rest)| rest.split_once("</Code>"));
    match code {
        Some((code, _)) if code.len() <= 64 && code.bytes().all(|b| b.is_ascii_alphanumeric()) => {
            code.to_owned()
        }
        _ => "without an error code of S3".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use aws_smithy_http_client::proxy::ProxyConfig;

    use super::*;
    use crate::wire::{Reply, Server};

    const PATH: &str = "/arn%3Aaws%3Acloudformation/shop/0f1e%7CProfile%7C77f2";
    const QUERY: &str =
        "X-Amz-Credential=AKIA%2F20260313&X-Amz-Security-Token=IQo%2Bb%3D%3D&X-Amz-Signature=c5b8";

    fn sink() -> HttpSink {
        HttpSink::new(Http::new(ProxyConfig::disabled()))
    }

    fn url(server: &Server) -> ResponseUrl {
        ResponseUrl::parse(&format!("{}{PATH}?{QUERY}", server.url)).unwrap()
    }

    fn xml(status: u16, body: &str) -> Reply {
        Reply::Answer(status, vec![("content-type", "application/xml")], body.as_bytes().to_vec())
    }

    #[tokio::test]
    async fn an_answer_is_put_as_the_url_was_signed() {
        let server = Server::start([Reply::Answer(200, vec![], vec![])]).await;
        let body = r#"{"Reason":"é"}"#;
        sink().put(&url(&server), body.as_bytes().to_vec()).await.unwrap();
        let sent = server.sent();
        let host = server.url.trim_start_matches("http://");
        let mut head: Vec<&str> = sent[0].head.lines().collect();
        head[1..].sort();
        // The whole head: nothing is chunked, and nothing is there that was not signed for.
        let expected = [
            &format!("PUT {PATH}?{QUERY} HTTP/1.1"),
            "content-length: 15",
            "content-type: ",
            &format!("host: {host}"),
        ];
        assert_eq!(head, expected);
        assert_eq!(sent[0].text(), body);
        assert_eq!(sent.len(), 1);
    }

    #[tokio::test]
    async fn the_status_decides_and_one_put_is_one_request() {
        for (reply, expected) in [
            (Reply::Answer(204, vec![], vec![]), Ok(())),
            (
                xml(
                    403,
                    "<?xml?><Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>",
                ),
                Err(PutError::Final("HTTP status 403: AccessDenied".into())),
            ),
            (
                xml(400, "<Error><Code>RequestTimeout</Code></Error>"),
                Err(PutError::Retryable("HTTP status 400: RequestTimeout".into())),
            ),
            (
                xml(503, "<Error><Code>SlowDown</Code></Error>"),
                Err(PutError::Retryable("HTTP status 503: SlowDown".into())),
            ),
            (
                Reply::Answer(307, vec![("location", "http://127.0.0.1:1/")], vec![]),
                Err(PutError::Final("HTTP status 307: without an error code of S3".into())),
            ),
        ] {
            let server = Server::start([reply]).await;
            assert_eq!(sink().put(&url(&server), vec![]).await, expected);
            assert_eq!(server.sent().len(), 1);
        }
    }

    /// The policy of a VPC endpoint, a proxy: rescue may have another way.
    #[tokio::test]
    async fn what_turns_a_good_url_away_is_not_the_end() {
        let format = time::macros::format_description!("[year][month][day]T[hour][minute][second]Z");
        let now = OffsetDateTime::now_utc().format(format).unwrap();
        let server = Server::start([xml(403, "<Error><Code>AccessDenied</Code></Error>")]).await;
        let url = ResponseUrl::parse(&format!("{}?X-Amz-Date={now}", server.url)).unwrap();
        let refused = PutError::Refused("HTTP status 403: AccessDenied".into());
        assert_eq!(sink().put(&url, vec![]).await, Err(refused));
    }

    #[tokio::test]
    async fn no_failure_repeats_the_url() {
        let echo = format!("<Error><Code>{QUERY}</Code><StringToSign>{PATH}?{QUERY}</StringToSign></Error>");
        let mut dead = Server::start([]).await;
        dead.url = "http://127.0.0.1:1".into();
        for (server, expected) in [
            (Server::start([xml(403, &echo)]).await, "HTTP status 403: without an error code of S3"),
            (Server::start([Reply::Cut]).await, ""),
            (dead, ""),
        ] {
            let error = sink().put(&url(&server), vec![1]).await.unwrap_err();
            let text = format!("{error} {error:?}");
            for secret in ["c5b8", "AKIA", "0f1e"] {
                assert!(!text.contains(secret), "{text}");
            }
            assert!(expected.is_empty() || error.to_string() == expected, "{error}");
            assert_eq!(error.is_retryable(), expected.is_empty(), "{error}");
        }
    }

    #[test]
    fn an_error_that_quotes_the_url_is_replaced() {
        let url = ResponseUrl::parse(&format!("https://bucket.example{PATH}?{QUERY}")).unwrap();
        let shown = |text: String| unless_revealing(&url, &*Box::<dyn Error>::from(text), "hidden");
        assert_eq!(shown(format!("cannot reach {}", url.reveal())), "hidden");
        assert_eq!(shown(format!("bad path {PATH}")), "hidden");
        assert_eq!(shown(format!("bad query {QUERY}")), "hidden");
        assert_eq!(shown("cannot reach bucket.example".into()), "cannot reach bucket.example");
    }

    #[tokio::test]
    async fn a_response_that_never_comes_is_given_up() {
        let server = Server::start([Reply::Silence]).await;
        let sink = HttpSink { limit: Duration::from_millis(50), ..sink() };
        let error = sink.put(&url(&server), vec![1]).await.unwrap_err();
        assert_eq!(error, PutError::Retryable("no response within 50 ms".into()));
    }
}
