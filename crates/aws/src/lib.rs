//! The AWS SDK behind the [`ports`], and the HTTP client that delivers CloudFormation's answers.
//!
//! ```text
//! environment -> Aws -> Arc<dyn Profiles>, Arc<dyn Models>, … -> one connection pool -> AWS
//! ```
//!
//! [`Aws`] reads the environment once; each of its methods builds the adapter of one port. A function
//! asks only for the ports it needs, so that the linker drops the services that it never calls.
//!
//! | port | calls, by the name IAM knows them |
//! |---|---|
//! | [`Profiles`] | `bedrock:CreateInferenceProfile`, `GetInferenceProfile`, `ListInferenceProfiles`, `DeleteInferenceProfile`, `ListTagsForResource`, `TagResource`, `UntagResource` |
//! | [`Models`] | `bedrock:GetFoundationModel`, `ListFoundationModels`, `GetInferenceProfile`, `ListInferenceProfiles` |
//! | [`Ownership`] | `tag:GetResources` |
//! | [`Parameters`] | `ssm:GetParameters`, `PutParameter`, `DeleteParameter`, `ListTagsForResource`, `AddTagsToResource`, `RemoveTagsFromResource` |
//! | [`Stacks`] | `cloudformation:DescribeStacks`, `DescribeStackResource` |
//! | [`Usage`] | `cloudwatch:GetMetricData` |
//! | [`TagIndex`] | `tag:GetResources` |
//! | [`ParameterIndex`] | `ssm:DescribeParameters` |
//! | [`StackIndex`] | `cloudformation:DescribeStacks` with `ListStacks`, `ListStackResources` |
//! | [`DailyUsage`] | `cloudwatch:ListMetrics`, `GetMetricData` |
//! | [`Quotas`] | `servicequotas:GetServiceQuota` |
//! | [`CostAllocationTags`] | `ce:ListCostAllocationTags` |
//! | [`ReportStore`] | `s3:GetObject`, `PutObject`; without `s3:ListBucket` S3 calls a missing object denied |
//! | [`EventBus`] | `events:PutEvents` |
//! | [`Notices`] | `sns:Publish` |
//!
//! What every adapter does alike:
//!
//! - A call that can be repeated without harm is, up to [`ATTEMPTS`] times in the SDK's standard mode, or
//!   [`BULK_ATTEMPTS`] times in its adaptive mode after [`Aws::for_bulk`].
//!   The two that make something (`CreateInferenceProfile`, and `PutParameter` of a new parameter) are
//!   sent once: when their outcome is not known, only the caller can look before it tries again. An event
//!   or a notice may arrive twice.
//! - A connection is given up after [`CONNECT_TIMEOUT`], an attempt after [`ATTEMPT_TIMEOUT`], and a call
//!   with all its attempts after [`CALL_TIMEOUT`] or [`BULK_CALL_TIMEOUT`].
//! - A failure becomes a [`ports::CallError`] in one place, `error.rs`.
//! - A list is whole or it is an error: a page token that comes twice never cuts one short.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

use std::{sync::Arc, time::Duration};

use aws_config::{
    AppName, BehaviorVersion, ConfigLoader, Region, SdkConfig,
    environment::EnvironmentVariableRegionProvider,
    meta::region::RegionProviderChain,
    profile::ProfileFileRegionProvider,
    retry::{RetryConfig, RetryMode},
    timeout::TimeoutConfig,
};
use custom_resource::AnswerSink;
use ports::{
    CostAllocationTags, DailyUsage, EventBus, Models, Notices, Ownership, ParameterIndex, Parameters,
    Profiles, Quotas, ReportStore, StackIndex, Stacks, TagIndex, Usage,
};

mod answer;
mod clock;
mod cost_allocation_tags;
mod daily_usage;
mod error;
mod event_bus;
mod http;
mod metrics;
mod models;
mod notices;
mod ownership;
mod page;
mod parameter_index;
mod parameters;
mod profiles;
mod quotas;
mod report_store;
mod side_by_side;
mod stack_index;
mod stacks;
mod tag_index;
mod timestamp;
mod usage;
#[cfg(test)]
mod wire;

pub use clock::SystemClock;

use http::Http;

/// How often a call that can be repeated without harm is sent, the first time included.
pub const ATTEMPTS: u32 = 4;
/// How long a connection may take.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// How long one attempt may take, its answer included.
pub const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(8);
/// How long a call may take with all its attempts and the pauses between them.
pub const CALL_TIMEOUT: Duration = Duration::from_secs(25);
/// [`ATTEMPTS`] of a bulk reader.
pub const BULK_ATTEMPTS: u32 = 8;
/// [`CALL_TIMEOUT`] of a bulk reader.
pub const BULK_CALL_TIMEOUT: Duration = Duration::from_secs(60);

/// The AWS of the environment: its Region, credentials and endpoints.
#[derive(Debug, Clone)]
pub struct Aws {
    config: SdkConfig,
    http: Http,
}

impl Aws {
    /// Reads the environment as every AWS SDK does: `AWS_REGION`, credentials, and the endpoints
    /// (`AWS_ENDPOINT_URL`, `AWS_ENDPOINT_URL_BEDROCK`, …; see "Service-specific endpoints" in the AWS
    /// SDKs and Tools Reference Guide), or else the profile of `~/.aws`.
    ///
    /// Opens no connection and reads no certificate: that waits for the first call. With a Region and
    /// credentials in the environment, as on Lambda, nothing is asked of the instance metadata service.
    /// Without a Region every call fails, and says so.
    pub async fn from_environment() -> Self {
        let region = RegionProviderChain::first_try(EnvironmentVariableRegionProvider::new())
            .or_else(ProfileFileRegionProvider::new());
        let http = Http::with_environment_proxy();
        Self { config: loader(&http).region(region).load().await, http }
    }

    /// The same for one who reads an account whole and has the time: a service that throttles is called
    /// more slowly by all adapters that come from here, and a call is tried up to [`BULK_ATTEMPTS`] times within
    /// [`BULK_CALL_TIMEOUT`].
    #[must_use]
    pub fn for_bulk(self) -> Self {
        let retries = self.config.retry_config().cloned().unwrap_or_else(RetryConfig::standard);
        let retries = retries.with_retry_mode(RetryMode::Adaptive).with_max_attempts(BULK_ATTEMPTS);
        let timeouts = timeouts(BULK_CALL_TIMEOUT);
        let config = self.config.into_builder().retry_config(retries).timeout_config(timeouts).build();
        Self { config, http: self.http }
    }

    /// The same in another Region, with the same credentials, endpoints and connections.
    #[must_use]
    pub fn in_region(&self, region: &str) -> Self {
        let config = self.config.clone().into_builder().region(Region::new(region.to_owned())).build();
        Self { config, http: self.http.clone() }
    }

    /// Bedrock's application inference profiles.
    pub fn profiles(&self) -> Arc<dyn Profiles> {
        Arc::new(profiles::Bedrock::new(&self.config))
    }

    /// Bedrock's foundation models and system profiles.
    pub fn models(&self) -> Arc<dyn Models> {
        Arc::new(models::Bedrock::new(&self.config))
    }

    /// The Resource Groups Tagging API's index of what carries an owner's tags.
    pub fn ownership(&self) -> Arc<dyn Ownership> {
        Arc::new(ownership::Tagging::new(&self.config))
    }

    /// SSM Parameter Store.
    pub fn parameters(&self) -> Arc<dyn Parameters> {
        Arc::new(parameters::Ssm::new(&self.config))
    }

    /// CloudFormation's stacks.
    pub fn stacks(&self) -> Arc<dyn Stacks> {
        Arc::new(stacks::CloudFormation::new(&self.config))
    }

    /// CloudWatch's metrics of Bedrock.
    pub fn usage(&self) -> Arc<dyn Usage> {
        Arc::new(usage::CloudWatch::new(&self.config))
    }

    /// The Resource Groups Tagging API's index of many profiles' tags.
    pub fn tag_index(&self) -> Arc<dyn TagIndex> {
        Arc::new(tag_index::Tagging::new(&self.config))
    }

    /// The names in SSM Parameter Store.
    pub fn parameter_index(&self) -> Arc<dyn ParameterIndex> {
        Arc::new(parameter_index::Ssm::new(&self.config))
    }

    /// All of CloudFormation's stacks.
    pub fn stack_index(&self) -> Arc<dyn StackIndex> {
        Arc::new(stack_index::CloudFormation::new(&self.config))
    }

    /// CloudWatch's metrics of Bedrock by day.
    pub fn daily_usage(&self) -> Arc<dyn DailyUsage> {
        Arc::new(daily_usage::CloudWatch::new(&self.config))
    }

    /// Service Quotas.
    pub fn quotas(&self) -> Arc<dyn Quotas> {
        Arc::new(quotas::ServiceQuotas::new(&self.config))
    }

    /// Cost Explorer's list of cost allocation tags.
    pub fn cost_allocation_tags(&self) -> Arc<dyn CostAllocationTags> {
        Arc::new(cost_allocation_tags::CostExplorer::new(&self.config))
    }

    /// A bucket of S3, by its name.
    pub fn report_store(&self, bucket: &str) -> Arc<dyn ReportStore> {
        Arc::new(report_store::S3::new(&self.config, bucket))
    }

    /// An event bus of EventBridge, by its name or ARN.
    pub fn event_bus(&self, bus: &str) -> Arc<dyn EventBus> {
        Arc::new(event_bus::EventBridge::new(&self.config, bus))
    }

    /// A topic of SNS, by its ARN.
    pub fn notices(&self, topic_arn: &str) -> Arc<dyn Notices> {
        Arc::new(notices::Sns::new(&self.config, topic_arn))
    }

    /// CloudFormation's response bucket, over the connections that the services use too.
    pub fn answers(&self) -> Arc<dyn AnswerSink> {
        Arc::new(answer::HttpSink::new(self.http.clone()))
    }
}

/// What the SDK is told beyond the environment.
fn loader(http: &Http) -> ConfigLoader {
    let loader = aws_config::defaults(BehaviorVersion::v2026_01_12())
        .http_client(http.client())
        .retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS))
        .timeout_config(timeouts(CALL_TIMEOUT));
    // Names the caller in CloudTrail's user agent.
    match AppName::new("inference-profile-manager") {
        Ok(name) => loader.app_name(name),
        Err(_) => loader,
    }
}

fn timeouts(call: Duration) -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .operation_attempt_timeout(ATTEMPT_TIMEOUT)
        .operation_timeout(call)
        .build()
}

#[cfg(test)]
mod tests {
    use ports::ErrorKind;
    use serde_json::json;

    use super::*;
    use crate::wire::{Reply, Server};

    #[tokio::test]
    async fn a_bulk_reader_tries_longer_and_slows_down() {
        let server = Server::start([Reply::error(500, "InternalServerError", "oops")]).await;
        let aws = server.aws().await.for_bulk();
        let error = aws.parameter_index().under("/p").await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Unknown);
        assert_eq!(server.sent().len(), BULK_ATTEMPTS as usize);
        assert_eq!(aws.config.retry_config().unwrap().mode(), RetryMode::Adaptive);
        let timeouts = aws.config.timeout_config().unwrap();
        assert_eq!(timeouts.operation_timeout(), Some(BULK_CALL_TIMEOUT));
        assert_eq!(timeouts.operation_attempt_timeout(), Some(ATTEMPT_TIMEOUT));
        assert_eq!(timeouts.connect_timeout(), Some(CONNECT_TIMEOUT));
    }

    #[tokio::test]
    async fn another_region_is_signed_for_with_everything_else_the_same() {
        let server = Server::start([Reply::json(json!({}))]).await;
        let aws = server.aws().await.for_bulk();
        let elsewhere = aws.in_region("eu-west-1");
        for aws in [&aws, &elsewhere] {
            assert_eq!(aws.parameter_index().under("/p").await, Ok(vec![]));
        }
        let sent = server.sent();
        let scope = |n: usize| sent[n].header("authorization")[0].split(',').next().unwrap().to_owned();
        assert!(scope(0).contains("Credential=AKIDEXAMPLE/") && scope(0).contains("/us-east-1/ssm/"));
        assert_eq!(scope(1), scope(0).replace("us-east-1", "eu-west-1"));
        assert_eq!(elsewhere.config.retry_config(), aws.config.retry_config());
    }
}
