//! Cost allocation tags, at Cost Explorer. It has one endpoint in a partition; the SDK finds it from the
//! Region.

use std::collections::BTreeMap;

use async_trait::async_trait;
use aws_config::SdkConfig;
use aws_sdk_costexplorer::{
    Client,
    types::{CostAllocationTagStatus, CostAllocationTagType},
};
use ports::{CallError, CostAllocationTags, ErrorKind, Result};

use crate::{error::failed, page::advance};

const LIST: &str = "ce:ListCostAllocationTags";

/// The most that `ListCostAllocationTags` gives in a page ("ListCostAllocationTags", `MaxResults`).
const PAGE: i32 = 1000;

pub(crate) struct CostExplorer {
    client: Client,
}

impl CostExplorer {
    pub(crate) fn new(config: &SdkConfig) -> Self {
        Self { client: Client::new(config) }
    }
}

#[async_trait]
impl CostAllocationTags for CostExplorer {
    async fn active(&self) -> Result<BTreeMap<String, bool>> {
        let mut tags = BTreeMap::new();
        let mut token = None;
        loop {
            let page = self
                .client
                .list_cost_allocation_tags()
                .r#type(CostAllocationTagType::UserDefined)
                .max_results(PAGE)
                .set_next_token(token.clone())
                .send()
                .await
                .map_err(failed(LIST))
                .map_err(told_apart)?;
            let found = page.cost_allocation_tags.unwrap_or_default().into_iter();
            tags.extend(found.map(|tag| (tag.tag_key, tag.status == CostAllocationTagStatus::Active)));
            if !advance(LIST, &mut token, page.next_token)? {
                return Ok(tags);
            }
        }
    }
}

/// An account that another one pays for is refused ("Failed to list Cost Allocation Tags: Linked account
/// doesn't have access to cost allocation tags."), and so is one that calls too often ("LimitExceededException:
/// You made too many calls in a short period of time").
fn told_apart(error: CallError) -> CallError {
    let linked = error.code == "AccessDeniedException" && error.message.contains("Linked account");
    let kind = match error.code.as_str() {
        _ if linked => ErrorKind::NotFound,
        "LimitExceededException" => ErrorKind::Throttled,
        _ => error.kind,
    };
    CallError { kind, ..error }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::wire::{Reply, Server};

    fn tag(key: &str, status: &str) -> Value {
        json!({ "TagKey": key, "Type": "UserDefined", "Status": status, "LastUsedDate": "2026-03-13T00:00:00Z" })
    }

    #[tokio::test]
    async fn tag_keys_are_read_with_their_status_over_all_pages() {
        let server = Server::start([
            Reply::json(json!({ "CostAllocationTags": [tag("team", "Active")], "NextToken": "1" })),
            Reply::json(json!({ "CostAllocationTags": [tag("owner", "Inactive")] })),
        ])
        .await;
        let tags = server.aws().await.cost_allocation_tags().active().await.unwrap();
        assert_eq!(tags, BTreeMap::from([("team".into(), true), ("owner".into(), false)]));
        let sent = server.sent();
        assert_eq!(sent[0].header("x-amz-target"), ["AWSInsightsIndexService.ListCostAllocationTags"]);
        assert_eq!(sent[0].json(), json!({ "Type": "UserDefined", "MaxResults": 1000 }));
        assert_eq!(sent[1].json(), json!({ "Type": "UserDefined", "MaxResults": 1000, "NextToken": "1" }));
    }

    #[tokio::test]
    async fn an_account_that_another_one_pays_for_has_none_and_other_refusals_stay_what_they_are() {
        for (code, message, kind) in [
            (
                "AccessDeniedException",
                "Failed to list Cost Allocation Tags: Linked account doesn't have access to cost allocation tags.",
                ErrorKind::NotFound,
            ),
            (
                "AccessDeniedException",
                "User: arn:x is not authorized to perform: ce:ListCostAllocationTags",
                ErrorKind::Denied,
            ),
            ("LimitExceededException", "Rate exceeded", ErrorKind::Throttled),
            ("ValidationException", "Linked account", ErrorKind::Invalid),
        ] {
            let server = Server::start([Reply::error(400, code, message)]).await;
            let error = server.aws().await.cost_allocation_tags().active().await.unwrap_err();
            assert_eq!((error.kind, error.message.as_str()), (kind, message));
        }
    }
}
