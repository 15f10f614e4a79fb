//! Who owns what, at the Resource Groups Tagging API.

use async_trait::async_trait;
use aws_config::SdkConfig;
use aws_sdk_resourcegroupstagging::{Client, types::TagFilter};
use ports::{Ownership, Result};
use profile::tags::Owner;

use crate::{error::failed, page::advance};

pub(crate) const GET: &str = "tag:GetResources";

/// The most that `GetResources` gives in a page ("GetResources", `ResourcesPerPage`).
pub(crate) const PAGE: i32 = 100;

/// Profiles, as the tagging API names their type.
pub(crate) const PROFILE: &str = "bedrock:application-inference-profile";

/// The types of thing that this project makes.
const TYPES: [&str; 2] = [PROFILE, "ssm:parameter"];

pub(crate) struct Tagging {
    client: Client,
}

impl Tagging {
    pub(crate) fn new(config: &SdkConfig) -> Self {
        Self { client: Client::new(config) }
    }
}

#[async_trait]
impl Ownership for Tagging {
    async fn owned_by(&self, owner: &Owner) -> Result<Vec<String>> {
        let filters: Vec<TagFilter> = owner
            .tags()
            .into_iter()
            .map(|(key, value)| TagFilter::builder().key(key).values(value).build())
            .collect();
        let mut found = Vec::new();
        let mut token = None;
        loop {
            let page = self
                .client
                .get_resources()
                .set_tag_filters(Some(filters.clone()))
                .set_resource_type_filters(Some(TYPES.map(str::to_owned).to_vec()))
                .resources_per_page(PAGE)
                .set_pagination_token(token.clone())
                .send()
                .await
                .map_err(failed(GET))?;
            let resources = page.resource_tag_mapping_list.unwrap_or_default();
            found.extend(resources.into_iter().filter_map(|resource| resource.resource_arn));
            if !advance(GET, &mut token, page.pagination_token)? {
                return Ok(found);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::wire::{Reply, Server};

    fn owner() -> Owner {
        Owner { stack_id: "arn:stack".into(), logical_id: "Profile".into() }
    }

    #[tokio::test]
    async fn everything_that_carries_both_tags_is_found_over_all_pages() {
        let page = |arn: &str, token: &str| {
            let found = json!([{ "ResourceARN": arn, "Tags": [] }]);
            Reply::json(json!({ "PaginationToken": token, "ResourceTagMappingList": found }))
        };
        let server = Server::start([page("a", "1"), page("b", "2"), page("c", "")]).await;
        assert_eq!(server.aws().await.ownership().owned_by(&owner()).await.unwrap(), ["a", "b", "c"]);
        let sent = server.sent();
        assert_eq!(sent[0].header("x-amz-target"), ["ResourceGroupsTaggingAPI_20170126.GetResources"]);
        let mut request = json!({
            "ResourceTypeFilters": ["bedrock:application-inference-profile", "ssm:parameter"],
            "ResourcesPerPage": 100,
            "TagFilters": [
                { "Key": "inference-profile-manager:logical-id", "Values": ["Profile"] },
                { "Key": "inference-profile-manager:stack-id", "Values": ["arn:stack"] },
            ],
        });
        assert_eq!(sent[0].json(), request);
        request["PaginationToken"] = json!("2");
        assert_eq!(sent[2].json(), request);
    }

    #[tokio::test]
    async fn a_page_that_fails_fails_the_whole() {
        let server = Server::start([
            Reply::json(
                json!({ "PaginationToken": "1", "ResourceTagMappingList": [{ "ResourceARN": "a" }] }),
            ),
            Reply::error(400, "PaginationTokenExpiredException", "too late"),
        ])
        .await;
        let error = server.aws().await.ownership().owned_by(&owner()).await.unwrap_err();
        assert_eq!(
            error.to_string(),
            "tag:GetResources failed with PaginationTokenExpiredException: too late"
        );
    }
}
