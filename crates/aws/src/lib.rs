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
//!
//! What every adapter does alike:
//!
//! - A call that can be repeated without harm is, up to [`ATTEMPTS`] times in the SDK's standard mode.
//!   The two that make something (`CreateInferenceProfile`, and `PutParameter` of a new parameter) are
//!   sent once: when their outcome is not known, only the caller can look before it tries again.
//! - A connection is given up after [`CONNECT_TIMEOUT`], an attempt after [`ATTEMPT_TIMEOUT`], and a call
//!   with all its attempts after [`CALL_TIMEOUT`].
//! - A failure becomes a [`ports::CallError`] in one place, `error.rs`.
//! - A list is whole or it is an error: a page token that comes twice never cuts one short.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

use std::{sync::Arc, time::Duration};

use aws_config::{
    AppName, BehaviorVersion, ConfigLoader, SdkConfig, environment::EnvironmentVariableRegionProvider,
    meta::region::RegionProviderChain, profile::ProfileFileRegionProvider, retry::RetryConfig,
    timeout::TimeoutConfig,
};
use custom_resource::AnswerSink;
use ports::{Models, Ownership, Parameters, Profiles, Stacks, Usage};

mod answer;
mod clock;
mod error;
mod http;
mod models;
mod ownership;
mod page;
mod parameters;
mod profiles;
mod stacks;
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

    /// CloudFormation's response bucket, over the connections that the services use too.
    pub fn answers(&self) -> Arc<dyn AnswerSink> {
        Arc::new(answer::HttpSink::new(self.http.clone()))
    }
}

/// What the SDK is told beyond the environment.
fn loader(http: &Http) -> ConfigLoader {
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .operation_attempt_timeout(ATTEMPT_TIMEOUT)
        .operation_timeout(CALL_TIMEOUT)
        .build();
    let loader = aws_config::defaults(BehaviorVersion::v2026_01_12())
        .http_client(http.client())
        .retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS))
        .timeout_config(timeouts);
    // Names the caller in CloudTrail's user agent.
    match AppName::new("inference-profile-manager") {
        Ok(name) => loader.app_name(name),
        Err(_) => loader,
    }
}
