//! The tags of many profiles, at the Resource Groups Tagging API.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use async_trait::async_trait;
use aws_config::SdkConfig;
use aws_sdk_resourcegroupstagging::{Client, types::ResourceTagMapping};
use ports::{Result, TagIndex};
use profile::{arn::ProfileArn, tags::Tags};

use crate::{
    error::failed,
    ownership::{GET, PAGE, PROFILE},
    page::advance,
    side_by_side::side_by_side,
};

/// How many ARNs `GetResources` takes ("GetResources", `ResourceARNList`).
const ARNS: usize = 100;

/// How many calls are under way at once.
const CALLS: usize = 16;

pub(crate) struct Tagging {
    client: Client,
}

impl Tagging {
    pub(crate) fn new(config: &SdkConfig) -> Self {
        Self { client: Client::new(config) }
    }

    /// The tags of up to [`ARNS`] profiles; `None` when the answer is not to what was asked.
    ///
    /// No parameter of paging may come with a list of ARNs ("GetResources", `ResourceARNList`). An answer
    /// that has another page all the same, or resources that were not named, takes no notice of the list.
    async fn some(&self, arns: &[String]) -> Result<Option<Vec<(ProfileArn, Tags)>>> {
        let call = self.client.get_resources().set_resource_arn_list(Some(arns.to_vec()));
        let answer = call.send().await.map_err(failed(GET))?;
        let resources = answer.resource_tag_mapping_list.unwrap_or_default();
        let named: HashSet<&str> = arns.iter().map(String::as_str).collect();
        let is_named = |resource: &ResourceTagMapping| {
            resource.resource_arn.as_deref().is_some_and(|arn| named.contains(arn))
        };
        let is_whole = answer.pagination_token.is_none_or(|token| token.is_empty());
        if !is_whole || !resources.iter().all(is_named) {
            return Ok(None);
        }
        Ok(Some(resources.into_iter().filter_map(tagged).collect()))
    }

    /// The tags of every profile of the account, page by page.
    async fn all(&self) -> Result<Vec<(ProfileArn, Tags)>> {
        let mut found = Vec::new();
        let mut token = None;
        loop {
            let page = self
                .client
                .get_resources()
                .resource_type_filters(PROFILE)
                .resources_per_page(PAGE)
                .set_pagination_token(token.clone())
                .send()
                .await
                .map_err(failed(GET))?;
            found.extend(page.resource_tag_mapping_list.unwrap_or_default().into_iter().filter_map(tagged));
            if !advance(GET, &mut token, page.pagination_token)? {
                return Ok(found);
            }
        }
    }
}

fn tagged(resource: ResourceTagMapping) -> Option<(ProfileArn, Tags)> {
    let arn = ProfileArn::parse(resource.resource_arn.as_deref()?)?;
    let tags = resource.tags.unwrap_or_default().into_iter();
    Some((arn, tags.map(|tag| (tag.key, tag.value)).collect()))
}

#[async_trait]
impl TagIndex for Tagging {
    async fn tags_of(&self, profiles: &[ProfileArn]) -> Result<BTreeMap<ProfileArn, Tags>> {
        let asked: BTreeSet<&ProfileArn> = profiles.iter().collect();
        let arns: Vec<String> = asked.iter().map(|arn| arn.to_string()).collect();
        let calls: Vec<_> = arns.chunks(ARNS).map(|arns| self.some(arns)).collect();
        let answers: Option<Vec<_>> = side_by_side(CALLS, calls).await?.into_iter().collect();
        let found = match answers {
            Some(answers) => answers.into_iter().flatten().collect(),
            None => self.all().await?,
        };
        Ok(found.into_iter().filter(|(arn, _)| asked.contains(arn)).collect())
    }
}

#[cfg(test)]
mod tests {
    use ports::ErrorKind;
    use serde_json::{Value, json};

    use super::*;
    use crate::wire::{Reply, Server};

    fn arn(n: usize) -> ProfileArn {
        let id = format!("arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/p{n:03}");
        ProfileArn::parse(&id).unwrap()
    }

    fn answer(arns: &[ProfileArn], token: &str) -> Reply {
        let found: Vec<Value> = arns
            .iter()
            .map(|arn| json!({ "ResourceARN": arn.as_str(), "Tags": [{ "Key": "id", "Value": arn.id() }] }))
            .collect();
        Reply::json(json!({ "PaginationToken": token, "ResourceTagMappingList": found }))
    }

    fn tags(n: usize) -> (ProfileArn, Tags) {
        (arn(n), Tags::from([("id".into(), arn(n).id().into())]))
    }

    #[tokio::test]
    async fn a_hundred_profiles_are_asked_for_at_a_time_each_once_and_with_nothing_else() {
        let server = Server::start([answer(&[], "")]).await;
        let profiles: Vec<ProfileArn> = (0..201).chain(0..201).map(arn).collect();
        assert_eq!(server.aws().await.tag_index().tags_of(&profiles).await, Ok(BTreeMap::new()));
        let sent = server.sent();
        assert_eq!(sent[0].header("x-amz-target"), ["ResourceGroupsTaggingAPI_20170126.GetResources"]);
        let mut asked = Vec::new();
        for sent in &sent {
            let request = sent.json();
            let request = request.as_object().unwrap();
            assert_eq!(request.keys().collect::<Vec<_>>(), ["ResourceARNList"]);
            let list = request["ResourceARNList"].as_array().unwrap().clone();
            assert!(list.len() <= 100);
            asked.extend(list);
        }
        assert_eq!(sent.len(), 3);
        asked.sort_by_key(Value::to_string);
        assert_eq!(asked, (0..201).map(|n| json!(arn(n).as_str())).collect::<Vec<_>>());
    }

    #[tokio::test]
    async fn a_profile_that_the_index_does_not_know_is_absent() {
        let server = Server::start([answer(&[arn(7)], "")]).await;
        let found = server.aws().await.tag_index().tags_of(&[arn(7), arn(8)]).await.unwrap();
        assert_eq!(found, BTreeMap::from([tags(7)]));
        assert_eq!(server.sent().len(), 1);
    }

    #[tokio::test]
    async fn where_the_list_is_taken_no_notice_of_every_profile_is_asked_for_page_by_page() {
        for first in [answer(&[arn(0)], "more"), answer(&[arn(0), arn(5)], "")] {
            let server =
                Server::start([first, answer(&[arn(0), arn(5)], "next"), answer(&[arn(1), arn(2)], "")])
                    .await;
            let found = server.aws().await.tag_index().tags_of(&[arn(0), arn(1), arn(2)]).await.unwrap();
            assert_eq!(found, BTreeMap::from([tags(0), tags(1), tags(2)]));
            let sent: Vec<Value> = server.sent().iter().map(|sent| sent.json()).collect();
            let page = |more: Value| {
                let mut page = json!({ "ResourceTypeFilters": [PROFILE], "ResourcesPerPage": 100 });
                page.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
                page
            };
            assert_eq!(sent[1..], [page(json!({})), page(json!({ "PaginationToken": "next" }))]);
        }
        let endless = Server::start([answer(&[arn(0)], "more")]).await;
        let error = endless.aws().await.tag_index().tags_of(&[arn(0), arn(1)]).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Unknown);
        assert_eq!(endless.sent().len(), 3);
    }

    #[tokio::test]
    async fn a_call_that_fails_fails_the_whole_and_no_profiles_need_no_call() {
        let server = Server::start([Reply::error(400, "InvalidParameterException", "no")]).await;
        let index = server.aws().await.tag_index();
        assert_eq!(index.tags_of(&[]).await, Ok(BTreeMap::new()));
        assert!(server.sent().is_empty());
        let error = index.tags_of(&[arn(0)]).await.unwrap_err();
        assert_eq!(error.to_string(), "tag:GetResources failed with InvalidParameterException: no");
    }
}
