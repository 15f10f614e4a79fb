//! The tags of many profiles, at the Resource Groups Tagging API.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use aws_config::SdkConfig;
use aws_sdk_resourcegroupstagging::Client;
use ports::{Result, TagIndex};
use profile::{arn::ProfileArn, tags::Tags};

use crate::{
    error::{failed, unreadable},
    ownership::GET,
    side_by_side::side_by_side,
};

/// How many ARNs `GetResources` takes ("GetResources", `ResourceARNList`).
const ARNS: usize = 100;

/// How many calls are under way at once.
const CALLS: usize = 8;

pub(crate) struct Tagging {
    client: Client,
}

impl Tagging {
    pub(crate) fn new(config: &SdkConfig) -> Self {
        Self { client: Client::new(config) }
    }

    /// The tags of up to [`ARNS`] profiles.
    ///
    /// No parameter of paging may come with a list of ARNs ("GetResources", `ResourceARNList`), so an
    /// answer that has another page all the same is not gone on with: the halves of the list are asked for.
    async fn some(&self, arns: &[String]) -> Result<Vec<(ProfileArn, Tags)>> {
        let mut found = Vec::new();
        let mut lists = vec![arns];
        while let Some(list) = lists.pop() {
            let answer = self
                .client
                .get_resources()
                .set_resource_arn_list(Some(list.to_vec()))
                .send()
                .await
                .map_err(failed(GET))?;
            if answer.pagination_token.is_some_and(|token| !token.is_empty()) {
                if list.len() == 1 {
                    return Err(unreadable(GET, "one profile's tags come in more than one page"));
                }
                let (first, second) = list.split_at(list.len() / 2);
                lists.extend([second, first]);
                continue;
            }
            for resource in answer.resource_tag_mapping_list.unwrap_or_default() {
                let arn = resource.resource_arn.as_deref().and_then(ProfileArn::parse);
                let arn = arn.ok_or_else(|| unreadable(GET, "a resource is not a profile"))?;
                let tags = resource.tags.unwrap_or_default().into_iter();
                found.push((arn, tags.map(|tag| (tag.key, tag.value)).collect()));
            }
        }
        Ok(found)
    }
}

#[async_trait]
impl TagIndex for Tagging {
    async fn tags_of(&self, profiles: &[ProfileArn]) -> Result<BTreeMap<ProfileArn, Tags>> {
        let arns: BTreeSet<&ProfileArn> = profiles.iter().collect();
        let arns: Vec<String> = arns.into_iter().map(ProfileArn::to_string).collect();
        let calls: Vec<_> = arns.chunks(ARNS).map(|arns| self.some(arns)).collect();
        Ok(side_by_side(CALLS, calls).await?.into_iter().flatten().collect())
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
        let server = Server::start([answer(&[arn(7)], "")]).await;
        let profiles: Vec<ProfileArn> = (0..201).chain(0..201).map(arn).collect();
        let found = server.aws().await.tag_index().tags_of(&profiles).await.unwrap();
        assert_eq!(found, BTreeMap::from([tags(7)]));
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
    async fn an_answer_with_another_page_is_asked_for_again_in_halves_and_is_never_taken_for_the_whole() {
        let server =
            Server::start([answer(&[arn(0)], "more"), answer(&[arn(0)], ""), answer(&[arn(1), arn(2)], "")])
                .await;
        let found = server.aws().await.tag_index().tags_of(&[arn(0), arn(1), arn(2)]).await.unwrap();
        assert_eq!(found, BTreeMap::from([tags(0), tags(1), tags(2)]));
        let lists: Vec<Value> =
            server.sent().iter().map(|sent| sent.json()["ResourceARNList"].clone()).collect();
        let list = |numbers: &[usize]| json!(numbers.iter().map(|n| arn(*n).to_string()).collect::<Vec<_>>());
        assert_eq!(lists, [list(&[0, 1, 2]), list(&[0]), list(&[1, 2])]);

        let endless = Server::start([answer(&[arn(0)], "more")]).await;
        let error = endless.aws().await.tag_index().tags_of(&[arn(0), arn(1)]).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Unknown);
        assert_eq!(endless.sent().len(), 2);
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
