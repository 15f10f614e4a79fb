//! All stacks, at CloudFormation.

use std::collections::BTreeMap;

use async_trait::async_trait;
use aws_config::SdkConfig;
use aws_sdk_cloudformation::Client;
use ports::{Result, StackIndex};
use profile::record::{StackRecord, StackResourceRecord};

use crate::{
    error::{failed, unreadable},
    page::advance,
    stacks::{STACK, absent, resource_record, stack_record},
};

const RESOURCES: &str = "cloudformation:ListStackResources";

pub(crate) struct CloudFormation {
    client: Client,
}

impl CloudFormation {
    pub(crate) fn new(config: &SdkConfig) -> Self {
        Self { client: Client::new(config) }
    }
}

#[async_trait]
impl StackIndex for CloudFormation {
    async fn stacks(&self) -> Result<BTreeMap<String, StackRecord>> {
        let mut stacks = BTreeMap::new();
        let mut token = None;
        loop {
            let page = self.client.describe_stacks().set_next_token(token.clone()).send().await;
            let page = page.map_err(failed(STACK))?;
            for mut stack in page.stacks.unwrap_or_default() {
                let id = stack.stack_id.take().ok_or_else(|| unreadable(STACK, "a stack has no id"))?;
                stacks.insert(id, stack_record(stack)?);
            }
            if !advance(STACK, &mut token, page.next_token)? {
                return Ok(stacks);
            }
        }
    }

    async fn resources(&self, stack_id: &str) -> Result<BTreeMap<String, StackResourceRecord>> {
        let mut resources = BTreeMap::new();
        let mut token = None;
        loop {
            let page = self
                .client
                .list_stack_resources()
                .stack_name(stack_id)
                .set_next_token(token.clone())
                .send()
                .await
                .map_err(failed(RESOURCES))
                .map_err(absent)?;
            for found in page.stack_resource_summaries.unwrap_or_default() {
                let id = found.logical_resource_id;
                let id = id.ok_or_else(|| unreadable(RESOURCES, "a resource has no logical id"))?;
                let since = found.last_updated_timestamp;
                let record =
                    resource_record(RESOURCES, found.physical_resource_id, found.resource_status, since)?;
                resources.insert(id, record);
            }
            if !advance(RESOURCES, &mut token, page.next_token)? {
                return Ok(resources);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use ports::ErrorKind;
    use profile::tags::Tags;
    use time::macros::datetime;

    use super::*;
    use crate::wire::{Reply, Server};

    fn page(operation: &str, list: &str, members: &str, token: &str) -> Reply {
        let token = if token.is_empty() { String::new() } else { format!("<NextToken>{token}</NextToken>") };
        let result = format!("<{operation}Result><{list}>{members}</{list}>{token}</{operation}Result>");
        Reply::xml(200, &format!("<{operation}Response>{result}</{operation}Response>"))
    }

    fn stacks(members: &str, token: &str) -> Reply {
        page("DescribeStacks", "Stacks", members, token)
    }

    fn resources(members: &str, token: &str) -> Reply {
        page("ListStackResources", "StackResourceSummaries", members, token)
    }

    const SHOP: &str = "<member><StackName>shop</StackName><StackId>arn:shop</StackId>\
        <CreationTime>2026-03-13T17:49:52Z</CreationTime>\
        <LastUpdatedTime>2026-03-14T17:49:52Z</LastUpdatedTime>\
        <StackStatus>UPDATE_COMPLETE</StackStatus>\
        <Tags><member><Key>team</Key><Value>a</Value></member></Tags></member>";
    const BARE: &str = "<member><StackName>bare</StackName><StackId>arn:bare</StackId>\
        <CreationTime>2026-03-13T17:49:52Z</CreationTime>\
        <StackStatus>ROLLBACK_COMPLETE</StackStatus></member>";

    #[tokio::test]
    async fn all_stacks_are_read_over_all_pages_by_their_ids() {
        let server = Server::start([stacks(SHOP, "a/b"), stacks(BARE, "")]).await;
        let found = server.aws().await.stack_index().stacks().await.unwrap();
        let shop = StackRecord {
            status: "UPDATE_COMPLETE".into(),
            tags: Tags::from([("team".into(), "a".into())]),
            began: Some(datetime!(2026-03-14 17:49:52 UTC)),
        };
        let bare = StackRecord {
            status: "ROLLBACK_COMPLETE".into(),
            tags: Tags::new(),
            began: Some(datetime!(2026-03-13 17:49:52 UTC)),
        };
        assert_eq!(found, BTreeMap::from([("arn:shop".into(), shop), ("arn:bare".into(), bare)]));
        let sent: Vec<_> = server.sent().iter().map(|sent| sent.text().to_owned()).collect();
        assert_eq!(
            sent,
            [
                "Action=DescribeStacks&Version=2010-05-15",
                "Action=DescribeStacks&Version=2010-05-15&NextToken=a%2Fb",
            ]
        );
    }

    #[tokio::test]
    async fn a_stack_s_resources_are_read_over_all_pages_by_their_logical_ids() {
        let with = "<member><LogicalResourceId>A</LogicalResourceId>\
            <PhysicalResourceId>arn:a</PhysicalResourceId><ResourceStatus>CREATE_COMPLETE</ResourceStatus>\
            <LastUpdatedTimestamp>2026-03-13T17:49:52Z</LastUpdatedTimestamp></member>";
        let without = "<member><LogicalResourceId>B</LogicalResourceId><PhysicalResourceId></PhysicalResourceId>\
            <ResourceStatus>CREATE_IN_PROGRESS</ResourceStatus></member>";
        let server = Server::start([resources(with, "1"), resources(without, "")]).await;
        let found = server.aws().await.stack_index().resources("arn:shop").await.unwrap();
        let with = StackResourceRecord {
            physical_id: Some("arn:a".into()),
            status: "CREATE_COMPLETE".into(),
            since: Some(datetime!(2026-03-13 17:49:52 UTC)),
        };
        let without =
            StackResourceRecord { physical_id: None, status: "CREATE_IN_PROGRESS".into(), since: None };
        assert_eq!(found, BTreeMap::from([("A".into(), with), ("B".into(), without)]));
        let sent: Vec<_> = server.sent().iter().map(|sent| sent.text().to_owned()).collect();
        let first = "Action=ListStackResources&Version=2010-05-15&StackName=arn%3Ashop";
        assert_eq!(sent, [first, &format!("{first}&NextToken=1")]);
    }

    #[tokio::test]
    async fn a_stack_that_does_not_exist_is_not_found_and_a_repeated_token_is_an_error() {
        let error = "<Error><Type>Sender</Type><Code>ValidationError</Code>\
            <Message>Stack with id arn:shop does not exist</Message></Error>";
        let refusal = Reply::xml(400, &format!("<ErrorResponse>{error}</ErrorResponse>"));
        let server = Server::start([refusal]).await;
        let error = server.aws().await.stack_index().resources("arn:shop").await.unwrap_err();
        assert_eq!((error.operation, error.kind), ("cloudformation:ListStackResources", ErrorKind::NotFound));

        let server = Server::start([stacks(SHOP, "1")]).await;
        let error = server.aws().await.stack_index().stacks().await.unwrap_err();
        assert_eq!(error.code, "RepeatedPageToken");
    }
}
