//! Stacks, at CloudFormation.

use async_trait::async_trait;
use aws_config::SdkConfig;
use aws_sdk_cloudformation::{
    Client,
    types::{ResourceStatus, Stack},
};
use aws_smithy_types::DateTime;
use ports::{CallError, ErrorKind, Result, Stacks};
use profile::record::{StackRecord, StackResourceRecord};
use time::OffsetDateTime;

use crate::{
    error::{failed, unreadable},
    timestamp,
};

pub(crate) const STACK: &str = "cloudformation:DescribeStacks";
const RESOURCE: &str = "cloudformation:DescribeStackResource";

pub(crate) struct CloudFormation {
    client: Client,
}

impl CloudFormation {
    pub(crate) fn new(config: &SdkConfig) -> Self {
        Self { client: Client::new(config) }
    }
}

#[async_trait]
impl Stacks for CloudFormation {
    async fn stack(&self, stack_id: &str) -> Result<StackRecord> {
        let answer = self.client.describe_stacks().stack_name(stack_id).send().await;
        let found = answer.map_err(failed(STACK)).map_err(absent)?;
        let stack = found.stacks.unwrap_or_default().into_iter().next();
        stack_record(stack.ok_or_else(|| unreadable(STACK, "the answer names no stack"))?)
    }

    async fn resource(&self, stack_id: &str, logical_id: &str) -> Result<StackResourceRecord> {
        let answer = self
            .client
            .describe_stack_resource()
            .stack_name(stack_id)
            .logical_resource_id(logical_id)
            .send()
            .await;
        let found = answer.map_err(failed(RESOURCE)).map_err(absent)?;
        let detail = found.stack_resource_detail;
        let detail = detail.ok_or_else(|| unreadable(RESOURCE, "the answer names no resource"))?;
        let since = detail.last_updated_timestamp;
        resource_record(RESOURCE, detail.physical_resource_id, detail.resource_status, since)
    }
}

pub(crate) fn stack_record(stack: Stack) -> Result<StackRecord> {
    let status = stack.stack_status.ok_or_else(|| unreadable(STACK, "the stack has no status"))?;
    let tags = stack.tags.unwrap_or_default().into_iter();
    let began = [stack.creation_time, stack.last_updated_time];
    Ok(StackRecord {
        status: status.as_str().to_owned(),
        tags: tags.filter_map(|tag| Some((tag.key?, tag.value.unwrap_or_default()))).collect(),
        began: began.iter().flatten().filter_map(told).max(),
    })
}

pub(crate) fn resource_record(
    operation: &'static str,
    physical_id: Option<String>,
    status: Option<ResourceStatus>,
    since: Option<DateTime>,
) -> Result<StackResourceRecord> {
    let status = status.ok_or_else(|| unreadable(operation, "the resource has no status"))?;
    Ok(StackResourceRecord {
        physical_id: physical_id.filter(|id| !id.is_empty()),
        status: status.as_str().to_owned(),
        since: since.as_ref().and_then(told),
    })
}

/// The SDK makes a time that an answer leaves out 1970, where the API's model calls it required.
fn told(instant: &DateTime) -> Option<OffsetDateTime> {
    timestamp::from_sdk(instant).filter(|instant| *instant > OffsetDateTime::UNIX_EPOCH)
}

/// CloudFormation refuses what is not there as invalid input ("DescribeStacks": "If the stack does not
/// exist, a `ValidationError` is returned").
pub(crate) fn absent(error: CallError) -> CallError {
    let absent = error.code == "ValidationError" && error.message.contains("does not exist");
    let kind = if absent { ErrorKind::NotFound } else { error.kind };
    CallError { kind, ..error }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use time::macros::datetime;

    use super::*;
    use crate::wire::{Reply, Server};

    const STACK_ID: &str = "arn:aws:cloudformation:us-east-1:123456789012:stack/shop/0f1e";

    fn refusal(message: &str) -> Reply {
        let error = format!(
            "<Error><Type>Sender</Type><Code>ValidationError</Code><Message>{message}</Message></Error>"
        );
        Reply::xml(400, &format!("<ErrorResponse>{error}<RequestId>r</RequestId></ErrorResponse>"))
    }

    #[tokio::test]
    async fn a_stack_is_asked_for_by_its_id_and_gives_its_status_and_tags() {
        let server = Server::start([Reply::xml(
            200,
            "<DescribeStacksResponse><DescribeStacksResult><Stacks><member>\
             <StackName>shop</StackName><CreationTime>2026-03-13T17:49:52Z</CreationTime>\
             <LastUpdatedTime>2026-03-14T08:00:00.5Z</LastUpdatedTime>\
             <StackStatus>UPDATE_IN_PROGRESS</StackStatus>\
             <Tags><member><Key>team</Key><Value>a b</Value></member></Tags>\
             </member></Stacks></DescribeStacksResult></DescribeStacksResponse>",
        )])
        .await;
        let stack = server.aws().await.stacks().stack(STACK_ID).await.unwrap();
        let tags = BTreeMap::from([("team".into(), "a b".into())]);
        let began = Some(datetime!(2026-03-14 08:00:00.5 UTC));
        assert_eq!(stack, StackRecord { status: "UPDATE_IN_PROGRESS".into(), tags, began });
        let sent = server.sent();
        assert!(sent[0].text().starts_with("Action=DescribeStacks&"), "{}", sent[0].text());
        assert!(sent[0].text().contains("&StackName=arn%3Aaws%3Acloudformation%3A"), "{}", sent[0].text());
    }

    #[tokio::test]
    async fn a_resource_without_a_physical_id_has_none() {
        let answer = |physical: &str| {
            Reply::xml(
                200,
                &format!(
                    "<DescribeStackResourceResponse><DescribeStackResourceResult><StackResourceDetail>\
                     <LogicalResourceId>Profile</LogicalResourceId>{physical}\
                     <ResourceStatus>CREATE_IN_PROGRESS</ResourceStatus>\
                     <LastUpdatedTimestamp>2026-03-13T17:49:52Z</LastUpdatedTimestamp>\
                     </StackResourceDetail></DescribeStackResourceResult></DescribeStackResourceResponse>"
                ),
            )
        };
        let id = "<PhysicalResourceId>arn:x</PhysicalResourceId>";
        let none = "<PhysicalResourceId></PhysicalResourceId>";
        let server = Server::start([answer(id), answer(none), answer("")]).await;
        let stacks = server.aws().await.stacks();
        for expected in [Some("arn:x"), None, None] {
            let resource = stacks.resource(STACK_ID, "Profile").await.unwrap();
            assert_eq!(resource.physical_id.as_deref(), expected);
            assert_eq!(resource.status, "CREATE_IN_PROGRESS");
            assert_eq!(resource.since, Some(datetime!(2026-03-13 17:49:52 UTC)));
        }
        assert!(server.sent()[0].text().contains("&LogicalResourceId=Profile"));
    }

    #[tokio::test]
    async fn what_does_not_exist_is_not_found_and_other_refusals_stay_what_they_are() {
        let server = Server::start([
            refusal("Stack with id shop does not exist"),
            refusal("Resource Profile does not exist for stack shop"),
            refusal("Stack &apos;shop&apos; does not exist"),
            refusal("1 validation error detected"),
        ])
        .await;
        let stacks = server.aws().await.stacks();
        assert_eq!(stacks.stack(STACK_ID).await.unwrap_err().kind, ErrorKind::NotFound);
        assert_eq!(stacks.resource(STACK_ID, "Profile").await.unwrap_err().kind, ErrorKind::NotFound);
        assert_eq!(stacks.resource(STACK_ID, "Profile").await.unwrap_err().kind, ErrorKind::NotFound);
        assert_eq!(stacks.stack(STACK_ID).await.unwrap_err().kind, ErrorKind::Invalid);
    }
}
