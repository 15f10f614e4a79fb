//! Reports, at S3.

use async_trait::async_trait;
use aws_config::SdkConfig;
use aws_sdk_s3::{Client, config::Builder, primitives::ByteStream};
use aws_types::service_config::ServiceConfigKey;
use ports::{ReportStore, Result};

use crate::error::{chain, failed, unreadable};

const GET: &str = "s3:GetObject";
const PUT: &str = "s3:PutObject";

pub(crate) struct S3 {
    client: Client,
    bucket: String,
}

impl S3 {
    pub(crate) fn new(config: &SdkConfig, bucket: &str) -> Self {
        // AWS is called as it wants to be, by the bucket's own host name. A host below that of an endpoint
        // which stands in for it is in nobody's name service.
        let config = Builder::from(config).force_path_style(is_redirected(config)).build();
        Self { client: Client::from_conf(config), bucket: bucket.to_owned() }
    }
}

#[async_trait]
impl ReportStore for S3 {
    async fn read(&self, key: &str) -> Result<Vec<u8>> {
        let answer = self.client.get_object().bucket(&self.bucket).key(key).send().await;
        let body = answer.map_err(failed(GET))?.body.collect().await;
        Ok(body.map_err(|error| unreadable(GET, chain(&error)))?.to_vec())
    }

    async fn write(&self, key: &str, content_type: &'static str, body: Vec<u8>) -> Result<()> {
        // The SDK adds a checksum, which a bucket with Object Lock asks for ("PutObject").
        self.client
            .put_object()
            .bucket(&self.bucket)
            .key(key)
            .content_type(content_type)
            .body(ByteStream::from(body))
            .send()
            .await
            .map_err(failed(PUT))?;
        Ok(())
    }
}

/// Whether an endpoint is set for S3 or for all services ("Service-specific endpoints", AWS SDKs and Tools
/// Reference Guide).
fn is_redirected(config: &SdkConfig) -> bool {
    let key = ServiceConfigKey::builder().service_id("S3").env("AWS_ENDPOINT_URL").profile("endpoint_url");
    let own = || config.service_config()?.load_config(key.build().ok()?);
    config.endpoint_url().is_some() || own().is_some()
}

#[cfg(test)]
mod tests {
    use ports::ErrorKind;

    use crate::wire::{Reply, Server};

    fn refusal(status: u16, code: &str) -> Reply {
        Reply::xml(status, &format!("<Error><Code>{code}</Code><Message>because</Message></Error>"))
    }

    #[tokio::test]
    async fn a_report_is_written_whole_in_one_request_with_its_type() {
        let server = Server::start([Reply::xml(200, "")]).await;
        let reports = server.aws().await.report_store("my.bucket");
        reports.write("a/report one.html", "text/html; charset=utf-8", b"<p>".to_vec()).await.unwrap();
        let [sent] = <[_; 1]>::try_from(server.sent()).unwrap();
        assert_eq!(sent.line(), "PUT /my.bucket/a/report%20one.html?x-id=PutObject");
        assert_eq!(sent.text(), "<p>");
        assert_eq!(sent.header("content-type"), ["text/html; charset=utf-8"]);
        assert_eq!(sent.header("content-length"), ["3"]);
        assert_eq!(sent.header("transfer-encoding"), [""; 0]);
        assert_eq!(sent.header("content-encoding"), [""; 0]);
        assert_eq!(sent.header("x-amz-checksum-crc32"), ["PG6huw=="]);
    }

    #[tokio::test]
    async fn a_report_is_read_by_its_key_and_one_that_is_not_there_is_not_found() {
        let server = Server::start([
            Reply::xml(200, "{}"),
            refusal(404, "NoSuchKey"),
            refusal(404, "NoSuchBucket"),
            Reply::xml(404, ""),
            refusal(403, "AccessDenied"),
        ])
        .await;
        let reports = server.aws().await.report_store("b");
        assert_eq!(reports.read("report.json").await, Ok(b"{}".to_vec()));
        assert_eq!(server.sent()[0].line(), "GET /b/report.json?x-id=GetObject");
        for kind in [ErrorKind::NotFound, ErrorKind::NotFound, ErrorKind::NotFound, ErrorKind::Denied] {
            assert_eq!(reports.read("report.json").await.unwrap_err().kind, kind);
        }
    }

    /// By each cyclic redundancy check that S3 may send: CRC-32, which the SDK writes, and those of other writers.
    #[tokio::test]
    async fn a_report_is_taken_only_if_it_arrives_undamaged() {
        for (header, right, wrong) in [
            ("x-amz-checksum-crc32", "o6a/Qw==", "AAAAAA=="),
            ("x-amz-checksum-crc32c", "KXvQqg==", "AAAAAA=="),
            ("x-amz-checksum-crc64nvme", "Sv1wpwepjTw=", "AAAAAAAAAAA="),
        ] {
            for (checksum, expected) in
                [(right, Ok(b"{}".to_vec())), (wrong, Err(("s3:GetObject", "UnreadableAnswer".to_owned())))]
            {
                let server =
                    Server::start([Reply::Answer(200, vec![(header, checksum)], b"{}".to_vec())]).await;
                let read = server.aws().await.report_store("b").read("report.json").await;
                let read = read.map_err(|error| (error.operation, error.code));
                assert_eq!(read, expected, "{header}: {checksum}");
            }
        }
    }
}
