//! The functions under test, as Lambda would run them, over an account in process.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use custom_resource::{AnswerSink, Invocation, LogPlace, Trust, serve};
use function::settings::Settings;
use local_aws::in_process::InProcess;
use profile::arn::Location;
use provider::{Ports, resource::InferenceProfile};
use serde_json::Value;
use sweep::{AccountPorts, RegionPorts, run::Sweep};
use tokio::time::Instant;

use crate::account::{ACCOUNT, REGION};

/// The provider's timeout, as the template sets it.
pub const PROVIDER_TIMEOUT: Duration = Duration::from_secs(300);

/// The rescue function's timeout, as the template sets it.
pub const RESCUE_TIMEOUT: Duration = Duration::from_secs(60);

/// The provider, or what is made of it to see whether the simulation notices.
#[async_trait]
pub trait Provider: Send + Sync {
    /// One invocation: an error means that Lambda tries again.
    async fn invoke(&self, payload: Value, sink: &dyn AnswerSink) -> Result<(), String>;

    /// One use of the rescue function beside it.
    async fn rescue(&self, aws: &InProcess, record: Value, sink: &dyn AnswerSink) -> Result<(), String> {
        rescue(aws, record, sink).await
    }
}

/// What makes a provider over an account.
pub type Make = fn(&InProcess) -> Arc<dyn Provider>;

/// The provider as it ships, from the raw event to the bytes of the answer.
pub struct Shipped {
    aws: InProcess,
    resource: InferenceProfile,
}

impl Shipped {
    /// The provider over the account.
    pub fn over(aws: &InProcess) -> Arc<dyn Provider> {
        Arc::new(Self { aws: aws.clone(), resource: InferenceProfile::new(ports(aws), settings()) })
    }
}

/// The settings of a deployment without parameters.
pub fn settings() -> Result<Settings, profile::fault::Fault> {
    Settings::read(|_| None)
}

/// All of the provider's ports.
pub fn ports(aws: &InProcess) -> Ports {
    let aws = Arc::new(aws.clone());
    Ports {
        profiles: aws.clone(),
        models: aws.clone(),
        ownership: aws.clone(),
        parameters: aws.clone(),
        stacks: aws.clone(),
        usage: aws.clone(),
        clock: aws,
    }
}

/// What Lambda says about an invocation that may last for `timeout`.
pub fn invocation(aws: &InProcess, timeout: Duration) -> Invocation {
    Invocation {
        aws_request_id: "8476a536-e9f4-11e8-9739-2dfe598c3fcd".to_owned(),
        log: LogPlace {
            group: Some("/aws/lambda/provider".to_owned()),
            stream: Some("2026/03/01/[1]a".to_owned()),
        },
        began: ports::Clock::now(aws),
        deadline: Instant::now() + timeout,
    }
}

/// Whom a function of this account trusts.
pub fn trust(function: &str) -> Trust {
    Trust::new(
        &format!("arn:aws:lambda:{REGION}:{ACCOUNT}:function:{function}"),
        Vec::<(String, String)>::new(),
    )
}

#[async_trait]
impl Provider for Shipped {
    async fn invoke(&self, payload: Value, sink: &dyn AnswerSink) -> Result<(), String> {
        let invocation = invocation(&self.aws, PROVIDER_TIMEOUT);
        let served = serve(payload, &invocation, &trust("provider"), &self.resource, sink).await;
        served.map(|_| ()).map_err(|error| error.to_string())
    }
}

/// One use of the rescue function.
pub async fn rescue(aws: &InProcess, payload: Value, sink: &dyn AnswerSink) -> Result<(), String> {
    let answered =
        rescue::answer(payload, &invocation(aws, RESCUE_TIMEOUT), &trust("rescue"), aws, sink).await;
    answered.map(|_| ()).map_err(|error| error.to_string())
}

/// One sweep; gives its result, or what stopped it.
pub async fn sweep(aws: &InProcess, payload: &Value) -> Result<Value, String> {
    let home = Arc::new(aws.clone());
    let account =
        AccountPorts { cost_tags: home.clone(), reports: None, events: None, notices: None, clock: home };
    let aws = Arc::new(aws.clone());
    let in_region = move |_: &str| RegionPorts {
        profiles: aws.clone(),
        tags: aws.clone(),
        models: aws.clone(),
        parameters: aws.clone(),
        parameter_names: aws.clone(),
        stacks: aws.clone(),
        stack_index: aws.clone(),
        usage: aws.clone(),
        quotas: aws.clone(),
    };
    let quiet = |name: &str| (name == "METRICS").then(|| "false".to_owned());
    let settings = sweep::settings::Settings::read(quiet);
    let home =
        Location { partition: "aws".to_owned(), region: REGION.to_owned(), account: ACCOUNT.to_owned() };
    let sweep = Sweep::new(account, in_region, settings);
    let deadline = Instant::now() + Duration::from_secs(600);
    let result = sweep.run(payload, &home, deadline).await.map_err(|failure| failure.to_string())?;
    serde_json::from_str(result.get()).map_err(|error| error.to_string())
}
