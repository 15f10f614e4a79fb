//! The names of parameters, at SSM Parameter Store.

use async_trait::async_trait;
use aws_config::SdkConfig;
use aws_sdk_ssm::{Client, types::ParameterStringFilter};
use ports::{ParameterIndex, Result};

use crate::{
    error::{failed, unbuilt, unreadable},
    page::advance,
};

const DESCRIBE: &str = "ssm:DescribeParameters";

/// The most that `DescribeParameters` gives in a page ("DescribeParameters", `MaxResults`).
const PAGE: i32 = 50;

pub(crate) struct Ssm {
    client: Client,
}

impl Ssm {
    pub(crate) fn new(config: &SdkConfig) -> Self {
        Self { client: Client::new(config) }
    }
}

#[async_trait]
impl ParameterIndex for Ssm {
    async fn under(&self, path: &str) -> Result<Vec<String>> {
        let below = ParameterStringFilter::builder().key("Path").option("Recursive").values(path);
        let below = below.build().map_err(unbuilt(DESCRIBE))?;
        let mut names = Vec::new();
        let mut token = None;
        loop {
            // A page may be empty and yet not be the last ("DescribeParameters").
            let page = self
                .client
                .describe_parameters()
                .parameter_filters(below.clone())
                .max_results(PAGE)
                .set_next_token(token.clone())
                .send()
                .await
                .map_err(failed(DESCRIBE))?;
            for parameter in page.parameters.unwrap_or_default() {
                names.push(parameter.name.ok_or_else(|| unreadable(DESCRIBE, "a parameter has no name"))?);
            }
            if !advance(DESCRIBE, &mut token, page.next_token)? {
                return Ok(names);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use ports::ErrorKind;
    use serde_json::json;

    use crate::wire::{Reply, Server};

    #[tokio::test]
    async fn names_are_gathered_over_all_pages_also_over_an_empty_one() {
        let server = Server::start([
            Reply::json(json!({ "Parameters": [{ "Name": "/p/a", "Type": "String" }], "NextToken": "1" })),
            Reply::json(json!({ "Parameters": [], "NextToken": "2" })),
            Reply::json(json!({ "Parameters": [{ "Name": "/p/b/c" }] })),
        ])
        .await;
        let names = server.aws().await.parameter_index().under("/p").await.unwrap();
        assert_eq!(names, ["/p/a", "/p/b/c"]);
        let sent = server.sent();
        assert_eq!(sent[0].header("x-amz-target"), ["AmazonSSM.DescribeParameters"]);
        let mut request = json!({
            "ParameterFilters": [{ "Key": "Path", "Option": "Recursive", "Values": ["/p"] }],
            "MaxResults": 50,
        });
        assert_eq!(sent[0].json(), request);
        request["NextToken"] = json!("2");
        assert_eq!(sent[2].json(), request);
    }

    #[tokio::test]
    async fn a_page_that_fails_fails_the_whole() {
        let server = Server::start([
            Reply::json(json!({ "Parameters": [{ "Name": "/p/a" }], "NextToken": "1" })),
            Reply::error(400, "AccessDeniedException", "no"),
        ])
        .await;
        let error = server.aws().await.parameter_index().under("/p").await.unwrap_err();
        assert_eq!((error.operation, error.kind), ("ssm:DescribeParameters", ErrorKind::Denied));
    }
}
