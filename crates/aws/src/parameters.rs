//! Parameters, at SSM Parameter Store.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use aws_config::{SdkConfig, retry::RetryConfig};
use aws_sdk_ssm::{
    Client,
    config::Config,
    types::{ParameterType, ResourceTypeForTagging, Tag},
};
use ports::{NewParameter, Parameters, Result};
use profile::{record::ParameterRecord, tags::Tags};

use crate::error::{failed, unbuilt};

const GET: &str = "ssm:GetParameters";
const PUT: &str = "ssm:PutParameter";
const DELETE: &str = "ssm:DeleteParameter";
const LIST_TAGS: &str = "ssm:ListTagsForResource";
const TAG: &str = "ssm:AddTagsToResource";
const UNTAG: &str = "ssm:RemoveTagsFromResource";

/// How many names `GetParameters` takes ("GetParameters", `Names`).
const NAMES: usize = 10;

pub(crate) struct Ssm {
    client: Client,
}

impl Ssm {
    pub(crate) fn new(config: &SdkConfig) -> Self {
        Self { client: Client::new(config) }
    }
}

#[async_trait]
impl Parameters for Ssm {
    async fn get(&self, names: &[String]) -> Result<BTreeMap<String, ParameterRecord>> {
        let names: Vec<String> = names.iter().cloned().collect::<BTreeSet<_>>().into_iter().collect();
        let mut found = BTreeMap::new();
        for names in names.chunks(NAMES) {
            let answer = self
                .client
                .get_parameters()
                .set_names(Some(names.to_vec()))
                .send()
                .await
                .map_err(failed(GET))?;
            for parameter in answer.parameters.unwrap_or_default() {
                if let (Some(name), Some(value)) = (parameter.name, parameter.value) {
                    found.insert(name, ParameterRecord { value });
                }
            }
        }
        Ok(found)
    }

    async fn create(&self, parameter: &NewParameter) -> Result<()> {
        // Sent once: repeated after a lost answer, it would meet its own parameter and call it taken.
        let once = Config::builder().retry_config(RetryConfig::disabled());
        self.client
            .put_parameter()
            .name(&parameter.name)
            .value(&parameter.value)
            .description(&parameter.description)
            .r#type(ParameterType::String)
            .set_tags(Some(to_sdk(PUT, &parameter.tags)?).filter(|tags| !tags.is_empty()))
            .customize()
            .config_override(once)
            .send()
            .await
            .map_err(failed(PUT))?;
        Ok(())
    }

    async fn overwrite(&self, name: &str, value: &str) -> Result<()> {
        // No `Type`: an update does not need it and a creation does ("PutParameter", `Type`), so one that
        // was deleted meanwhile is not made again without its tags.
        self.client
            .put_parameter()
            .name(name)
            .value(value)
            .overwrite(true)
            .send()
            .await
            .map_err(failed(PUT))?;
        Ok(())
    }

    async fn delete(&self, name: &str) -> Result<()> {
        self.client.delete_parameter().name(name).send().await.map_err(failed(DELETE))?;
        Ok(())
    }

    async fn tags(&self, name: &str) -> Result<Tags> {
        let found = self
            .client
            .list_tags_for_resource()
            .resource_type(ResourceTypeForTagging::Parameter)
            .resource_id(name)
            .send()
            .await
            .map_err(failed(LIST_TAGS))?;
        Ok(found.tag_list.unwrap_or_default().into_iter().map(|tag| (tag.key, tag.value)).collect())
    }

    async fn tag(&self, name: &str, tags: &Tags) -> Result<()> {
        if tags.is_empty() {
            return Ok(());
        }
        self.client
            .add_tags_to_resource()
            .resource_type(ResourceTypeForTagging::Parameter)
            .resource_id(name)
            .set_tags(Some(to_sdk(TAG, tags)?))
            .send()
            .await
            .map_err(failed(TAG))?;
        Ok(())
    }

    async fn untag(&self, name: &str, keys: &[String]) -> Result<()> {
        if keys.is_empty() {
            return Ok(());
        }
        self.client
            .remove_tags_from_resource()
            .resource_type(ResourceTypeForTagging::Parameter)
            .resource_id(name)
            .set_tag_keys(Some(keys.to_vec()))
            .send()
            .await
            .map_err(failed(UNTAG))?;
        Ok(())
    }
}

fn to_sdk(operation: &'static str, tags: &Tags) -> Result<Vec<Tag>> {
    tags.iter()
        .map(|(key, value)| Tag::builder().key(key).value(value).build().map_err(unbuilt(operation)))
        .collect()
}

#[cfg(test)]
mod tests {
    use ports::ErrorKind;
    use serde_json::json;

    use super::*;
    use crate::{
        ATTEMPTS,
        wire::{Reply, Server},
    };

    fn new() -> NewParameter {
        NewParameter {
            name: "/p/a".into(),
            value: "arn:a".into(),
            description: "The profile".into(),
            tags: Tags::from([("k".into(), "v".into())]),
        }
    }

    #[tokio::test]
    async fn names_are_read_ten_at_a_time_each_once_and_missing_ones_are_absent() {
        let found =
            json!({ "Parameters": [{ "Name": "/p/00", "Value": "v" }], "InvalidParameters": ["/p/01"] });
        let server = Server::start([Reply::json(found), Reply::json(json!({}))]).await;
        let mut names: Vec<String> = (0..11).map(|n| format!("/p/{n:02}")).collect();
        names.push("/p/00".into());
        let parameters = server.aws().await.parameters().get(&names).await.unwrap();
        assert_eq!(parameters, BTreeMap::from([("/p/00".into(), ParameterRecord { value: "v".into() })]));
        let sent = server.sent();
        assert_eq!(sent.len(), 2);
        assert_eq!(sent[0].json()["Names"].as_array().unwrap().len(), 10);
        assert_eq!(sent[1].json(), json!({ "Names": ["/p/10"] }));
    }

    #[tokio::test]
    async fn a_parameter_is_made_with_its_tags_and_never_over_another() {
        let server = Server::start([
            Reply::json(json!({ "Version": 1 })),
            Reply::error(400, "ParameterAlreadyExists", "The parameter already exists."),
        ])
        .await;
        let parameters = server.aws().await.parameters();
        parameters.create(&new()).await.unwrap();
        let request = json!({
            "Name": "/p/a",
            "Value": "arn:a",
            "Description": "The profile",
            "Type": "String",
            "Tags": [{ "Key": "k", "Value": "v" }],
        });
        assert_eq!(server.sent()[0].json(), request);
        assert_eq!(server.sent()[0].header("x-amz-target"), ["AmazonSSM.PutParameter"]);
        assert_eq!(parameters.create(&new()).await.unwrap_err().kind, ErrorKind::Conflict);
    }

    #[tokio::test]
    async fn a_creation_is_sent_once_and_an_overwriting_again_and_again() {
        let server = Server::start([Reply::error(500, "InternalServerError", "oops")]).await;
        let parameters = server.aws().await.parameters();
        assert_eq!(parameters.create(&new()).await.unwrap_err().kind, ErrorKind::Unknown);
        assert_eq!(server.sent().len(), 1);
        assert_eq!(parameters.overwrite("/p/a", "arn:b").await.unwrap_err().kind, ErrorKind::Unknown);
        assert_eq!(server.sent().len(), 1 + ATTEMPTS as usize);
    }

    #[tokio::test]
    async fn an_overwriting_carries_neither_tags_nor_what_would_make_a_parameter() {
        let server = Server::start([Reply::json(json!({ "Version": 2 }))]).await;
        server.aws().await.parameters().overwrite("/p/a", "arn:b").await.unwrap();
        let request = json!({ "Name": "/p/a", "Value": "arn:b", "Overwrite": true });
        assert_eq!(server.sent()[0].json(), request);
    }

    #[tokio::test]
    async fn tags_are_read_and_changed_by_name() {
        let tags = json!({ "TagList": [{ "Key": "k", "Value": "v" }] });
        let server = Server::start([
            Reply::json(tags),
            Reply::json(json!({})),
            Reply::json(json!({})),
            Reply::error(400, "InvalidResourceId", "no such parameter"),
        ])
        .await;
        let parameters = server.aws().await.parameters();
        assert_eq!(parameters.tags("/p/a").await.unwrap(), new().tags);
        parameters.tag("/p/a", &new().tags).await.unwrap();
        parameters.untag("/p/a", &["k".into()]).await.unwrap();
        parameters.tag("/p/a", &Tags::new()).await.unwrap();
        parameters.untag("/p/a", &[]).await.unwrap();
        let sent: Vec<_> = server.sent().iter().map(|sent| sent.json()).collect();
        let on = |more: serde_json::Value| {
            let mut request = json!({ "ResourceType": "Parameter", "ResourceId": "/p/a" });
            request.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            request
        };
        let tags = json!({ "Tags": [{ "Key": "k", "Value": "v" }] });
        assert_eq!(sent, [on(json!({})), on(tags), on(json!({ "TagKeys": ["k"] }))]);
        assert_eq!(parameters.tags("/p/a").await.unwrap_err().kind, ErrorKind::NotFound);
    }

    #[tokio::test]
    async fn a_parameter_is_deleted_by_name() {
        let gone = Reply::error(400, "ParameterNotFound", "");
        let server = Server::start([Reply::json(json!({})), gone]).await;
        let parameters = server.aws().await.parameters();
        parameters.delete("/p/a").await.unwrap();
        assert_eq!(server.sent()[0].json(), json!({ "Name": "/p/a" }));
        assert_eq!(parameters.delete("/p/a").await.unwrap_err().kind, ErrorKind::NotFound);
    }
}
