//! Entry point of the rescue function: clients, run.

use std::{env, time::SystemTime};

use aws::Aws;
use custom_resource::{AnswerSink, Invocation, LogPlace, Trust};
use function::log;
use lambda_runtime::{Error, LambdaEvent, service_fn};
use ports::Stacks;
use serde_json::Value;
use tokio::time::Instant;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    log::start(|name| env::var(name).ok());
    let aws = Aws::from_environment().await;
    let (stacks, sink) = (aws.stacks(), aws.answers());
    lambda_runtime::run(service_fn(|event: LambdaEvent<Value>| answer(event, &*stacks, &*sink))).await
}

/// One invocation. It errs only when the answer could not be delivered, so that Lambda tries again.
async fn answer(event: LambdaEvent<Value>, stacks: &dyn Stacks, sink: &dyn AnswerSink) -> Result<(), Error> {
    let LambdaEvent { payload, context } = event;
    let left = context.deadline().duration_since(SystemTime::now()).unwrap_or_default();
    let invocation = Invocation {
        aws_request_id: context.request_id.clone(),
        log: LogPlace {
            group: Some(context.env_config.log_group.clone()).filter(|name| !name.is_empty()),
            stream: Some(context.env_config.log_stream.clone()).filter(|name| !name.is_empty()),
        },
        deadline: Instant::now() + left,
    };
    let trust = Trust::new(&context.invoked_function_arn, env::vars());
    rescue::answer(payload, &invocation, &trust, stacks, sink).await?;
    Ok(())
}
