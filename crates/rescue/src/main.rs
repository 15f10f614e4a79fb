//! Entry point of the rescue function: clients, run.

use std::env;

use aws::Aws;
use custom_resource::{AnswerSink, Trust};
use function::{context::invocation, log};
use lambda_runtime::{Error, LambdaEvent, service_fn};
use ports::Stacks;
use serde_json::Value;

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
    let trust = Trust::new(&context.invoked_function_arn, env::vars());
    rescue::answer(payload, &invocation(&context), &trust, stacks, sink).await?;
    Ok(())
}
